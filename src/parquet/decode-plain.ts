// Owns PLAIN: values of a fixed size one after the other, and how such get into a column.
import type { Column } from '../model/columns.ts'
import type { Heap } from '../model/heap.ts'
import { Kind } from '../model/value.ts'
import type { Cursor } from './cursor.ts'
import { MalformedParquet } from './malformed.ts'

const WORD = 2 ** 32

/** The bytes of `count` values of `size` bytes, as they must lie for a typed array. */
const aligned = (cursor: Cursor, count: number, size: number): Uint8Array => {
  const from = cursor.skip(count * size)
  const bytes = cursor.bytes.subarray(from, from + count * size)
  return bytes.byteOffset % size === 0 ? bytes : bytes.slice()
}

export const readInt32s = (cursor: Cursor, count: number, out: Float64Array, at: number): void => {
  const { buffer, byteOffset } = aligned(cursor, count, 4)
  out.set(new Int32Array(buffer, byteOffset, count), at)
}

export const readFloat64s = (cursor: Cursor, count: number, out: Float64Array, at: number): void => {
  const { buffer, byteOffset } = aligned(cursor, count, 8)
  out.set(new Float64Array(buffer, byteOffset, count), at)
}

export const readFloat32s = (cursor: Cursor, count: number): Float32Array => {
  const bytes = aligned(cursor, count, 4)
  return new Float32Array(bytes.buffer, bytes.byteOffset, count)
}

/** One bit each. */
export const readBooleans = (cursor: Cursor, count: number, out: Float64Array, at: number): void => {
  const from = cursor.skip(Math.ceil(count / 8))
  const { bytes } = cursor
  for (let index = 0; index < count; index++)
    out[at + index] = (bytes[from + (index >> 3)]! >> (index & 7)) & 1
}

/** Puts an integer that is no safe one into the heap. */
const widen = (heap: Heap, { kinds, payload }: Column, row: number, value: bigint): void => {
  kinds[row] = Kind.wide
  payload[row] = heap.intern(value)
}

/** Integers of 64 bits as kinds and payload; what a number cannot hold exactly goes to the heap. */
export const takeBigInts = (values: BigInt64Array, column: Column, at: number): void => {
  values.forEach((value, index) => {
    const number = Number(value)
    if (Number.isSafeInteger(number)) {
      column.kinds[at + index] = Kind.int
      column.payload[at + index] = number
    } else widen(column.heap, column, at + index, value)
  })
}

/** Integers of 64 bits, as {@link takeBigInts} has them. */
export const readInt64s = (cursor: Cursor, count: number, column: Column, at: number): void => {
  const { buffer, byteOffset } = aligned(cursor, count, 8)
  const words = new Int32Array(buffer, byteOffset, count * 2)
  const { kinds, payload, heap } = column
  for (let index = 0; index < count; index++) {
    const value = words[2 * index + 1]! * WORD + (words[2 * index]! >>> 0)
    if (Number.isSafeInteger(value)) {
      kinds[at + index] = Kind.int
      payload[at + index] = value
    } else
      widen(
        heap,
        column,
        at + index,
        (BigInt(words[2 * index + 1]!) << 32n) | BigInt(words[2 * index]! >>> 0),
      )
  }
}

/** Refuses what {@link readInt64s} could not make a number of. */
export const requireNumbers = ({ kinds }: Column, from: number, to: number, why: string): void => {
  for (let row = from; row < to; row++) if (kinds[row] === Kind.wide) throw new MalformedParquet(why)
}
