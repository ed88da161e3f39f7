// Owns the bounds that a column chunk has in the footer. Invariant: they may be wider than the values, never
// narrower; where that cannot be had, there are none.
import { PHYSICAL, Physical, type ValueType } from './schema.ts'
import type { ThriftStruct, ThriftWriter } from './thrift.ts'

/**
 * What the writer noted of the values of a column chunk: bounds that may be wider than the values, and are a number, a
 * bigint, a `Date`, a string or a boolean, as the column's type asks for. Of a list they are of its elements.
 */
export interface ChunkStatistics {
  readonly min: unknown
  readonly max: unknown
  readonly nulls: number | undefined
}

/** As they stand in the file. */
export interface WrittenStatistics {
  readonly min: Uint8Array | undefined
  readonly max: Uint8Array | undefined
  readonly nulls: number
  /** Whether the bounds are values that occur. */
  readonly exact: boolean
}

const NULLS = 3
const MAX = 5
const MIN = 6
const MAX_IS_EXACT = 7
const MIN_IS_EXACT = 8

export const writeStatistics = (
  struct: ThriftWriter,
  { min, max, nulls, exact }: WrittenStatistics,
): void => {
  struct.i64(NULLS, nulls)
  if (max !== undefined) struct.binary(MAX, max)
  if (min !== undefined) struct.binary(MIN, min)
  if (max !== undefined) struct.boolean(MAX_IS_EXACT, exact)
  if (min !== undefined) struct.boolean(MIN_IS_EXACT, exact)
}

/** A byte order mark is a character of the value like another: without it a bound would exclude what is there. */
const text = new TextDecoder('utf-8', { ignoreBOM: true })

const SIZES: Readonly<Record<number, number>> = {
  [Physical.boolean]: 1,
  [Physical.int32]: 4,
  [Physical.int64]: 8,
  [Physical.float]: 4,
  [Physical.double]: 8,
}

const boundOf = (type: ValueType, bytes: Uint8Array | undefined): unknown => {
  if (bytes === undefined) return undefined
  const size = SIZES[PHYSICAL[type]]
  if (size !== undefined && bytes.length !== size) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  switch (type) {
    case 'boolean':
      return bytes[0] === 1
    case 'int32':
      return view.getInt32(0, true)
    case 'int64':
      return view.getBigInt64(0, true)
    case 'uint64':
      return view.getBigUint64(0, true)
    case 'float64':
      return view.getFloat64(0, true)
    case 'timestamp':
      return new Date(Number(view.getBigInt64(0, true)))
    case 'string':
      return text.decode(bytes)
    case 'bytes':
      return bytes
    case 'vector':
      return view.getFloat32(0, true)
    default:
      return type satisfies never
  }
}

/** @param type undefined if it is none of ours, and no bound means anything */
export const readStatistics = (
  struct: ThriftStruct | undefined,
  type: ValueType | undefined,
): ChunkStatistics | undefined => {
  if (struct === undefined || type === undefined) return undefined
  return {
    min: boundOf(type, struct.binary(MIN)),
    max: boundOf(type, struct.binary(MAX)),
    nulls: struct.integer(NULLS),
  }
}
