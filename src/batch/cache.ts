// Owns the row groups of batches that are kept decoded, and the files they came from, as far as memory and descriptors
// allow: what was used longest ago goes first. Batches never change, so nothing in here is ever stale.
import type { Disk } from '../disk/disk.ts'
import type { Columns } from '../model/columns.ts'
import type { Bounds, Exclusion } from '../model/predicate.ts'
import type { Value } from '../model/value.ts'
import { Turns } from '../turns.ts'
import type { BatchDescription } from './description.ts'
import { KeptColumns } from './kept-columns.ts'
import { BatchReader, type Wanted } from './reader.ts'

/** Bytes of decoded row groups, and of what else is kept, that are kept. */
const KEPT_BYTES_MAX = 64 * 1024 * 1024
/** Files that are kept open. */
const OPEN_MAX = 64

/** Reads after which the event loop goes round once. */
const READS_IN_A_ROW = 64

interface OpenBatch {
  readonly reader: Promise<BatchReader>
  users: number
  /** All of it that was wanted has passed by at least once. */
  isScanned: boolean
}

/** The name under which a row group is kept. */
export const rowGroupKey = (path: string, index: number): string => `${path}:${index}`

export class BatchCache {
  /** Row groups by {@link rowGroupKey}, and what others keep under names of their own. */
  readonly kept: KeptColumns
  readonly #disk: Disk
  /** By path, in the order of their last use. */
  readonly #batches = new Map<string, OpenBatch>()
  /** By path and row group, what is being decoded: whoever comes meanwhile shares it. */
  readonly #decoding = new Map<string, Promise<Columns>>()
  /** One at a time: decoding keeps one thread busy, and each takes the memory of a row group. */
  readonly #turns = new Turns()
  #reads = 0
  #closed = false

  constructor(disk: Disk, bytesMax: number = KEPT_BYTES_MAX) {
    this.#disk = disk
    this.kept = new KeptColumns(bytesMax)
  }

  /**
   * To be waited for before a read, if it is there. What is kept is found without the disk, so whoever reads in a loop
   * would keep everybody else, commits among them, from ever having a turn: now and then the event loop goes round first.
   */
  get othersTurn(): Promise<void> | undefined {
    if (++this.#reads % READS_IN_A_ROW !== 0) return undefined
    return new Promise(resolve => setImmediate(resolve))
  }

  /** The row groups of a batch that may hold a row that meets all conditions; each is sorted. The batch must be pinned. */
  async *rowGroups(
    path: string,
    description: BatchDescription,
    shard: string,
    conditions: readonly Exclusion[],
  ): AsyncGenerator<Columns, void, undefined> {
    const batch = this.#open(path, description, shard)
    try {
      const reader = await batch.reader
      for (let index = 0; index < reader.rowGroups; index++)
        if (reader.mayHold(index, conditions)) yield await this.#rowGroup(path, reader, index)
    } finally {
      await this.#leave(batch)
    }
  }

  /** As {@link rowGroups}, with what is wanted alone; no other columns are read, and nothing new is kept. */
  async *passing(
    path: string,
    description: BatchDescription,
    shard: string,
    conditions: readonly Exclusion[],
    wanted: Wanted,
  ): AsyncGenerator<Columns, void, undefined> {
    const batch = this.#open(path, description, shard)
    try {
      const reader = await batch.reader
      for (let index = 0; index < reader.rowGroups; index++) {
        if (!reader.mayHold(index, conditions)) continue
        const kept = this.kept.get(rowGroupKey(path, index))
        yield kept === undefined
          ? await reader.read(index, wanted)
          : { ...kept, data: wanted.columns.map(column => kept.data[column]!) }
      }
      batch.isScanned = true
    } finally {
      await this.#leave(batch)
    }
  }

  /** Whether a batch was scanned before, as far as is known: what is read but once is not worth keeping. */
  wasScanned(path: string): boolean {
    return this.#batches.get(path)?.isScanned === true
  }

  /** What the statistics say of a data column: see {@link BatchReader.bounds}. The batch must be pinned. */
  async bounds(
    path: string,
    description: BatchDescription,
    shard: string,
    column: number,
  ): Promise<(Bounds | undefined)[]> {
    const batch = this.#open(path, description, shard)
    try {
      return (await batch.reader).bounds(column)
    } finally {
      await this.#leave(batch)
    }
  }

  /** One row group of a batch. The batch must be pinned. */
  async rowGroup(
    path: string,
    description: BatchDescription,
    shard: string,
    index: number,
  ): Promise<Columns> {
    const batch = this.#open(path, description, shard)
    try {
      return await this.#rowGroup(path, await batch.reader, index)
    } finally {
      await this.#leave(batch)
    }
  }

  /**
   * Rows of one row group, all whose first values are `prefix` among them: those of the few pages that may have some,
   * of which nothing is kept, or all of them if somebody has the row group decoded just now. The batch must be pinned.
   */
  async find(
    path: string,
    description: BatchDescription,
    shard: string,
    index: number,
    prefix: readonly Value[],
  ): Promise<Columns> {
    const batch = this.#open(path, description, shard)
    try {
      const reader = await batch.reader
      return await (this.#decoding.get(rowGroupKey(path, index)) ?? reader.find(index, prefix))
    } finally {
      await this.#leave(batch)
    }
  }

  #open(path: string, description: BatchDescription, shard: string): OpenBatch {
    if (this.#closed) throw new Error('the cache is closed')
    const known = this.#batches.get(path)
    const batch = known ?? {
      reader: BatchReader.open(this.#disk, path, description, shard),
      users: 0,
      isScanned: false,
    }
    batch.users++
    this.#batches.delete(path)
    this.#batches.set(path, batch)
    // One that failed to open is tried again the next time.
    if (known === undefined) batch.reader.catch(() => this.#batches.delete(path))
    return batch
  }

  async #leave(batch: OpenBatch): Promise<void> {
    batch.users--
    await this.#closeSome(OPEN_MAX)
  }

  #rowGroup(path: string, reader: BatchReader, index: number): Columns | Promise<Columns> {
    const key = rowGroupKey(path, index)
    const kept = this.kept.get(key)
    if (kept !== undefined) return kept
    const running = this.#decoding.get(key)
    if (running !== undefined) return running
    const decoding = this.#turns.take(() => this.#decode(key, reader, index))
    this.#decoding.set(key, decoding)
    return decoding
  }

  /** From one moment to the next it is kept, and not being decoded any more: nobody comes in between. */
  async #decode(key: string, reader: BatchReader, index: number): Promise<Columns> {
    try {
      const columns = await reader.read(index)
      if (!this.#closed) this.kept.set(key, columns)
      return columns
    } finally {
      this.#decoding.delete(key)
    }
  }

  /** Lets go of a batch that was replaced. */
  async drop(path: string): Promise<void> {
    this.kept.deleteAll(`${path}:`)
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
