// Owns one compaction: batches in, one batch out, in bounded memory, while commits, flushes and reads go on.
// Law: for every asOf >= since the answer before and after is the same.

import { makeBatchAside } from '../batch/crew.ts'
import type { ReadRows } from '../batch/make.ts'
import type { Disk } from '../disk/disk.ts'
import type { BatchFormat } from '../shard/flush.ts'
import { type BatchEntry, batchPath, type ShardMetadata, withCompaction } from '../shard/metadata.ts'
import type { Registry } from '../shard/registry.ts'
import type { Shard } from '../shard/shard.ts'
import type { CompactionPlan } from './policy.ts'

/** What a compaction of one shard did: numbers of the whole shard, before and after. */
export interface CompactedShard {
  readonly shard: string
  readonly since: number
  readonly batchesBefore: number
  readonly batchesAfter: number
  readonly rowsBefore: number
  readonly rowsAfter: number
  readonly bytesBefore: number
  readonly bytesAfter: number
}

const sizeOf = ({ batches }: ShardMetadata, unit: 'len' | 'bytes'): number =>
  batches.reduce((sum, batch) => sum + batch[unit], 0)

/** The merge alone: writes the output under a new id and touches nothing else. */
const mergeBatches = async (
  disk: Disk,
  registry: Registry,
  format: BatchFormat,
  shard: Shard,
  batches: readonly BatchEntry[],
  since: number,
  mergeBytes: number,
  read: ReadRows,
): Promise<{ readonly merged: readonly BatchEntry[]; readonly output: BatchEntry | undefined }> => {
  const { name, firstLsn } = shard
  const { schema } = shard.metadata
  const { lsnLower } = batches[0]!
  const origin = { store: registry.catalog.id, firstLsn, lsnLower, lsnUpper: batches.at(-1)!.lsnUpper, since }
  const id = await registry.nextBatchId()
  const { description, inputs } = await makeBatchAside(
    disk,
    {
      path: batchPath(id),
      options: { ...format, shard: name, schema, origin },
      source: {
        kind: 'batches',
        inputs: batches.map(batch => ({
          path: batchPath(batch.id),
          description: batch,
          lsnUpper: batch.lsnUpper,
        })),
        since,
        mergeBytes,
      },
    },
    read,
  )
  const merged = batches.slice(0, inputs)
  const { lsnUpper } = merged.at(-1)!
  return {
    merged,
    output: description === undefined ? undefined : { ...description, id, lsnLower, lsnUpper },
  }
}

/**
 * Carries out `plan`, or the first part of it: as many of its inputs as can be merged in `mergeBytes`, two at least. The
 * inputs must stay until this resolves. Undefined if they were replaced meanwhile, and then nothing changed.
 *
 * @param mergeBytes about how much memory the inputs may take. Each takes one decoded row group
 * @param read is told of rows that were read; if it throws, the compaction fails with that and nothing changed
 */
export const compactShard = async (
  disk: Disk,
  registry: Registry,
  format: BatchFormat,
  shard: Shard,
  plan: CompactionPlan,
  mergeBytes: number,
  read: ReadRows,
): Promise<CompactedShard | undefined> => {
  const batches = shard.metadata.batches.filter(({ id }) => plan.inputs.includes(id))
  const { merged, output } =
    batches.length === 0
      ? { merged: [], output: undefined }
      : await mergeBatches(disk, registry, format, shard, batches, plan.since, mergeBytes, read)
  const replaced = merged.map(({ id }) => id)
  return shard.inTurn(async () => {
    const before = shard.metadata
    const metadata = withCompaction(before, replaced, output, plan.since)
    if (metadata === undefined) {
      if (output !== undefined) await disk.remove(batchPath(output.id))
      return undefined
    }
    await registry.publish(metadata, shard.firstLsn) // commit point: a crash above leaves the inputs, and an orphan
    shard.publish(before, metadata)
    return {
      shard: shard.name,
      since: metadata.since,
      batchesBefore: before.batches.length,
      batchesAfter: metadata.batches.length,
      rowsBefore: sizeOf(before, 'len'),
      rowsAfter: sizeOf(metadata, 'len'),
      bytesBefore: sizeOf(before, 'bytes'),
      bytesAfter: sizeOf(metadata, 'bytes'),
    }
  })
}
