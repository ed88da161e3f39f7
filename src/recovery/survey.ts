// Owns looking at everything in a store that may be damaged anywhere: what is sound, and what is not. Reads every byte
// and changes none. What follows from it is for repair-plan.ts to say.
import { type IdentifiedBatch, identifyBatch } from '../batch/identify.ts'
import { BatchReader } from '../batch/reader.ts'
import { verifyBatch } from '../batch/verify.ts'
import type { Disk } from '../disk/disk.ts'
import { isUnreadable } from '../disk/system-error.ts'
import { CorruptionError } from '../errors.ts'
import { CATALOG, type Catalog, readCatalog, type ShardListing } from '../shard/catalog.ts'
import {
  BATCHES_FOLDER,
  type BatchEntry,
  batchPath,
  metadataPath,
  readMetadata,
  type ShardMetadata,
} from '../shard/metadata.ts'
import { readLog } from '../wal/reader.ts'
import { checkBatchIds, checkNotOlder, FOLDERS, isThere, unlistedDocuments } from './read-shards.ts'
import { rebuildCatalog } from './rebuild-catalog.ts'
import { readingLog } from './recover.ts'
import { type SalvagedLog, salvageLog } from './salvage.ts'

/** A batch that a document names. */
export interface SurveyedBatch {
  readonly entry: BatchEntry
  /** What is wrong with it, if something is. */
  readonly problem: CorruptionError | undefined
  /** The row groups that are as they were written. */
  readonly soundGroups: readonly number[]
}

/** A shard that store.json lists. */
export interface SurveyedShard extends ShardListing {
  /** Undefined where it is missing or damaged. */
  readonly document: ShardMetadata | undefined
  readonly problem: CorruptionError | undefined
  /** Those of its document; none without one. */
  readonly batches: readonly SurveyedBatch[]
}

/** A batch file that no sound document names. */
export interface StrayBatch {
  readonly id: string
  /** Undefined where the file does not say. */
  readonly identity: IdentifiedBatch | undefined
}

export interface Survey {
  /** As it is in store.json, or made anew of everything else. */
  readonly catalog: Catalog
  /** Why it is made anew, if it is. */
  readonly catalogProblem: string | undefined
  /** Documents of shards that it does not list. */
  readonly unlisted: readonly string[]
  readonly shards: readonly SurveyedShard[]
  readonly strays: readonly StrayBatch[]
  /** Nothing is there yet but, perhaps, a log that somebody wrote: there is nothing to repair, and to open it makes it. */
  readonly isBeingMade: boolean
  readonly log: SalvagedLog
  /** Why strict recovery refuses the log, if it does. */
  readonly logProblem: CorruptionError | undefined
}

/** That of a store that is being made: it may have one, but nothing of that is ever salvaged. */
const NO_LOG: SalvagedLog = {
  commits: [],
  earlier: [],
  segments: [],
  lost: [],
  lastLsn: 0,
  generation: 0,
  upper: 0,
}

/** The error of `work`, if it is one of what is on disk. */
const problemOf = async (work: () => Promise<void>): Promise<CorruptionError | undefined> => {
  try {
    await work()
    return undefined
  } catch (cause) {
    if (cause instanceof CorruptionError) return cause
    throw cause
  }
}

/** Runs `work` on the batch `file`: a bad sector, or something else in its place, is damage of it as well. */
export const readingBatch = async <T>(file: string, work: () => Promise<T>): Promise<T> => {
  try {
    return await work()
  } catch (cause) {
    if (!isUnreadable(cause)) throw cause
    const details = { file, disk: cause.code, errno: cause.details.errno }
    throw new CorruptionError('BATCH_CORRUPT', 'the disk cannot read a batch', details, cause)
  }
}

/** As {@link problemOf}, of the batch `file`. */
const problemWithin = (file: string, work: () => Promise<void>): Promise<CorruptionError | undefined> =>
  problemOf(() => readingBatch(file, work))

/** A file, a link or a device is moved aside where a document has to be; a folder may hold anything, so somebody has to. */
const requireNoFolder = async (disk: Disk, file: string): Promise<void> => {
  if ((await disk.stat(file))?.kind !== 'directory') return
  const advice = 'move the folder out of the store, then run varve repair again'
  throw new CorruptionError('LAYOUT_INVALID', 'a folder lies where a document has to be', { file, advice })
}

const surveyBatch = async (disk: Disk, shard: string, entry: BatchEntry): Promise<SurveyedBatch> => {
  const soundGroups: number[] = []
  const file = batchPath(entry.id)
  const problem = await problemWithin(file, async () => {
    const reader = await BatchReader.open(disk, file, entry, shard)
    try {
      const whole = await problemWithin(file, () => verifyBatch(reader))
      for (let group = 0; group < reader.rowGroups; group++) {
        const isSound =
          whole === undefined ||
          (await problemWithin(file, async () => void (await reader.read(group)))) === undefined
        if (isSound) soundGroups.push(group)
      }
      if (whole !== undefined) throw whole
    } finally {
      await reader.close()
    }
  })
  return { entry, problem, soundGroups }
}

