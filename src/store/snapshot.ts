// Owns a pinned view: the contents of the store as of one time, the same however often they are read and whatever
// is committed, flushed or compacted meanwhile.

import { merge } from '../batch/merge.ts'
import { BatchReader } from '../batch/reader.ts'
import type { Disk } from '../disk/disk.ts'
import { CommitError, FrontierError } from '../errors.ts'
import { type Columns, slice, tupleAt } from '../model/columns.ts'
import { type Schema, widen } from '../model/schema.ts'
import { compareTuples } from '../model/sort.ts'
import { Float, type Value } from '../model/value.ts'
import { batchPath } from '../shard/metadata.ts'
import type { Shard, ShardView } from '../shard/shard.ts'

/** A tuple and its multiplicity: the sum of its diffs up to the time of the snapshot, never 0. */
export interface Row {
  readonly data: Value[]
  readonly diff: number
}

/** How much there is in a shard. */
export interface Count {
  /** Tuples whose multiplicity is not 0. */
  readonly distinct: number
  /** Sum of their multiplicities. */
  readonly total: number
}

async function* only(columns: Columns): AsyncGenerator<Columns> {
  yield columns
}

const LARGEST = Number.MAX_SAFE_INTEGER

/** Opens the batches of a view and yields its updates, merged as `merge` does. The view must be pinned. */
async function* readView(
  disk: Disk,
  view: ShardView,
  frontier: { readonly since: number; readonly until: number },
): AsyncGenerator<Columns> {
  const readers: BatchReader[] = []
  try {
    for (const batch of view.batches) {
      // Nothing in it is at or before the time that is asked for.
      if (batch.lower > frontier.until) continue
      readers.push(await BatchReader.open(disk, batchPath(batch.id), batch, view.name))
    }
    const runs = [...readers.map(reader => reader.stream()), ...view.buffers.map(buffer => only(buffer()))]
    yield* merge(runs, view.schema.length, frontier)
  } finally {
    for (const reader of readers) await reader.close()
  }
}

/** In a column declared float64 a float is a plain number, also an integral one. */
const plainFloats = (tuple: Value[], schema: Schema): Value[] =>
  tuple.map((value, index) =>
    value instanceof Float && schema[index]!.declared && schema[index]!.type === 'float64'
      ? value.value
      : value,
  )

/** Notices a sum that had to be kept as several rows because it is no safe integer: see consolidate. */
class OverflowCheck {
  #last: Columns | undefined
  readonly #shard: string

  constructor(shard: string) {
    this.#shard = shard
  }

  see(columns: Columns, row: number): void {
    if (this.#last !== undefined && compareTuples(this.#last, 0, columns, row) === 0)
      throw new FrontierError('DIFF_OVERFLOW', 'a multiplicity is beyond the safe integers', {
        shard: this.#shard,
        data: String(tupleAt(columns, row)),
      })
    this.#last = Math.abs(columns.diff[row]!) === LARGEST ? slice(columns, row, row + 1) : undefined
  }
}

/** Contents as of one time. Holds files and `since` until it or its store is closed; `await using` closes it. */
export class Snapshot implements AsyncDisposable {
  /** Updates with `time <= asOf` count. -1 in an empty store. */
  readonly asOf: number
  /** The last commit that the view has seen. */
  readonly lsn: number
  readonly #disk: Disk
  readonly #views: ReadonlyMap<string, ShardView | Shard>
  readonly #release: () => void
  #closed = false

  /** @param views per shard; a shard that is damaged stands for itself. */
  constructor(
    disk: Disk,
    views: ReadonlyMap<string, ShardView | Shard>,
    at: { readonly asOf: number; readonly lsn: number },
    release: () => void,
  ) {
    this.#disk = disk
    this.#views = views
    this.asOf = at.asOf
    this.lsn = at.lsn
    this.#release = release
  }

  #requireOpen(): void {
    if (this.#closed) throw new CommitError('CLOSED', 'the snapshot, or its store, is closed', 'determinate')
  }

  /** Names of the shards that the view has seen, sorted. */
  get shards(): string[] {
    return [...this.#views.keys()].sort()
  }

  /**
   * The contents as columns: sorted by tuple, one row each, all at time `asOf`. Throws as {@link rows} does.
   * @internal
   */
  async *chunks(name: string): AsyncGenerator<Columns> {
    this.#requireOpen()
    const view = this.#views.get(name)
    if (view === undefined || this.asOf < 0) return
    if ('requireSound' in view) return view.requireSound()
    if (this.asOf < view.since)
      throw new FrontierError('AS_OF_BEFORE_SINCE', 'what was before since is no longer known', {
        shard: name,
        asOf: this.asOf,
        since: view.since,
      })
    try {
      for await (const columns of readView(this.#disk, view, { since: this.asOf, until: this.asOf })) {
        this.#requireOpen()
        yield columns
      }
    } catch (cause) {
      // Closed meanwhile: its files may be gone, which is no damage.
      this.#requireOpen()
      throw cause
    }
  }

  /**
   * The tuples of a shard with their multiplicities, in the order of values; none for a shard that is not there.
   * Reads one row group per batch at a time, whatever the size of the shard.
   *
   * @throws {FrontierError} AS_OF_BEFORE_SINCE; DIFF_OVERFLOW for a multiplicity beyond ±(2^53-1)
   * @throws {CorruptionError} BATCH_CORRUPT, BATCH_MISSING
   * @throws {CommitError} SHARD_DAMAGED, CLOSED
   */
  async *rows(shard: string): AsyncGenerator<Row, void, undefined> {
    const check = new OverflowCheck(shard)
    for await (const columns of this.chunks(shard)) {
      const view = this.#views.get(shard)!
      for (let row = 0; row < columns.length; row++) {
        check.see(columns, row)
        yield { data: plainFloats(tupleAt(columns, row), view.schema), diff: columns.diff[row]! }
      }
    }
  }

  /** Counts what {@link rows} would yield, without making rows; throws as it does. */
  async count(shard: string): Promise<Count> {
    const check = new OverflowCheck(shard)
    let distinct = 0
    let total = 0
    for await (const columns of this.chunks(shard)) {
      distinct += columns.length
      for (let row = 0; row < columns.length; row++) {
        check.see(columns, row)
        total += columns.diff[row]!
      }
    }
    if (!Number.isSafeInteger(total))
      throw new FrontierError('DIFF_OVERFLOW', 'the sum of the multiplicities is beyond the safe integers', {
        shard,
      })
    return { distinct, total }
  }

  /**
   * A schema that holds everything in the view of a shard.
   * @internal
   */
  schemaOf(shard: string): Schema {
    const view = this.#views.get(shard)
    if (view === undefined) return []
    return 'buffers' in view
      ? view.buffers.reduce((schema, buffer) => widen(schema, buffer()), view.schema)
      : view.schema
  }

  /** Lets files and `since` go. Closing twice is fine. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#release()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
