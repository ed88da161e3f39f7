// Owns what a snapshot sees of a state: a view of every shard as of one time, and the batches that this needs.
import { FrontierError } from '../errors.ts'
import { checkTime } from '../model/update.ts'
import type { Shard, ShardView } from '../shard/shard.ts'
import type { State } from '../shard/state.ts'

/** A state as of a time, unchanging as long as the batches are kept. */
export interface StateView {
  /** -1 in an empty store. */
  readonly asOf: number
  /** The last commit that the view has seen. */
  readonly lsn: number
  /** Per shard; one that is damaged stands for itself. */
  readonly views: ReadonlyMap<string, ShardView | Shard>
  /** Ids of the batches that have to be kept. */
  readonly batches: readonly string[]
}

/**
 * @param asOf the last time to include; undefined for the last one before `upper`
 * @throws {InputError} TIME_INVALID. @throws {FrontierError} AS_OF_NOT_BEFORE_UPPER
 */
export const viewAsOf = (state: State, asOf: number | undefined): StateView => {
  const at = asOf === undefined ? state.upper - 1 : checkTime(asOf, 'options.asOf')
  if (at >= state.upper)
    throw new FrontierError('AS_OF_NOT_BEFORE_UPPER', 'what happens from upper on is not known yet', {
      asOf: at,
      upper: state.upper,
    })
  const views = new Map<string, ShardView | Shard>()
  const batches: string[] = []
  for (const [name, shard] of state.shards) {
    const view = shard.damage === undefined ? shard.view() : shard
    views.set(name, view)
    if ('batches' in view) batches.push(...view.batches.map(({ id }) => id))
  }
  return { asOf: at, lsn: state.lastLsn, views, batches }
}
