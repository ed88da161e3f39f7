// Owns the public face of a store: a thin facade that checks shapes and hands over.
import type { ArrowTable } from '../batch/arrow.ts'
import { checkShardName } from '../disk/shard-file.ts'
import { type ColumnDeclaration, declaredSchema } from '../model/schema.ts'
import { checkTime, type Update } from '../model/update.ts'
import type { Value } from '../model/value.ts'
import type { CompactionReport } from './compactions.ts'
import type { Engine } from './engine.ts'
import type { FlushReport } from './maintenance.ts'
import { checkOptions } from './options.ts'
import {
  type CommitOptions,
  type FactOptions,
  prepare,
  prepareDrop,
  prepareTuples,
  type SchemaOf,
} from './prepare.ts'
import { isArrowTable, prepareColumns, prepareTable, type UpdateColumns } from './prepare-columns.ts'
import type { Snapshot } from './snapshot.ts'
import type { StoreStatus } from './status.ts'

/** What a commit became. */
export interface CommitResult {
  /** The greatest time in it. */
  readonly time: number
  /** Its position in the log: 1, 2, 3 … without gaps. */
  readonly lsn: number
  /**
   * Resolves when the commit survives a power loss: at once in mode `immediate`, and by asking for it a sync starts
   * in the others. In mode `none`, where nothing is synced, when it was handed to the operating system.
   */
  readonly durable: Promise<void>
}

/** What an insert or a delete of facts became. */
export interface FactResult extends CommitResult {
  /**
   * Facts that changed. If it is 0 nothing was logged: `time` and `lsn` are those of the last commit, -1 and 0 if there
   * was none.
   */
  readonly count: number
}

export interface SnapshotOptions {
  /** Last time to include. Requires `since <= asOf < upper`. @default upper - 1 */
  readonly asOf?: number
}

export interface CompactOptions {
  /**
   * Gives up what was before this time in every shard: later reads are exact from here on. Requires
   * `since < upper`; stops at the `asOf` of the oldest open snapshot. @default keeps each shard's `since`
   */
  readonly since?: number
  /** Is told, now and then, how many rows were read of how many there are to merge. @default nobody is told */
  readonly progress?: (doneRows: number, totalRows: number) => void
}

class Result implements CommitResult {
  readonly time: number
  readonly lsn: number
  readonly #engine: Engine

  constructor(engine: Engine, time: number, lsn: number) {
    this.#engine = engine
    this.time = time
    this.lsn = lsn
  }

  /** Worked out when it is asked for, because asking starts a sync. */
  get durable(): Promise<void> {
    const durable = this.#engine.durableThrough(this.lsn)
    // Whoever looks without waiting must not have their process ended by what failed.
    durable.catch(() => {})
    return durable
  }
}

class CountedResult extends Result implements FactResult {
  readonly count: number

  constructor(engine: Engine, time: number, lsn: number, count: number) {
    super(engine, time, lsn)
    this.count = count
  }
}

/** An open store. One process at a time has it; `await using` closes it. */
export class Store implements AsyncDisposable {
  readonly #engine: Engine
  readonly #schemaOf: SchemaOf

  constructor(engine: Engine) {
    this.#engine = engine
    this.#schemaOf = shard => engine.schemaOf(shard)
  }

