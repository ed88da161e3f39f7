// Owns the way from Arrow's arrays back to our columns, the inverse of encode.ts: for batches that wasm-codec.ts reads.
// Invariant: what cannot be the result of encode.ts is refused with the name of its column, never guessed at.
import { isAscii } from 'node:buffer'
import { type Column, type Columns, emptyColumns, GrowingColumns } from '../model/columns.ts'
import { Heap } from '../model/heap.ts'
import { TIME_MAX } from '../model/update.ts'
import { Kind } from '../model/value.ts'
import { type ArrowArray, fromArrowStream, isValid } from './arrow.ts'
import type { LaidOutColumn, Layout, PartType } from './layout.ts'
import { MalformedColumn } from './malformed-column.ts'

/** A column that is being filled. */
export interface ColumnTarget extends Column {
  readonly name: string
}

const WORD = 2 ** 32

/** The value of two halves, or undefined if it is not a safe integer. */
const safe = (low: number, high: number): number | undefined => {
  const value = high * WORD + (low >>> 0)
  return Number.isSafeInteger(value) ? value : undefined
}

/** The words of an array; a copy only if its bytes lie unaligned. */
export const int32View = (bytes: Uint8Array): Int32Array =>
  bytes.byteOffset % 4 === 0
    ? new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2)
    : int32View(bytes.slice())

const float64View = (bytes: Uint8Array): Float64Array =>
  bytes.byteOffset % 8 === 0
    ? new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length >> 3)
    : float64View(bytes.slice())

const takeNumbers = (
  target: ColumnTarget,
  array: ArrowArray,
  kind: Kind,
  values: ArrayLike<number>,
): void => {
  for (let row = 0; row < array.length; row++) {
    if (!isValid(array.validity, row)) continue
    target.kinds[row] = kind
    target.payload[row] = values[row]!
  }
}

const takeBits = (target: ColumnTarget, array: ArrowArray): void => {
  for (let row = 0; row < array.length; row++) {
    if (!isValid(array.validity, row)) continue
    target.kinds[row] = Kind.boolean
    target.payload[row] = (array.bytes[row >> 3]! >> (row & 7)) & 1
  }
}

/** 64-bit integers; what a number cannot hold exactly goes to the heap. */
export const takeInt64s = (target: ColumnTarget, array: ArrowArray): void => {
  const words = int32View(array.bytes)
  for (let row = 0; row < array.length; row++) {
    if (!isValid(array.validity, row)) continue
    const value = safe(words[2 * row]!, words[2 * row + 1]!)
    target.kinds[row] = value === undefined ? Kind.wide : Kind.int
    target.payload[row] =
      value ?? target.heap.intern((BigInt(words[2 * row + 1]!) << 32n) | BigInt(words[2 * row]! >>> 0))
  }
}

const takeTimestamps = (target: ColumnTarget, array: ArrowArray): void => {
  const words = int32View(array.bytes)
  for (let row = 0; row < array.length; row++) {
    if (!isValid(array.validity, row)) continue
    const value = safe(words[2 * row]!, words[2 * row + 1]!)
    if (value === undefined) throw new MalformedColumn(target.name, 'a timestamp is beyond 2^53 ms')
    target.kinds[row] = Kind.timestamp
    target.payload[row] = value
  }
}

const sameBytes = (bytes: Uint8Array, a: number, b: number, length: number): boolean => {
  for (let index = 0; index < length; index++) if (bytes[a + index] !== bytes[b + index]) return false
  return true
}

/** Strings or bytes. In sorted data equal values are neighbours, so that most need not be decoded. */
export const takeBinaries = (
  target: ColumnTarget,
  array: ArrowArray,
  kind: typeof Kind.string | typeof Kind.bytes,
): void => {
  const { bytes, offsets } = array
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  // Plain ASCII reads the same as Latin-1, which is faster for short strings.
  const encoding = kind === Kind.string && isAscii(bytes) ? 'latin1' : 'utf8'
  let previous = -1
  let previousLength = -1
  let code = 0
  for (let row = 0; row < array.length; row++) {
    if (!isValid(array.validity, row)) continue
    const start = offsets![row]!
    const length = offsets![row + 1]! - start
    if (length !== previousLength || !sameBytes(bytes, previous, start, length)) {
      code = target.heap.intern(
        kind === Kind.string
          ? buffer.toString(encoding, start, start + length)
          : bytes.slice(start, start + length),
      )
      previous = start
      previousLength = length
    }
    target.kinds[row] = kind
    target.payload[row] = code
  }
}

const takeVectors = (target: ColumnTarget, array: ArrowArray): void => {
  const { bytes } = array.child!
  for (let row = 0; row < array.length; row++) {
    if (!isValid(array.validity, row)) continue
    const own = bytes.slice(array.offsets![row]! * 4, array.offsets![row + 1]! * 4)
    target.kinds[row] = Kind.vector
    target.payload[row] = target.heap.intern(new Float32Array(own.buffer))
  }
}

