// Owns a pinned view: the contents of the store as of one time, the same however often they are read and whatever
// is committed, flushed or compacted meanwhile.

import type { ArrowTable } from '../batch/arrow.ts'
import { CommitError, FrontierError, InputError } from '../errors.ts'
import { type Columns, emptyColumns, slice, tupleAt } from '../model/columns.ts'
import { columnIndex, conditionsOf, type Where } from '../model/predicate.ts'
import { type ColumnSchema, isFloatColumn, type Schema, widen } from '../model/schema.ts'
import { compareTuples } from '../model/sort.ts'
import { checkTime } from '../model/update.ts'
import { Float, type Value } from '../model/value.ts'
import type { Shard, ShardView } from '../shard/shard.ts'
import { checkOptions } from './options.ts'
import { type Selection, type Source, type Span, scan } from './scan.ts'

/** Arrow takes longer to load than a store to open: so only who asks for tables waits for it. */
const loadArrow = (): Promise<typeof import('../batch/encode.ts')> => import('../batch/encode.ts')

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
  /** Tuples whose multiplicity is positive: the facts. */
  readonly present: number
}

/** What is read of a shard: everything, unless it is said. */
export interface ReadOptions {
  /**
   * Names of the columns wanted, in that order, each once. Rows that are equal in them are one row, whose diff is the
   * sum. Only they and those of `where` are read; if they are not the first columns of the shard in order, the
   * distinct rows are sorted in memory. @default all
   */
  readonly columns?: readonly string[]
  /** What a tuple must meet. Batches and row groups that cannot have such a tuple are not read. @default nothing */
  readonly where?: Where
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

const LARGEST = Number.MAX_SAFE_INTEGER

const EVERYTHING: ReadOptions = {}

const selectionOf = (options: ReadOptions, schema: Schema): Selection => {
  checkOptions(options, ['columns', 'where', 'from'])
  const { columns, where } = options
  if (columns !== undefined && !Array.isArray(columns))
    throw new InputError('COLUMN_UNKNOWN', 'columns is a list of names', { place: 'columns' })
  const indices =
    columns?.map((name, index) => columnIndex(schema, name, `columns[${index}]`)) ??
    schema.map((_, index) => index)
  const repeated = indices.findIndex((column, index) => indices.indexOf(column) !== index)
  if (repeated !== -1)
    throw new InputError('COLUMN_UNKNOWN', 'a column is named once', {
      place: `columns[${repeated}]`,
      column: columns![repeated],
    })
  return { columns: indices, conditions: where === undefined ? [] : conditionsOf(where, schema) }
}

/** In a column declared float64 a float is a plain number, also an integral one. */
const plainFloats = (tuple: Value[], schema: Schema): Value[] =>
  tuple.map((value, index) => (value instanceof Float && isFloatColumn(schema[index]!) ? value.value : value))

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

/** Half of the safe integers: two numbers up to it add up exactly. */
const HALF = 2 ** 52

/** A sum of safe integers that is not rounded on its way. */
class ExactSum {
  #wide = 0n
  #small = 0

  add(diff: number): void {
    if (Math.abs(diff) <= HALF && Math.abs(this.#small) <= HALF) this.#small += diff
    else {
      this.#wide += BigInt(this.#small) + BigInt(diff)
      this.#small = 0
    }
  }

  /** No safe integer if the sum is none. */
  get value(): number {
    return Number(this.#wide + BigInt(this.#small))
  }
}

/** Contents as of one time. Holds files and `since` until it or its store is closed; `await using` closes it. */
export class Snapshot implements AsyncDisposable {
  /** Updates with `time <= asOf` count. -1 in an empty store. */
  readonly asOf: number
  /** The last commit that the view has seen. */
  readonly lsn: number
  readonly #source: Source
  readonly #views: ReadonlyMap<string, ShardView | Shard>
  readonly #release: () => void
  #closed = false

  /** @param views per shard; a shard that is damaged stands for itself. */
  constructor(
    source: Source,
    views: ReadonlyMap<string, ShardView | Shard>,
    at: { readonly asOf: number; readonly lsn: number },
    release: () => void,
  ) {
    this.#source = source
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

  async *#scan(view: ShardView, selection: Selection, span: Span): AsyncGenerator<Columns> {
    try {
      for await (const columns of scan(this.#source, view, selection, span)) {
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

  async *#rowsOf(view: ShardView, options: ReadOptions, span: Span): AsyncGenerator<Row, void, undefined> {
    const selection = selectionOf(options, view.schema)
    const schema = selection.columns.map(column => view.schema[column]!)
    const check = new OverflowCheck(view.name)
    for await (const columns of this.#scan(view, selection, span)) {
      for (let row = 0; row < columns.length; row++) {
        this.#requireOpen()
        check.see(columns, row)
        yield { data: plainFloats(tupleAt(columns, row), schema), diff: columns.diff[row]! }
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
  async *rows(shard: string, options: ReadOptions = EVERYTHING): AsyncGenerator<Row, void, undefined> {
    const view = this.#viewOf(shard, this.asOf)
    if (view !== undefined) yield* this.#rowsOf(view, options, { asOf: this.asOf })
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
    const view = this.#viewOf(shard, Math.max(0, from))
    if (view !== undefined) yield* this.#rowsOf(view, options, { after: from, asOf: this.asOf })
  }

  /** Counts what {@link rows} would yield, without making rows; throws as it does. */
  async count(shard: string, options: Pick<ReadOptions, 'where'> = EVERYTHING): Promise<Count> {
    const check = new OverflowCheck(shard)
    let distinct = 0
    let present = 0
    const total = new ExactSum()
    for await (const columns of this.chunks(shard, options)) {
      distinct += columns.length
      for (let row = 0; row < columns.length; row++) {
        check.see(columns, row)
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
      for (let row = 0; row < chunk.length; row++) check.see(chunk, row)
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
    for (const reader of this.#source.readers) await reader.close()
    this.#release()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
