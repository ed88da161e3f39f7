// Owns reading the documents of a store back: which shards there are, and which of them are damaged. Changes nothing.
import type { Settings } from '../config/settings.ts'
import type { Disk } from '../disk/disk.ts'
import { shardStem } from '../disk/shard-file.ts'
import { isUnreadable } from '../disk/system-error.ts'
import { CorruptionError } from '../errors.ts'
import { CATALOG, type Catalog, type ShardListing } from '../shard/catalog.ts'
import {
  BATCHES_FOLDER,
  batchPath,
  isSpentTombstone,
  metadataPath,
  newMetadata,
  readMetadata,
  SHARDS_FOLDER,
  type ShardMetadata,
  withDrop,
} from '../shard/metadata.ts'
import { Shard } from '../shard/shard.ts'
import { WAL_FOLDER } from '../wal/segment.ts'
import { QUARANTINE_FOLDER } from './quarantine.ts'

/** Folders that a store has. */
export const FOLDERS: readonly string[] = [WAL_FOLDER, SHARDS_FOLDER, BATCHES_FOLDER, QUARANTINE_FOLDER]

/** Whether the folder `path` is there. @throws {CorruptionError} LAYOUT_INVALID if something else is in its place */
export const isThere = async (disk: Disk, path: string): Promise<boolean> => {
  const found = await disk.stat(path)
  if (found === undefined) return false
  if (found.kind !== 'directory') {
    const advice = 'move what lies there out of the store, and put the folder back that was there'
    throw new CorruptionError('LAYOUT_INVALID', 'a folder of the store is no folder', { file: path, advice })
  }
  return true
}

const list = async (disk: Disk, folder: string): Promise<string[]> =>
  (await isThere(disk, folder)) ? (await disk.list(folder)).map(({ name }) => name) : []

/** Without store.json there must be nothing that only a store has; a hand-written log is fine. */
export const requireNoRemains = async (disk: Disk): Promise<void> => {
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
  const files = await Promise.all(metadata.batches.map(({ id }) => disk.stat(batchPath(id))))
  for (const [index, { id, bytes }] of metadata.batches.entries()) {
    const file = batchPath(id)
    const found = files[index]
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

/** An older copy of a document says nothing of batches that were made since, and the log may have let go of them. */
export const checkNotOlder = ({ name, flushedLsn }: ShardMetadata, listing: ShardListing): void => {
  if (flushedLsn >= listing.flushedLsn) return
  const details = { file: metadataPath(name), shard: name, flushedLsn, expected: listing.flushedLsn }
  throw new CorruptionError(
    'METADATA_CORRUPT',
    'the document is older than what store.json knows of it',
    details,
  )
}

const damagedShard = (
  { name, firstLsn }: ShardListing,
  metadata: ShardMetadata | undefined,
  error: Error,
): Shard => new Shard(metadata ?? newMetadata(name, []), firstLsn, error)

/** A shard all of which is in the log; what the log still has of a life before is behind the fence of its tombstone. */
const beginning = ({ name, firstLsn }: ShardListing): Shard =>
  new Shard(withDrop(newMetadata(name, []), firstLsn - 1, 0), firstLsn)

/** Told the metadata of a shard before its batches are looked for. */
export type FoundShard = (metadata: ShardMetadata) => Promise<void>

/** One listed shard: as its metadata says, or damaged, or to be rebuilt from the log that still has all of it. */
const readShard = async (
  disk: Disk,
  catalog: Catalog,
  listing: ShardListing,
  foundShard: FoundShard,
): Promise<Shard> => {
  let metadata: ShardMetadata | undefined
  try {
    metadata = await readMetadata(disk, listing.name, catalog.id)
    if (metadata === undefined) {
      // Listed first, published second: in between the log still holds every commit of the shard.
      if (catalog.walStart <= listing.firstLsn) return beginning(listing)
      throw new CorruptionError('METADATA_MISSING', 'the metadata of a shard is missing', {
        file: `${SHARDS_FOLDER}/${shardStem(listing.name)}.json`,
        shard: listing.name,
      })
    }
    checkNotOlder(metadata, listing)
    await foundShard(metadata)
    await checkBatches(disk, metadata)
    return new Shard(metadata, listing.firstLsn)
  } catch (cause) {
    if (cause instanceof CorruptionError) return damagedShard(listing, metadata, cause)
    if (!isUnreadable(cause)) throw cause
    const { path: file, errno } = cause.details
    const details = { file, shard: listing.name, disk: cause.code, errno }
    const damage = new CorruptionError('BATCH_CORRUPT', 'a batch of the shard cannot be read', details, cause)
    return damagedShard(listing, metadata, damage)
  }
}

/**
 * Every batch, live or retired, is one shard's alone, noted in `owners`: what one shard gives up is removed. And its id
 * is reserved: one that store.json does not hold reserved would be given again, and its file be replaced.
 */
export const checkBatchIds = (
  { nextBatch }: Catalog,
  { name, batches, retired }: ShardMetadata,
  owners: Map<string, string>,
): void => {
  for (const id of [...batches.map(batch => batch.id), ...retired]) {
    if (Number(id) >= nextBatch) {
      const details = { file: CATALOG, place: 'nextBatch', nextBatch, shard: name, batch: id }
      throw new CorruptionError('STORE_CORRUPT', 'a shard has a batch whose id was not reserved', details)
    }
    const owner = owners.get(id)
    if (owner !== undefined) {
      const details = { file: metadataPath(name), shard: name, batch: id, owner }
      throw new CorruptionError('METADATA_CORRUPT', 'two shards have the same batch', details)
    }
    owners.set(id, name)
  }
}

export const readShards = async (
  disk: Disk,
  catalog: Catalog,
  settings: Settings,
  foundShard: FoundShard,
): Promise<Map<string, Shard>> => {
  const shards = new Map<string, Shard>()
  const owners = new Map<string, string>()
  for (const listing of catalog.shards) {
    const shard = await readShard(disk, catalog, listing, foundShard)
    if (shard.damage !== undefined && settings.damagedShard === 'refuse') throw shard.damage
    checkBatchIds(catalog, shard.metadata, owners)
    shards.set(listing.name, shard)
  }
  const [file] = await unlistedDocuments(disk, catalog)
  if (file !== undefined)
    throw new CorruptionError('LAYOUT_INVALID', 'store.json does not list this shard', { file })
  return shards
}

/** Documents of shards that are not listed. A shard is listed before it is published, so this store never wrote them. */
export const unlistedDocuments = async (disk: Disk, { id, walStart, shards }: Catalog): Promise<string[]> => {
  const known = new Set(shards.map(({ name }) => `${shardStem(name)}.json`))
  const unlisted: string[] = []
  for (const name of await list(disk, SHARDS_FOLDER)) {
    if (!name.endsWith('.json') || known.has(name)) continue
    const file = `${SHARDS_FOLDER}/${name}`
    if (!(await isSpentTombstone(disk, file, id, walStart))) unlisted.push(file)
  }
  return unlisted
}
