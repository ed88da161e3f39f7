// Owns consolidation: sort, add the diffs of equal (data, time), drop zeros.
// The result depends on the multiset of updates alone: not on their order, not on how often it is done.
import { type Columns, gather, onlyKind } from './columns.ts'
import { allRows, type SortedRows, sortRows } from './sort.ts'

const LARGEST = Number.MAX_SAFE_INTEGER

/**
 * A sum as diffs that are each a safe integer: one of them, except where the sum itself is beyond ±(2^53-1).
 * Then it stays as several rows, so that a flush neither fails for ever nor rounds; reading the sum is what fails.
 */
const asDiffs = (exact: bigint): number[] => {
  const diffs: number[] = []
  const step = BigInt(LARGEST) * (exact < 0n ? -1n : 1n)
  let rest = exact
  while (rest > BigInt(LARGEST) || rest < -BigInt(LARGEST)) {
    diffs.push(Number(step))
    rest -= step
  }
  if (rest !== 0n) diffs.push(Number(rest))
  return diffs
}

/** Adds up the diffs at places `[from, to)` of `rows`, exactly. */
const exactSum = (diff: Float64Array, rows: Uint32Array, from: number, to: number): bigint => {
  let exact = 0n
  for (let place = from; place < to; place++) exact += BigInt(diff[rows[place]!]!)
  return exact
}

/** One row for each update that begins in `starts`, with the sum of its diffs, and none where that is zero. */
const summed = (columns: Columns, { rows, starts }: SortedRows): Columns => {
  const { length } = rows
  const { diff } = columns
  const kept = new Uint32Array(length)
  const sums = new Float64Array(length)
  let count = 0
  for (let from = 0; from < length; ) {
    let total = diff[rows[from]!]!
    let isSafe = true
    let to = from + 1
    for (; to < length && starts[to] === 0; to++) {
      total += diff[rows[to]!]!
      if (total > LARGEST || total < -LARGEST) isSafe = false
    }
    if (isSafe) {
      if (total !== 0) {
        kept[count] = rows[from]!
        sums[count++] = total
      }
    } else {
      // There are never more diffs than rows: each is a full step that took at least one row to reach.
      for (const each of asDiffs(exactSum(diff, rows, from, to))) {
        kept[count] = rows[from]!
        sums[count++] = each
      }
    }
    from = to
  }
  return gather(columns, kept.subarray(0, count), sums.subarray(0, count))
}

/** The updates of `columns` sorted by (data, time), with one row for each, and none whose diffs add up to zero. */
export const consolidate = (columns: Columns): Columns => summed(columns, sortRows(columns))

/** Marks each place in `rows` that differs in `values` from the place before it. */
const markChangesAt = (values: Float64Array | Uint8Array, rows: Uint32Array, starts: Uint8Array): void => {
  let before = values[rows[0]!]!
  for (let place = 1; place < rows.length; place++) {
    const value = values[rows[place]!]!
    // NaN is the only value that is not equal to itself, and there is one NaN.
    if (value !== before && !(Number.isNaN(value) && Number.isNaN(before))) starts[place] = 1
    before = value
  }
}

/** As {@link markChangesAt}, of all rows. */
const markChanges = (values: Float64Array | Uint8Array, starts: Uint8Array): void => {
  for (let row = 1; row < starts.length; row++) {
    const value = values[row]!
    const before = values[row - 1]!
    if (value !== before && !(Number.isNaN(value) && Number.isNaN(before))) starts[row] = 1
  }
}

/**
 * As {@link consolidate}, of rows whose order is known. Column by column: several times faster than by row.
 * @param some those that count, sorted by (data, time). @default all
 */
export const consolidateSorted = (columns: Columns, some?: Uint32Array): Columns => {
  const { length } = columns
  const starts = new Uint8Array(some?.length ?? length)
  const mark = (values: Float64Array | Uint8Array): void => {
    if (some === undefined) markChanges(values, starts)
    else markChangesAt(values, some, starts)
  }
  for (const column of columns.data) {
    if (onlyKind(column, length) === undefined) mark(column.kinds)
    mark(column.payload)
  }
  mark(columns.time)
  // Nothing to add up and nothing to leave out: the columns as they are.
  const isWhole =
    some === undefined && !starts.includes(0, 1) && !columns.diff.subarray(0, length).includes(0)
  return isWhole ? columns : summed(columns, { rows: some ?? allRows(length), starts })
}

/** Whether the rows are what {@link consolidate} makes; returns the first row that is not, or -1. */
export const firstUnconsolidated = (columns: Columns, compare: (a: number, b: number) => number): number => {
  for (let row = 0; row < columns.length; row++) {
    if (columns.diff[row] === 0) return row
    if (row === 0) continue
    const order = compare(row - 1, row)
    if (order > 0) return row
    // The same update twice is right only as the parts of a sum too large for one diff: full steps of its sign first.
    if (order === 0 && columns.diff[row - 1] !== LARGEST * Math.sign(columns.diff[row]!)) return row
  }
  return -1
}
