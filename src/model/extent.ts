// Owns how far numbers lie apart, and their distances from the least of them: what sorts, statistics and encodings of
// integers begin with.
import { isUniform } from './columns.ts'

/** The least and the greatest of some numbers; both 0 if there are none. */
export interface Extent {
  readonly lowest: number
  readonly highest: number
}

/** The extent of the first `length` of `values`. */
export const extentOf = (values: Float64Array, length: number = values.length): Extent => {
  let lowest = length === 0 ? 0 : values[0]!
  let highest = lowest
  if (isUniform(values, length)) return { lowest, highest }
  let index = 1
  // Often they are in order. Where nothing else is asked, nothing is guessed wrong.
  for (; index < length && values[index]! >= highest; index++) highest = values[index]!
  for (; index < length; index++) {
    const value = values[index]!
    if (value < lowest) lowest = value
    else if (value > highest) highest = value
  }
  return { lowest, highest }
}

/** What a distance from the least of some numbers is worth. */
export interface Scale {
  readonly lowest: number
  readonly scale: number
}

/** Sets each of `sums` to the distance of its value from `lowest`, times `scale`. */
export const setDistances = (sums: Float64Array, values: Float64Array, { lowest, scale }: Scale): void => {
  for (let index = 0; index < sums.length; index++) sums[index] = (values[index]! - lowest) * scale
}

/** As {@link setDistances}, added to what they are. */
export const addDistances = (sums: Float64Array, values: Float64Array, { lowest, scale }: Scale): void => {
  for (let index = 0; index < sums.length; index++) sums[index]! += (values[index]! - lowest) * scale
}
