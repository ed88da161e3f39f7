// Owns a pinned view: the contents of the store as of one time, the same however often they are read and whatever
// is committed, flushed or compacted meanwhile.

import type { ArrowTable } from '../batch/arrow.ts'
import type { BatchCache } from '../batch/cache.ts'
import { columnsAt, type Part } from '../batch/sum-parts.ts'
import { CommitError, FrontierError, InputError } from '../errors.ts'
import { type Columns, emptyColumns } from '../model/columns.ts'
import { leadingPoints } from '../model/predicate.ts'
import { type ColumnSchema, canonicalIn, isFloatColumn, type Schema, widen } from '../model/schema.ts'
import { checkTime } from '../model/update.ts'
import type { Value } from '../model/value.ts'
import type { Shard, ShardView } from '../shard/shard.ts'
import { arraysOf, type ColumnArrays } from './arrays.ts'
import type { Lookup } from './lookup.ts'
import type { Lookups } from './lookups.ts'
import { ExactSum, OverflowCheck } from './multiplicity.ts'
import { isLookup, type ReadOptions, selectionOf } from './read-options.ts'
import { addRows, type Row, rowReader } from './row.ts'
import { type Selection, type Span, scan } from './scan.ts'

/** Arrow takes longer to load than a store to open: so only who asks for tables waits for it. */
const loadArrow = (): Promise<typeof import('../batch/encode.ts')> => import('../batch/encode.ts')

/** How much there is in a shard. */
export interface Count {
  /** Tuples whose multiplicity is not 0. */
  readonly distinct: number
  /** Sum of their multiplicities. */
  readonly total: number
  /** Tuples whose multiplicity is positive: the facts. */
  readonly present: number
}

/** What {@link Snapshot.changes} takes. */
export interface ChangesOptions extends ReadOptions {
  /**
   * Changes after this time count. Requires `since <= from <= asOf`, or -1, the time before all times, while `since` is
   * 0: then everything is a change.
   */
  readonly from: number
}

/** The time before all times, of which nothing is known to be: an empty store is as of it. */
const BEGINNING = -1

const EVERYTHING: ReadOptions = {}

/** Contents as of one time. Holds files and `since` until it or its store is closed; `await using` closes it. */
export class Snapshot implements AsyncDisposable {
  /** Updates with `time <= asOf` count. -1 in an empty store. */
  readonly asOf: number
  /** The last commit that the view has seen. */
  readonly lsn: number
  readonly #cache: BatchCache
  readonly #allLookups: Lookups
  readonly #views: ReadonlyMap<string, ShardView | Shard>
  readonly #release: () => void
  /** By shard, of those in which something was looked up. */
  readonly #lookups = new Map<string, Lookup>()
  #closed = false

  /** @param views per shard; a shard that is damaged stands for itself. */
  constructor(
    cache: BatchCache,
    lookups: Lookups,
    views: ReadonlyMap<string, ShardView | Shard>,
    at: { readonly asOf: number; readonly lsn: number },
    release: () => void,
  ) {
    this.#cache = cache
    this.#allLookups = lookups
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

  /** The view of a sound shard that can answer as of `time`; undefined if there is nothing to see. */
  #viewOf(name: string, time: number): ShardView | undefined {
    this.#requireOpen()
    const view = this.#views.get(name)
    if (view === undefined || this.asOf < 0) return undefined
    if ('requireSound' in view) {
      view.requireSound()
      return undefined
    }
    if (time < view.since)
      throw new FrontierError('AS_OF_BEFORE_SINCE', 'what was before since is no longer known', {
        shard: name,
        asOf: time,
        since: view.since,
      })
    return view
  }

