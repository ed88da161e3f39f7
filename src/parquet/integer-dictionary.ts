// Owns finding out that integers are few: by open addressing, given up as soon as they are not.

/** Integers by number, in the order in which they occur first. */
export interface IntegerDictionary {
  readonly distinct: Float64Array
  /** Which of them stands in each place. Until the next dictionary is made. */
  readonly ordinals: Uint32Array
}

/** Most distinct integers. More would not pay often, and to find out costs more. */
const DISTINCT_MAX = 4096
const SLOTS = 4 * DISTINCT_MAX

/** The number of the integer in a slot, plus one; 0 where there is none. */
const slots = new Uint16Array(SLOTS)

const WORD = 2 ** 32

/** Memory that is used again. */
let numbers = new Uint32Array(65_536)
const found = new Float64Array(DISTINCT_MAX)

/** The dictionary of safe integers; undefined if there are more than 4096 distinct ones, or many for so few values. */
export const integerDictionary = (values: Float64Array): IntegerDictionary | undefined => {
  const most = Math.min(DISTINCT_MAX, values.length >> 3)
  if (numbers.length < values.length) numbers = new Uint32Array(values.length)
  const distinct = found
  const ordinals = numbers
  let size = 0
  slots.fill(0)
  for (let index = 0; index < values.length; index++) {
    const value = values[index]!
    let slot = Math.imul((value ^ (value / WORD)) | 0, 0x9e3779b1) >>> 18
    let number = slots[slot]!
    while (number !== 0 && distinct[number - 1] !== value) {
      slot = (slot + 1) & (SLOTS - 1)
      number = slots[slot]!
    }
    if (number === 0) {
      if (size === most) return undefined
      distinct[size++] = value
      number = size
      slots[slot] = number
    }
    ordinals[index] = number - 1
  }
  return { distinct: distinct.slice(0, size), ordinals: ordinals.subarray(0, values.length) }
}
