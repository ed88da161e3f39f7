// Owns PLAIN: values of a fixed size one after the other, and how such get into a column.
import type { Column } from '../model/columns.ts'
import { Kind } from '../model/value.ts'
import type { Cursor } from './cursor.ts'

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
const widen = ({ kinds, payload, heap }: Column, row: number, value: bigint): void => {
  kinds[row] = Kind.wide
  payload[row] = heap.intern(value)
}

/** Integers of 64 bits; of kinds, only those that a number cannot hold exactly are set: they go to the heap. */
export const takeBigInts = (values: BigInt64Array, column: Column, at: number): void => {
  values.forEach((value, index) => {
    const number = Number(value)
    if (Number.isSafeInteger(number)) column.payload[at + index] = number
    else widen(column, at + index, value)
  })
}

/** As {@link takeBigInts}; no BigInt is made without need. */
export const readInt64s = (cursor: Cursor, count: number, column: Column, at: number): void => {
  const { buffer, byteOffset } = aligned(cursor, count, 8)
  const words = new Int32Array(buffer, byteOffset, count * 2)
  for (let index = 0; index < count; index++) {
    const [low, high] = [words[2 * index]!, words[2 * index + 1]!]
    const value = high * WORD + (low >>> 0)
    if (Number.isSafeInteger(value)) column.payload[at + index] = value
    else widen(column, at + index, (BigInt(high) << 32n) | BigInt(low >>> 0))
  }
}
