// Owns reading a store back and deciding what it is. Nothing on disk changes here: whoever is refused keeps every
// byte, and what has to be mended is mended afterwards (mend.ts). docs/durability.md#recovery has the decisions.

import type { Settings } from '../config/settings.ts'
import type { Disk } from '../disk/disk.ts'
import { shardStem } from '../disk/shard-file.ts'
import { CorruptionError, OpenError } from '../errors.ts'
import type { Columns } from '../model/columns.ts'
import { firstMismatch, type Schema } from '../model/schema.ts'
import { type Catalog, readCatalog, type ShardListing } from '../shard/catalog.ts'
import {
  BATCHES_FOLDER,
  batchPath,
  newMetadata,
  readMetadata,
  SHARDS_FOLDER,
  type ShardMetadata,
} from '../shard/metadata.ts'
import { Shard } from '../shard/shard.ts'
import { State, touchedBy } from '../shard/state.ts'
import { type LogScan, readLog } from '../wal/reader.ts'
import type { CommitRecord } from '../wal/record.ts'
import { type Segment, WAL_FOLDER } from '../wal/segment.ts'

/** A store as it was found. */
export interface Recovered {
  /** Undefined: there is no store yet. Its epoch is the one before this open. */
  readonly catalog: Catalog | undefined
  readonly state: State
  readonly log: LogScan
  readonly counts: ReplayCounts
}

/** What replaying the log did, in commits. */
interface ReplayCounts {
  total: number
  applied: number
  /** Behind the fence of every shard they touch. */
  skipped: number
  /** 1 if the log ended in bytes that are no valid line. */
  corrupted: number
}

/** Folders that a store has. */
export const FOLDERS: readonly string[] = [WAL_FOLDER, SHARDS_FOLDER, BATCHES_FOLDER, 'quarantine']

const isThere = async (disk: Disk, path: string): Promise<boolean> => {
  const found = await disk.stat(path)
  if (found === undefined) return false
  if (found.kind !== 'directory')
    throw new CorruptionError('LAYOUT_INVALID', 'a folder of the store is no folder', { file: path })
  return true
}

const list = async (disk: Disk, folder: string): Promise<string[]> =>
  (await isThere(disk, folder)) ? (await disk.list(folder)).map(({ name }) => name) : []

/** Without store.json there must be nothing that only a store has; a hand-written log is fine. */
const requireNoRemains = async (disk: Disk): Promise<void> => {
  for (const folder of [SHARDS_FOLDER, BATCHES_FOLDER]) {
    const names = await list(disk, folder)
    if (names.length > 0)
      throw new CorruptionError('STORE_CORRUPT', 'store.json is missing, and the folder is not empty', {
        file: 'store.json',
        found: `${folder}/${names[0]}`,
      })
  }
}

const checkBatches = async (disk: Disk, metadata: ShardMetadata): Promise<void> => {
  for (const { id, bytes } of metadata.batches) {
    const file = batchPath(id)
    const found = await disk.stat(file)
    if (found === undefined)
      throw new CorruptionError('BATCH_MISSING', 'a batch of the shard is missing', {
        file,
        shard: metadata.name,
      })
    if (found.kind !== 'file' || found.size !== bytes)
      throw new CorruptionError('BATCH_CORRUPT', 'a batch of the shard has another size', {
        file,
        shard: metadata.name,
        expected: bytes,
        found: found.size,
      })
  }
}

const damagedShard = (
  { name, firstLsn }: ShardListing,
  metadata: ShardMetadata | undefined,
  error: Error,
): Shard => new Shard(metadata ?? newMetadata(name, []), firstLsn, error)

