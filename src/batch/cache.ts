// Owns the row groups of batches that were decoded for looking tuples up, and the files they came from, as far as
// memory allows: what was used longest ago goes first. Batches never change, so nothing in here is ever stale.
import type { Disk } from '../disk/disk.ts'
import { bytesOf, type Columns } from '../model/columns.ts'
import type { Exclusion } from '../model/predicate.ts'
import { Turns } from '../turns.ts'
import type { BatchDescription } from './description.ts'
import { BatchReader } from './reader.ts'

/** Bytes of decoded row groups that are kept. */
const CACHED_BYTES_MAX = 64 * 1024 * 1024
/** Files that are kept open. */
const OPEN_MAX = 64

interface OpenBatch {
  readonly reader: Promise<BatchReader>
  users: number
}

interface RowGroup {
  readonly columns: Columns
  readonly bytes: number
}

export class BatchCache {
  readonly #disk: Disk
  readonly #bytesMax: number
  /** By path, in the order of their last use. */
  readonly #batches = new Map<string, OpenBatch>()
  /** By path and row group, in the order of their last use. */
  readonly #rowGroups = new Map<string, RowGroup>()
  /** By path and row group, what is being decoded: whoever comes meanwhile shares it. */
  readonly #decoding = new Map<string, Promise<Columns>>()
  /** One at a time: decoding keeps one thread busy, and each takes the memory of a row group. */
  readonly #turns = new Turns()
  #bytes = 0
  #closed = false

  constructor(disk: Disk, bytesMax: number = CACHED_BYTES_MAX) {
    this.#disk = disk
    this.#bytesMax = bytesMax
  }

  /** The row groups of a batch that may hold a row that meets all conditions; each is sorted. The batch must be pinned. */
  async *rowGroups(
    path: string,
    description: BatchDescription,
    shard: string,
    conditions: readonly Exclusion[],
  ): AsyncGenerator<Columns, void, undefined> {
    const batch = this.#open(path, description, shard)
    batch.users++
    try {
      const reader = await batch.reader
      for (let index = 0; index < reader.rowGroups; index++)
        if (reader.mayHold(index, conditions)) yield await this.#rowGroup(path, reader, index)
    } finally {
      batch.users--
      await this.#closeSome(OPEN_MAX)
    }
  }

  #open(path: string, description: BatchDescription, shard: string): OpenBatch {
    if (this.#closed) throw new Error('the cache is closed')
    const known = this.#batches.get(path)
    const batch = known ?? { reader: BatchReader.open(this.#disk, path, description, shard), users: 0 }
    this.#batches.delete(path)
    this.#batches.set(path, batch)
    // One that failed to open is tried again the next time.
    if (known === undefined) batch.reader.catch(() => this.#batches.delete(path))
    return batch
  }

  async #rowGroup(path: string, reader: BatchReader, index: number): Promise<Columns> {
    const key = `${path}:${index}`
    const columns = this.#rowGroups.get(key)?.columns ?? (await this.#decode(key, reader, index))
    this.#keep(key, columns)
    return columns
  }

  #decode(key: string, reader: BatchReader, index: number): Promise<Columns> {
    const running = this.#decoding.get(key)
    if (running !== undefined) return running
    const decoding = this.#turns.take(() => reader.read(index)).finally(() => this.#decoding.delete(key))
    this.#decoding.set(key, decoding)
    return decoding
  }

  /** Makes a row group the one that was used last. */
  #keep(key: string, columns: Columns): void {
    this.#forget(key)
    if (this.#closed) return
    const bytes = bytesOf(columns)
    this.#rowGroups.set(key, { columns, bytes })
    this.#bytes += bytes
    for (const oldest of this.#rowGroups.keys()) {
      if (this.#bytes <= this.#bytesMax) break
      this.#forget(oldest)
    }
  }

  #forget(key: string): void {
    this.#bytes -= this.#rowGroups.get(key)?.bytes ?? 0
    this.#rowGroups.delete(key)
  }

  /** Lets go of a batch that was replaced. */
  async drop(path: string): Promise<void> {
    for (const key of this.#rowGroups.keys()) if (key.startsWith(`${path}:`)) this.#forget(key)
    const batch = this.#batches.get(path)
    if (batch === undefined) return
    this.#batches.delete(path)
    await closeReader(batch)
  }

  async #closeSome(most: number): Promise<void> {
    for (const [path, batch] of this.#batches) {
      if (this.#batches.size <= most) return
      if (batch.users > 0) continue
      this.#batches.delete(path)
      await closeReader(batch)
    }
  }

  /** Closes all files; who still reads is told so by an error. */
  async close(): Promise<void> {
    this.#closed = true
    for (const path of [...this.#batches.keys()]) await this.drop(path)
  }
}

const closeReader = async ({ reader }: OpenBatch): Promise<void> => {
  await reader.then(
    open => open.close(),
    () => {},
  )
}
