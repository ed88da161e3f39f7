// Owns how strings and bytes get from the values of a page into the heap of a column.
// PLAIN, DELTA_LENGTH_BYTE_ARRAY and DELTA_BYTE_ARRAY: https://github.com/apache/parquet-format/blob/master/Encodings.md
import { isAscii, isUtf8 } from 'node:buffer'
import type { Heap } from '../model/heap.ts'
import type { Cursor } from './cursor.ts'
import { readDelta32 } from './delta.ts'
import { MalformedParquet } from './malformed.ts'

/** What the bytes of a column are. */
export type Content = 'string' | 'bytes'

/**
 * The value of bytes `[from, to)`.
 * @param areAscii whether they are known to be. Then they read the same as Latin-1, which is faster for short strings
 */
const valueIn = (
  bytes: Buffer,
  content: Content,
  areAscii: boolean,
  from: number,
  to: number,
): string | Uint8Array => {
  if (content === 'bytes') return new Uint8Array(bytes.subarray(from, to))
  if (areAscii) return bytes.toString('latin1', from, to)
  if (!isUtf8(bytes.subarray(from, to))) throw new MalformedParquet('a string is not UTF-8')
  return bytes.toString('utf8', from, to)
}

/** Makes values of bytes. In sorted data equal values are neighbours: such are made once. */
class Interning {
  readonly #heap: Heap
  readonly #content: Content
  readonly #bytes: Buffer
  readonly #areAscii: boolean
  #from = 0
  #length = -1
  #code = 0

  /** @param bytes what all values are in, which is looked at once */
  constructor(heap: Heap, content: Content, bytes: Uint8Array) {
    this.#heap = heap
    this.#content = content
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#areAscii = content === 'string' && isAscii(bytes)
  }

  /** The code of the value at `[from, from + length)`. */
  code(from: number, length: number): number {
    if (length === this.#length && this.#isSame(from)) return this.#code
    this.#from = from
    this.#length = length
    this.#code = this.#heap.intern(valueIn(this.#bytes, this.#content, this.#areAscii, from, from + length))
    return this.#code
  }

  #isSame(from: number): boolean {
    const bytes = this.#bytes
    for (let index = 0; index < this.#length; index++)
      if (bytes[this.#from + index] !== bytes[from + index]) return false
    return true
  }
}

/** Each value behind its length. */
export const readPlainBinaries = (
  cursor: Cursor,
  content: Content,
  heap: Heap,
  count: number,
  out: Float64Array,
  at: number,
): void => {
  const interning = new Interning(heap, content, cursor.bytes)
  for (let index = 0; index < count; index++) {
    const length = cursor.uint32()
    out[at + index] = interning.code(cursor.skip(length), length)
  }
}

/** Reads `count` lengths. */
const readLengths = (cursor: Cursor, count: number): Float64Array => {
  const lengths = new Float64Array(count)
  readDelta32(cursor, count, lengths, 0)
  return lengths
}

/** All lengths, then all values. */
export const readDeltaLengthBinaries = (
  cursor: Cursor,
  content: Content,
  heap: Heap,
  count: number,
  out: Float64Array,
  at: number,
): void => {
  const lengths = readLengths(cursor, count)
  const interning = new Interning(heap, content, cursor.bytes.subarray(cursor.at))
  const start = cursor.at
  for (let index = 0; index < count; index++)
    out[at + index] = interning.code(cursor.skip(lengths[index]!) - start, lengths[index]!)
}

/** How much of the value before each begins with, then the rest of each as {@link readDeltaLengthBinaries} has it. */
export const readDeltaBinaries = (
  cursor: Cursor,
  content: Content,
  heap: Heap,
  count: number,
  out: Float64Array,
  at: number,
): void => {
  const prefixes = readLengths(cursor, count)
  const suffixes = readLengths(cursor, count)
  let longest = 0
  for (let index = 0; index < count; index++) longest = Math.max(longest, prefixes[index]! + suffixes[index]!)
  // A prefix is part of the value before: so none is longer than all that was written.
  if (!(longest <= cursor.left)) throw new MalformedParquet('a value is longer than its page')
  const areAscii = content === 'string' && isAscii(cursor.bytes.subarray(cursor.at))
  const value = Buffer.alloc(longest)
  let length = 0
  let code = -1
  for (let index = 0; index < count; index++) {
    const prefix = prefixes[index]!
    const suffix = suffixes[index]!
    if (!(prefix >= 0 && prefix <= length)) throw new MalformedParquet('a prefix is longer than its value')
    const from = cursor.skip(suffix)
    if (suffix > 0 || prefix !== length || code === -1) {
      length = prefix + suffix
      if (suffix <= 16)
        for (let each = 0; each < suffix; each++) value[prefix + each] = cursor.bytes[from + each]!
      else value.set(cursor.bytes.subarray(from, from + suffix), prefix)
      code = heap.intern(valueIn(value, content, areAscii, 0, length))
    }
    out[at + index] = code
  }
}
