// Owns looking at everything in a store that may be damaged anywhere: what is sound, and what is not. Reads every byte
// and changes none. What follows from it is for repair-plan.ts to say.
import { type IdentifiedBatch, identifyBatch } from '../batch/identify.ts'
import { BatchReader } from '../batch/reader.ts'
import { verifyBatch } from '../batch/verify.ts'
import type { Disk } from '../disk/disk.ts'
import { CorruptionError, DiskError } from '../errors.ts'
import { type Catalog, readCatalog, type ShardListing } from '../shard/catalog.ts'
import {
  BATCHES_FOLDER,
  type BatchEntry,
  batchPath,
  readMetadata,
  type ShardMetadata,
} from '../shard/metadata.ts'
import { readLog } from '../wal/reader.ts'
import { rebuildCatalog } from './rebuild-catalog.ts'
import { checkBatchIds, checkNotOlder, unlistedDocuments } from './recover.ts'
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
  readonly log: SalvagedLog
  /** Why strict recovery refuses the log, if it does. */
  readonly logProblem: CorruptionError | undefined
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

/** As {@link problemOf}, also where the disk cannot read what it was given: a bad sector is damage as well. */
const problemWithin = (file: string, work: () => Promise<void>): Promise<CorruptionError | undefined> =>
  problemOf(async () => {
    try {
      await work()
    } catch (cause) {
      if (!(cause instanceof DiskError && cause.code === 'DISK_FAILED')) throw cause
      throw new CorruptionError('BATCH_CORRUPT', 'the disk cannot read a batch', { file }, cause)
    }
  })

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
    if (document === undefined && walStart > firstLsn)
      throw new CorruptionError('METADATA_MISSING', 'the metadata of a shard is missing', { shard: name })
  })
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
  if (catalog !== undefined && problem === undefined) return { catalog, catalogProblem: undefined }
  return {
    catalog: await rebuildCatalog(disk, at),
    catalogProblem: problem?.message ?? 'store.json is missing',
  }
}

/**
 * Looks at a whole store.
 *
 * @param at the wall clock in ISO 8601
 * @throws {CorruptionError} STORE_CORRUPT if there is no store; what no salvage of the log may override
 * @throws {UnsupportedError} if a newer Varve wrote it
 */
export const survey = async (disk: Disk, at: string): Promise<Survey> => {
  const { catalog, catalogProblem } = await surveyCatalog(disk, at)
  const unlisted = await unlistedDocuments(disk, catalog)
  const shards: SurveyedShard[] = []
  for (const listing of catalog.shards) shards.push(await surveyShard(disk, catalog, listing))
  const isDamaged = shards.some(({ problem }) => problem !== undefined)
  const strays = isDamaged ? await surveyStrays(disk, shards) : []
  const fence = Math.max(0, ...shards.map(({ document }) => document?.flushedLsn ?? 0))
  const { id: store, epoch, walStart, upper } = catalog
  const expected = { store, epoch, walStart, fence, fresh: false }
  const log = await salvageLog(disk, expected, upper)
  const logProblem = await problemOf(async () => void (await readLog(disk, expected, 'refuse', () => {})))
  return { catalog, catalogProblem, unlisted, shards, strays, log, logProblem }
}
