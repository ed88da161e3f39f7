// Owns what is to be done about damaged shards. Pure: a survey in, a plan out; the same plan is printed and carried out.
// A batch is made again without loss where the log still has all of its commits; else its intact row groups are kept, and
// what is gone is stated: which shard, which commits, which times, how many rows.
import type { CorruptionError } from '../errors.ts'
import { type BatchEntry, batchPath, newMetadata, type ShardMetadata, withDrop } from '../shard/metadata.ts'
import type { SalvagedLog } from './salvage.ts'
import type { StrayBatch, Survey, SurveyedBatch, SurveyedShard } from './survey.ts'

/** What a shard has no more. */
export interface LostRows {
  /** The batch that had them; undefined where nothing says that there was one. */
  readonly file?: string
  /** Of these commits. */
  readonly lsnLower: number
  readonly lsnUpper: number
  /** At times in `[lower, upper)`, where that is known. */
  readonly lower?: number
  readonly upper?: number
  /** How many rows, where that is known. */
  readonly rows?: number
}

/** What becomes of one batch. */
export type BatchPlan =
  | { readonly action: 'keep'; readonly entry: BatchEntry }
  /** Its file is sound, and described anew. */
  | { readonly action: 'adopt'; readonly entry: BatchEntry }
  /** It is written again from the log. */
  | { readonly action: 'replay'; readonly entry: BatchEntry; readonly problem: string }
  /** These row groups of it are written into a new file. */
  | {
      readonly action: 'rewrite'
      readonly entry: BatchEntry
      readonly groups: readonly number[]
      readonly problem: string
    }
  | { readonly action: 'give up'; readonly entry: BatchEntry; readonly problem: string }

/** What becomes of one damaged shard. */
export interface ShardPlan {
  readonly shard: string
  readonly firstLsn: number
  /** The document is made anew, because of this. */
  readonly rebuilt: string | undefined
  /** What the shard is afterwards, but for its batches. */
  readonly base: ShardMetadata
  readonly batches: readonly BatchPlan[]
  readonly lost: readonly LostRows[]
}

/** What `varve repair` does about shards; none is left out that is damaged. */
export interface RepairPlan {
  readonly shards: readonly ShardPlan[]
}

/** Whether the log has all commits of a batch. */
const isInLog = ({ lsnLower, lsnUpper }: BatchEntry, walStart: number, log: SalvagedLog): boolean =>
  lsnLower >= walStart &&
  !log.lost.some(lost => lost.lsnLower <= lsnUpper && (lost.openEnded || lost.lsnUpper >= lsnLower))

const planBatch = (
  { entry, problem, soundGroups }: SurveyedBatch,
  walStart: number,
  log: SalvagedLog,
): BatchPlan => {
  if (problem === undefined) return { action: 'keep', entry }
  const why = problem.message
  if (isInLog(entry, walStart, log)) return { action: 'replay', entry, problem: why }
  return soundGroups.length === 0
    ? { action: 'give up', entry, problem: why }
    : { action: 'rewrite', entry, groups: soundGroups, problem: why }
}

/** What the plan for a batch loses. */
const lostBy = (plan: BatchPlan): LostRows[] => {
  if (plan.action !== 'rewrite' && plan.action !== 'give up') return []
  const { id, lsnLower, lsnUpper, lower, upper, len, rowGroups } = plan.entry
  const kept = plan.action === 'rewrite' ? plan.groups : []
  const rows = kept.reduce((left, group) => left - rowGroups[group]!.len, len)
  return rows === 0 ? [] : [{ file: batchPath(id), lsnLower, lsnUpper, lower, upper, rows }]
}

const planOfDocument = (
  { name, firstLsn, batches }: SurveyedShard,
  document: ShardMetadata,
  { catalog: { walStart }, log }: Survey,
): ShardPlan => {
  const plans = batches.map(batch => planBatch(batch, walStart, log))
  return {
    shard: name,
    firstLsn,
    rebuilt: undefined,
    base: document,
    batches: plans,
    lost: plans.flatMap(lostBy),
  }
}

