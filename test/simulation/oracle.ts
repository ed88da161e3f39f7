// Owns what was promised of a store: every operation in the order of issue, and what became of it. Independent of the
// engine: it knows what a store answered, and sums (ledger.ts).
// What a crash may leave: a prefix of the order of issue that holds everything kept and nothing refused, whole commits,
// the same prefix in every shard.
import { isDeepStrictEqual } from 'node:util'
import type { DurabilityMode } from '../../src/config/settings.ts'
import { CommitError } from '../../src/errors.ts'
import type { Store } from '../../src/store/store.ts'
import { Ledger, type Operation } from './ledger.ts'
import type { Observation } from './observation.ts'

/** Which operations a crash must have left: those that were acknowledged, those that were synced as well, or none. */
export type Kept = 'acknowledged' | 'synced' | 'nothing'

/** What a mode promises after the process was killed, or after the power failed. */
export const keeps = (mode: DurabilityMode, crash: 'kill' | 'power'): Kept => {
  if (mode === 'immediate') return 'acknowledged'
  if (crash === 'kill') return mode === 'batched' ? 'acknowledged' : 'synced'
  return mode === 'none' ? 'nothing' : 'synced'
}

interface Issued {
  readonly operation: Operation
  /** When; likewise below. */
  readonly issued: number
  acknowledged?: number
  synced?: number
  /** It did not happen. */
  refused?: number
  /** As the store said when it acknowledged it. */
  lsn?: number
  time?: number
  /** Nothing was to be done: there is nothing of it in the log. */
  isEmpty?: boolean
}

/** A compaction that raised `since`. */
interface Raise {
  readonly issued: number
  readonly requested: number
  acknowledged?: number
  /** What each shard was raised to. */
  reached?: ReadonlyMap<string, number>
}

const carryOut = async (
  store: Store,
  operation: Operation,
): Promise<{ lsn?: number; time?: number; count?: number }> => {
  switch (operation.kind) {
    case 'commit':
      return store.commit(operation.updates, operation.time === undefined ? {} : { time: operation.time })
    case 'insert':
      return store.insert(operation.shard, operation.tuples)
    case 'delete':
      return store.delete(operation.shard, operation.tuples)
    case 'declare':
      await store.declare(operation.shard, operation.columns)
      return {}
    case 'drop':
      return store.drop(operation.shards)
    default:
      return operation satisfies never
  }
}

/** Whether its place in the log is decided when it is issued; facts are looked up first. */
const isQueuedAtOnce = ({ operation: { kind } }: Issued): boolean => kind !== 'insert' && kind !== 'delete'

/**
 * The orders in which `count` operations can have come into the log: what was acknowledged stands where the store said,
 * what is open in the order of issue, and facts that are open anywhere between.
 */
function* orders(
  settled: ReadonlyMap<number, Issued>,
  queued: readonly Issued[],
  facts: readonly Issued[],
  count: number,
  lsn = 1,
): Generator<readonly Issued[]> {
  if (lsn > count) return yield []
  const known = settled.get(lsn)
  const choices = known === undefined ? [...queued.slice(0, 1), ...facts] : [known]
  for (const choice of choices) {
    const rest = queued.filter(each => each !== choice)
    const others = facts.filter(each => each !== choice)
    for (const order of orders(settled, rest, others, count, lsn + 1)) yield [choice, ...order]
  }
}

export class Oracle {
  readonly #clock: () => number
  #issued: Issued[] = []
  #raises: Raise[] = []
  /** Operations that are known to be durable, from an earlier life: they come first. */
  #past: Operation[] = []

  /** @param clock tells when something was issued or acknowledged, e.g. after how many calls to the disk */
  constructor(clock: () => number = () => 0) {
    this.#clock = clock
  }

  /** What had been promised at an earlier moment. */
  at(moment: number): Oracle {
    const earlier = new Oracle(() => moment)
    const was = (when: number | undefined): boolean => when !== undefined && when <= moment
    earlier.#past = this.#past
    for (const each of this.#issued) {
      if (!was(each.issued)) continue
      const { operation, issued, synced, refused, ...answer } = each
      const entry: Issued = was(answer.acknowledged)
        ? { operation, ...answer, issued }
        : { operation, issued }
      if (was(synced)) entry.synced = synced!
      if (was(refused)) entry.refused = refused!
      earlier.#issued.push(entry)
    }
    for (const raise of this.#raises) {
      const { issued, requested } = raise
      if (was(issued)) earlier.#raises.push(was(raise.acknowledged) ? raise : { issued, requested })
    }
    return earlier
  }

  /** Carries an operation out, and keeps what the store says. Rejects as the store does. */
  async run(store: Store, operation: Operation): Promise<void> {
    const entry: Issued = { operation, issued: this.#clock() }
    this.#issued.push(entry)
    try {
      const { lsn, time, count } = await carryOut(store, operation)
      entry.acknowledged = this.#clock()
      entry.isEmpty = count === 0
      if (lsn !== undefined) entry.lsn = lsn
      if (time !== undefined) entry.time = time
    } catch (cause) {
      if (!(cause instanceof CommitError && cause.outcome === 'indeterminate')) entry.refused = this.#clock()
      throw cause
    }
  }

  /** Does what makes everything durable that was acknowledged before. */
  async settle<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#issued.filter(({ acknowledged }) => acknowledged !== undefined)
    const result = await work()
    for (const entry of before) entry.synced ??= this.#clock()
    return result
  }

