// Owns the way from a frozen buffer to a published batch, and from a drop to its tombstone. The log must be durable
// through the buffer's fence before any of this is called (B4), so that no batch ever holds what the log could still
// lose.

import { makeBatchAside } from '../batch/crew.ts'
import type { ParquetCompression, ParquetProfile, Settings } from '../config/settings.ts'
import type { Disk } from '../disk/disk.ts'
import type { Columns } from '../model/columns.ts'
import { extentOf } from '../model/extent.ts'
import { type Schema, widen } from '../model/schema.ts'
import { type BatchEntry, batchPath, withFlush } from './metadata.ts'
import type { Registry } from './registry.ts'
import type { FrozenBuffer, Shard } from './shard.ts'

/** How a batch is encoded. */
export interface BatchFormat {
  readonly profile: ParquetProfile
  readonly compression: ParquetCompression
}

export const batchFormat = ({ parquetProfile, parquetCompression }: Settings): BatchFormat => ({
  profile: parquetProfile,
  compression: parquetCompression,
})

/** What one flush of one shard did. */
export interface FlushedBuffer {
  readonly shard: string
  /** Updates that were in the buffer. */
  readonly updates: number
  /** Rows and bytes of the new batch; 0 if everything cancelled out. */
  readonly rows: number
  readonly bytes: number
}

/** The time after the greatest. */
const upperOf = ({ time, length }: Columns): number => (length === 0 ? 0 : extentOf(time, length).highest + 1)

/** Publishes the tombstone of `shard`. Call it in the shard's turn. */
export const publishDrop = async (registry: Registry, shard: Shard): Promise<void> => {
  const tombstone = shard.metadata
  await registry.publish(tombstone, shard.firstLsn) // commit point: a crash above leaves the drop to the log
  shard.publish(tombstone, tombstone)
}

/** A frozen buffer of which a batch was made. Nothing refers to that yet. */
export interface MadeBuffer {
  readonly buffer: FrozenBuffer
  /** The shard's columns, as wide as this buffer and those before it need them. */
  readonly schema: Schema
  /** Undefined if everything cancelled out. */
  readonly batch: BatchEntry | undefined
}

/**
 * Makes a batch of a buffer that is frozen in `shard`, in whatever turn. If it rejects, a file that was written is left
 * for the next open to explain, as far as it could not be removed.
 */
export const makeBuffer = async (
  disk: Disk,
  registry: Registry,
  format: BatchFormat,
  shard: Shard,
  buffer: FrozenBuffer,
): Promise<MadeBuffer> => {
  const { metadata, firstLsn } = shard
  const lsns = { lsnLower: buffer.firstLsn, lsnUpper: buffer.fence }
  // With what those before it bring, published or not: a shard may have to be put together again of its files alone.
  const before = shard.frozen.slice(0, shard.frozen.indexOf(buffer) + 1)
  const schema = before.reduce((wide, { columns }) => widen(wide, columns), shard.schema)
  const id = await registry.nextBatchId()
  const origin = { store: registry.catalog.id, firstLsn, ...lsns, since: metadata.since }
  const { description } = await makeBatchAside(
    disk,
    {
      path: batchPath(id),
      options: { ...format, shard: shard.name, schema, origin },
      source: { kind: 'buffer', updates: buffer },
    },
    () => {},
  )
  return { buffer, schema, batch: description && { ...description, id, ...lsns } }
}

/** Removes the batch of a buffer that a drop has overtaken. */
export const discardBuffer = async (disk: Disk, { batch }: MadeBuffer): Promise<void> => {
  if (batch !== undefined) await disk.remove(batchPath(batch.id))
}

/**
 * Publishes the batch of the oldest frozen buffer of `shard`. Call it in the shard's turn. Undefined if a drop has
 * overtaken it: then the batch is gone.
 *
 * When it rejects, the buffer is still there and still in the log, and the batch may be named by metadata on its way to
 * the disk: trying again makes another.
 */
export const publishBuffer = async (
  disk: Disk,
  registry: Registry,
  shard: Shard,
  made: MadeBuffer,
): Promise<FlushedBuffer | undefined> => {
  const { buffer, schema, batch } = made
  if (shard.frozen[0] !== buffer) {
    await discardBuffer(disk, made)
    return undefined
  }
  const before = shard.metadata
  const metadata = withFlush(before, {
    batch,
    flushedLsn: buffer.fence,
    upper: upperOf(buffer.columns),
    schema,
  })
  await registry.publish(metadata, shard.firstLsn) // commit point: a crash above leaves an orphan batch, never a gap
  shard.publish(before, metadata, buffer)
  return {
    shard: shard.name,
    updates: buffer.columns.length,
    rows: batch?.len ?? 0,
    bytes: batch?.bytes ?? 0,
  }
}

/** Flushes the oldest frozen buffer of `shard`, or publishes the tombstone that waits before it, if there is either. */
export const flushOldest = async (
  disk: Disk,
  registry: Registry,
  format: BatchFormat,
  shard: Shard,
): Promise<void> => {
  const [buffer] = shard.frozen
  if (shard.isDropPending) await publishDrop(registry, shard)
  else if (buffer !== undefined)
    await publishBuffer(disk, registry, shard, await makeBuffer(disk, registry, format, shard, buffer))
}
