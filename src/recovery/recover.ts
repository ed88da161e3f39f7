// Owns reading a store back and deciding what it is. Nothing on disk changes here: whoever is refused keeps every
// byte, and what has to be mended is mended afterwards (mend.ts). docs/durability.md#recovery has the decisions.

import type { Settings } from '../config/settings.ts'
import type { Disk } from '../disk/disk.ts'
import { isUnreadable } from '../disk/system-error.ts'
import { CorruptionError, DiskError, OpenError } from '../errors.ts'
import type { Columns } from '../model/columns.ts'
import { firstMismatch, type Schema } from '../model/schema.ts'
import { type Catalog, readCatalog } from '../shard/catalog.ts'
import type { ShardMetadata } from '../shard/metadata.ts'
import type { Shard } from '../shard/shard.ts'
import { State, touchedBy } from '../shard/state.ts'
import { type CommitRun, commitsOf, lastLsnOf, partOf } from '../wal/commit-run.ts'
import { type LogExpectation, type LogScan, readLog } from '../wal/reader.ts'
import type { CommitRecord } from '../wal/record.ts'
import { CURRENT, type Segment } from '../wal/segment.ts'
import { QUARANTINE_FOLDER } from './quarantine.ts'
import { FOLDERS, type FoundShard, isThere, readShards, requireNoRemains } from './read-shards.ts'
import type { FoundCommit } from './remains.ts'
import { countLost, type SalvagedLog, salvageLog, withoutCommits } from './salvage.ts'

/** A store as it was found. */
export interface Recovered {
  /** Undefined: there is no store yet. Its epoch is the one before this open. */
  readonly catalog: Catalog | undefined
  readonly state: State
  readonly log: LogScan
  /** What was left of a log that strict recovery refuses; undefined if it is whole. */
  readonly salvaged: SalvagedLog | undefined
  readonly counts: ReplayCounts
}

/** What replaying the log did, in commits. */
interface ReplayCounts {
  total: number
  applied: number
  /** Behind the fence of every shard they touch. */
  skipped: number
  /** Places in the log with bytes that are no valid line. */
  corrupted: number
  /** Commits that are in the log no more, as far as they can be counted. */
  lost: number
}

/** Why a commit of the log cannot be one of the shard, as commits are checked before they are logged. */
const misfit = (
  updates: Columns | undefined,
  declared: Schema | undefined,
  shard: Shard | undefined,
): string | undefined => {
  if (declared !== undefined && shard !== undefined)
    return 'columns are declared after the first commit of their shard'
  const schema = declared ?? shard?.schema
  if (updates === undefined || schema === undefined) return undefined
  const arity = updates.data.length
  if (arity !== schema.length) return `the arity is ${arity}, that of the shard ${schema.length}`
  const wrong = schema.find(
    (column, index) =>
      column.declared && firstMismatch(column.type, updates.data[index]!, updates.length) !== -1,
  )
  return wrong === undefined ? undefined : `a value of column ${wrong.name} is no ${wrong.type}`
}

/** Why a commit cannot be one of the shards that it touches, unless it is already behind their fence. */
const unfitness = (record: CommitRecord, state: State): { why: string; shard: string } | undefined => {
  for (const [name, { updates, schema }] of touchedBy(record)) {
    const shard = state.shards.get(name)
    if (shard !== undefined && (shard.damage !== undefined || record.lsn <= shard.metadata.flushedLsn))
      continue
    const why = misfit(updates, schema, shard)
    if (why !== undefined) return { why, shard: name }
  }
  return undefined
}

/** Whether all commits of a run meet the same end: none is refused, and all or none are behind the fence of their shard. */
const isAlike = (run: CommitRun, state: State): boolean => {
  const { record, ats } = run
  if (ats.length === 1) return true
  for (const name of record.updates.keys()) {
    const fence = (state.shards.get(name) ?? state.dropped.get(name))?.metadata.flushedLsn ?? 0
    if (fence >= record.lsn && fence < lastLsnOf(run)) return false
  }
  return unfitness(record, state) === undefined
}

const seed = (state: State, catalog: Catalog | undefined): void => {
  for (const id of catalog?.ids ?? []) state.rememberId(id)
  for (const progress of catalog?.imports ?? []) state.rememberImport(progress, 0)
}

