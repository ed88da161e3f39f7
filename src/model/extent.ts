// Owns the least and the greatest of numbers: what sorts, statistics and encodings of integers begin with.

/** Least and greatest of some numbers; both 0 if there are none. */
export interface Extent {
  readonly least: number
  readonly greatest: number
}

/** The extent of safe integers, the first `length` of `values`. */
export const extentOf = (values: Float64Array, length: number = values.length): Extent => {
  let least = length === 0 ? 0 : values[0]!
  let greatest = least
  let index = 1
  // Often they are in order. Where nothing else is asked, nothing is guessed wrong.
  for (; index < length && values[index]! >= greatest; index++) greatest = values[index]!
  for (; index < length; index++) {
    const value = values[index]!
    if (value < least) least = value
    else if (value > greatest) greatest = value
  }
  return { least, greatest }
}
