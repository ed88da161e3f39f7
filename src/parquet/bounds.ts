// Owns the least and the greatest value of a column chunk as bytes of the footer.
// Long strings are cut: what is least becomes less by it, and what is greatest has its last character raised.
import type { Pool } from './pool.ts'
import type { WrittenStatistics } from './statistics.ts'

/** Longer bounds are cut: a footer stays small, whatever the data. */
const BOUND_BYTES = 64

type Bounds = Omit<WrittenStatistics, 'nulls'>

const NONE: Bounds = { min: undefined, max: undefined, exact: true }

const bytesOf = (size: number, set: (view: DataView) => void): Uint8Array => {
  const bytes = new Uint8Array(size)
  set(new DataView(bytes.buffer))
  return bytes
}

export const integerBounds = (bits: 32 | 64, least: bigint, greatest: bigint): Bounds => {
  const bound = (value: bigint): Uint8Array =>
    bits === 32
      ? bytesOf(4, view => view.setInt32(0, Number(value), true))
      : bytesOf(8, view => view.setBigInt64(0, value, true))
  return { min: bound(least), max: bound(greatest), exact: true }
}

export const booleanBounds = (values: Float64Array): Bounds =>
  values.length === 0
    ? NONE
    : {
        min: Uint8Array.of(values.includes(0) ? 0 : 1),
        max: Uint8Array.of(values.includes(1) ? 1 : 0),
        exact: true,
      }

/** NaN is left out, as the format asks; 0 stands for both zeros, so bounds at it have the sign that includes both. */
export const floatBounds = (values: Float64Array): Bounds => {
  let least = Number.POSITIVE_INFINITY
  let greatest = Number.NEGATIVE_INFINITY
  for (const value of values) {
    if (value < least) least = value
    if (value > greatest) greatest = value
  }
  if (least > greatest) return NONE
  const bound = (value: number): Uint8Array => bytesOf(8, view => view.setFloat64(0, value, true))
  return { min: bound(least === 0 ? -0 : least), max: bound(greatest + 0), exact: true }
}

const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The longest beginning of at most {@link BOUND_BYTES} that ends where a character does. */
const cutText = (bytes: Uint8Array): string => {
  let end = BOUND_BYTES
  while ((bytes[end]! & 0xc0) === 0x80) end--
  return text.decode(bytes.subarray(0, end))
}

/** The least text that is more than every text that begins like this one; undefined if there is none. */
const raised = (beginning: string): Uint8Array | undefined => {
  const characters = Array.from(beginning, character => character.codePointAt(0)!)
  for (let point = characters.pop(); point !== undefined; point = characters.pop()) {
    if (point === 0x10ffff) continue
    // Surrogates are no characters.
    const next = point === 0xd7ff ? 0xe000 : point + 1
    return Buffer.from(String.fromCodePoint(...characters, next))
  }
  return undefined
}

/** Of bytes that are no text, long bounds are left out. */
export const binaryBounds = ({ bytes, offsets, size }: Pool, isText: boolean): Bounds => {
  if (size === 0) return NONE
  const at = (ordinal: number): Uint8Array => bytes.subarray(offsets[ordinal]!, offsets[ordinal + 1]!)
  let least = at(0)
  let greatest = least
  for (let ordinal = 1; ordinal < size; ordinal++) {
    // Most are told apart by their first byte; where an empty value is, the next one begins.
    const first = offsets[ordinal]! < offsets[ordinal + 1]! ? bytes[offsets[ordinal]!]! : -1
    if (first > (least[0] ?? -1) && first < (greatest[0] ?? -1)) continue
    const value = at(ordinal)
    if (Buffer.compare(value, least) < 0) least = value
    else if (Buffer.compare(value, greatest) > 0) greatest = value
  }
  const isShort = (value: Uint8Array): boolean => value.length <= BOUND_BYTES
  return {
    min: isShort(least) ? least : isText ? Buffer.from(cutText(least)) : undefined,
    max: isShort(greatest) ? greatest : isText ? raised(cutText(greatest)) : undefined,
    exact: isShort(least) && isShort(greatest),
  }
}
