// Owns repairing a store: look at everything -> plan -> carry out -> open, which salvages the log. A dry run stops
// behind the plan, and has changed nothing.
import type { Settings } from '../config/settings.ts'
import { carryOut } from '../recovery/repair.ts'
import type { LostRows } from '../recovery/repair-plan.ts'
import { type BatchPlan, planRepair, type ShardPlan } from '../recovery/repair-plan.ts'
import type { LostCommits, SalvagedSegment } from '../recovery/salvage.ts'
import { type Survey, survey } from '../recovery/survey.ts'
import { batchPath, metadataPath } from '../shard/metadata.ts'
import { openEngine, type Place } from './open-engine.ts'

/** What becomes of a batch that is damaged, or that a new document names. */
export interface RepairedBatch {
  /** Undefined for `fill`: nothing says that there was one file. */
  readonly file?: string
  /**
   * `adopt`: it is sound, and a new document describes it, by checksums taken anew. `replay`: written again of what the
   * log has of it. `fill`: written of what the log has for the shard between other batches. `rewrite`: its intact row
   * groups are written into a new batch. `give up`: nothing of it is left.
   */
  readonly action: Exclude<BatchPlan['action'], 'keep'>
  readonly problem?: string
  /** The commits of a `fill`. */
  readonly lsnLower?: number
  readonly lsnUpper?: number
  /** Row groups that are kept, and how many there were. */
  readonly kept?: number
  readonly of?: number
}

export interface RepairedShard {
  readonly shard: string
  /** The document that is made anew, and why. */
  readonly document?: { readonly file: string; readonly problem: string }
  readonly batches: readonly RepairedBatch[]
  readonly lost: readonly LostRows[]
}

/** What a repair does, or would do. */
export interface RepairReport {
  readonly dryRun: boolean
  /** Why store.json is made anew, if it is: the ids of commits and imports that have left the log are lost with it. */
  readonly catalog: string | undefined
  /** Documents that store.json does not list, and that are moved. */
  readonly unlisted: readonly string[]
  readonly shards: readonly RepairedShard[]
  /** What strict recovery refuses of the log, if it does, and what is lost with it. */
  readonly log:
    | {
        readonly problem: string
        readonly segments: readonly Pick<SalvagedSegment, 'path' | 'bad'>[]
        readonly lost: readonly LostCommits[]
      }
    | undefined
  /** Whether something is, or would be, lost. */
  readonly loses: boolean
  /** Reports under quarantine/ that wait to be acknowledged; of a dry run those that wait already. */
  readonly losses: readonly string[]
  /** Files put under quarantine/; none in a dry run. */
  readonly quarantined: readonly string[]
}

const repairedBatch = (plan: BatchPlan): RepairedBatch[] => {
  if (plan.action === 'fill') return [{ action: plan.action, ...plan.range }]
  const file = batchPath(plan.entry.id)
  switch (plan.action) {
    case 'keep':
      return []
    case 'adopt':
      return [{ file, action: plan.action }]
    case 'rewrite':
      return [
        {
          file,
          action: plan.action,
          problem: plan.problem,
          kept: plan.groups.length,
          of: plan.entry.rowGroups.length,
        },
      ]
    case 'replay':
    case 'give up':
      return [{ file, action: plan.action, problem: plan.problem }]
  }
}

const repairedShard = ({ shard, rebuilt, batches, lost }: ShardPlan): RepairedShard => ({
  shard,
  ...(rebuilt === undefined ? {} : { document: { file: metadataPath(shard), problem: rebuilt } }),
  batches: batches.flatMap(repairedBatch),
  lost,
})

const repairedLog = ({ log, logProblem }: Survey): RepairReport['log'] =>
  logProblem === undefined
    ? undefined
    : {
        problem: logProblem.message,
        segments: log.segments.filter(({ bad }) => bad.length > 0).map(({ path, bad }) => ({ path, bad })),
        lost: log.lost,
      }

/**
 * Repairs the store at `place`, which nobody else has, and lets it go.
 *
 * @param dryRun finds out what would be done, and changes no byte
 * @throws {CorruptionError} for what no repair may override: see docs/durability.md#repair
 */
export const repairStore = async (
  { path, disk, release }: Place,
  settings: Settings,
  dryRun: boolean,
  now: () => number = Date.now,
): Promise<RepairReport> => {
  try {
    const at = new Date(now()).toISOString()
    const found = await survey(disk, at)
    const plan = planRepair(found)
    const shards = plan.shards.map(repairedShard)
    const log = repairedLog(found)
    const { catalogProblem: catalog, unlisted } = found
    const loses =
      catalog !== undefined ||
      unlisted.length > 0 ||
      shards.some(({ lost }) => lost.length > 0) ||
      (log?.lost.length ?? 0) > 0
    const { losses: pending } = found.catalog
    const report = { dryRun, catalog, unlisted, shards, log, loses, losses: pending, quarantined: [] }
    if (dryRun) return report
    const moved = await carryOut(disk, found, plan, settings, at)
    const salvaging = { ...settings, recovery: 'salvage' } as const
    const engine = await openEngine({ path, disk, release: async () => {} }, salvaging, now)
    const { losses, recovery } = engine.status()
    await engine.close()
    return { ...report, losses, quarantined: [...moved, ...recovery.quarantined] }
  } finally {
    await release()
  }
}
