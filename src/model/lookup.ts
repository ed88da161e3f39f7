// Owns finding many tuples in a sorted run at once: both sides are walked forward together, in growing steps.
import type { Column, Columns } from './columns.ts'
import { compareTuples } from './sort.ts'
import { addDiff } from './update.ts'
import { Kind } from './value.ts'

/** How a row of a run lies to a row of what is wanted: negative if before it. */
type Order = (runRow: number, wantedRow: number) => number

const isAllIntegers = ({ kinds }: Column, length: number): boolean => {
  for (let row = 0; row < length; row++) if (kinds[row] !== Kind.int) return false
  return true
}

/** Where the first column is of integers, they decide most comparisons, at a fraction of the cost. */
const orderOf = (run: Columns, wanted: Columns): Order => {
  const [a] = run.data
  const [b] = wanted.data
  const whole: Order = (runRow, row) => compareTuples(run, runRow, wanted, row)
  if (a === undefined || b === undefined) return whole
  if (!isAllIntegers(b, wanted.length) || !isAllIntegers(a, run.length)) return whole
  const left = a.payload
  const right = b.payload
  return (runRow, row) => left[runRow]! - right[row]! || whole(runRow, row)
}

/** The first row of a run from `from` on whose tuple is not before that at `row` of what is wanted. */
const seek = (length: number, from: number, row: number, order: Order): number => {
  let low = from
  let step = 1
  // Doubling steps, then halves: what is near is found soon, what is far in logarithmic time.
  while (low + step < length && order(low + step, row) < 0) {
    low += step
    step *= 2
  }
  let high = Math.min(length, low + step)
  while (low < high) {
    const middle = (low + high) >>> 1
    if (order(middle, row) < 0) low = middle + 1
    else high = middle
  }
  return low
}

/**
 * Adds to `sums[i]` the diffs of all rows of `run` that hold the tuple at row i of `wanted`; see {@link addDiff}.
 * Requires both to be sorted by tuple, and the tuples of `wanted` to be distinct.
 */
export const addMultiplicities = (wanted: Columns, run: Columns, sums: Float64Array): void => {
  const order = orderOf(run, wanted)
  let at = 0
  for (let row = 0; row < wanted.length && at < run.length; row++) {
    at = seek(run.length, at, row, order)
    for (; at < run.length && order(at, row) === 0; at++) sums[row] = addDiff(sums[row]!, run.diff[at]!)
  }
}
