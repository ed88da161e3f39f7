// Owns Snappy's block format: https://github.com/google/snappy/blob/main/format_description.txt
// Damaged bytes are refused, whatever they say: nothing is read or written outside of the arrays, and it ends.
import { MalformedParquet } from './malformed.ts'
import { Sink } from './sink.ts'

const refuse = (): never => {
  throw new MalformedParquet('the compressed bytes are not Snappy')
}

/** Copies up to this many bytes are made in a loop: a call costs more. */
const SHORT = 24

/** Copies `length` bytes from `distance` before `at`; where they overlap, what was copied is copied again. */
const repeat = (out: Uint8Array, at: number, distance: number, length: number): void => {
  if (length <= SHORT || distance < length)
    for (let index = at; index < at + length; index++) out[index] = out[index - distance]!
  else out.copyWithin(at, at - distance, at - distance + length)
}

/**
 * The `size` bytes that `input` is the compressed form of.
 * @throws {MalformedParquet} if it is not
 */
export const uncompress = (input: Uint8Array, out: Uint8Array): void => {
  const size = out.length
  let from = 0
  let declared = 0
  for (let scale = 1; ; scale *= 0x80) {
    const byte = input[from++]
    if (byte === undefined || scale > 2 ** 28) refuse()
    declared += (byte! & 0x7f) * scale
    if (byte! < 0x80) break
  }
  if (declared !== size) refuse()
  let at = 0
  while (from < input.length) {
    const tag = input[from++]!
    if ((tag & 3) === 0) {
      let length = tag >>> 2
      if (length >= 60) {
        const bytes = length - 59
        if (from + bytes > input.length) refuse()
        length = 0
        for (let index = bytes - 1; index >= 0; index--) length = length * 256 + input[from + index]!
        from += bytes
      }
      length++
      if (from + length > input.length || at + length > size) refuse()
      if (length <= SHORT) for (let index = 0; index < length; index++) out[at + index] = input[from + index]!
      else out.set(input.subarray(from, from + length), at)
      from += length
      at += length
      continue
    }
    let length = (tag >>> 2) + 1
    let distance: number
    if ((tag & 3) === 1) {
      length = ((tag >>> 2) & 7) + 4
      if (from >= input.length) refuse()
      distance = ((tag >>> 5) << 8) | input[from++]!
    } else {
      const bytes = (tag & 3) === 2 ? 2 : 4
      if (from + bytes > input.length) refuse()
      distance = 0
      for (let index = bytes - 1; index >= 0; index--) distance = distance * 256 + input[from + index]!
      from += bytes
    }
    if (distance === 0 || distance > at || at + length > size) refuse()
    repeat(out, at, distance, length)
    at += length
  }
  if (at !== size) refuse()
}

/** Matches are looked for within blocks: a distance fits two bytes. */
const BLOCK_BYTES = 65_536
const HASH_BITS = 14
/** Where four bytes of this hash were last seen in the block. */
const table = new Uint16Array(2 ** HASH_BITS)

const writeLiteral = (sink: Sink, input: Uint8Array, from: number, to: number): void => {
  const length = to - from - 1
  sink.reserve(length + 4)
  if (length < 60) sink.bytes[sink.length++] = length << 2
  else if (length < 256) {
    sink.bytes[sink.length++] = 60 << 2
    sink.bytes[sink.length++] = length
  } else {
    sink.bytes[sink.length++] = 61 << 2
    sink.bytes[sink.length++] = length & 0xff
    sink.bytes[sink.length++] = length >>> 8
  }
  sink.append(input.subarray(from, to))
}

const writeCopy = (sink: Sink, distance: number, length: number): void => {
  sink.reserve(3 * Math.ceil(length / 60) + 3)
  let rest = length
  // Copies of two bytes' distance have up to 64 bytes; what is left has at least four.
  for (; rest >= 68; rest -= 64) putCopy2(sink, distance, 64)
  if (rest > 64) {
    putCopy2(sink, distance, 60)
    rest -= 60
  }
  if (rest >= 12 || distance >= 2048) putCopy2(sink, distance, rest)
  else {
    sink.bytes[sink.length++] = 1 | ((rest - 4) << 2) | ((distance >>> 8) << 5)
    sink.bytes[sink.length++] = distance & 0xff
  }
}

const putCopy2 = (sink: Sink, distance: number, length: number): void => {
  sink.bytes[sink.length++] = 2 | ((length - 1) << 2)
  sink.bytes[sink.length++] = distance & 0xff
  sink.bytes[sink.length++] = distance >>> 8
}

/** Compresses `[start, end)`, at most {@link BLOCK_BYTES}. As in Google's: the longer nothing is found, the larger the steps. */
const compressBlock = (sink: Sink, input: Uint8Array, view: DataView, start: number, end: number): void => {
  table.fill(0)
  let literal = start
  let at = start + 1
  const last = end - 15
  for (let skip = 32; at < last; ) {
    const four = view.getUint32(at, true)
    const slot = Math.imul(four, 0x1e35a7bd) >>> (32 - HASH_BITS)
    const candidate = start + table[slot]!
    table[slot] = at - start
    if (view.getUint32(candidate, true) !== four) {
      at += skip++ >>> 5
      continue
    }
    if (literal < at) writeLiteral(sink, input, literal, at)
    let length = 4
    while (at + length < end && input[candidate + length] === input[at + length]) length++
    writeCopy(sink, at - candidate, length)
    at += length
    literal = at
    skip = 32
    if (at < last) {
      const before = view.getUint32(at - 1, true)
      table[Math.imul(before, 0x1e35a7bd) >>> (32 - HASH_BITS)] = at - 1 - start
    }
  }
  if (literal < end) writeLiteral(sink, input, literal, end)
}

/** The compressed form of `input`. */
export const compress = (input: Uint8Array): Uint8Array<ArrayBuffer> => {
  // What is not compressible becomes a little longer.
  const sink = new Sink(64 + input.length + (input.length >> 6))
  const view = new DataView(input.buffer, input.byteOffset, input.length)
  sink.varint(input.length)
  for (let start = 0; start < input.length; start += BLOCK_BYTES)
    compressBlock(sink, input, view, start, Math.min(input.length, start + BLOCK_BYTES))
  return sink.written()
}