  sync(store: Store): Promise<void> {
    return this.settle(() => store.sync())
  }

  async flush(store: Store): Promise<void> {
    await this.settle(() => store.flush())
  }

  /** @param since as of `store.compact` */
  async compact(store: Store, since?: number): Promise<void> {
    const raise: Raise | undefined =
      since === undefined ? undefined : { issued: this.#clock(), requested: since }
    if (raise !== undefined) this.#raises.push(raise)
    const report = await this.settle(() => store.compact(since === undefined ? {} : { since }))
    if (raise === undefined) return
    raise.acknowledged = this.#clock()
    raise.reached = new Map(report.shards.map(({ shard, since: reached }) => [shard, reached]))
  }

  /** Operations that a crash must have left. */
  #kept(kept: Kept): Issued[] {
    return this.#issued.filter(({ acknowledged, synced, isEmpty }) => {
      if (isEmpty === true || kept === 'nothing') return false
      return (kept === 'acknowledged' ? acknowledged : synced) !== undefined
    })
  }

  /**
   * Explains what is seen of a store after a crash. Returns the operations that survived.
   *
   * @param window times before the latest that compactions by themselves keep
   * @throws if it is not what a crash may leave; the message begins with `place`
   */
  explain(
    seen: Observation,
    kept: Kept,
    place: string,
    window: number = Number.POSITIVE_INFINITY,
  ): readonly Operation[] {
    const settled = new Map(
      this.#past.map((operation, index): [number, Issued] => [index + 1, { operation, issued: 0 }]),
    )
    const open: Issued[] = []
    for (const entry of this.#issued) {
      if (entry.refused !== undefined || entry.isEmpty === true) continue
      if (entry.lsn === undefined) open.push(entry)
      else if (settled.has(entry.lsn)) throw new Error(`${place}: LSN ${entry.lsn} was given twice`)
      else settled.set(entry.lsn, entry)
    }
    if (seen.lsn < this.#past.length)
      throw new Error(
        `${place}: ${JSON.stringify(this.#past[seen.lsn])} is lost, LSN ${seen.lsn + 1}, found by an earlier life`,
      )
    let why = `commit ${seen.lsn} was never issued`
    const facts = open.filter(entry => !isQueuedAtOnce(entry))
    for (const order of orders(settled, open.filter(isQueuedAtOnce), facts, seen.lsn)) {
      const lost = this.#kept(kept).find(entry => !order.includes(entry))
      const wrong =
        lost === undefined
          ? this.#mismatch(seen, order, kept, window)
          : `${JSON.stringify(lost.operation)} is lost, LSN ${lost.lsn} of ${seen.lsn}`
      if (wrong === undefined) return order.map(({ operation }) => operation)
      why = wrong
    }
    throw new Error(`${place}: ${why}`)
  }

  /** What differs between a store and one that holds `order`. */
  #mismatch(seen: Observation, order: readonly Issued[], kept: Kept, window: number): string | undefined {
    const ledger = new Ledger()
    const witnesses = this.#issued.filter(({ isEmpty }) => isEmpty === true)
    for (const { operation, time } of order) {
      const applied = ledger.apply(operation)
      if (applied === undefined) return `${JSON.stringify(operation)} has no effect at LSN ${ledger.lsn + 1}`
      if (time !== undefined && time !== applied)
        return `commit ${ledger.lsn} was acknowledged at time ${time}, it has ${applied}`
      for (const witness of witnesses)
        if (witness.lsn === ledger.lsn && ledger.wants(witness.operation))
          return `${JSON.stringify(witness.operation)} would have had an effect at LSN ${ledger.lsn}`
    }
    if (seen.upper !== ledger.upper) return `upper is ${seen.upper}, not ${ledger.upper}`
    const most = Math.max(0, ledger.upper - 1 - window, ...this.#raises.map(({ requested }) => requested))
    const least = kept === 'nothing' ? new Map<string, number>() : this.#reached(order)
    if (!isDeepStrictEqual([...seen.shards.keys()].sort(), ledger.shards))
      return `the shards are ${[...seen.shards.keys()]}, not ${ledger.shards}`
    for (const [shard, { since, contents }] of seen.shards) {
      if (since > most || since < (least.get(shard) ?? 0)) return `since of ${shard} is ${since}`
      for (const [time, found] of contents) {
        const expected = ledger.read(shard, time)
        if (!isDeepStrictEqual(found, expected))
          return `${shard} as of ${time} holds ${JSON.stringify(found)}, not ${JSON.stringify(expected)}`
      }
    }
    return undefined
  }

  /** What `since` of each shard cannot be less than: a shard that was dropped may have begun anew. */
  #reached(order: readonly Issued[]): ReadonlyMap<string, number> {
    const reached = new Map(this.#raises.flatMap(raise => [...(raise.reached ?? [])]))
    for (const { operation } of order)
      if (operation.kind === 'drop') for (const shard of operation.shards) reached.delete(shard)
    return reached
  }

  /** Begins the next life with what survived, all of it durable. */
  resume(survivors: readonly Operation[]): void {
    this.#past = [...survivors]
    this.#issued = []
  }
}