  /**
   * Appends updates to one or several shards: visible and durable together, or not at all.
   *
   * Shards come into being by their first update, which also sets their arity. Equal updates add up: a commit is a
   * multiset. Resolves as the durability mode says; in `immediate`, when nothing can take the commit away any more.
   * Commits that are made while another is being synced share the next sync.
   *
   * @throws {InputError} with `details.place`: nothing happened, and it cannot succeed as it stands
   * @throws {FrontierError} TIME_BEFORE_UPPER: nothing happened; `details.upper` says what is possible
   * @throws {CommitError} `outcome` says whether it may have happened. LOG_WRITE_FAILED, BUSY, CLOSED, SHARD_DAMAGED:
   * it did not. LOG_SYNC_FAILED: it may have; reopen, and retry with the same `options.id`. POISONED: reopen first
   */
  async commit(updates: readonly Update[], options: CommitOptions = {}): Promise<CommitResult> {
    const { time, lsn } = await this.#engine.commit(prepare(updates, options, this.#schemaOf))
    return new Result(this.#engine, time, lsn)
  }

  /**
   * Appends updates of one shard that come as columns: one commit, as {@link commit} makes of rows, and by far the
   * fastest way in for many. `details.place` of an error reads `columns.data[1][3]`: row 3 of the second column.
   *
   * Of an Arrow table the columns named `time` and `diff` are times and diffs, all others data: by name for a shard whose
   * columns are declared, else in their order. `details.place` reads `columns.price[3]`. The first table loads Arrow, if
   * the application has not, and so may be overtaken by commits that are made right after it.
   *
   * Throws as {@link commit} does; what does not fit into one line of the log, some million rows, is COMMIT_TOO_LARGE.
   */
  async append(
    shard: string,
    columns: UpdateColumns | ArrowTable,
    options: CommitOptions = {},
  ): Promise<CommitResult> {
    const request = isArrowTable(columns)
      ? await prepareTable(shard, columns, options, this.#schemaOf)
      : prepareColumns(shard, columns, options, this.#schemaOf)
    const { time, lsn } = await this.#engine.commit(request)
    return new Result(this.#engine, time, lsn)
  }

  async #change(
    shard: string,
    tuples: readonly (readonly Value[])[],
    diff: 1 | -1,
    options: FactOptions,
  ): Promise<FactResult> {
    checkOptions(options, ['time'])
    const { time } = options
    const columns = prepareTuples(shard, tuples, diff, this.#schemaOf)
    const at = time === undefined ? undefined : checkTime(time, 'options.time')
    const { updates, time: last, lsn } = await this.#engine.change(shard, columns, at)
    return new CountedResult(this.#engine, last, lsn, updates)
  }

  /**
   * Makes facts present. A fact is a tuple of a shard seen as a set: it is present if its multiplicity is positive.
   * Atomic, as a commit is. Only what changes is logged, so that a fact that is present, or stands twice in the call,
   * costs nothing; decided against everything that was committed before, also by calls that still wait.
   *
   * Throws as {@link commit} does; `details.place` reads `tuples[3][1]`. Cost: a binary search in each batch whose
   * statistics admit one of the tuples.
   *
   * @throws {FrontierError} DIFF_OVERFLOW for a multiplicity beyond ±(2^53-1)
   * @throws {CorruptionError} BATCH_CORRUPT, BATCH_MISSING, or {DiskError}: what is there could not be read; nothing
   * happened
   */
  async insert(
    shard: string,
    tuples: readonly (readonly Value[])[],
    options: FactOptions = {},
  ): Promise<FactResult> {
    return this.#change(shard, tuples, 1, options)
  }

  /** Makes facts absent, whatever their multiplicity; otherwise as {@link insert}. */
  async delete(
    shard: string,
    tuples: readonly (readonly Value[])[],
    options: FactOptions = {},
  ): Promise<FactResult> {
    return this.#change(shard, tuples, -1, options)
  }

  /**
   * Names and types the columns of a shard before its first update; durable as a commit is. Later commits must fit:
   * a value of another type is refused, nulls are always allowed, and an integer in a `float64` column is a float.
   *
   * @throws {InputError} SCHEMA_INVALID if a column cannot be, or the shard is there already
   */
  async declare(shard: string, columns: readonly ColumnDeclaration[]): Promise<void> {
    const name = checkShardName(shard, 'shard')
    await this.#engine.commit({
      updates: new Map(),
      declare: new Map([[name, declaredSchema(columns, 'columns')]]),
    })
  }

  /**
   * Drops shards, several of them together or not at all: from then on they are not there, and their names can be used
   * again at once, with other columns. Resolves as {@link commit} does. `upper` does not move. Snapshots that are open
   * go on reading what they pinned; the files are removed when nobody reads them. A damaged shard can be dropped too:
   * that is how one is given up.
   *
   * @throws {InputError} SHARD_UNKNOWN if one is not there, UPDATE_INVALID, SHARD_NAME_INVALID: nothing happened
   * @throws {CommitError} as {@link commit} does, but for SHARD_DAMAGED
   */
  async drop(shards: string | readonly string[]): Promise<CommitResult> {
    const { time, lsn } = await this.#engine.commit(prepareDrop(shards))
    return new Result(this.#engine, time, lsn)
  }

  /**
   * Pins the contents as of a time. Every read of the snapshot sees the same, whatever is committed, flushed or
   * compacted meanwhile. Close it: until then it keeps replaced files, and holds `since`.
   *
   * @throws {FrontierError} AS_OF_NOT_BEFORE_UPPER. Whether `since <= asOf` is checked for the shard that is read
   */
  async snapshot(options: SnapshotOptions = {}): Promise<Snapshot> {
    checkOptions(options, ['asOf'])
    return this.#engine.snapshot(options.asOf)
  }

  /** Writes all buffers into batches and lets the log start afresh. Durable when it resolves. */
  async flush(): Promise<FlushReport> {
    return this.#engine.flush()
  }

  /**
   * Flushes, then merges the batches of each shard into one. Changes no answer at or after `since`. Commits and reads
   * go on meanwhile; a shard that is damaged is left as it is, and reported; memory is bounded by one row group per batch.
   *
   * @throws {FrontierError} SINCE_NOT_BEFORE_UPPER
   */
  async compact(options: CompactOptions = {}): Promise<CompactionReport> {
    checkOptions(options, ['since', 'progress'])
    return this.#engine.compact(options.since, options.progress)
  }

  /**
   * Says that what was lost, as reports under `quarantine/` tell, is known: until then `status().state` is `degraded`.
   * Durable when it resolves. Returns the reports that were acknowledged.
   */
  async acknowledge(): Promise<readonly string[]> {
    return this.#engine.acknowledge()
  }

  /** Resolves when every commit made before survives a power loss. */
  async sync(): Promise<void> {
    return this.#engine.sync()
  }

  /** The least time that a commit may still have. Reads are possible as of each time below it. */
  get upper(): number {
    return this.#engine.upper
  }

  /** How the store is doing. Reads nothing from disk. */
  status(): StoreStatus {
    return this.#engine.status()
  }

  /**
   * Settles what was entered, flushes, and lets the directory go. Closing twice is fine. If the flush fails the
   * directory is let go all the same: what is in the log comes back on the next open.
   *
   * @throws {CommitError} POISONED, indeterminate, if something acknowledged in another mode than `immediate` may be
   * lost; and whatever kept the last flush from succeeding
   */
  async close(): Promise<void> {
    return this.#engine.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
