// Owns the k-way streaming merge of sorted runs of updates: for compactions and for snapshots.
// Law: for every asOf >= since, accumulate(merge(runs, since), asOf) equals accumulate(all runs, asOf).
// Works in windows over columns, never row by row, and keeps one chunk of each run and one window in memory.
import { type Columns, gather, slice } from '../model/columns.ts'
import { Concatenation } from '../model/concatenate.ts'
import { consolidate, consolidateSorted } from '../model/consolidate.ts'
import { extentOf } from '../model/extent.ts'
import { Scratch } from '../model/scratch.ts'
import { compareRows } from '../model/sort.ts'
import { sumPacked } from '../model/sum-packed.ts'
import { timesAt } from '../model/uniform.ts'

/** Which updates a merge takes, and what becomes of their times. */
export interface MergeRange {
  /** Times before it become it. */
  readonly since: number
  /** Updates later than it, by their own time, are left out. @default none */
  readonly until?: number
  /** Updates up to it, by their own time, are left out. @default none */
  readonly after?: number
}

/** About how many rows of all runs are merged at once: as many as fit the cache of a processor. */
const WINDOW_ROWS = 65_536

const scratch = new Scratch()

/**
 * The rows whose times are in range, in order, until the next call; undefined if all are. Without branches: which are is
 * anybody's guess.
 */
const rowsInRange = (
  { length, time }: Columns,
  { until = Number.POSITIVE_INFINITY, after = -1 }: MergeRange,
): Uint32Array | undefined => {
  if (length === 0 || (until === Number.POSITIVE_INFINITY && after === -1)) return undefined
  const { lowest, highest } = extentOf(time, length)
  if (lowest > after && highest <= until) return undefined
  const rows = scratch.integers(length)
  let kept = 0
  for (let row = 0; row < length; row++) {
    const at = time[row]!
    rows[kept] = row
    kept += Number(at <= until) & Number(at > after)
  }
  return rows.subarray(0, kept)
}

const advanced = ({ length, time }: Columns, { since, until }: MergeRange): Float64Array => {
  // What is in range and not later than `since` is at it.
  if (since === until) return timesAt(since, length)
  let isAdvanced = false
  for (let row = 0; !isAdvanced && row < length; row++) isAdvanced = time[row]! < since
  if (!isAdvanced) return time
  const times = new Float64Array(length)
  for (let row = 0; row < length; row++) times[row] = Math.max(since, time[row]!)
  return times
}

/** Sorted rows. */
interface Sorted {
  readonly columns: Columns
  /** Their times were advanced: there may be equal rows side by side. */
  readonly isAdvanced: boolean
}

const ranged = (source: Columns, range: MergeRange): Sorted => {
  const rows = rowsInRange(source, range)
  const time = advanced(source, range)
  const columns = { ...source, time }
  return {
    columns: rows === undefined ? columns : gather(columns, rows),
    isAdvanced: time !== source.time,
  }
}

/** The updates of `source` that are in range, their times advanced to `since`. */
export const inRange = (source: Columns, range: MergeRange): Columns => ranged(source, range).columns

/** One run and how far it was taken. */
class Run {
  readonly #chunks: AsyncIterator<Columns>
  readonly #range: MergeRange
  #chunk: Sorted | undefined
  /** The first row of the chunk that was not taken. */
  #from = 0

  constructor(chunks: AsyncIterable<Columns>, range: MergeRange) {
    this.#chunks = chunks[Symbol.asyncIterator]()
    this.#range = range
  }

  /** Reads on until there are rows to take; `false` at the end of the run. */
  async load(): Promise<boolean> {
    while (this.#chunk === undefined || this.#from === this.#chunk.columns.length) {
      // Not held while the next one is decoded.
      this.#chunk = undefined
      const next = await this.#chunks.next()
      if (next.done === true) return false
      this.#chunk = ranged(next.value, this.#range)
      this.#from = 0
    }
    return true
  }

  /** How many rows are loaded and not taken. */
  get left(): number {
    return this.#chunk!.columns.length - this.#from
  }

  /** One of the rows that are left, as columns of one row. */
  row(place: number): Columns {
    const row = this.#from + place
    return slice(this.#chunk!.columns, row, row + 1)
  }

  /** Whether the first row that was not taken is equal to `boundary`. */
  goesOn(boundary: Columns): boolean {
    return compareRows(this.#chunk!.columns, this.#from, boundary, 0) === 0
  }

  /** How many of the rows that are left are not after `boundary`. */
  countTo(boundary: Columns): number {
    const { columns } = this.#chunk!
    let low = this.#from
    let high = columns.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compareRows(columns, middle, boundary, 0) <= 0) low = middle + 1
      else high = middle
    }
    return low - this.#from
  }