interface Candidate extends BatchEntry {
  readonly since: number
  readonly firstLsn: number
  readonly stray: StrayBatch
}

/** The sound files of a shard that together hold what it has: what a compaction made stands for what went into it. */
const cover = (strays: readonly StrayBatch[], shard: string, store: string): Candidate[] => {
  const candidates: Candidate[] = []
  for (const stray of strays) {
    const { identity } = stray
    if (identity?.shard !== shard || identity.origin.store !== store) continue
    const { description, origin } = identity
    if (description === undefined) continue
    const { lsnLower, lsnUpper, since, firstLsn } = origin
    candidates.push({ ...description, id: stray.id, lsnLower, lsnUpper, since, firstLsn, stray })
  }
  // What is left of a life that a drop ended is not of this one.
  const life = Math.max(...candidates.map(({ firstLsn }) => firstLsn))
  candidates.sort((a, b) => a.lsnLower - b.lsnLower || b.lsnUpper - a.lsnUpper)
  const chosen: Candidate[] = []
  for (const candidate of candidates)
    if (candidate.firstLsn === life && candidate.lsnLower > (chosen.at(-1)?.lsnUpper ?? 0))
      chosen.push(candidate)
  return chosen
}

/** The commits below `end` that no batch of `entries` has: whether the shard had any of them, nobody knows. */
const uncovered = (entries: readonly BatchEntry[], firstLsn: number, end: number): LostRows[] => {
  const lost: LostRows[] = []
  let next = firstLsn
  for (const { lsnLower, lsnUpper } of entries) {
    if (lsnLower > next) lost.push({ lsnLower: next, lsnUpper: lsnLower - 1 })
    next = Math.max(next, lsnUpper + 1)
  }
  if (next < end) lost.push({ lsnLower: next, lsnUpper: end - 1 })
  return lost
}

/** A document made anew from the batches that are left; what is behind them is replayed from the log as ever. */
const planWithoutDocument = (
  { name, flushedLsn, ...listing }: SurveyedShard,
  problem: CorruptionError,
  { catalog: { id, walStart, upper }, catalogProblem, strays }: Survey,
): ShardPlan => {
  const chosen = cover(strays, name, id)
  const firstLsn = chosen[0]?.firstLsn ?? listing.firstLsn
  // Of what is below walStart the shard had nothing behind the fence that it had when walStart was raised.
  const end = catalogProblem === undefined ? Math.min(walStart, flushedLsn + 1) : walStart
  const lost = uncovered(chosen, firstLsn, end)
  if (chosen.length === 0) {
    // Nothing says which columns it had. As if it had been dropped, the log, or whoever uses the name next, says so anew.
    const base = withDrop(newMetadata(name, []), walStart - 1, upper)
    return { shard: name, firstLsn, rebuilt: problem.message, base, batches: [], lost }
  }
  const entries = chosen.map(({ since: _, stray: __, firstLsn: ___, ...entry }) => entry)
  // Types only widen, so the file that was written last knows them best.
  const latest = chosen.toSorted((a, b) => Number(a.id) - Number(b.id)).at(-1)
  const since = Math.max(...chosen.map(each => each.since))
  const base = {
    ...newMetadata(name, latest!.stray.identity!.schema),
    since,
    upper: Math.max(since === 0 ? 0 : since + 1, ...entries.map(({ upper }) => upper)),
    flushedLsn: entries.at(-1)!.lsnUpper,
  }
  return {
    shard: name,
    firstLsn,
    rebuilt: problem.message,
    base,
    batches: entries.map(entry => ({ action: 'adopt', entry })),
    lost,
  }
}

/** The plan for everything in `found` that is damaged, but for the log: that is salvaged when the store opens. */
export const planRepair = (found: Survey): RepairPlan => {
  const shards: ShardPlan[] = []
  for (const shard of found.shards) {
    const { document, problem, batches } = shard
    if (problem !== undefined) shards.push(planWithoutDocument(shard, problem, found))
    else if (document !== undefined && batches.some(batch => batch.problem !== undefined))
      shards.push(planOfDocument(shard, document, found))
  }
  return { shards }
}