/** Refuses when the time for opening has run out. */
const deadline = (settings: Settings, now: () => number): (() => void) => {
  if (settings.openTimeoutMs === 0) return () => {}
  const end = now() + settings.openTimeoutMs
  return () => {
    if (now() > end)
      throw new OpenError('OPEN_TIMED_OUT', 'reading the store back took too long; nothing was changed', {
        openTimeoutMs: settings.openTimeoutMs,
      })
  }
}

/** Catalogue and shards, and nothing of the log yet. */
const readStore = async (
  disk: Disk,
  settings: Settings,
  foundShard: FoundShard = async () => {},
): Promise<{ catalog: Catalog | undefined; state: State; expected: LogExpectation }> => {
  const catalog = await readCatalog(disk)
  const isMade = catalog !== undefined && catalog.epoch > 0
  const areThere = await Promise.all(FOLDERS.map(folder => isThere(disk, folder)))
  const missing = FOLDERS.find((folder, index) => !areThere[index] && folder !== QUARANTINE_FOLDER)
  if (isMade && missing !== undefined)
    throw new CorruptionError('LAYOUT_INVALID', 'a folder of the store is missing', { file: missing })
  if (catalog === undefined) await requireNoRemains(disk)
  const shards =
    catalog === undefined ? new Map<string, Shard>() : await readShards(disk, catalog, settings, foundShard)
  const walStart = catalog?.walStart ?? 1
  // A shard is listed, as it is published, behind a log that is durable through what it is listed for.
  const fence = Math.max(
    0,
    ...[...shards.values()].map(({ firstLsn, metadata }) => Math.max(firstLsn, metadata.flushedLsn)),
  )
  const upper = Math.max(catalog?.upper ?? 0, ...[...shards.values()].map(({ metadata }) => metadata.upper))
  const state = new State(upper, Math.max(walStart - 1, fence), shards, walStart)
  seed(state, catalog)
  const expected = {
    store: catalog?.id ?? '',
    epoch: catalog?.epoch ?? 0,
    walStart,
    fence,
    fresh: !isMade,
  }
  return { catalog, state, expected }
}

type Found = Awaited<ReturnType<typeof readStore>>

const NONE: ReplayCounts = { total: 0, applied: 0, skipped: 0, corrupted: 0, lost: 0 }

/**
 * Runs `work`, which reads the log. A segment that the disk cannot read is not given up here: a copy may still have of it
 * what is acknowledged and nowhere else.
 * @throws {DiskError} with `details.path` and `details.advice` if a segment cannot be read
 */
export const readingLog = async <T>(work: () => Promise<T>): Promise<T> => {
  try {
    return await work()
  } catch (cause) {
    if (!isUnreadable(cause)) throw cause
    const advice =
      cause.code === 'DISK_FAILED'
        ? 'put a copy of what can be read of it in its place (ddrescue makes one), then run varve repair'
        : 'move what lies there out of the store and put the segment back; without it, run varve repair'
    const message = 'a segment of the log cannot be read'
    throw new DiskError(cause.code, message, { ...cause.details, advice }, cause)
  }
}

/** The log as strict recovery takes it: whole, but for a torn end. */
const replay = async (
  disk: Disk,
  { catalog, state, expected }: Found,
  settings: Settings,
  inTime: () => void,
  through: 'end' | 'proven',
): Promise<Recovered> => {
  const counts = { ...NONE }
  // What was sealed was synced first, and what is in a batch before it was published.
  const provenLsn = ({ path, durableLsn }: Segment): number =>
    path === CURRENT && through === 'proven' ? Math.max(durableLsn, expected.fence) : Number.POSITIVE_INFINITY
  const applyPart = (part: CommitRun, { path, offsets }: Segment): void => {
    inTime()
    const unfit = unfitness(part.record, state)
    if (unfit !== undefined)
      throw new CorruptionError('WAL_INVALID', unfit.why, {
        file: path,
        offset: offsets[part.index],
        lsn: part.record.lsn,
        shard: unfit.shard,
      })
    counts.total += part.ats.length
    if (state.apply(part.record, lastLsnOf(part))) counts.applied += part.ats.length
    else counts.skipped += part.ats.length
  }
  const apply = (run: CommitRun, segment: Segment): void => {
    const { lsn } = run.record
    const last = Math.min(lastLsnOf(run), provenLsn(segment))
    if (last < lsn) return
    const proven = partOf(run, lsn, last)
    if (isAlike(proven, state)) applyPart(proven, segment)
    else for (const commit of commitsOf(proven)) applyPart(commit, segment)
  }
  const log = await readingLog(() => readLog(disk, expected, settings.ambiguousTail, apply))
  if (log.current?.damage !== undefined) counts.corrupted = 1
  return { catalog, state, log, salvaged: undefined, counts }
}

