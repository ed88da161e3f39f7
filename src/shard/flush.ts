// Owns the way from a frozen buffer to a published batch, and from a drop to its tombstone. The log must be durable through the buffer's fence before
// this is called (B4), so that no batch ever holds what the log could still lose.

import { makeBatchAside } from '../batch/crew.ts'
import type { ParquetCompression, ParquetProfile, Settings } from '../config/settings.ts'
import type { Disk } from '../disk/disk.ts'
import type { Columns } from '../model/columns.ts'
import { extentOf } from '../model/extent.ts'
import { widen } from '../model/schema.ts'
import { type BatchEntry, batchPath, withFlush } from './metadata.ts'
import type { Registry } from './registry.ts'
import type { Shard } from './shard.ts'

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

/** Publishes the tombstone of `shard`. */
const publishDrop = async (registry: Registry, shard: Shard): Promise<void> => {
  const tombstone = shard.metadata
  await registry.publish(tombstone, shard.firstLsn) // commit point: a crash above leaves the drop to the log
  shard.publish(tombstone, tombstone)
}

/**
 * Flushes the oldest frozen buffer of `shard`, if there is one, or publishes the tombstone that waits before it. Call
 * it in the shard's turn. Undefined if there is no new batch to tell of: a drop leaves none, and neither does a flush
 * that it overtook.
 *
 * When it rejects, the buffer is still there and still in the log; trying again writes a new file. A file that was
 * written and perhaps named by metadata on its way to the disk is left for the next open to explain.
 */
export const flushOldest = async (
  disk: Disk,
  registry: Registry,
  format: BatchFormat,
  shard: Shard,
): Promise<FlushedBuffer | undefined> => {
  if (shard.isDropPending) {
    await publishDrop(registry, shard)
    return undefined
  }
  const buffer = shard.oldestFrozen
  if (buffer === undefined) return undefined
  const { metadata: before, firstLsn } = shard
  const schema = widen(shard.schema, buffer.columns)
  const id = await registry.nextBatchId()
  const origin = {
    store: registry.catalog.id,
    firstLsn,
    lsnLower: buffer.firstLsn,
    lsnUpper: buffer.fence,
    since: before.since,
  }
  const { description } = await makeBatchAside(
    disk,
    {
      path: batchPath(id),
      options: { ...format, shard: shard.name, schema, origin },
      source: { kind: 'buffer', updates: buffer },
    },
    () => {},
  )
  const batch: BatchEntry | undefined =
    description === undefined
      ? undefined
      : { ...description, id, lsnLower: buffer.firstLsn, lsnUpper: buffer.fence }
  if (shard.metadata !== before) {
    if (batch !== undefined) await disk.remove(batchPath(id))
    return undefined
  }
  const metadata = withFlush(before, {
    batch,
    flushedLsn: buffer.fence,
    upper: upperOf(buffer.columns),
    schema,
  })
  await registry.publish(metadata, firstLsn) // commit point: a crash above leaves an orphan batch, never a gap
  shard.publish(before, metadata, buffer)
  return {
    shard: shard.name,
    updates: buffer.columns.length,
    rows: batch?.len ?? 0,
    bytes: batch?.bytes ?? 0,
  }
}
