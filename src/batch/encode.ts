// Owns the way from our columns to the arrays of a batch file. Nothing is rounded and nothing converted: a value of
// a kind that its column's type does not name is a defect of the caller and stops the write.
import { assert } from '../errors.ts'
import { type Column, type Columns, contentAt } from '../model/columns.ts'
import type { Schema } from '../model/schema.ts'
import { Kind } from '../model/value.ts'
import { type ArrowColumn, type ArrowTable, toArrowStream, toTable } from './arrow.ts'
import { type Layout, layoutOf, type Part, type PartType } from './layout.ts'

const WORD = 2 ** 32

/** The kinds of value that a part holds. */
const KINDS: Readonly<Record<PartType, readonly Kind[]>> = {
  boolean: [Kind.boolean],
  int32: [Kind.int],
  int64: [Kind.int, Kind.wide],
  float64: [Kind.float],
  timestamp: [Kind.timestamp],
  string: [Kind.string],
  bytes: [Kind.bytes],
  vector: [Kind.vector],
}

/** Which rows hold a value of this part, as bits; undefined if all do. */
const validityOf = (kinds: Uint8Array, length: number, wanted: readonly Kind[]) => {
  const validity = new Uint8Array((length + 7) >> 3)
  const [first, second] = [wanted[0]!, wanted[1] ?? wanted[0]!]
  let count = 0
  for (let row = 0; row < length; row++) {
    if (kinds[row] !== first && kinds[row] !== second) continue
    validity[row >> 3]! |= 1 << (row & 7)
    count++
  }
  return { validity: count === length ? undefined : validity, nullCount: length - count }
}

const bits = ({ kinds, payload }: Column, length: number): Uint8Array => {
  const values = new Uint8Array((length + 7) >> 3)
  for (let row = 0; row < length; row++)
    if (kinds[row] === Kind.boolean && payload[row] === 1) values[row >> 3]! |= 1 << (row & 7)
  return values
}

const int32s = ({ kinds, payload }: Column, length: number): Int32Array => {
  const values = new Int32Array(length)
  for (let row = 0; row < length; row++) {
    if (kinds[row] !== Kind.int) continue
    values[row] = payload[row]!
    assert(values[row] === payload[row], 'an int32 column holds 32-bit integers')
  }
  return values
}

/** Safe integers as words of 64 bits in two halves, low half first; no BigInt is made. */
const halves = (source: Float64Array, length: number): Int32Array => {
  const words = new Int32Array(2 * length)
  for (let row = 0; row < length; row++) {
    const value = source[row]!
    words[2 * row] = value
    words[2 * row + 1] = Math.floor(value / WORD)
  }
  return words
}

const int64s = (column: Column, length: number): Int32Array => {
  const words = halves(column.payload, length)
  if (column.heap.values.length === 0) return words
  const wide = new BigInt64Array(words.buffer)
  for (let row = 0; row < length; row++)
    if (column.kinds[row] === Kind.wide) wide[row] = contentAt(column, row) as bigint
  return words
}

const float64s = ({ kinds, payload }: Column, length: number): Float64Array => {
  const values = new Float64Array(length)
  for (let row = 0; row < length; row++) if (kinds[row] === Kind.float) values[row] = payload[row]!
  return values
}

const LARGEST_OFFSET = 2 ** 31 - 1

