// Owns how far numbers lie apart, and their distances from the least of them: what numbers that order are made of.
import { isUniform } from './columns.ts'

/** The least and the greatest of some numbers. */
export interface Extent {
  readonly lowest: number
  readonly highest: number
}

/** Of the first `length` of them, at least one. */
export const extentOf = (values: Float64Array, length: number): Extent => {
  if (isUniform(values, length)) return { lowest: values[0]!, highest: values[0]! }
  let lowest = Number.POSITIVE_INFINITY
  let highest = Number.NEGATIVE_INFINITY
  for (let index = 0; index < length; index++) {
    const value = values[index]!
    if (value < lowest) lowest = value
    if (value > highest) highest = value
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
