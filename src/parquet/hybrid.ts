// Owns Parquet's hybrid of run-length encoding and bit packing: levels, and the codes of a dictionary.
// https://github.com/apache/parquet-format/blob/master/Encodings.md#run-length-encoding--bit-packing-hybrid-rle--3
import { pack, unpack } from './bit-packing.ts'
import type { Cursor } from './cursor.ts'
import { MalformedParquet } from './malformed.ts'
import type { Sink } from './sink.ts'

/** Bit-packed values come in groups of this many. */
const GROUP = 8
/** What unpack and pack work on at once. */
const STEP = 32

const scratch = new Uint32Array(STEP)

/** Takes values, by where they stand among all. */
interface RunTaker {
  /** All of `[from, to)` are `value`. */
  readonly repeated: (value: number, from: number, to: number) => void
  /** Those of `[from, from + count)` are the first of `values`, which is used again; `count` is small. */
  readonly packed: (values: Uint32Array, from: number, count: number) => void
}

/**
 * Hands on `count` values of `width` bits, up to 32, in order.
 * @param skipped about so many from the first on need not come
 * @throws {MalformedParquet}
 */
export const readRuns = (
  cursor: Cursor,
  width: number,
  count: number,
  skipped: number,
  { repeated, packed }: RunTaker,
): void => {
  if (width > 32) throw new MalformedParquet('a code has too many bits')
  for (let index = 0; index < count; ) {
    const header = cursor.varint()
    if (header % 2 === 0) {
      const end = Math.min(count, index + header / 2)
      if (end === index) throw new MalformedParquet('a run is empty')
      let value = 0
      for (let shift = 0; shift < width; shift += 8) value |= cursor.byte() << shift
      repeated(value >>> 0, index, end)
      index = end
      continue
    }
    const groups = (header - 1) / 2
    if (groups === 0) throw new MalformedParquet('a run is empty')
    let from = cursor.skip(groups * width)
    const end = Math.min(count, index + groups * GROUP)
    const steps = Math.floor((Math.min(skipped, end) - index) / STEP)
    if (steps > 0) {
      index += steps * STEP
      from += steps * 4 * width
    }
    for (; index < end; from += 4 * width) {
      const step = Math.min(STEP, end - index)
      unpack(cursor.view, from, width, step, scratch)
      packed(scratch, index, step)
      index += step
    }
  }
}

/**
 * Reads `count` values of `width` bits, up to 32.
 * @throws {MalformedParquet}
 */
export const readHybrid = (cursor: Cursor, width: number, count: number): Uint32Array => {
  const out = new Uint32Array(count)
  readRuns(cursor, width, count, 0, {
    repeated: (value, from, to) => out.fill(value, from, to),
    packed: (values, from, length) => {
      for (let each = 0; each < length; each++) out[from + each] = values[each]!
    },
  })
  return out
}

/**
 * Whether the next `count` values of one bit are all 1, in a single run: so it is where nothing is null, and nothing
 * need be read.
 */
export const allOnes = (cursor: Cursor, count: number): boolean => {
  const from = cursor.at
  const header = cursor.varint()
  if (header % 2 === 0 && header / 2 >= count && cursor.byte() === 1) return true
  cursor.at = from
  return false
}

const writePacked = (sink: Sink, width: number, values: Uint32Array, from: number, to: number): void => {
  if (from === to) return
  const groups = Math.ceil((to - from) / GROUP)
  sink.varint(groups * 2 + 1)
  const whole = (to - from) & -GROUP
  pack(sink, width, values, from, whole)
  if (from + whole === to) return
  scratch.fill(0, 0, GROUP)
  scratch.set(values.subarray(from + whole, to))
  pack(sink, width, scratch, 0, GROUP)
}

/** Writes the values of `[from, to)`, of `width` bits each, up to 32. */
export const writeHybrid = (
  sink: Sink,
  width: number,
  values: Uint32Array,
  from: number,
  to: number,
): void => {
  // A shorter run takes less room among packed values than between two parts of them.
  const shortest = Math.max(GROUP, Math.ceil(48 / Math.max(1, width)))
  let packedFrom = from
  for (let at = from; at < to; ) {
    const value = values[at]!
    let end = at + 1
    while (end < to && values[end] === value) end++
    if (end - at < shortest) {
      at = end
      continue
    }
    // Packed values come in whole groups: the run fills the last one.
    const packed = Math.ceil((at - packedFrom) / GROUP) * GROUP
    const runFrom = packedFrom + packed
    if (end - runFrom >= shortest) {
      writePacked(sink, width, values, packedFrom, runFrom)
      sink.varint((end - runFrom) * 2)
      for (let shift = 0; shift < width; shift += 8) sink.byte((value >>> shift) & 0xff)
      packedFrom = end
    }
    at = end
  }
  writePacked(sink, width, values, packedFrom, to)
}