  #lookupIn(view: ShardView): Lookup {
    let lookup = this.#lookups.get(view.name)
    if (lookup === undefined) {
      lookup = this.#allLookups.in(view, this.asOf)
      this.#lookups.set(view.name, lookup)
    }
    return lookup
  }

  async *#scan(view: ShardView, selection: Selection, span: Span): AsyncGenerator<Columns> {
    try {
      await this.#cache.othersTurn
      if (span.after === undefined && isLookup(selection, view.schema)) {
        for (const part of await this.#lookupIn(view).find(leadingPoints(selection.conditions))) {
          this.#requireOpen()
          yield columnsAt(part, this.asOf)
        }
        return
      }
      for await (const columns of scan(this.#cache, view, selection, span)) {
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
   * The contents as columns: sorted by tuple, one row each, all at time `asOf`. Throws as {@link rows} does.
   * @internal
   */
  async *chunks(name: string, options: ReadOptions = EVERYTHING): AsyncGenerator<Columns> {
    const view = this.#viewOf(name, this.asOf)
    if (view !== undefined) yield* this.#scan(view, selectionOf(options, view.schema), { asOf: this.asOf })
  }

  /** @param least the least time that has to be known */
  async *#rowsOf(
    shard: string,
    options: ReadOptions,
    span: Span,
    least: number,
  ): AsyncGenerator<Row, void, undefined> {
    const view = this.#viewOf(shard, least)
    if (view === undefined) return
    const selection = selectionOf(options, view.schema)
    const schema = selection.columns.map(column => view.schema[column]!)
    const check = new OverflowCheck(view.name)
    for await (const columns of this.#scan(view, selection, span)) {
      check.see(columns)
      const rowAt = rowReader(columns, schema)
      for (let row = 0; row < columns.length; row++) {
        this.#requireOpen()
        yield rowAt(row)
      }
    }
  }

  /**
   * The tuples of a shard with their multiplicities, in the order of values; none for a shard that is not there.
   * Reads one row group per batch at a time, whatever the size of the shard; see {@link ReadOptions} for what it costs
   * to ask for less.
   *
   * @throws {InputError} COLUMN_UNKNOWN, WHERE_INVALID, VALUE_INVALID with `details.place`
   * @throws {FrontierError} AS_OF_BEFORE_SINCE; DIFF_OVERFLOW for a multiplicity beyond ±(2^53-1)
   * @throws {CorruptionError} BATCH_CORRUPT, BATCH_MISSING
   * @throws {CommitError} SHARD_DAMAGED, CLOSED
   */
  rows(shard: string, options: ReadOptions = EVERYTHING): AsyncGenerator<Row, void, undefined> {
    // Not a generator around a generator: each would cost what a row does.
    return this.#rowsOf(shard, options, { asOf: this.asOf }, this.asOf)
  }

  /**
   * What changed in a shard after the time `from`, up to and including `asOf`: each tuple whose multiplicity differs
   * between the two times, with the difference, in the order of values. Costs and throws as {@link rows} does; batches
   * of which all times lie outside are not read.
   *
   * @throws {InputError} TIME_INVALID. @throws {FrontierError} AS_OF_BEFORE_SINCE if `from` lies before `since`,
   * AS_OF_NOT_BEFORE_UPPER if it lies after `asOf`
   */
  async *changes(shard: string, options: ChangesOptions): AsyncGenerator<Row, void, undefined> {
    const from = options?.from === BEGINNING ? BEGINNING : checkTime(options?.from, 'options.from')
    if (from > this.asOf)
      throw new FrontierError('AS_OF_NOT_BEFORE_UPPER', 'changes are from an earlier time to asOf', {
        from,
        asOf: this.asOf,
      })
    yield* this.#rowsOf(shard, options, { after: from, asOf: this.asOf }, Math.max(0, from))
  }

  /** Counts what {@link rows} would yield, without making rows; throws as it does. */
  async count(shard: string, options: Pick<ReadOptions, 'where'> = EVERYTHING): Promise<Count> {
    const check = new OverflowCheck(shard)
    let distinct = 0
    let present = 0
    const total = new ExactSum()
    for await (const columns of this.chunks(shard, options)) {
      distinct += columns.length
      check.see(columns)
      for (let row = 0; row < columns.length; row++) {
        const diff = columns.diff[row]!
        total.add(diff)
        if (diff > 0) present++
      }
    }
    if (!Number.isSafeInteger(total.value))
      throw new FrontierError('DIFF_OVERFLOW', 'the sum of the multiplicities is beyond the safe integers', {
        shard,
      })
    return { distinct, total: total.value, present }
  }

  /**
   * What {@link rows} would yield, as columns: in parts of at most some hundred thousand rows, none of them empty. An
   * `Int32Array` where the column is of type int32 and the part has no null in it, a `Float64Array` where it is of type
   * float64 and has none, or else a list of values. The arrays are the caller's. A part is what `store.append` takes.
   * The fastest way to read many rows; costs and throws as {@link rows} does otherwise.
   */
  async *arrays(
    shard: string,
    options: ReadOptions = EVERYTHING,
  ): AsyncGenerator<ColumnArrays, void, undefined> {
    if (this.#viewOf(shard, this.asOf) === undefined) return
    const schema = this.#selectedSchema(shard, options)
    const check = new OverflowCheck(shard)
    for await (const chunk of this.chunks(shard, options)) {
      check.see(chunk)
      yield arraysOf(chunk, schema)
    }
  }

  /**
   * The tuples of a shard that begin with these values, with their multiplicities, in the order of values; a whole tuple
   * gives one row or none, and no values all. In a column declared float64 every number is a float.
   *
   * For many lookups: what was decoded is kept, up to a bound that all reads of a store share, and after as many lookups
   * as cost about what summing the batches of the shard does, their sum, if that is within the bound. It is made beside
   * the lookups, and serves all snapshots that see the same batches. Then one costs about a microsecond.
   *
   * @throws {InputError} ARITY_MISMATCH for more values than the shard has columns, VALUE_INVALID; with `details.place`
   * @throws as {@link rows} does otherwise
   */
  async lookup(shard: string, prefix: readonly Value[]): Promise<Row[]> {
    const view = this.#viewOf(shard, this.asOf)
    if (view === undefined) return []
    const { schema } = view
    if (!Array.isArray(prefix) || prefix.length > schema.length)
      throw new InputError('ARITY_MISMATCH', 'a tuple begins with at most as many values as it has', {
        place: 'prefix',
        shard,
        columns: schema.length,
      })
    const values = prefix.map((value, index) =>
      canonicalIn(isFloatColumn(schema[index]!), value, `prefix[${index}]`),
    )
    let parts: readonly Part[]
    try {
      const turn = this.#cache.othersTurn
      if (turn !== undefined) await turn
      const found = this.#lookupIn(view).find(values)
      parts = found instanceof Promise ? await found : found
    } finally {
      this.#requireOpen()
    }
    const check = new OverflowCheck(shard)
    const rows: Row[] = []
    for (const { columns, from, to } of parts) {
      check.see(columns, from, to)
      addRows(rows, columns, from, to, schema)
    }
    return rows
  }

  /**
   * What {@link rows} would yield as Arrow tables of at most some ten thousand rows each: the columns by name, then
   * `diff` (Int64). Types as in the batch files: docs/format.md#batches; a column of several types is one nullable column
   * for each. All tables have the same columns; there is none if there are no rows. Costs and throws as {@link rows} does.
   */
  async *tables(
    shard: string,
    options: ReadOptions = EVERYTHING,
  ): AsyncGenerator<ArrowTable, void, undefined> {
    if (this.#viewOf(shard, this.asOf) === undefined) return
    const schema = this.#selectedSchema(shard, options)
    const { toArrowTable } = await loadArrow()
    const check = new OverflowCheck(shard)
    for await (const chunk of this.chunks(shard, options)) {
      check.see(chunk)
      yield toArrowTable(schema, chunk)
    }
  }

  /** All {@link tables} as one, also where there are no rows. Everything is in memory at the end. */
  async toArrow(shard: string, options: ReadOptions = EVERYTHING): Promise<ArrowTable> {
    const tables: ArrowTable[] = []
    for await (const table of this.tables(shard, options)) tables.push(table)
    const [first, ...rest] = tables
    if (first !== undefined) return first.concat(...rest)
    const isThere = this.#viewOf(shard, this.asOf) !== undefined
    const schema = isThere ? this.#selectedSchema(shard, options) : []
    const { toArrowTable } = await loadArrow()
    return toArrowTable(schema, emptyColumns(schema.length))
  }

  /** The columns that are asked for, with types that hold everything in the view. */
  #selectedSchema(shard: string, options: ReadOptions): Schema {
    const whole = this.schemaOf(shard)
    return selectionOf(options, whole).columns.map(column => whole[column]!)
  }

  /** The columns of a shard: names and types; none for a shard that is not there. */
  columns(shard: string): readonly ColumnSchema[] {
    return this.schemaOf(shard)
  }

  /**
   * A schema that holds everything in the view of a shard.
   * @internal
   */
  schemaOf(shard: string): Schema {
    const view = this.#views.get(shard)
    if (view === undefined) return []
    return 'buffers' in view
      ? view.buffers.reduce((schema, { columns }) => widen(schema, columns), view.schema)
      : view.schema
  }

  /** Lets files and `since` go; reads that are not at their end are over. Closing twice is fine. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#lookups.clear()
    this.#release()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
