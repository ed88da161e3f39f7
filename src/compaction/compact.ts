// Owns one compaction: batches in, one batch out, in bounded memory, while commits, flushes and reads go on.
// Law: for every asOf >= since the answer before and after is the same.

import { merge } from '../batch/merge.ts'
import { BatchReader } from '../batch/reader.ts'
import { writeBatch } from '../batch/writer.ts'
import type { Disk } from '../disk/disk.ts'
import { bytesOf, type Columns } from '../model/columns.ts'
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

/** A batch that is being merged. */
class Input {
  readonly batch: BatchEntry
  readonly #reader: BatchReader
  readonly #chunks: AsyncGenerator<Columns, void, undefined>
  readonly #read: (rows: number) => void
  /** The first row group, until it is taken: nothing is held that was merged already. */
  #first: Columns | undefined

  private constructor(
    batch: BatchEntry,
    reader: BatchReader,
    chunks: AsyncGenerator<Columns, void, undefined>,
    first: Columns | undefined,
    read: (rows: number) => void,
  ) {
    this.batch = batch
    this.#reader = reader
    this.#chunks = chunks
    this.#first = first
    this.#read = read
  }

  /** Opens a batch and decodes its first row group. @param read is told of rows that were read */
  static async open(
    disk: Disk,
    shard: string,
    batch: BatchEntry,
    read: (rows: number) => void,
  ): Promise<Input> {
    const reader = await BatchReader.open(disk, batchPath(batch.id), batch, shard)
    try {
      const chunks = reader.stream()
      const first = await chunks.next()
      return new Input(batch, reader, chunks, first.value ?? undefined, read)
    } catch (cause) {
      await reader.close()
      throw cause
    }
  }

  /** About how much memory it takes: one row group. */
  get bytes(): number {
    return this.#first === undefined ? 0 : bytesOf(this.#first)
  }

  async #next(): Promise<Columns | undefined> {
    const first = this.#first
    this.#first = undefined
    return first ?? (await this.#chunks.next()).value ?? undefined
  }

  async *run(): AsyncGenerator<Columns, void, undefined> {
    for (let chunk = await this.#next(); chunk !== undefined; chunk = await this.#next()) {
      this.#read(chunk.length)
      yield chunk
    }
  }

  close(): Promise<void> {
    return this.#reader.close()
  }
}

/** Opens batches from the first on, as many as can be merged in `mergeBytes`, but two at least. */
const openInputs = async (
  disk: Disk,
  shard: string,
  batches: readonly BatchEntry[],
  mergeBytes: number,
  read: (rows: number) => void,
): Promise<Input[]> => {
  const inputs: Input[] = []
  let bytes = 0
  try {
    for (const batch of batches) {
      const input = await Input.open(disk, shard, batch, read)
      inputs.push(input)
      bytes += input.bytes
      if (bytes > mergeBytes && inputs.length >= 2) break
    }
    return inputs
  } catch (cause) {
    for (const input of inputs) await input.close()
    throw cause
  }
}

/** The merge alone: writes the output under a new id and touches nothing else. */
const mergeBatches = async (
  disk: Disk,
  registry: Registry,
  format: BatchFormat,
  shard: Shard,
  inputs: readonly Input[],
  since: number,
): Promise<BatchEntry | undefined> => {
  const { name, firstLsn } = shard
  const { schema } = shard.metadata
  try {
    const id = await registry.nextBatchId()
    const rows = merge(
      inputs.map(input => input.run()),
      schema.length,
      { since },
    )
    const { lsnLower } = inputs[0]!.batch
    const { lsnUpper } = inputs.at(-1)!.batch
    const origin = { store: registry.catalog.id, firstLsn, lsnLower, lsnUpper, since }
    const options = { ...format, shard: name, schema, origin }
    const description = await writeBatch(disk, batchPath(id), options, rows)
    return description === undefined ? undefined : { ...description, id, lsnLower, lsnUpper }
  } finally {
    for (const input of inputs) await input.close()
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
  read: (rows: number) => void,
): Promise<CompactedShard | undefined> => {
  const batches = shard.metadata.batches.filter(({ id }) => plan.inputs.includes(id))
  const inputs = await openInputs(disk, shard.name, batches, mergeBytes, read)
  const output =
    inputs.length === 0 ? undefined : await mergeBatches(disk, registry, format, shard, inputs, plan.since)
  const merged = inputs.map(({ batch }) => batch.id)
  return shard.inTurn(async () => {
    const before = shard.metadata
    const metadata = withCompaction(before, merged, output, plan.since)
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
