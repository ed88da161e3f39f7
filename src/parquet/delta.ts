// Owns DELTA_BINARY_PACKED: integers as the differences of neighbours, in blocks of which each has its least
// difference, and what the others are above it in as many bits as its miniblock needs.
// https://github.com/apache/parquet-format/blob/master/Encodings.md#delta-encoding-delta_binary_packed--5
// Numbers are exact: who calls for numbers gets numbers or is told that it takes BigInts.
import { bitWidth } from '../model/bit-width.ts'
import { pack, packWide, unpack, unpackWide } from './bit-packing.ts'
import type { Cursor } from './cursor.ts'
import { MalformedParquet } from './malformed.ts'
import type { Sink } from './sink.ts'

const WORD = 2 ** 32
/** What unpack and pack work on at once. */
const STEP = 32
const MOST = Number.MAX_SAFE_INTEGER

const low = new Uint32Array(STEP)
const high = new Uint32Array(STEP)
/** Low and high words by turns. */
const words = new Uint32Array(2 * STEP)

/** Miniblocks of which no sum leaves the safe integers are not looked at value by value. */
const WIDTH_MAX = 52

interface Blocks {
  readonly miniblocks: number
  /** Values of a miniblock. */
  readonly length: number
}

const readBlocks = (cursor: Cursor, count: number): Blocks => {
  const blockLength = cursor.varint()
  const miniblocks = cursor.varint()
  if (cursor.varint() !== count) throw new MalformedParquet('a page has another number of values')
  const length = blockLength / miniblocks
  if (!(Number.isInteger(length) && length > 0 && length % STEP === 0 && blockLength <= 2 ** 20))
    throw new MalformedParquet('blocks of deltas have a strange size')
  return { miniblocks, length }
}

const widthAt = (cursor: Cursor, at: number, most: number): number => {
  const width = cursor.bytes[at]!
  if (width > most) throw new MalformedParquet('a delta has too many bits')
  return width
}

/** An integer of which only 32 bits count: sums of such wrap. */
const narrow = (cursor: Cursor): number => {
  const value = cursor.zigzag()
  if (value === undefined) throw new MalformedParquet('an integer is too large')
  return value | 0
}

/**
 * Adds up what {@link low} has above the least difference, behind `value`, to `out`; returns the last. By itself, because
 * a small loop is compiled soon and quickly: a process that has just begun waits for that of all around it ten times as
 * long.
 */
const addUp32 = (value: number, least: number, count: number, out: Float64Array, at: number): number => {
  let last = value
  for (let each = 0; each < count; each++) {
    last = (last + least + low[each]!) | 0
    out[at + each] = last
  }
  return last
}

/** As {@link addUp32}, where no sum leaves the safe integers, or it is looked at afterwards. */
const addUp64 = (value: number, least: number, count: number, out: Float64Array, at: number): number => {
  let last = value
  for (let each = 0; each < count; each++) {
    last += least + low[each]!
    out[at + each] = last
  }
  return last
}

/**
 * Reads integers of 32 bits to `out` from `at` on.
 * @param count how many there are. @param wanted how many of them are read
 * @throws {MalformedParquet}
 */
export const readDelta32 = (
  cursor: Cursor,
  count: number,
  out: Float64Array,
  at: number,
  wanted: number = count,
): void => {
  const { miniblocks, length } = readBlocks(cursor, count)
  let value = narrow(cursor)
  const end = at + wanted
  let index = at
  if (wanted > 0) out[index++] = value
  while (index < end) {
    const least = narrow(cursor)
    const widths = cursor.skip(miniblocks)
    for (let block = 0; block < miniblocks && index < end; block++) {
      const width = widthAt(cursor, widths + block, 32)
      let from = cursor.skip((length * width) / 8)
      const last = Math.min(end, index + length)
      if (width === 0) {
        for (; index < last; index++) {
          value = (value + least) | 0
          out[index] = value
        }
        continue
      }
      for (; index < last; from += 4 * width) {
        const step = Math.min(STEP, last - index)
        unpack(cursor.view, from, width, step, low)
        value = addUp32(value, least, step, out, index)
        index += step
      }
    }
  }
}

