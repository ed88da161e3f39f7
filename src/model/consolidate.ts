// Owns consolidation: sort, add the diffs of equal (data, time), drop zeros.
// The result depends on the multiset of updates alone: not on their order, not on how often it is done.
import { type Columns, gather } from './columns.ts'
import { sortedRows } from './sort.ts'

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

/** Adds up rows `[from, to)` in the order given. */
const sum = (diff: Float64Array, rows: Uint32Array, from: number, to: number): number[] => {
  let total = 0
  for (let index = from; index < to; index++) {
    total += diff[rows[index]!]!
    if (total > LARGEST || total < -LARGEST) {
      let exact = 0n
      for (let each = from; each < to; each++) exact += BigInt(diff[rows[each]!]!)
      return asDiffs(exact)
    }
  }
  return total === 0 ? [] : [total]
}

/** Marks each place in `rows` that differs in `values` from the place before it. */
const markChanges = (values: Float64Array | Uint8Array, rows: Uint32Array, starts: Uint8Array): void => {
  let before = values[rows[0]!]!
  for (let index = 1; index < rows.length; index++) {
    const value = values[rows[index]!]!
    // NaN is the only value that is not equal to itself, and there is one NaN.
    if (value !== before && !(Number.isNaN(value) && Number.isNaN(before))) starts[index] = 1
    before = value
  }
}

/** 1 where an update begins that is not the one before it. Column by column: several times faster than by row. */
const groupStarts = (columns: Columns, rows: Uint32Array): Uint8Array => {
  const starts = new Uint8Array(rows.length)
  for (const { kinds, payload } of columns.data) {
    markChanges(kinds, rows, starts)
    markChanges(payload, rows, starts)
  }
  markChanges(columns.time, rows, starts)
  return starts
}

/** The updates of `columns` sorted by (data, time), with one row for each, and none whose diffs add up to zero. */
export const consolidate = (columns: Columns): Columns => consolidateRows(columns, sortedRows(columns))

const inOrder = (length: number): Uint32Array => {
  const rows = new Uint32Array(length)
  for (let row = 0; row < length; row++) rows[row] = row
  return rows
}

/** As {@link consolidate}, of columns that are sorted by (data, time). */
export const consolidateSorted = (columns: Columns): Columns =>
  consolidateRows(columns, inOrder(columns.length))

/** As {@link consolidate}, with the order of the rows already known. */
export const consolidateRows = (columns: Columns, rows: Uint32Array): Columns => {
  const { length, diff } = columns
  const starts = groupStarts(columns, rows)
  const kept = new Uint32Array(length)
  const sums = new Float64Array(length)
  let count = 0
  const keep = (row: number, total: number): void => {
    if (total === 0) return
    kept[count] = row
    sums[count] = total
    count++
  }
  for (let from = 0; from < length; ) {
    const first = rows[from]!
    let to = from + 1
    while (to < length && starts[to] === 0) to++
    if (to === from + 1) keep(first, diff[first]!)
    // There are never more diffs than rows: each is a full step that took at least one row to reach.
    else for (const total of sum(diff, rows, from, to)) keep(first, total)
    from = to
  }
  const result = gather(columns, kept.subarray(0, count))
  result.diff.set(sums.subarray(0, count))
  return result
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
