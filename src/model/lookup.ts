// Owns finding many tuples in a sorted run at once: both sides are walked forward together, in growing steps.
import type { Columns } from './columns.ts'
import { compareTuples } from './sort.ts'
import { addDiff } from './update.ts'

/** The first row of `run` from `from` on whose tuple is not before that at `row` of `wanted`. */
const seek = (run: Columns, from: number, wanted: Columns, row: number): number => {
  let low = from
  let step = 1
  // Doubling steps, then halves: what is near is found soon, what is far in logarithmic time.
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

/**
 * Adds to `sums[i]` the diffs of all rows of `run` that hold the tuple at row i of `wanted`; see {@link addDiff}.
 * Requires both to be sorted by tuple, and the tuples of `wanted` to be distinct.
 */
export const addMultiplicities = (wanted: Columns, run: Columns, sums: Float64Array): void => {
  let at = 0
  for (let row = 0; row < wanted.length && at < run.length; row++) {
    at = seek(run, at, wanted, row)
    for (; at < run.length && compareTuples(run, at, wanted, row) === 0; at++)
      sums[row] = addDiff(sums[row]!, run.diff[at]!)
  }
}