/**
 * Reads integers of 64 bits to `out` from `at` on, as {@link readDelta32} does. Returns `false`, with the cursor and `out`
 * in any state, if one of them is not safe, or a difference is too large to tell: then {@link readDeltaWide} reads them.
 * @throws {MalformedParquet}
 */
export const readDelta64 = (
  cursor: Cursor,
  count: number,
  out: Float64Array,
  at: number,
  wanted: number = count,
): boolean => {
  const { miniblocks, length } = readBlocks(cursor, count)
  const first = cursor.zigzag()
  if (first === undefined) return false
  let value = first
  const end = at + wanted
  let index = at
  if (wanted > 0) out[index++] = value
  while (index < end) {
    const least = cursor.zigzag()
    if (least === undefined) return false
    const widths = cursor.skip(miniblocks)
    for (let block = 0; block < miniblocks && index < end; block++) {
      const width = widthAt(cursor, widths + block, 64)
      if (width > WIDTH_MAX) return false
      let from = cursor.skip((length * width) / 8)
      const start = index
      const last = Math.min(end, index + length)
      const isSafe = Math.abs(value) + length * (Math.abs(least) + 2 ** width) <= MOST
      for (; width === 0 && index < last; index++) {
        value += least
        out[index] = value
      }
      for (; index < last; from += 4 * width) {
        const step = Math.min(STEP, last - index)
        if (width <= 32) {
          unpack(cursor.view, from, width, step, low)
          value = addUp64(value, least, step, out, index)
          index += step
        } else {
          unpackWide(cursor.view, from, width, step, low, high)
          for (let each = 0; each < step; each++) {
            value += least + (high[each]! * WORD + low[each]!)
            out[index++] = value
          }
        }
      }
      for (let each = start; !isSafe && each < last; each++) if (!(Math.abs(out[each]!) <= MOST)) return false
    }
  }
  return true
}

/**
 * Reads `count` integers of 64 bits.
 * @throws {MalformedParquet}
 */
export const readDeltaWide = (cursor: Cursor, count: number): BigInt64Array => {
  const { miniblocks, length } = readBlocks(cursor, count)
  const out = new BigInt64Array(count)
  let value = cursor.wideZigzag()
  let index = 0
  if (count > 0) out[index++] = value
  while (index < count) {
    const least = cursor.wideZigzag()
    const widths = cursor.skip(miniblocks)
    for (let block = 0; block < miniblocks && index < count; block++) {
      const width = widthAt(cursor, widths + block, 64)
      let from = cursor.skip((length * width) / 8)
      const last = Math.min(count, index + length)
      for (; index < last; from += 4 * width) {
        const step = Math.min(STEP, last - index)
        high.fill(0)
        if (width <= 32) unpack(cursor.view, from, width, step, low)
        else unpackWide(cursor.view, from, width, step, low, high)
        for (let each = 0; each < step; each++) {
          value = BigInt.asIntN(64, value + least + ((BigInt(high[each]!) << 32n) | BigInt(low[each]!)))
          out[index++] = value
        }
      }
    }
  }
  return out
}

/** Deltas of a block, as every writer has them: readers have seen no others. */
const BLOCK = 128
const MINIBLOCKS = BLOCK / STEP

const deltas = new Float64Array(BLOCK)

const writeHeader = (sink: Sink, count: number): void => {
  sink.varint(BLOCK)
  sink.varint(MINIBLOCKS)
  sink.varint(count)
}

/**
 * Writes the safe integers of rows `[from, to)`. Requires that no two of them are 2^51 or more apart; or, where `bits`
 * is 32, that all have 32 bits.
 */
