// Owns the k-way streaming merge of sorted runs of updates: for compactions and for snapshots.
// Law: for every asOf >= since, accumulate(merge(runs, since), asOf) equals accumulate(all runs, asOf).
// Works in windows over columns, never row by row, and keeps one chunk of each run and one window in memory.
import { type Columns, gather, slice } from '../model/columns.ts'
import { Concatenation } from '../model/concatenate.ts'
import { consolidate, consolidateSorted } from '../model/consolidate.ts'
import { compareRows } from '../model/sort.ts'

/** Which updates a merge takes, and what becomes of their times. */
export interface MergeRange {
  /** Times before it become it. */
  readonly since: number
  /** Updates later than it, by their own time, are left out. @default none */
  readonly until?: number
  /** Updates up to it, by their own time, are left out. @default none */
  readonly after?: number
}

/**
 * Most rows that a run gives to one window, so that also a run that is a single large chunk is merged in bounded memory;
 * and about how many all runs give to one: as many as can be sorted within the cache of a processor.
 */
const PIECE_ROWS = 65_536
const WINDOW_ROWS = 131_072
/** Runs that share a window: more than these make it larger, or what is done once a window would count. */
const WINDOW_RUNS_MAX = 32

/** The times of many rows that are all at one: nobody changes them, so whoever asks next shares them. */
let uniform: { readonly time: number; readonly times: Float64Array } = { time: 0, times: new Float64Array() }

const timesAt = (time: number, length: number): Float64Array => {
  if (uniform.time !== time || uniform.times.length < length)
    uniform = { time, times: new Float64Array(length).fill(time) }
  return uniform.times.subarray(0, length)
}

/** What a range makes of columns. */
interface Ranged {
  /** All rows, each time advanced. */
  readonly columns: Columns
  /** See {@link rowsInRange}. */
  readonly rows: Uint32Array | undefined
  readonly isAdvanced: boolean
}

/** The rows whose times are in range, in order; undefined if all are. Without branches: which are is anybody's guess. */
const rowsInRange = (
  { length, time }: Columns,
  { until = Number.POSITIVE_INFINITY, after = -1 }: MergeRange,
): Uint32Array | undefined => {
  if (until === Number.POSITIVE_INFINITY && after === -1) return undefined
  const rows = new Uint32Array(length)
  let kept = 0
  for (let row = 0; row < length; row++) {
    const at = time[row]!
    rows[kept] = row
    kept += Number(at <= until) & Number(at > after)
  }
  return kept === length ? undefined : rows.subarray(0, kept)
}

const ranged = (columns: Columns, range: MergeRange): Ranged => {
  const { length, time } = columns
  const { since, until } = range
  const rows = rowsInRange(columns, range)
  // What is in range and not later than `since` is at it.
  if (since === until)
    return { columns: { ...columns, time: timesAt(since, length) }, rows, isAdvanced: true }
  let isAdvanced = false
  for (let row = 0; !isAdvanced && row < length; row++) isAdvanced = time[row]! < since
  if (!isAdvanced) return { columns, rows, isAdvanced }
  const advanced = new Float64Array(length)
  for (let row = 0; row < length; row++) advanced[row] = Math.max(since, time[row]!)
  return { columns: { ...columns, time: advanced }, rows, isAdvanced }
}

/** The updates of `source` that are in range, their times advanced to `since`. */
export const inRange = (source: Columns, range: MergeRange): Columns => {
  const { columns, rows } = ranged(source, range)
  return rows === undefined ? columns : gather(columns, rows)
}

/** As {@link inRange}, of a part of a run: what becomes equal lies side by side, and is summed before it is merged. */
const sumInRange = (source: Columns, range: MergeRange): Columns => {
  const { columns, rows, isAdvanced } = ranged(source, range)
  if (isAdvanced) return consolidateSorted(columns, rows)
  return rows === undefined ? columns : gather(columns, rows)
}

/** One run and how far it was taken. */
class Run {
  readonly #chunks: AsyncIterator<Columns>
  readonly #range: MergeRange
  readonly #pieceRows: number
  /** What was read and not yet cut into pieces. */
  #chunk: Columns | undefined
  #cut = 0
  /** The piece that is being merged, in range, and its first row that was not taken. */
  #piece: Columns | undefined
  #from = 0

