// Owns what is to be done about damaged shards. Pure: a survey in, a plan out; the same plan is printed and carried out.
// A batch is made again of what the log still has of it, unless only its intact row groups hold more; and what neither has
// is stated: which shard, which commits, which times, how many rows.
import type { CorruptionError } from '../errors.ts'
import type { Columns } from '../model/columns.ts'
import { joinSchemas, widen } from '../model/schema.ts'
import type { Catalog, ShardListing } from '../shard/catalog.ts'
import { type BatchEntry, batchPath, newMetadata, type ShardMetadata, withDrop } from '../shard/metadata.ts'
import { type CommitRange, commitsIn, rowsIn, timesAround, uncovered } from './log-rows.ts'
import type { SalvagedLog } from './salvage.ts'
import type { StrayBatch, Survey, SurveyedBatch, SurveyedShard } from './survey.ts'

/** What a shard has no more. */
export interface LostRows extends CommitRange {
  /** The batch that had them; undefined where nothing says that there was one. */
  readonly file?: string
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
  /** It is written again of the commits that the log has. */
  | { readonly action: 'replay'; readonly entry: BatchEntry; readonly problem: string }
  /** No file that is left has these commits, but the log does: they are written into a new one. */
  | { readonly action: 'fill'; readonly range: CommitRange }
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

interface PlannedBatch {
  readonly plan: BatchPlan
  readonly lost: readonly LostRows[]
}

/** What is lost of a batch that is written again of the log: what the commits had that the log has no more. */
const lostInReplay = (
  { id, lsnLower, lsnUpper, lower, upper, len }: BatchEntry,
  kept: Columns,
  since: number,
  log: SalvagedLog,
): LostRows[] => {
  const gaps = uncovered(commitsIn(log), lsnLower, lsnUpper)
  // Each commit has rows of its own, at times of its own, unless its times were advanced to `since`.
  const isExact = since === 0 || kept.time.subarray(0, kept.length).every(time => time > since)
  const rows = isExact ? len - kept.length : undefined
  if (gaps.length === 0 || rows === 0) return []
  return gaps.map(gap => {
    const around = timesAround(log, gap)
    return {
      file: batchPath(id),
      ...gap,
      lower: Math.max(lower, around.lower),
      upper: Math.min(upper, Math.max(around.upper, since + 1)),
      ...(gaps.length === 1 && rows !== undefined ? { rows } : {}),
    }
  })
}

const planBatch = (
  { entry, problem, soundGroups: groups }: SurveyedBatch,
  { name, since }: ShardMetadata,
  log: SalvagedLog,
): PlannedBatch => {
  if (problem === undefined) return { plan: { action: 'keep', entry }, lost: [] }
  const why = problem.message
  const { id, lsnLower, lsnUpper, lower, upper, len, columns, rowGroups } = entry
  const inLog = rowsIn(log, name, columns.length, entry)
  const lost = lostInReplay(entry, inLog, since, log)
  const inGroups = groups.reduce((sum, group) => sum + rowGroups[group]!.len, 0)
  if (lost.length === 0 || inLog.length > inGroups)
    return { plan: { action: 'replay', entry, problem: why }, lost }
  if (groups.length === 0) return { plan: { action: 'give up', entry, problem: why }, lost }
  // The row groups hold rows of the same commits as the log: both together would hold some twice.
  const plan: BatchPlan = { action: 'rewrite', entry, groups, problem: why }
  const rows = len - inGroups
  return { plan, lost: rows === 0 ? [] : [{ file: batchPath(id), lsnLower, lsnUpper, lower, upper, rows }] }
}

const planOfDocument = (
  { name, firstLsn, batches }: SurveyedShard,
  document: ShardMetadata,
  { log }: Survey,
): ShardPlan => {
  const planned = batches.map(batch => planBatch(batch, document, log))
  return {
    shard: name,
    firstLsn,
    rebuilt: undefined,
    base: document,
    batches: planned.map(({ plan }) => plan),
    lost: planned.flatMap(({ lost }) => lost),
  }
}

interface Candidate extends BatchEntry {
  readonly since: number
  readonly firstLsn: number
  readonly stray: StrayBatch
}

/** The sound files of a shard that together hold what it has: what a compaction made stands for what went into it. */
const cover = (
  strays: readonly StrayBatch[],
  listing: ShardListing,
  { id, nextBatch }: Catalog,
): Candidate[] => {
  const candidates: Candidate[] = []
  for (const stray of strays) {
    const { identity } = stray
    if (identity?.shard !== listing.name || identity.origin.store !== id) continue
    // An id that was never reserved is not one that this store gave, and may be given yet.
    if (Number(stray.id) >= nextBatch) continue
    const { description, origin } = identity
    const { lsnLower, lsnUpper, since, firstLsn } = origin
    // Behind it lies the drop that ended its life.
    if (description === undefined || lsnUpper < listing.firstLsn) continue
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

/** What the log has for a shard between the batches that are left of it. */
const fillsBetween = (
  shard: string,
  arity: number,
  entries: readonly BatchEntry[],
  firstLsn: number,
  log: SalvagedLog,
): { readonly range: CommitRange; readonly rows: Columns }[] =>
  uncovered(entries, firstLsn, entries.at(-1)!.lsnUpper).flatMap(range => {
    const rows = rowsIn(log, shard, arity, range)
    return rows.length === 0 ? [] : [{ range, rows }]
  })

const lsnOf = (plan: BatchPlan): number => (plan.action === 'fill' ? plan.range : plan.entry).lsnLower

/** A document made anew from the batches that are left; what is behind them is replayed from the log as ever. */
const planWithoutDocument = (
  listing: SurveyedShard,
  problem: CorruptionError,
  { catalog, catalogProblem, strays, log }: Survey,
): ShardPlan => {
  const { name, flushedLsn } = listing
  const { walStart, upper } = catalog
  const chosen = cover(strays, listing, catalog)
  const firstLsn = chosen[0]?.firstLsn ?? listing.firstLsn
  // Of what is below walStart the shard had nothing behind the fence that it had when walStart was raised.
  const end = catalogProblem === undefined ? Math.min(walStart, flushedLsn + 1) : walStart
  const last = chosen.at(-1)?.lsnUpper ?? firstLsn - 1
  // Whether the shard had any of them, nobody knows.
  const lost = [
    ...uncovered([...chosen, ...commitsIn(log)], firstLsn, last),
    ...uncovered([], last + 1, end - 1),
  ]
  if (chosen.length === 0) {
    // Nothing says which columns it had. As if it had been dropped, the log, or whoever uses the name next, says so anew.
    const base = withDrop(newMetadata(name, []), Math.max(walStart, firstLsn) - 1, upper)
    return { shard: name, firstLsn, rebuilt: problem.message, base, batches: [], lost }
  }
  const entries = chosen.map(({ since: _, stray: __, firstLsn: ___, ...entry }) => entry)
  // The file that was written last knows the columns best; but one that was made at the same time may know wider types.
  const latest = chosen.toSorted((a, b) => Number(a.id) - Number(b.id)).at(-1)
  const since = Math.max(...chosen.map(each => each.since))
  const schema = chosen.reduce(
    (wide, { stray }) => joinSchemas(wide, stray.identity!.schema),
    latest!.stray.identity!.schema,
  )
  const fills = fillsBetween(name, schema.length, entries, firstLsn, log)
  const batches: BatchPlan[] = [
    ...entries.map((entry): BatchPlan => ({ action: 'adopt', entry })),
    ...fills.map(({ range }): BatchPlan => ({ action: 'fill', range })),
  ]
  const base = {
    ...newMetadata(
      name,
      fills.reduce((wide, { rows }) => widen(wide, rows), schema),
    ),
    since,
    upper: Math.max(since === 0 ? 0 : since + 1, ...entries.map(({ upper }) => upper)),
    flushedLsn: entries.at(-1)!.lsnUpper,
  }
  return {
    shard: name,
    firstLsn,
    rebuilt: problem.message,
    base,
    batches: batches.sort((a, b) => lsnOf(a) - lsnOf(b)),
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