export const writeDelta = (
  sink: Sink,
  bits: 32 | 64,
  values: Float64Array | Int32Array,
  from: number,
  to: number,
): void => {
  writeHeader(sink, to - from)
  let previous = from < to ? values[from]! : 0
  // In zigzag it may need more bits than a number has.
  if (Math.abs(previous) <= 2 ** 51) sink.zigzag(previous)
  else sink.wideZigzag(BigInt(previous))
  for (let block = from + 1; block < to; block += BLOCK) {
    const count = Math.min(BLOCK, to - block)
    let least = Number.POSITIVE_INFINITY
    let most = Number.NEGATIVE_INFINITY
    for (let index = 0; index < count; index++) {
      const value = values[block + index]!
      // Where 32 bits are not enough for the difference, it wraps: so does the sum.
      const delta = bits === 32 ? (value - previous) | 0 : value - previous
      deltas[index] = delta
      if (delta < least) least = delta
      if (delta > most) most = delta
      previous = value
    }
    sink.zigzag(least)
    sink.reserve(MINIBLOCKS)
    const widths = sink.length
    sink.length += MINIBLOCKS
    const isNarrow = most - least < WORD
    for (let miniblock = 0; miniblock < MINIBLOCKS; miniblock++) {
      const start = miniblock * STEP
      const last = Math.min(count, start + STEP)
      const width = (isNarrow ? writeNarrow : writeMiniblock)(sink, start, last, least)
      sink.bytes[widths + miniblock] = width
    }
  }
}

/** Writes the miniblock of `deltas` from `start` to `last`, none of them 2^32 above the least, and returns its width. */
const writeNarrow = (sink: Sink, start: number, last: number, least: number): number => {
  let bits = 0
  let index = 0
  for (; start + index < last; index++) {
    const above = deltas[start + index]! - least
    low[index] = above
    bits |= above
  }
  // Nothing if all are the least, or there are none.
  if (bits === 0) return 0
  for (; index < STEP; index++) low[index] = 0
  const width = bitWidth(bits >>> 0)
  pack(sink, width, low, 0, STEP)
  return width
}

/** As {@link writeNarrow}, for differences of up to 52 bits. */
const writeMiniblock = (sink: Sink, start: number, last: number, least: number): number => {
  let most = 0
  for (let index = start; index < last; index++) most = Math.max(most, deltas[index]! - least)
  if (most < WORD) return writeNarrow(sink, start, last, least)
  for (let index = 0; index < STEP; index++) {
    const above = start + index < last ? deltas[start + index]! - least : 0
    words[2 * index] = above
    words[2 * index + 1] = above / WORD
  }
  const width = bitWidth(most)
  packWide(sink, width, words)
  return width
}

/** How many bits the largest of them needs. */
const bitLength = (values: readonly bigint[]): number =>
  values.reduce((bits, value) => bits | value).toString(2).length

/** Writes integers of 64 bits, whatever they are. */
export const writeDeltaWide = (sink: Sink, values: BigInt64Array): void => {
  writeHeader(sink, values.length)
  let previous = values[0] ?? 0n
  sink.wideZigzag(previous)
  for (let block = 1; block < values.length; block += BLOCK) {
    const differences = new BigInt64Array(Math.min(BLOCK, values.length - block))
    for (let index = 0; index < differences.length; index++) {
      const value = values[block + index]!
      differences[index] = value - previous
      previous = value
    }
    const least = differences.slice().sort()[0]!
    sink.wideZigzag(least)
    const above = Array.from(differences, difference => BigInt.asUintN(64, difference - least))
    const widths = sink.length
    for (let miniblock = 0; miniblock < MINIBLOCKS; miniblock++) sink.byte(0)
    for (let miniblock = 0; miniblock < MINIBLOCKS; miniblock++) {
      const own = above.slice(miniblock * STEP, (miniblock + 1) * STEP)
      if (own.every(each => each === 0n)) continue
      const width = bitLength(own)
      for (let index = 0; index < STEP; index++) {
        const bits = own[index] ?? 0n
        low[index] = Number(bits & 0xffffffffn)
        words[2 * index] = low[index]!
        words[2 * index + 1] = Number(bits >> 32n)
      }
      if (width <= 32) pack(sink, width, low, 0, STEP)
      else packWide(sink, width, words)
      sink.bytes[widths + miniblock] = width
    }
  }
}