/** One listed shard: as its metadata says, or damaged, or to be rebuilt from the log that still has all of it. */
const readShard = async (disk: Disk, catalog: Catalog, listing: ShardListing): Promise<Shard | undefined> => {
  let metadata: ShardMetadata | undefined
  try {
    metadata = await readMetadata(disk, listing.name, catalog.id)
    if (metadata === undefined) {
      // Listed first, published second: in between the log still holds every commit of the shard.
      if (catalog.walStart <= listing.firstLsn) return undefined
      throw new CorruptionError('METADATA_MISSING', 'the metadata of a shard is missing', {
        file: `${SHARDS_FOLDER}/${shardStem(listing.name)}.json`,
        shard: listing.name,
      })
    }
    await checkBatches(disk, metadata)
    return new Shard(metadata, listing.firstLsn)
  } catch (cause) {
    if (cause instanceof CorruptionError) return damagedShard(listing, metadata, cause)
    throw cause
  }
}

const readShards = async (disk: Disk, catalog: Catalog, settings: Settings): Promise<Map<string, Shard>> => {
  const shards = new Map<string, Shard>()
  for (const listing of catalog.shards) {
    const shard = await readShard(disk, catalog, listing)
    if (shard === undefined) continue
    if (shard.damage !== undefined && settings.damagedShard === 'refuse') throw shard.damage
    shards.set(listing.name, shard)
  }
  const known = new Set(catalog.shards.map(({ name }) => `${shardStem(name)}.json`))
  for (const name of await list(disk, SHARDS_FOLDER)) {
    if (!name.endsWith('.json') || known.has(name)) continue
    // A shard is listed before it is published, so this store never wrote such a file.
    throw new CorruptionError('LAYOUT_INVALID', 'store.json does not list this shard', {
      file: `${SHARDS_FOLDER}/${name}`,
    })
  }
  return shards
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

/** A commit of the log must fit what is known of its shards, unless it is already behind their fence. */
const checkFits = (record: CommitRecord, segment: Segment, index: number, state: State): void => {
  for (const [name, { updates, schema }] of touchedBy(record)) {
    const shard = state.shards.get(name)
    if (shard !== undefined && (shard.damage !== undefined || record.lsn <= shard.metadata.flushedLsn))
      continue
    const why = misfit(updates, schema, shard)
    if (why === undefined) continue
    throw new CorruptionError('WAL_INVALID', why, {
      file: segment.path,
      offset: segment.offsets[index],
      lsn: record.lsn,
      shard: name,
    })
  }
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

/**
 * Reads store, metadata and log, in this order, and replays the log into buffers.
 *
 * @param now a clock in ms, for the time limit
 * @throws {CorruptionError | UnsupportedError | OpenError} if the store must not be opened as it is: see docs/durability.md#recovery
 */
export const recover = async (disk: Disk, settings: Settings, now: () => number): Promise<Recovered> => {
  const inTime = deadline(settings, now)
  const catalog = await readCatalog(disk)
  for (const folder of FOLDERS) {
    const there = await isThere(disk, folder)
    if (!there && catalog !== undefined && catalog.epoch > 0 && folder !== 'quarantine')
      throw new CorruptionError('LAYOUT_INVALID', 'a folder of the store is missing', { file: folder })
  }
  if (catalog === undefined) await requireNoRemains(disk)
  const shards = catalog === undefined ? new Map<string, Shard>() : await readShards(disk, catalog, settings)
  inTime()
  const walStart = catalog?.walStart ?? 1
  const fence = Math.max(0, ...[...shards.values()].map(({ metadata }) => metadata.flushedLsn))
  const upper = Math.max(catalog?.upper ?? 0, ...[...shards.values()].map(({ metadata }) => metadata.upper))
  const state = new State(upper, Math.max(walStart - 1, fence), shards, walStart)
  seed(state, catalog)
  const counts: ReplayCounts = { total: 0, applied: 0, skipped: 0, corrupted: 0 }
  const expected = {
    store: catalog?.id ?? '',
    epoch: catalog?.epoch ?? 0,
    walStart,
    fence,
    fresh: (catalog?.epoch ?? 0) === 0,
  }
  const log = await readLog(disk, expected, settings.ambiguousTail, (record, segment, index) => {
    inTime()
    checkFits(record, segment, index, state)
    counts.total++
    if (state.apply(record)) counts.applied++
    else counts.skipped++
  })
  if (log.current?.damage !== undefined || log.tornHeader) counts.corrupted = 1
  return { catalog, state, log, counts }
}