const TAKE: Readonly<Record<PartType, (target: ColumnTarget, array: ArrowArray) => void>> = {
  boolean: takeBits,
  int32: (target, array) => takeNumbers(target, array, Kind.int, int32View(array.bytes)),
  int64: takeInt64s,
  float64: (target, array) => takeNumbers(target, array, Kind.float, float64View(array.bytes)),
  timestamp: takeTimestamps,
  string: (target, array) => takeBinaries(target, array, Kind.string),
  bytes: (target, array) => takeBinaries(target, array, Kind.bytes),
  vector: takeVectors,
}

/** How the arrays of a part are laid out; a file in which they are not was not written by encode.ts. */
const WANTED: Readonly<Record<PartType | 'uint64', string>> = {
  boolean: '{"kind":"boolean"}',
  int32: '{"kind":"integer","bits":32,"signed":true}',
  int64: '{"kind":"integer","bits":64,"signed":true}',
  uint64: '{"kind":"integer","bits":64,"signed":false}',
  float64: '{"kind":"float","bits":64}',
  timestamp: '{"kind":"timestamp","bits":64,"unitsPerSecond":1000}',
  string: '{"kind":"string"}',
  bytes: '{"kind":"bytes"}',
  vector: '{"kind":"list","element":{"kind":"float","bits":32}}',
}

const arrayFor = (
  arrays: ReadonlyMap<string, ArrowArray>,
  name: string,
  type: PartType | 'uint64',
): ArrowArray => {
  const array = arrays.get(name)
  const found = JSON.stringify(array?.layout)
  if (array === undefined || found !== WANTED[type])
    throw new MalformedColumn(name, `a column is not of type ${type} but ${found ?? 'missing'}`)
  return array
}

const checkOneValueARow = (parts: readonly ArrowArray[], column: LaidOutColumn): void => {
  const [length = 0] = parts.map(part => part.length)
  for (let row = 0; row < length; row++) {
    let count = 0
    for (const { validity } of parts) if (isValid(validity, row)) count++
    if (count > 1) throw new MalformedColumn(column.name, 'a row has values of two types')
  }
}

const decodeColumn = (
  column: LaidOutColumn,
  arrays: ReadonlyMap<string, ArrowArray>,
  length: number,
): Column => {
  const target: ColumnTarget = {
    name: column.name,
    kinds: new Uint8Array(length),
    payload: new Float64Array(length),
    heap: new Heap(),
  }
  const parts = column.parts.map(({ name, type }) => arrayFor(arrays, name, type))
  if (parts.length > 1) checkOneValueARow(parts, column)
  column.parts.forEach((part, index) => {
    TAKE[part.type](target, parts[index]!)
  })
  if (column.type === 'null' && target.kinds.some(kind => kind !== Kind.null))
    throw new MalformedColumn(column.name, 'a column of nulls holds a value')
  const { kinds, payload, heap } = target
  return { kinds, payload, heap }
}

const decodeRequired = (
  arrays: ReadonlyMap<string, ArrowArray>,
  name: string,
  type: 'uint64' | 'int64',
): Float64Array => {
  const array = arrayFor(arrays, name, type)
  if (array.validity !== undefined) throw new MalformedColumn(name, 'a required column has a null')
  const words = int32View(array.bytes)
  const values = new Float64Array(array.length)
  for (let row = 0; row < array.length; row++) {
    const value = safe(words[2 * row]!, words[2 * row + 1]!)
    if (value === undefined || (type === 'uint64' ? value < 0 || value > TIME_MAX : value === 0))
      throw new MalformedColumn(name, `a ${name} is out of range`)
    values[row] = value
  }
  return values
}

/**
 * The columns of one record batch.
 * @throws {MalformedColumn} if the stream does not hold what the layout says
 */
const decodeBatch = (layout: Layout, arrays: ReadonlyMap<string, ArrowArray>): Columns => {
  const time = decodeRequired(arrays, 'time', 'uint64')
  return {
    length: time.length,
    data: layout.map(column => decodeColumn(column, arrays, time.length)),
    time,
    diff: decodeRequired(arrays, 'diff', 'int64'),
  }
}

/**
 * The columns of one row group, which comes as one or more IPC streams.
 * @throws {MalformedColumn} if the streams do not hold what the layout says
 */
export const decodeColumns = async (layout: Layout, streams: AsyncIterable<Uint8Array>): Promise<Columns> => {
  let only: Columns | undefined
  let several: GrowingColumns | undefined
  for await (const stream of streams) {
    for (const arrays of fromArrowStream(stream)) {
      const columns = decodeBatch(layout, arrays)
      if (only === undefined) {
        only = columns
        continue
      }
      if (several === undefined) {
        several = new GrowingColumns(layout.length, only.length * 2)
        several.appendRange(only, 0, only.length)
      }
      several.appendRange(columns, 0, columns.length)
    }
  }
  return several?.view() ?? only ?? emptyColumns(layout.length)
}
