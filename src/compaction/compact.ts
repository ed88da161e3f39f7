// Owns one compaction: batches in, one batch out, in bounded memory, while commits, flushes and reads go on.
// Law: for every asOf >= since the answer before and after is the same.

import { merge } from '../batch/merge.ts'
import { BatchReader } from '../batch/reader.ts'
import { writeBatch } from '../batch/writer.ts'
import type { Disk } from '../disk/disk.ts'
import type { Columns } from '../model/columns.ts'
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

/** Tells how many rows of a run were read, chunk by chunk. */
async function* counted(run: AsyncIterable<Columns>, read: (rows: number) => void): AsyncGenerator<Columns> {
  for await (const chunk of run) {
    read(chunk.length)
    yield chunk
  }
}

/** The merge alone: writes the output under a new id and touches nothing else. */
const mergeBatches = async (
  disk: Disk,
  registry: Registry,
  format: BatchFormat,
  shard: Shard,
  inputs: readonly BatchEntry[],
  since: number,
  read: (rows: number) => void,
): Promise<BatchEntry | undefined> => {
  const { schema } = shard.metadata
  const readers: BatchReader[] = []
  try {
    for (const input of inputs)
      readers.push(await BatchReader.open(disk, batchPath(input.id), input, shard.name))
    const id = await registry.nextBatchId()
    const rows = merge(
      readers.map(reader => counted(reader.stream(), read)),
      schema.length,
      { since },
    )
    const { lsnLower } = inputs[0]!
    const { lsnUpper } = inputs.at(-1)!
    const origin = { store: registry.catalog.id, lsnLower, lsnUpper, since }
    const options = { ...format, shard: shard.name, schema, origin }
    const description = await writeBatch(disk, batchPath(id), options, rows)
    return description === undefined ? undefined : { ...description, id, lsnLower, lsnUpper }
  } finally {
    for (const reader of readers) await reader.close()
  }
}

/**
 * Carries out `plan`. The inputs must stay until this resolves. Undefined if they were replaced meanwhile, and then
 * nothing changed.
 *
 * @param read is told of rows that were read; if it throws, the compaction fails with that and nothing changed
 */
export const compactShard = async (
  disk: Disk,
  registry: Registry,
  format: BatchFormat,
  shard: Shard,
  plan: CompactionPlan,
  read: (rows: number) => void,
): Promise<CompactedShard | undefined> => {
  const inputs = shard.metadata.batches.filter(({ id }) => plan.inputs.includes(id))
  const output =
    inputs.length === 0
      ? undefined
      : await mergeBatches(disk, registry, format, shard, inputs, plan.since, read)
  return shard.inTurn(async () => {
    const before = shard.metadata
    const metadata = withCompaction(before, plan.inputs, output, plan.since)
    if (metadata === undefined) {
      if (output !== undefined) await disk.remove(batchPath(output.id))
      return undefined
    }
    await registry.publish(metadata, shard.firstLsn) // commit point: a crash above leaves the inputs, and an orphan
    shard.publish(metadata)
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
