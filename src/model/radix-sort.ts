// Owns the sort of rows by numbers: a stable least-significant-digit radix sort (Knuth, TAOCP 5.2.5) that moves each
// number along with its row, so that memory is read in order and what comes out is sorted numbers as well.
import { Scratch } from './scratch.ts'

/** Rows, and a number for each, in the same order. */
export interface NumberedRows {
  readonly rows: Uint32Array
  readonly values: Float64Array
}

const NARROWEST_DIGIT_BITS = 4
const WIDEST_DIGIT_BITS = 16

const scratch = new Scratch()

const isAscending = (values: Float64Array): boolean => {
  for (let index = 1; index < values.length; index++) if (values[index]! < values[index - 1]!) return false
  return true
}

/** One counting pass: by the digit that is left of the point once `scale`, a power of two, has moved it. */
const pass = (from: NumberedRows, to: NumberedRows, scale: number, counts: Uint32Array): void => {
  const { rows, values } = from
  const { rows: sortedRows, values: sortedValues } = to
  const mask = counts.length - 1
  const { length } = rows
  counts.fill(0)
  // `| 0` takes the lowest 32 bits of what is left of the point, however large it is.
  for (let index = 0; index < length; index++) counts[((values[index]! * scale) | 0) & mask]!++
  let sum = 0
  for (let digit = 0; digit <= mask; digit++) {
    const count = counts[digit]!
    counts[digit] = sum
    sum += count
  }
  for (let index = 0; index < length; index++) {
    const value = values[index]!
    const place = counts[((value * scale) | 0) & mask]!++
    sortedValues[place] = value
    sortedRows[place] = rows[index]!
  }
}

/**
 * Sorts rows by numbers; those of equal numbers keep the order in which they are given.
 * @param given rows with the number of each; both arrays are used up
 * @param span all numbers are whole ones from 0 on, and below it; at most 2^53
 */
export const sortByNumbers = (given: NumberedRows, span: number): NumberedRows => {
  const { length } = given.rows
  if (isAscending(given.values)) return given
  const bits = Math.ceil(Math.log2(span))
  // Counting costs as much as moving when there are as many counts as rows.
  const widest = Math.min(Math.max(Math.floor(Math.log2(length)), NARROWEST_DIGIT_BITS), WIDEST_DIGIT_BITS)
  const passes = Math.ceil(bits / widest)
  const digitBits = Math.ceil(bits / passes)
  const counts = new Uint32Array(2 ** digitBits)
  let sorted = given
  // After each second pass the rows are in the arrays that were given.
  const memory = passes % 2 === 0 ? scratch : new Scratch()
  let spare: NumberedRows = { rows: memory.integers(length), values: memory.numbers(length) }
  for (let done = 0; done < passes; done++) {
    pass(sorted, spare, 2 ** -(done * digitBits), counts)
    ;[sorted, spare] = [spare, sorted]
  }
  return sorted
}
