// Owns consolidation: sort, add the diffs of equal (data, time), drop zeros.
// The result depends on the multiset of updates alone: not on their order, not on how often it is done.
import { type Columns, gather, isUniform, onlyKind } from './columns.ts'
import { Scratch } from './scratch.ts'
import { allRows, markChanges, type SortedRows, sortRows } from './sort.ts'
import { Kind } from './value.ts'

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

const scratch = new Scratch()

/** Of each group of equal updates a row and the sum of its diffs: to be done with before others are asked for. */
interface Sums {
  readonly rows: Uint32Array
  readonly sums: Float64Array
}

/** Undefined if a sum, or a part of it, is beyond the safe integers. Without branches: where groups end is anybody's guess. */
const safeSums = (diff: Float64Array, { rows, starts }: SortedRows): Sums | undefined => {
  const { length } = rows
  const kept = scratch.integers(length)
  const sums = scratch.numbers(length).fill(0)
  let group = -1
  let isSafe = true
  for (let place = 0; place < length; place++) {
    const row = rows[place]!
    group += starts[place]!
    const total = sums[group]! + diff[row]!
    kept[group] = row
    sums[group] = total
    if (total > LARGEST || total < -LARGEST) isSafe = false
  }
  if (!isSafe) return undefined
  let count = 0
  for (let from = 0; from <= group; from++) {
    const total = sums[from]!
    kept[count] = kept[from]!
    sums[count] = total
    count += Number(total !== 0)
  }
  return { rows: kept.subarray(0, count), sums: sums.subarray(0, count) }
}

/** As {@link safeSums}, for any sums. There are never more diffs than rows: each full step took at least one to reach. */
const exactSums = (diff: Float64Array, { rows, starts }: SortedRows): Sums => {
  const kept: number[] = []
  const sums: number[] = []
  for (let from = 0; from < rows.length; ) {
    let exact = 0n
    let to = from
    do exact += BigInt(diff[rows[to++]!]!)
    while (to < rows.length && starts[to] === 0)
    for (const each of asDiffs(exact)) {
      kept.push(rows[from]!)
      sums.push(each)
    }
    from = to
  }
  return { rows: Uint32Array.from(kept), sums: Float64Array.from(sums) }
}

/** Whether no two rows are of the same update and none has a diff of zero: then there is nothing to add up or to leave out. */
const isConsolidated = ({ diff, length }: Columns, starts: Uint8Array): boolean =>
  !starts.includes(0) && !diff.subarray(0, length).includes(0)

/** One row for each update that begins in `starts`, with the sum of its diffs, and none where that is zero. */
const summed = (columns: Columns, sorted: SortedRows): Columns => {
  if (isConsolidated(columns, sorted.starts)) return gather(columns, sorted.rows)
  const { rows, sums } = safeSums(columns.diff, sorted) ?? exactSums(columns.diff, sorted)
  return gather(columns, rows, sums.slice())
}

/** The updates of `columns` sorted by (data, time), with one row for each, and none whose diffs add up to zero. */
export const consolidate = (columns: Columns): Columns => summed(columns, sortRows(columns))

/** As {@link markChanges}, of floats. NaN alone is not equal to itself, and there is one NaN. */
const markFloatChanges = (values: Float64Array, starts: Uint8Array): void => {
  for (let row = 1; row < starts.length; row++) {
    const value = values[row]!
    const before = values[row - 1]!
    starts[row]! |= Number(value !== before) & Number(!(Number.isNaN(value) && Number.isNaN(before)))
  }
}

/** As {@link consolidate}, of rows that are sorted by (data, time). Column by column: several times faster than by row. */
export const consolidateSorted = (columns: Columns): Columns => {
  const { length } = columns
  const starts = new Uint8Array(length)
  if (length > 0) starts[0] = 1
  const mark = (values: Float64Array | Uint8Array): void => {
    if (!isUniform(values, length)) markChanges(values, starts)
  }
  for (const column of columns.data) {
    mark(column.kinds)
    const kind = onlyKind(column, length)
    if (kind === undefined || kind === Kind.float) markFloatChanges(column.payload, starts)
    else mark(column.payload)
  }
  mark(columns.time)
  // Then they are the columns as they are.
  return isConsolidated(columns, starts) ? columns : summed(columns, { rows: allRows(length), starts })
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