  constructor(chunks: AsyncIterable<Columns>, range: MergeRange, pieceRows: number) {
    this.#chunks = chunks[Symbol.asyncIterator]()
    this.#range = range
    this.#pieceRows = pieceRows
  }

  /** Reads on until there are rows to take; `false` at the end of the run. */
  async load(): Promise<boolean> {
    while (this.#piece === undefined || this.#from === this.#piece.length) {
      this.#piece = undefined
      if (this.#chunk === undefined || this.#cut === this.#chunk.length) {
        this.#chunk = undefined
        const next = await this.#chunks.next()
        if (next.done === true) return false
        this.#chunk = next.value
        this.#cut = 0
      }
      const end = Math.min(this.#chunk.length, this.#cut + this.#pieceRows)
      this.#piece = sumInRange(slice(this.#chunk, this.#cut, end), this.#range)
      this.#cut = end
      this.#from = 0
    }
    return true
  }

  /** The last row that is loaded, as columns of one row. */
  get last(): Columns {
    return slice(this.#piece!, this.#piece!.length - 1, this.#piece!.length)
  }

  /** Whether the first row that was not taken is equal to `boundary`. */
  goesOn(boundary: Columns): boolean {
    return compareRows(this.#piece!, this.#from, boundary, 0) === 0
  }

  /** The rows up to and including `boundary`, which are taken by it. */
  take(boundary: Columns): Columns {
    const piece = this.#piece!
    let low = this.#from
    let high = piece.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compareRows(piece, middle, boundary, 0) <= 0) low = middle + 1
      else high = middle
    }
    const taken = slice(piece, this.#from, low)
    this.#from = low
    return taken
  }

  async close(): Promise<void> {
    await this.#chunks.return?.()
  }
}

/** The runs that have rows to take. */
const loaded = async (runs: readonly Run[]): Promise<Run[]> => {
  const active: Run[] = []
  for (const run of runs) if (await run.load()) active.push(run)
  return active
}

const smallest = (rows: readonly Columns[]): Columns =>
  rows.reduce((least, row) => (compareRows(row, 0, least, 0) < 0 ? row : least))

/** The sum of parts that are each sorted and consolidated. */
const sumOf = (parts: readonly Columns[], concatenation: Concatenation): Columns => {
  const filled = parts.filter(({ length }) => length > 0)
  return filled.length === 1 ? filled[0]! : consolidate(concatenation.of(filled))
}

/**
 * The updates of `runs`, each sorted by (data, time) and consolidated, as one: sorted by (data, advanced time),
 * consolidated, in chunks that are never empty. With `since` = `until` = asOf every tuple has one row, its multiplicity
 * at asOf; then it is enough that runs are sorted by their tuples.
 *
 * Closes the runs when it ends, also early.
 * @param arity number of data columns
 * @param windowRows about how many rows are merged at a time, and become one chunk: fewer take longer in all
 */
export async function* merge(
  runs: readonly AsyncIterable<Columns>[],
  arity: number,
  range: MergeRange,
  windowRows: number = WINDOW_ROWS,
): AsyncGenerator<Columns, void, undefined> {
  const sharing = Math.min(WINDOW_RUNS_MAX, Math.max(1, runs.length))
  const pieceRows = Math.min(PIECE_ROWS, Math.ceil(windowRows / sharing))
  // What takes the values of a window once takes those of the next one too, as a rule.
  const concatenation = new Concatenation(arity, 2 * windowRows)
  const opened = runs.map(run => new Run(run, range, pieceRows))
  try {
    let carry: readonly Columns[] = []
    for (let active = await loaded(opened); active.length > 0; ) {
      // Up to here every run has shown all that it has: what a run reads next is not before its own last row.
      const boundary = smallest(active.map(run => run.last))
      const sums = sumOf([...carry, ...active.map(run => run.take(boundary))], concatenation)
      active = await loaded(active)
      // Only rows equal to the boundary may go on in the next chunk of a run; where they do they wait for it.
      let whole = sums.length
      if (active.some(run => run.goesOn(boundary)))
        while (whole > 0 && compareRows(sums, whole - 1, boundary, 0) === 0) whole--
      if (whole > 0) yield slice(sums, 0, whole)
      carry = whole < sums.length ? [slice(sums, whole, sums.length)] : []
    }
  } finally {
    for (const run of opened) await run.close()
  }
}
