// Owns finding many tuples in a sorted run at once: both sides are walked forward together, in growing steps.
import type { Column, Columns } from './columns.ts'
import { compareTuples } from './sort.ts'
import { addDiff } from './update.ts'
import { Kind } from './value.ts'

const integerColumns = new WeakMap<Column, boolean>()

/** Whether a column that grows no more holds nothing but integers. */
const isAllIntegers = (column: Column, length: number): boolean => {
  const known = integerColumns.get(column)
  if (known !== undefined) return known
  let all = true
  for (let row = 0; all && row < length; row++) all = column.kinds[row] === Kind.int
  integerColumns.set(column, all)
  return all
}

/**
 * The first row of `run` from `from` on whose tuple is not before that at `row` of `wanted`. Doubling steps, then halves:
 * what is near is found soon, what is far in logarithmic time.
 */
const seek = (run: Columns, from: number, wanted: Columns, row: number): number => {
  let low = from
  let step = 1
  while (low + step < run.length && compareTuples(run, low + step, wanted, row) < 0) {
    low += step
    step *= 2
  }
  let high = Math.min(run.length, low + step)
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareTuples(run, middle, wanted, row) < 0) low = middle + 1
    else high = middle
  }
  return low
}

/** As {@link seek} for the first number that is not below `value`: numbers decide at a fraction of the cost of tuples. */
const seekNumber = (numbers: Float64Array, length: number, from: number, value: number): number => {
  let low = from
  let step = 1
  while (low + step < length && numbers[low + step]! < value) {
    low += step
    step *= 2
  }
  let high = Math.min(length, low + step)
  while (low < high) {
    const middle = (low + high) >>> 1
    if (numbers[middle]! < value) low = middle + 1
    else high = middle
  }
  return low
}

/**
 * Adds to `sums[i]` the diffs of all rows of `run` that hold the tuple at row i of `wanted`; see {@link addDiff}.
 * Requires both to be sorted by tuple, and the tuples of `wanted` to be distinct.
 */
export const addMultiplicities = (wanted: Columns, run: Columns, sums: Float64Array): void => {
  const { length } = run
  const [left] = run.data
  const [right] = wanted.data
  const isByNumber =
    left !== undefined &&
    right !== undefined &&
    isAllIntegers(right, wanted.length) &&
    isAllIntegers(left, length)
  let at = 0
  for (let row = 0; row < wanted.length && at < length; row++) {
    if (isByNumber) {
      at = seekNumber(left.payload, length, at, right.payload[row]!)
      if (at === length || left.payload[at] !== right.payload[row]) continue
    }
    at = seek(run, at, wanted, row)
    for (; at < length && compareTuples(run, at, wanted, row) === 0; at++)
      sums[row] = addDiff(sums[row]!, run.diff[at]!)
  }
}