const isOfTheLog = (cause: unknown): cause is CorruptionError =>
  cause instanceof CorruptionError && cause.code.startsWith('WAL_')

/** What strict recovery refuses is evidence, also where everything can be read. */
const withEvidence = (log: SalvagedLog, { details, message }: CorruptionError): SalvagedLog => {
  if (log.lost.length > 0 || log.segments.some(({ bad }) => bad.length > 0)) return log
  const segments = log.segments.map(segment =>
    segment.path === details.file
      ? { ...segment, bad: [{ offset: 0, end: segment.bytes, reason: message }] }
      : segment,
  )
  return { ...log, segments }
}

/** The log as far as it can be read, where `refusal` is what strict recovery says of it. */
const salvage = async (
  disk: Disk,
  { catalog, state, expected }: Found,
  refusal: CorruptionError,
  inTime: () => void,
): Promise<Recovered> => {
  // The log will be given up, and a damaged shard may still need it.
  for (const { name, damage } of state.shards.values()) {
    if (damage === undefined) continue
    const advice = 'varve repair mends the shard first, and then the log'
    throw new CorruptionError(
      refusal.code,
      'the log is damaged, and so is a shard that may need it: nothing is salvaged',
      { ...refusal.details, shard: name, advice },
      damage,
    )
  }
  const read = await readingLog(() => salvageLog(disk, expected, catalog?.upper ?? 0))
  const counts = { ...NONE }
  const unfit: { commit: FoundCommit; why: string }[] = []
  for (const commit of read.commits) {
    inTime()
    const { record, path, offset } = commit
    const found = unfitness(record, state)
    if (found === undefined) {
      if (state.apply(record)) counts.applied++
      else counts.skipped++
      continue
    }
    const { why, shard } = found
    // Only what is lost can have made the shard what this commit takes it for.
    if (!read.lost.some(({ lsnLower }) => lsnLower < record.lsn))
      throw new CorruptionError('WAL_INVALID', why, { file: path, offset, lsn: record.lsn, shard })
    unfit.push({ commit, why })
  }
  const salvaged = withEvidence(withoutCommits(read, unfit), refusal)
  counts.total = salvaged.commits.length
  counts.corrupted = salvaged.segments.reduce((sum, { bad }) => sum + bad.length, 0)
  counts.lost = countLost(salvaged)
  state.lastLsn = Math.max(state.lastLsn, salvaged.lastLsn)
  state.upper = Math.max(state.upper, salvaged.upper)
  const { lastLsn, generation } = salvaged
  const log = { sealed: [], stale: [], current: undefined, lastLsn, generation }
  return { catalog, state, log, salvaged, counts }
}

/**
 * Reads store, metadata and log, in this order, and replays the log into buffers.
 *
 * @param now a clock in ms, for the time limit
 * @throws {CorruptionError | UnsupportedError | OpenError} if the store must not be opened as it is: see docs/durability.md#recovery
 */
export const recover = async (disk: Disk, settings: Settings, now: () => number): Promise<Recovered> => {
  const inTime = deadline(settings, now)
  const found = await readStore(disk, settings)
  inTime()
  try {
    return await replay(disk, found, settings, inTime, 'end')
  } catch (cause) {
    if (settings.recovery === 'strict' || found.expected.fresh || !isOfTheLog(cause)) throw cause
    // Read again: the attempt has changed the state in memory.
    return salvage(disk, await readStore(disk, settings), cause, inTime)
  }
}

/**
 * As {@link recover}, for who reads while another process may be writing: the log is replayed through the last commit
 * that is proven durable, so that nothing is seen that a power loss could take back, and nothing is salvaged. It reads
 * store, metadata and log in this order, and each must reach back to where the one before leaves off; so what it
 * returns was true at one moment, and what it throws may be nothing but the store having moved on: look again.
 *
 * @param foundShard told the metadata of each shard before its batches are looked for
 */
export const recoverProven = async (
  disk: Disk,
  settings: Settings,
  now: () => number,
  foundShard: (metadata: ShardMetadata) => Promise<void>,
): Promise<Recovered> => {
  const inTime = deadline(settings, now)
  const found = await readStore(disk, settings, foundShard)
  inTime()
  // A bad end of the log is not proven, so it is not seen: nothing to decide about it.
  return replay(disk, found, { ...settings, ambiguousTail: 'cut' }, inTime, 'proven')
}