const missing = (shard: string): CorruptionError =>
  new CorruptionError('METADATA_MISSING', 'the metadata of a shard is missing', { shard })

/** Where the log is damaged it may not have all of a shard without a document, and batches that are left may have the rest. */
const withoutLog = (shard: SurveyedShard): SurveyedShard =>
  shard.document === undefined && shard.problem === undefined
    ? { ...shard, problem: missing(shard.name) }
    : shard

const surveyShard = async (
  disk: Disk,
  { id, walStart }: Catalog,
  listing: ShardListing,
): Promise<SurveyedShard> => {
  const { name, firstLsn } = listing
  let document: ShardMetadata | undefined
  const problem = await problemOf(async () => {
    const found = await readMetadata(disk, name, id)
    if (found !== undefined) checkNotOlder(found, listing)
    document = found
    // Listed first, published second: until then the log has all of it, and nothing is missing.
    if (document === undefined && walStart > firstLsn) throw missing(name)
  })
  if (problem !== undefined) await requireNoFolder(disk, metadataPath(name))
  const batches: SurveyedBatch[] = []
  for (const entry of document?.batches ?? []) batches.push(await surveyBatch(disk, name, entry))
  return { ...listing, document, problem, batches }
}

const BATCH_FILE = /^([1-9][0-9]{0,15})\.parquet$/

const surveyStrays = async (disk: Disk, shards: readonly SurveyedShard[]): Promise<StrayBatch[]> => {
  const named = new Set(
    shards.flatMap(({ document }) => [
      ...(document?.batches.map(({ id }) => id) ?? []),
      ...(document?.retired ?? []),
    ]),
  )
  const strays: StrayBatch[] = []
  if ((await disk.stat(BATCHES_FOLDER)) === undefined) return []
  for (const { name, kind } of await disk.list(BATCHES_FOLDER)) {
    const id = kind === 'file' ? BATCH_FILE.exec(name)?.[1] : undefined
    if (id === undefined || named.has(id)) continue
    strays.push({ id, identity: await identifyBatch(disk, batchPath(id)) })
  }
  return strays
}

/** An older store.json, put back, would give ids again that batches have. A document that is damaged cannot tell. */
const checkReserved = async (disk: Disk, catalog: Catalog, name: string): Promise<void> => {
  let document: ShardMetadata | undefined
  await problemOf(async () => {
    document = await readMetadata(disk, name, catalog.id)
  })
  if (document !== undefined) checkBatchIds(catalog, document, new Map())
}

const surveyCatalog = async (disk: Disk, at: string): Promise<Pick<Survey, 'catalog' | 'catalogProblem'>> => {
  let catalog: Catalog | undefined
  const problem = await problemOf(async () => {
    catalog = await readCatalog(disk)
    for (const { name } of catalog?.shards ?? []) await checkReserved(disk, catalog!, name)
  })
  await requireNoFolder(disk, CATALOG)
  if (catalog !== undefined && problem === undefined) return { catalog, catalogProblem: undefined }
  return {
    catalog: await readingLog(() => rebuildCatalog(disk, at)),
    catalogProblem: problem?.message ?? 'store.json is missing',
  }
}

/**
 * Looks at a whole store.
 *
 * @param at the wall clock in ISO 8601
 * @throws {CorruptionError} STORE_CORRUPT if there is no store; LAYOUT_INVALID where a folder lies in the place of a document, or
 *   something else in the place of a folder; what no salvage of the log may override
 * @throws {DiskError} if a segment of the log cannot be read
 * @throws {UnsupportedError} if a newer Varve wrote it
 */
export const survey = async (disk: Disk, at: string): Promise<Survey> => {
  for (const folder of FOLDERS) await isThere(disk, folder)
  const { catalog, catalogProblem } = await surveyCatalog(disk, at)
  const unlisted = await unlistedDocuments(disk, catalog)
  for (const file of unlisted) await requireNoFolder(disk, file)
  const found: SurveyedShard[] = []
  for (const listing of catalog.shards) found.push(await surveyShard(disk, catalog, listing))
  const fence = Math.max(
    0,
    ...found.map(({ firstLsn, document }) => Math.max(firstLsn, document?.flushedLsn ?? 0)),
  )
  const { id: store, epoch, walStart, upper } = catalog
  const isBeingMade = epoch === 0 && unlisted.length === 0
  const expected = { store, epoch, walStart, fence, fresh: isBeingMade }
  const readStrictly = async (): Promise<void> =>
    void (await readingLog(() => readLog(disk, expected, 'refuse', () => {})))
  if (isBeingMade) await readStrictly()
  const log = isBeingMade ? NO_LOG : await readingLog(() => salvageLog(disk, expected, upper))
  const logProblem = isBeingMade ? undefined : await problemOf(readStrictly)
  const shards = logProblem === undefined ? found : found.map(withoutLog)
  const isDamaged = shards.some(({ problem }) => problem !== undefined)
  const strays = isDamaged ? await surveyStrays(disk, shards) : []
  return { catalog, catalogProblem, unlisted, shards, strays, isBeingMade, log, logProblem }
}
