// Owns the boundary to apache-arrow: typed arrays <-> one record batch in Arrow's IPC stream form, and nothing of
// a shard's types. Invariants: arrays that come out start at row 0; a validity bitmap is there only if some row is
// null; no array is built value by value (Arrow's own builders are ten times slower for strings). Only the parts of the
// library that are used are imported: all of it takes twice as long to load.
import { type Data, makeData } from 'apache-arrow/data'
import { TimeUnit } from 'apache-arrow/enum'
import { tableFromIPC, tableToIPC } from 'apache-arrow/ipc/serialization'
import { RecordBatch } from 'apache-arrow/recordbatch'
import { Field, Schema } from 'apache-arrow/schema'
import { Table } from 'apache-arrow/table'
import {
  Binary,
  Bool,
  DataType,
  type Dictionary,
  type FixedSizeList,
  Float32,
  Float64,
  Int32,
  Int64,
  List,
  Struct,
  TimestampMillisecond,
  Uint64,
  Utf8,
} from 'apache-arrow/type'
import type { ValueType } from '../parquet/schema.ts'

/** A column to be written. For 64-bit types `values` are the words, low half first; for booleans bits. */
export interface ArrowColumn {
  readonly name: string
  readonly type: ValueType
  readonly required: boolean
  readonly length: number
  readonly nullCount: number
  /** One bit a row, least significant first, 1 for a value. Left out if there is a value in every row. */
  readonly validity: Uint8Array | undefined
  readonly values: Uint8Array | Int32Array | Float32Array | Float64Array
  /** Where the row's bytes or floats begin; one more than there are rows. */
  readonly offsets: Int32Array | undefined
}

const TYPES: Readonly<Record<ValueType, DataType>> = {
  boolean: new Bool(),
  int32: new Int32(),
  int64: new Int64(),
  uint64: new Uint64(),
  float64: new Float64(),
  // A point in time, not a time of day on somebody's wall: adjusted to UTC.
  timestamp: new TimestampMillisecond('UTC'),
  string: new Utf8(),
  bytes: new Binary(),
  vector: new List(new Field('element', new Float32(), false)),
}

const wordsAs64 = (words: Int32Array, type: ValueType): BigInt64Array | BigUint64Array =>
  type === 'uint64'
    ? new BigUint64Array(words.buffer, words.byteOffset, words.length / 2)
    : new BigInt64Array(words.buffer, words.byteOffset, words.length / 2)

const dataOf = (column: ArrowColumn): Data => {
  const { type, length, nullCount, validity, values, offsets } = column
  const common = { type: TYPES[type], length, nullCount, nullBitmap: validity }
  switch (type) {
    case 'int64':
    case 'uint64':
    case 'timestamp':
      return makeData({ ...common, data: wordsAs64(values as Int32Array, type) } as never)
    case 'vector': {
      const child = makeData({
        type: new Float32(),
        length: values.length,
        nullCount: 0,
        data: values as Float32Array,
      })
      return makeData({ ...common, valueOffsets: offsets, child } as never)
    }
    default:
      return makeData({ ...common, data: values, valueOffsets: offsets } as never)
  }
}

const recordBatchOf = (columns: readonly ArrowColumn[], length: number): RecordBatch => {
  const fields = columns.map(({ name, type, required }) => new Field(name, TYPES[type], !required))
  const data = makeData({ type: new Struct(fields), length, nullCount: 0, children: columns.map(dataOf) })
  return new RecordBatch(new Schema(fields), data)
}

/**
 * The columns as the bytes of an IPC stream with one record batch.
 * Every array needs an `ArrayBuffer` of its own: Arrow's writer joins neighbours within one, and writes garbage.
 */
export const toArrowStream = (columns: readonly ArrowColumn[], length: number): Uint8Array =>
  tableToIPC(toTable(columns, length), 'stream')

/** Columns as Arrow knows them: any tool of its ecosystem takes it. */
export type ArrowTable = Table

/** The columns as a table of one record batch. */
export const toTable = (columns: readonly ArrowColumn[], length: number): ArrowTable =>
  new Table([recordBatchOf(columns, length)])

/** How the values of a column that was read are laid out. */
export type ArrowLayout =
  | { readonly kind: 'boolean' }
  | { readonly kind: 'integer'; readonly bits: 8 | 16 | 32 | 64; readonly signed: boolean }
  | { readonly kind: 'float'; readonly bits: 32 | 64 }
  /** Whole numbers of `perSecond` units since the epoch; dates of 32 bits count days. */
  | { readonly kind: 'timestamp'; readonly bits: 32 | 64; readonly unitsPerSecond: number | 'day' }
  | { readonly kind: 'string' | 'bytes' }
  | { readonly kind: 'list'; readonly element: ArrowLayout }
  | { readonly kind: 'dictionary'; readonly bits: 8 | 16 | 32 | 64; readonly of: ArrowLayout }
  | { readonly kind: 'null' }
  /** Nothing of ours; `name` is Arrow's word for it. */
  | { readonly kind: 'other'; readonly name: string }

/** One column of one record batch as it was read. */
export interface ArrowArray {
  readonly layout: ArrowLayout
  readonly length: number
  readonly validity: Uint8Array | undefined
  /** The bytes of the values, as they lie in memory. */
  readonly bytes: Uint8Array
  /** Where the values of row r begin in `bytes` or in `child`. */
  readonly offsets: Int32Array | undefined
  /** The elements of a list, the values of a dictionary. */
  readonly child: ArrowArray | undefined
}