  take(count: number): Sorted {
    const { columns, isAdvanced } = this.#chunk!
    const from = this.#from
    this.#from += count
    return { columns: slice(columns, from, this.#from), isAdvanced }
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

/** The rows that are merged next: all that are not after a row, of each run so many. */
interface Window {
  readonly boundary: Columns
  readonly counts: readonly number[]
  readonly rows: number
}

const windowTo = (runs: readonly Run[], boundary: Columns): Window => {
  const counts = runs.map(run => run.countTo(boundary))
  return { boundary, counts, rows: counts.reduce((sum, count) => sum + count, 0) }
}

/** Runs give as many rows as there are in the same stretch of the order, whether they are long or short. */
const nextWindow = (runs: readonly Run[], windowRows: number): Window => {
  // Up to here every run has shown all that it has: what a run reads next is not before its own last row.
  let window = windowTo(runs, smallest(runs.map(run => run.row(run.left - 1))))
  while (window.rows > windowRows) {
    const most = Math.max(...window.counts)
    const fewer = Math.max(1, Math.floor((most * windowRows) / window.rows))
    const nearer = windowTo(runs, runs[window.counts.indexOf(most)]!.row(fewer - 1))
    // Rows that are equal are not parted.
    if (nearer.rows === window.rows) break
    window = nearer
  }
  return window
}

/** The sum of parts that are each sorted, and consolidated but for what became equal. */
const sumOf = (parts: readonly Sorted[], concatenation: Concatenation): Columns => {
  const filled = parts.filter(({ columns }) => columns.length > 0)
  if (filled.length === 1 && !filled[0]!.isAdvanced) return filled[0]!.columns
  const packed = sumPacked(filled.map(({ columns }) => columns))
  if (packed !== undefined) return packed
  // What is equal side by side is summed before it is moved.
  const sums = filled.map(({ columns, isAdvanced }) => (isAdvanced ? consolidateSorted(columns) : columns))
  return sums.length === 1 ? sums[0]! : consolidate(concatenation.of(sums))
}

/** How a merge goes on, window by window. */
export interface MergeWindows {
  /** About how many rows are merged at a time, and become one chunk: fewer take longer in all. */
  readonly windowRows?: number
  /** Told how many rows a window had, also one that came to nothing. What it returns is waited for. */
  readonly merged?: (rows: number) => Promise<void> | undefined
}

/**
 * The updates of `runs`, each sorted by (data, time) and consolidated, as one: sorted by (data, advanced time),
 * consolidated, in chunks that are never empty. With `since` = `until` = asOf every tuple has one row, its multiplicity
 * at asOf; then it is enough that runs are sorted by their tuples.
 *
 * Closes the runs when it ends, also early.
 * @param arity number of data columns
 */
export async function* merge(
  runs: readonly AsyncIterable<Columns>[],
  arity: number,
  range: MergeRange,
  { windowRows = WINDOW_ROWS, merged }: MergeWindows = {},
): AsyncGenerator<Columns, void, undefined> {
  // What takes the values of a window once takes those of the next one too, as a rule.
  const concatenation = new Concatenation(arity, 2 * windowRows)
  const opened = runs.map(run => new Run(run, range))
  try {
    let carry: readonly Sorted[] = []
    for (let active = await loaded(opened); active.length > 0; ) {
      const { boundary, counts, rows } = nextWindow(active, windowRows)
      const sums = sumOf([...carry, ...active.map((run, index) => run.take(counts[index]!))], concatenation)
      const turn = merged?.(rows)
      if (turn !== undefined) await turn
      active = await loaded(active)
      // Only rows equal to the boundary may go on in the next chunk of a run; where they do they wait for it.
      let whole = sums.length
      if (active.some(run => run.goesOn(boundary)))
        while (whole > 0 && compareRows(sums, whole - 1, boundary, 0) === 0) whole--
      if (whole > 0) yield slice(sums, 0, whole)
      carry = whole < sums.length ? [{ columns: slice(sums, whole, sums.length), isAdvanced: false }] : []
    }
  } finally {
    for (const run of opened) await run.close()
  }
}