/** Strings and bytes, one after the other. A value that occurs again is copied and not encoded again. */
const binaries = (column: Column, length: number, kind: Kind) => {
  const { kinds, payload, heap } = column
  const offsets = new Int32Array(length + 1)
  // Not from Buffer's pool: toArrowStream wants every array in memory of its own.
  let buffer = Buffer.from(new ArrayBuffer(Math.max(64, length * 16)))
  const rowOfCode = new Map<number, number>()
  let end = 0
  for (let row = 0; row < length; row++) {
    offsets[row] = end
    if (kinds[row] !== kind) continue
    const code = payload[row]!
    const known = rowOfCode.get(code)
    const value = heap.values[code] as string | Uint8Array
    const most =
      known !== undefined
        ? offsets[known + 1]! - offsets[known]!
        : typeof value === 'string'
          ? value.length * 3
          : value.length
    if (end + most > buffer.length) {
      assert(end + most <= LARGEST_OFFSET, 'the values of one row group fit 2 GiB')
      const larger = Buffer.from(
        new ArrayBuffer(Math.min(LARGEST_OFFSET, Math.max(end + most, buffer.length * 2))),
      )
      larger.set(buffer.subarray(0, end))
      buffer = larger
    }
    if (known !== undefined) {
      buffer.copyWithin(end, offsets[known]!, offsets[known + 1]!)
      end += most
    } else {
      rowOfCode.set(code, row)
      if (typeof value === 'string') end += buffer.write(value, end)
      else {
        buffer.set(value, end)
        end += most
      }
    }
    offsets[row + 1] = end
  }
  offsets[length] = end
  return { offsets, values: new Uint8Array(buffer.buffer, 0, end) }
}

const vectors = (column: Column, length: number) => {
  const offsets = new Int32Array(length + 1)
  let end = 0
  for (let row = 0; row < length; row++) {
    if (column.kinds[row] === Kind.vector) end += (contentAt(column, row) as Float32Array).length
    offsets[row + 1] = end
  }
  const values = new Float32Array(end)
  for (let row = 0; row < length; row++)
    if (column.kinds[row] === Kind.vector) values.set(contentAt(column, row) as Float32Array, offsets[row]!)
  return { offsets, values }
}

const valuesOf = (
  type: PartType,
  column: Column,
  length: number,
): { values: ArrowColumn['values']; offsets?: Int32Array } => {
  switch (type) {
    case 'boolean':
      return { values: bits(column, length) }
    case 'int32':
      return { values: int32s(column, length) }
    case 'int64':
      return { values: int64s(column, length) }
    case 'timestamp':
      return { values: halves(column.payload, length) }
    case 'float64':
      return { values: float64s(column, length) }
    case 'string':
      return binaries(column, length, Kind.string)
    case 'bytes':
      return binaries(column, length, Kind.bytes)
    case 'vector':
      return vectors(column, length)
    default:
      return type satisfies never
  }
}

const encodePart = (part: Part, column: Column, length: number): ArrowColumn => {
  const { validity, nullCount } = validityOf(column.kinds, length, KINDS[part.type])
  const { values, offsets } = valuesOf(part.type, column, length)
  return { ...part, required: false, length, nullCount, validity, values, offsets }
}

const nulls = ({ kinds }: Column, length: number): number => {
  let count = 0
  for (let row = 0; row < length; row++) if (kinds[row] === Kind.null) count++
  return count
}

const required = (
  name: string,
  type: 'uint64' | 'int64',
  source: Float64Array,
  length: number,
): ArrowColumn => ({
  name,
  type,
  required: true,
  length,
  nullCount: 0,
  validity: undefined,
  values: halves(source, length),
  offsets: undefined,
})

/** The arrays of the data columns, in the order of the layout's parts. */
const encodeData = (layout: Layout, { length, data }: Columns): ArrowColumn[] =>
  layout.flatMap(({ parts }, index) => {
    const column = data[index]!
    const encoded = parts.map(part => encodePart(part, column, length))
    const held = encoded.reduce((sum, { nullCount }) => sum + length - nullCount, nulls(column, length))
    assert(held === length, 'every value has a type that its column names')
    return encoded
  })

/** The columns of one row group in Arrow's IPC stream form. */
export const encodeColumns = (layout: Layout, columns: Columns): Uint8Array => {
  const { length, time, diff } = columns
  const arrays = [
    ...encodeData(layout, columns),
    required('time', 'uint64', time, length),
    required('diff', 'int64', diff, length),
  ]
  return toArrowStream(arrays, length)
}

/**
 * Columns as a table: the data columns, then `diff`. Where a column's type is `null`, it is nulls of type Int32.
 * @param schema holds every value of the columns
 */
export const toArrowTable = (schema: Schema, columns: Columns): ArrowTable => {
  const { length, diff } = columns
  return toTable([...encodeData(layoutOf(schema), columns), required('diff', 'int64', diff, length)], length)
}