const UNITS_PER_SECOND: Readonly<Record<TimeUnit, number>> = {
  [TimeUnit.SECOND]: 1,
  [TimeUnit.MILLISECOND]: 1e3,
  [TimeUnit.MICROSECOND]: 1e6,
  [TimeUnit.NANOSECOND]: 1e9,
}

const layoutOf = (type: DataType): ArrowLayout => {
  if (DataType.isBool(type)) return { kind: 'boolean' }
  if (DataType.isInt(type)) return { kind: 'integer', bits: type.bitWidth, signed: type.isSigned }
  if (DataType.isFloat(type) && type.precision > 0)
    return { kind: 'float', bits: type.precision === 1 ? 32 : 64 }
  if (DataType.isTimestamp(type))
    return { kind: 'timestamp', bits: 64, unitsPerSecond: UNITS_PER_SECOND[type.unit] }
  if (DataType.isDate(type))
    return type.unit === 0
      ? { kind: 'timestamp', bits: 32, unitsPerSecond: 'day' }
      : { kind: 'timestamp', bits: 64, unitsPerSecond: 1e3 }
  if (DataType.isUtf8(type) || DataType.isLargeUtf8(type)) return { kind: 'string' }
  if (DataType.isBinary(type) || DataType.isLargeBinary(type)) return { kind: 'bytes' }
  if (DataType.isList(type)) return { kind: 'list', element: layoutOf(type.valueType) }
  if (DataType.isFixedSizeList(type))
    return { kind: 'list', element: layoutOf((type as FixedSizeList).valueType) }
  if (DataType.isDictionary(type)) {
    const { indices, dictionary } = type as Dictionary
    return { kind: 'dictionary', bits: indices.bitWidth as 8 | 16 | 32 | 64, of: layoutOf(dictionary) }
  }
  return DataType.isNull(type) ? { kind: 'null' } : { kind: 'other', name: String(type) }
}

const bytesOf = (view: ArrayBufferView | undefined): Uint8Array =>
  view === undefined ? new Uint8Array() : new Uint8Array(view.buffer, view.byteOffset, view.byteLength)

const offsetsOf = (data: Data): Int32Array | undefined => {
  const type = data.type as DataType
  if (DataType.isFixedSizeList(type))
    return Int32Array.from({ length: data.length + 1 }, (_, row) => row * (type as FixedSizeList).listSize)
  const offsets = data.valueOffsets as Int32Array | BigInt64Array | undefined
  return offsets instanceof BigInt64Array ? Int32Array.from(offsets, Number) : offsets
}

const arrayOf = (data: Data): ArrowArray => {
  if (data.offset !== 0) throw new Error(`an Arrow array that was read starts at row ${data.offset}`)
  const dictionary = data.dictionary?.data
  if (dictionary !== undefined && dictionary.length > 1) throw new Error('a dictionary in several pieces')
  const child = dictionary?.[0] ?? (data.children?.[0] as Data | undefined)
  return {
    layout: layoutOf(data.type),
    length: data.length,
    validity: data.nullCount > 0 ? data.nullBitmap : undefined,
    bytes: bytesOf(data.values as ArrayBufferView | undefined),
    offsets: offsetsOf(data),
    child: child === undefined ? undefined : arrayOf(child),
  }
}

const arraysOf = ({ batches }: Table): ReadonlyMap<string, ArrowArray>[] =>
  batches.map(
    batch =>
      new Map(batch.schema.fields.map((field, index) => [field.name, arrayOf(batch.data.children[index]!)])),
  )

/** The record batches of an IPC stream, each as its columns by name. */
export const fromArrowStream = (stream: Uint8Array): ReadonlyMap<string, ArrowArray>[] =>
  arraysOf(tableFromIPC(stream))

/** Whether a dictionary is in several pieces, as those of a stream are that grow. */
const hasPieces = ({ batches }: Table): boolean =>
  batches.some(({ data }) => data.children.some(({ dictionary }) => (dictionary?.data.length ?? 0) > 1))

const isWhole = (data: Data): boolean =>
  data.offset === 0 &&
  (data.children as readonly Data[]).every(isWhole) &&
  (data.dictionary?.data ?? []).every(isWhole)

/** The record batches of a table, each as its columns by name. Nothing is copied, unless it is a part of another table. */
export const fromArrowTable = (table: ArrowTable): ReadonlyMap<string, ArrowArray>[] => {
  const isPart = table.batches.some(({ data }) => !isWhole(data)) || hasPieces(table)
  return arraysOf(isPart ? tableFromIPC(tableToIPC(table, 'stream')) : table)
}

/** The columns of the schema in an IPC stream: their names and how their values are laid out. */
export const arrowSchema = (stream: Uint8Array): { readonly name: string; readonly layout: ArrowLayout }[] =>
  tableFromIPC(stream).schema.fields.map(({ name, type }) => ({ name, layout: layoutOf(type) }))

/** Whether row `row` holds a value. */
export const isValid = (validity: Uint8Array | undefined, row: number): boolean =>
  validity === undefined || ((validity[row >> 3]! >> (row & 7)) & 1) === 1
