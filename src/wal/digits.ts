// Owns the decimal digits of safe integers as bytes: three at a time, out of tables.

/** Room that writing a safe integer takes: its digits, its sign, and a byte behind them that may be written, too. */
export const INTEGER_BYTES = 18

const MINUS = 0x2d
const ZERO = 0x30
const GROUP = 1000
const GROUP_PLACES = 3

const threeDigits = (value: number): [number, number, number] => [
  ZERO + Math.floor(value / 100),
  ZERO + (Math.floor(value / 10) % 10),
  ZERO + (value % 10),
]

/** The three digits of each number below 1000, the first one lowest, as a little-endian word. */
const PADDED = Uint32Array.from({ length: GROUP }, (_, value) => {
  const [first, second, third] = threeDigits(value)
  return first | (second << 8) | (third << 16)
})

/** The digits of each without zeros in front, and above them how many they are. */
const LEADING = Uint32Array.from({ length: GROUP }, (_, value) => {
  const places = String(value).length
  return (PADDED[value]! >>> (8 * (GROUP_PLACES - places))) | (places << 24)
})

/** Three digits, also where they are zeros. Returns where they end. */
const putPadded = (view: DataView, at: number, value: number): number => {
  view.setUint32(at, PADDED[value]!, true)
  return at + GROUP_PLACES
}

/** As many digits as a number below 1000 has. */
const putLeading = (view: DataView, at: number, value: number): number => {
  const digits = LEADING[value]!
  view.setUint32(at, digits, true)
  return at + (digits >>> 24)
}

/** A whole number below 2^31. */
const putWhole = (view: DataView, at: number, value: number): number => {
  if (value < GROUP) return putLeading(view, at, value)
  const above = (value / GROUP) | 0
  const last = value - above * GROUP
  if (above < GROUP) return putPadded(view, putLeading(view, at, above), last)
  const top = (above / GROUP) | 0
  const middle = above - top * GROUP
  const begun = top < GROUP ? putLeading(view, at, top) : putWhole(view, at, top)
  return putPadded(view, putPadded(view, begun, middle), last)
}

/** As many digits are taken off at once of what is 2^31 or more. What is left of a safe integer is less than that. */
const LOW = GROUP ** 3

/** Writes a safe integer as JSON has it, at `from`, where there is {@link INTEGER_BYTES}. Returns where it ends. */
export const putInteger = (view: DataView, from: number, value: number): number => {
  let at = from
  let rest = value
  if (rest < 0) {
    view.setUint8(at++, MINUS)
    rest = -rest
  }
  if (rest <= 0x7fffffff) return putWhole(view, at, rest | 0)
  const above = Math.floor(rest / LOW)
  const low = (rest - above * LOW) | 0
  const middle = (low / GROUP) | 0
  const high = (middle / GROUP) | 0
  at = putPadded(view, putWhole(view, at, above), high)
  return putPadded(view, putPadded(view, at, middle - high * GROUP), low - middle * GROUP)
}
