// Owns integers of a few bits each, one after the other, the least significant bits first: Parquet's bit packing.
// Works on 32 values, the length of a miniblock's step, which take `4 * width` bytes whatever the width.
import type { Sink } from './sink.ts'

const WORD_BITS = 32

/** Values that are unpacked at once. */
const STEP = 32
/** Up to this width four values, wherever they begin, are in one word. */
const NARROW_BITS = 7

/** Unpacks 32 values of up to 7 bits, eight of which fill whole bytes, from two words each eight. */
const unpackNarrow = (view: DataView, at: number, width: number, out: Uint32Array): void => {
  const mask = 2 ** width - 1
  const [second, third] = [2 * width, 3 * width]
  // The fifth value begins within a byte if the width is odd.
  const half = width >>> 1
  const shift = (width & 1) * 4
  for (let index = 0, from = at; index < STEP; index += 8, from += width) {
    const low = view.getUint32(from, true)
    out[index] = low & mask
    out[index + 1] = (low >>> width) & mask
    out[index + 2] = (low >>> second) & mask
    out[index + 3] = (low >>> third) & mask
    const high = view.getUint32(from + half, true) >>> shift
    out[index + 4] = high & mask
    out[index + 5] = (high >>> width) & mask
    out[index + 6] = (high >>> second) & mask
    out[index + 7] = (high >>> third) & mask
  }
}

/**
 * Unpacks the first `count` of 32 values of up to 32 bits that begin at byte `at`. Looks at up to 7 bytes behind them.
 */
export const unpack = (view: DataView, at: number, width: number, count: number, out: Uint32Array): void => {
  if (width <= NARROW_BITS && count === STEP) {
    unpackNarrow(view, at, width, out)
    return
  }
  if (width <= 25) {
    const mask = 2 ** width - 1
    for (let index = 0, bit = 0; index < count; index++, bit += width)
      out[index] = (view.getUint32(at + (bit >>> 3), true) >>> (bit & 7)) & mask
    return
  }
  const mask = width === WORD_BITS ? -1 : 2 ** width - 1
  for (let index = 0, bit = 0; index < count; index++, bit += width) {
    const from = at + (bit >>> 3)
    const shift = bit & 7
    // Shifting by 32 would shift by 0: hence in two steps.
    const high = (view.getUint8(from + 4) << 1) << (31 - shift)
    out[index] = ((view.getUint32(from, true) >>> shift) | high) & mask
  }
}

/** Unpacks the first `count` of 32 values of 33 to 64 bits that begin at byte `at`, each into two words. */
export const unpackWide = (
  view: DataView,
  at: number,
  width: number,
  count: number,
  low: Uint32Array,
  high: Uint32Array,
): void => {
  const mask = width === 64 ? -1 : 2 ** (width - WORD_BITS) - 1
  for (let index = 0, bit = 0; index < count; index++, bit += width) {
    const from = at + (bit >>> 3)
    const shift = bit & 7
    const middle = view.getUint32(from + 4, true)
    low[index] = (view.getUint32(from, true) >>> shift) | ((middle << 1) << (31 - shift))
    // Of the last value nothing may lie behind the 64 bits at hand; only then is a further byte looked at.
    const top = shift + width > 64 ? (view.getUint8(from + 8) << 1) << (31 - shift) : 0
    high[index] = ((middle >>> shift) | top) & mask
  }
}

/** Packs `count` words, those at even places in `even` bits each, the others in `odd`; together they fill whole bytes. */
const packWords = (
  sink: Sink,
  words: Uint32Array,
  from: number,
  count: number,
  even: number,
  odd: number,
): void => {
  // The last word may be written in full.
  sink.reserve(((even + odd) * count) / 16 + 4)
  const { view } = sink
  let at = sink.length
  let word = 0
  let used = 0
  for (let index = 0; index < count; index++) {
    const value = words[from + index]!
    const bits = (index & 1) === 0 ? even : odd
    word |= value << used
    used += bits
    if (used < WORD_BITS) continue
    view.setUint32(at, word, true)
    at += 4
    used -= WORD_BITS
    // What did not fit; nothing if all of it did: a shift by 32 would be one by 0.
    word = used === 0 ? 0 : value >>> (bits - used)
  }
  if (used > 0) view.setUint32(at, word, true)
  sink.length = at + (used >>> 3)
}

/** Up to this width eight values fit into one word. */
const EIGHT_FIT = 4

/** Values of so few bits that eight of them are one word of `8 * width` bits. */
const packEights = (sink: Sink, width: number, values: Uint32Array, from: number, count: number): void => {
  sink.reserve((width * count) / 8)
  const { bytes } = sink
  let at = sink.length
  for (let index = from; index < from + count; index += 8) {
    let word = values[index]!
    for (let next = 1, shift = width; next < 8; next++, shift += width) word |= values[index + next]! << shift
    for (let byte = 0; byte < width; byte++) bytes[at++] = word >>> (8 * byte)
  }
  sink.length = at
}

/** Packs `count` values from place `from` on, a multiple of 8, of up to 32 bits. */
export const pack = (sink: Sink, width: number, values: Uint32Array, from: number, count: number): void => {
  if (width <= EIGHT_FIT) packEights(sink, width, values, from, count)
  else packWords(sink, values, from, count, width, width)
}

/** Packs values of 33 to 64 bits, a multiple of 8, each as its low 32 bits and the others: `words` has both by turns. */
export const packWide = (sink: Sink, width: number, words: Uint32Array): void =>
  packWords(sink, words, 0, words.length, WORD_BITS, width - WORD_BITS)
