// Owns the making of a batch: of the updates of a buffer, or of other batches. It is the part of a flush and of a
// compaction that takes long, and can be done by another thread: it needs a disk and plain data, and what it leaves is
// one file that nothing refers to.
// Law: for every asOf >= since the inputs of a merge and what it makes give the same answer.
import type { Disk } from '../disk/disk.ts'
import { bytesOf, type Columns } from '../model/columns.ts'
import type { BatchDescription } from './description.ts'
import type { BatchOrigin } from './layout.ts'
import { merge } from './merge.ts'
import { BatchReader } from './reader.ts'
import { type BatchOptions, writeBatch } from './writer.ts'

/** Updates of a buffer that takes no more. */
export interface BufferedUpdates {
  /** In any order. */
  readonly columns: Columns
  /** The same, sorted and consolidated; may be worked out when somebody asks. */
  readonly consolidated: Columns
}

/** A batch that is to be merged. */
export interface MergeInput {
  readonly path: string
  readonly description: BatchDescription
  /** Its last commit. */
  readonly lsnUpper: number
}

/** The batches that are merged. */
export interface MergeSource {
  readonly kind: 'batches'
  /** Side by side in the shard's order, at least one. */
  readonly inputs: readonly MergeInput[]
  /** Times before it become it. */
  readonly since: number
  /** About how much memory the inputs may take: each takes one decoded row group. Two are always merged. */
  readonly mergeBytes: number
}

/** What a batch is made of. */
export type BatchSource = { readonly kind: 'buffer'; readonly updates: BufferedUpdates } | MergeSource

/** A batch to be made. */
export interface BatchTask {
  readonly path: string
  /** Of the origin, `lsnUpper` is of all inputs: the batch names the last one that is in it. */
  readonly options: BatchOptions & { readonly origin: BatchOrigin }
  readonly source: BatchSource
}

/** A batch that was made. */
export interface MadeBatch {
  /** Undefined if nothing was left to write: then there is no file. */
  readonly description: BatchDescription | undefined
  /** How many of the inputs are in it, from the first on: as many as memory may hold. */
  readonly inputs: number
}

/** Told of rows of inputs that were read. If it throws, the batch is not made, and that is the reason. */
export type ReadRows = (rows: number) => void

/** A batch that is being merged. */
class Input {
  readonly #reader: BatchReader
  readonly #chunks: AsyncGenerator<Columns, void, undefined>
  readonly #read: ReadRows
  /** The first row group, until it is taken: nothing is held that was merged already. */
  #first: Columns | undefined

  private constructor(
    reader: BatchReader,
    chunks: AsyncGenerator<Columns, void, undefined>,
    first: Columns | undefined,
    read: ReadRows,
  ) {
    this.#reader = reader
    this.#chunks = chunks
    this.#first = first
    this.#read = read
  }

  /** Opens a batch and decodes its first row group. */
  static async open(disk: Disk, shard: string, input: MergeInput, read: ReadRows): Promise<Input> {
    const reader = await BatchReader.open(disk, input.path, input.description, shard)
    try {
      const chunks = reader.stream()
      const first = await chunks.next()
      return new Input(reader, chunks, first.value ?? undefined, read)
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

/** Merges batches from the first on, as many as can be merged in `mergeBytes`, but two at least. */
const mergeInputs = async (
  disk: Disk,
  { path, options }: BatchTask,
  { inputs, since, mergeBytes }: MergeSource,
  read: ReadRows,
): Promise<MadeBatch> => {
  const opened: Input[] = []
  try {
    let bytes = 0
    for (const input of inputs) {
      const next = await Input.open(disk, options.shard, input, read)
      opened.push(next)
      bytes += next.bytes
      if (bytes > mergeBytes && opened.length >= 2) break
    }
    const { lsnUpper } = inputs[opened.length - 1]!
    const merged = merge(
      opened.map(input => input.run()),
      options.schema.length,
      { since },
    )
    const origin = { ...options.origin, lsnUpper }
    const description = await writeBatch(disk, path, { ...options, origin }, merged)
    return { description, inputs: opened.length }
  } finally {
    for (const input of opened) await input.close()
  }
}

/**
 * Makes a batch here and now. The file is at its path, durably, when the promise resolves (B5, B6). When it rejects,
 * none is, as far as the disk lets it.
 */
export const makeBatch = async (disk: Disk, task: BatchTask, read: ReadRows): Promise<MadeBatch> => {
  const { path, options, source } = task
  if (source.kind === 'batches') return mergeInputs(disk, task, source, read)
  const description = await writeBatch(disk, path, options, [source.updates.consolidated])
  return { description, inputs: 0 }
}
