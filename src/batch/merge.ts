// Owns the k-way streaming merge of sorted runs of updates: for compactions and for snapshots.
// Law: for every asOf >= since, accumulate(merge(runs, since), asOf) equals accumulate(all runs, asOf).
// Works in windows over columns, never row by row, and keeps one chunk of each run and one window in memory.
import { type Columns, GrowingColumns, gather, slice } from '../model/columns.ts'
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

/** Most rows that a run gives to one window: also a run that is a single large chunk is merged in bounded memory. */
const PIECE_ROWS = 65_536

/** The updates of `columns` that are in range, their times advanced to `since`. */
export const inRange = (
  columns: Columns,
  { since, until = Number.POSITIVE_INFINITY, after = -1 }: MergeRange,
): Columns => {
  const { length, time } = columns
  const rows = new Uint32Array(length)
  const advanced = new Float64Array(length)
  let kept = 0
  for (let row = 0; row < length; row++) {
    const at = time[row]!
    advanced[row] = at < since ? since : at
    if (at <= until && at > after) rows[kept++] = row
  }
  const whole = { ...columns, time: advanced }
  return kept === length ? whole : gather(whole, rows.subarray(0, kept))
}

/** One run and how far it was taken. */
class Run {
  readonly #chunks: AsyncIterator<Columns>
  readonly #range: MergeRange
  /** What was read and not yet cut into pieces. */
  #chunk: Columns | undefined
  #cut = 0
  /** The piece that is being merged, in range, and its first row that was not taken. */
  #piece: Columns | undefined
  #from = 0

  constructor(chunks: AsyncIterable<Columns>, range: MergeRange) {
    this.#chunks = chunks[Symbol.asyncIterator]()
    this.#range = range
  }

  /** Reads on until there are rows to take; `false` at the end of the run. */
  async load(): Promise<boolean> {
    while (this.#piece === undefined || this.#from === this.#piece.length) {
      if (this.#chunk === undefined || this.#cut === this.#chunk.length) {
        const next = await this.#chunks.next()
        if (next.done === true) return false
        this.#chunk = next.value
        this.#cut = 0
      }
      const end = Math.min(this.#chunk.length, this.#cut + PIECE_ROWS)
      this.#piece = inRange(slice(this.#chunk, this.#cut, end), this.#range)
      this.#cut = end
      this.#from = 0
    }
    return true
  }

  /** The last row that is loaded, as columns of one row. */
  get last(): Columns {
    return slice(this.#piece!, this.#piece!.length - 1, this.#piece!.length)
  }

  /** Moves the rows up to and including `boundary` to `window`. */
  take(boundary: Columns, window: GrowingColumns): void {
    const piece = this.#piece!
    let low = this.#from
    let high = piece.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compareRows(piece, middle, boundary, 0) <= 0) low = middle + 1
      else high = middle
    }
    window.appendRange(piece, this.#from, low)
    this.#from = low
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

/**
 * The updates of `runs`, each sorted by (data, time), as one: sorted by (data, advanced time), consolidated, in
 * chunks that are never empty. With `since` = `until` = asOf every tuple has one row, its multiplicity at asOf.
 *
 * Closes the runs when it ends, also early.
 * @param arity number of data columns
 */
export async function* merge(
  runs: readonly AsyncIterable<Columns>[],
  arity: number,
  range: MergeRange,
): AsyncGenerator<Columns, void, undefined> {
  const opened = runs.map(run => new Run(run, range))
  try {
    let carry: Columns | undefined
    for (let active = await loaded(opened); active.length > 0; active = await loaded(active)) {
      // Up to here every run has shown all that it has: what a run reads next is not before its own last row.
      const boundary = smallest(active.map(run => run.last))
      const window = new GrowingColumns(arity)
      if (carry !== undefined) window.appendRange(carry, 0, carry.length)
      for (const run of active) run.take(boundary, window)
      // What one run gives is sorted, and what waits from before is not behind it.
      const sums = active.length === 1 ? consolidateSorted(window) : consolidate(window)
      // Only rows equal to the boundary may go on in the next chunk of a run; they wait for it.
      let whole = sums.length
      while (whole > 0 && compareRows(sums, whole - 1, boundary, 0) === 0) whole--
      if (whole > 0) yield slice(sums, 0, whole)
      carry = whole < sums.length ? slice(sums, whole, sums.length) : undefined
    }
    if (carry !== undefined) yield carry
  } finally {
    for (const run of opened) await run.close()
  }
}
