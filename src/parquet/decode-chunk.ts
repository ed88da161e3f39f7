// Owns the way from the bytes of a column chunk to kinds, payload and heap. Bytes that are not what a chunk of the type
// has are refused, whatever they say, and never ask for more memory than they are worth; nothing is guessed.
import type { Column } from '../model/columns.ts'
import { Heap } from '../model/heap.ts'
import { Kind } from '../model/value.ts'
import { type Content, readDeltaBinaries, readDeltaLengthBinaries, readPlainBinaries } from './binaries.ts'
import { type Codec, isCodec } from './compression.ts'
import type { Cursor } from './cursor.ts'
import {
  readBooleans,
  readFloat32s,
  readFloat64s,
  readInt32s,
  readInt64s,
  takeBigInts,
} from './decode-plain.ts'
import { readDelta32, readDelta64, readDeltaWide } from './delta.ts'
import { Encoding } from './encoding.ts'
import type { ColumnChunk } from './footer.ts'
import { allOnes, readHybrid } from './hybrid.ts'
import { MalformedParquet } from './malformed.ts'
import { type Page, pagesOf } from './page.ts'
import type { ParquetColumn, ValueType } from './schema.ts'

const KIND: Readonly<Record<ValueType, Kind>> = {
  boolean: Kind.boolean,
  int32: Kind.int,
  int64: Kind.int,
  uint64: Kind.int,
  float64: Kind.float,
  timestamp: Kind.timestamp,
  string: Kind.string,
  bytes: Kind.bytes,
  vector: Kind.vector,
}

const INTEGERS: readonly number[] = [Encoding.plain, Encoding.delta]
const BINARIES: readonly number[] = [Encoding.plain, Encoding.deltaLength, Encoding.deltaStrings]

/** The encodings of values that are known, apart from dictionaries. */
const KNOWN: Readonly<Record<ValueType, readonly number[]>> = {
  boolean: [Encoding.plain, Encoding.rle],
  int32: INTEGERS,
  int64: INTEGERS,
  uint64: INTEGERS,
  float64: [Encoding.plain],
  timestamp: INTEGERS,
  string: BINARIES,
  bytes: BINARIES,
  vector: [Encoding.plain],
}

const isDictionaryEncoding = (encoding: number): boolean =>
  encoding === Encoding.plainDictionary || encoding === Encoding.rleDictionary

/** Whether {@link decodeChunk} knows how a chunk is written, as far as the footer says. */
export const isDecodable = ({ codec, encodings }: ColumnChunk, type: ValueType): boolean =>
  isCodec(codec) &&
  encodings.every(
    encoding =>
      encoding === Encoding.rle ||
      KNOWN[type].includes(encoding) ||
      (isDictionaryEncoding(encoding) && type !== 'vector' && type !== 'boolean'),
  )

const unknownEncoding = (): never => {
  throw new MalformedParquet('a page has an encoding that values of its type have not')
}

const decodeInt64s = (cursor: Cursor, encoding: number, count: number, column: Column, at: number): void => {
  if (encoding === Encoding.plain) readInt64s(cursor, count, column, at)
  else if (encoding === Encoding.delta) {
    const start = cursor.at
    if (readDelta64(cursor, count, column.payload, at)) return
    cursor.at = start
    takeBigInts(readDeltaWide(cursor, count), column, at)
  } else unknownEncoding()
}

const refuseWide = ({ kinds }: Column, from: number, to: number): void => {
  if (kinds.subarray(from, to).includes(Kind.wide))
    throw new MalformedParquet('a timestamp is beyond 2^53 ms')
}

const decodeBinaries = (
  cursor: Cursor,
  encoding: number,
  content: Content,
  count: number,
  { payload, heap }: Column,
  at: number,
): void => {
  if (encoding === Encoding.plain) readPlainBinaries(cursor, content, heap, count, payload, at)
  else if (encoding === Encoding.deltaLength)
    readDeltaLengthBinaries(cursor, content, heap, count, payload, at)
  else if (encoding === Encoding.deltaStrings) readDeltaBinaries(cursor, content, heap, count, payload, at)
  else unknownEncoding()
}

const decodeBooleans = (
  cursor: Cursor,
  encoding: number,
  count: number,
  out: Float64Array,
  at: number,
): void => {
  if (encoding === Encoding.plain) readBooleans(cursor, count, out, at)
  else if (encoding === Encoding.rle) {
    cursor.uint32()
    out.set(readHybrid(cursor, 1, count), at)
  } else unknownEncoding()
}

/** Decodes `count` values that are no codes of a dictionary to rows from `at` on. */
const decodeValues = (
  cursor: Cursor,
  encoding: number,
  valueType: Exclude<ValueType, 'vector'>,
  count: number,
  column: Column,
  at: number,
): void => {
  column.kinds.fill(KIND[valueType], at, at + count)
  switch (valueType) {
    case 'boolean':
      decodeBooleans(cursor, encoding, count, column.payload, at)
      break
    case 'int32':
      if (encoding === Encoding.plain) readInt32s(cursor, count, column.payload, at)
      else if (encoding === Encoding.delta) readDelta32(cursor, count, column.payload, at)
      else unknownEncoding()
      break
    case 'int64':
    case 'uint64':
      decodeInt64s(cursor, encoding, count, column, at)
      break
    case 'timestamp':
      decodeInt64s(cursor, encoding, count, column, at)
      refuseWide(column, at, at + count)
      break
    case 'float64':
      if (encoding === Encoding.plain) readFloat64s(cursor, count, column.payload, at)
      else unknownEncoding()
      break
    case 'string':
    case 'bytes':
      decodeBinaries(cursor, encoding, valueType, count, column, at)
      break
    default:
      valueType satisfies never
  }
}

/** Values by their codes. */
interface Dictionary {
  /** That of all; undefined if integers of both kinds are among them. */
  readonly kind: number | undefined
  readonly kinds: Uint8Array
  readonly payload: Float64Array
}

/** Every value of a dictionary has at least a byte: so no count asks for more memory than the bytes are worth. */
const readDictionary = (page: Page, type: Exclude<ValueType, 'vector'>, heap: Heap): Dictionary => {
  const { values } = page.open()
  const count = page.values
  if (count > values.left) throw new MalformedParquet('a dictionary is longer than its page')
  const kinds = new Uint8Array(count)
  const payload = new Float64Array(count)
  decodeValues(values, Encoding.plain, type, count, { kinds, payload, heap }, 0)
  return { kind: kinds.includes(Kind.wide) ? undefined : KIND[type], kinds, payload }
}

const decodeCodes = (
  cursor: Cursor,
  dictionary: Dictionary | undefined,
  count: number,
  { kinds, payload }: Column,
  at: number,
): void => {
  if (dictionary === undefined) throw new MalformedParquet('a column chunk lacks its dictionary')
  const codes = readHybrid(cursor, cursor.byte(), count)
  const { kind, payload: values } = dictionary
  for (let index = 0; index < count; index++) {
    const code = codes[index]!
    if (code >= values.length) throw new MalformedParquet('a code is beyond its dictionary')
    payload[at + index] = values[code]!
    if (kind === undefined) kinds[at + index] = dictionary.kinds[code]!
  }
  if (kind !== undefined) kinds.fill(kind, at, at + count)
}

/** Moves values that lie side by side from `at` on to the rows that have one, the last first. */
const spread = ({ kinds, payload }: Column, at: number, defined: Uint32Array, count: number): void => {
  let from = at + count - 1
  for (let row = at + defined.length - 1; row >= at; row--) {
    if (defined[row - at] === 1) {
      kinds[row] = kinds[from]!
      payload[row] = payload[from--]!
    } else {
      kinds[row] = Kind.null
      payload[row] = 0
    }
  }
}

/** Which rows of a page have a value; undefined if all. */
const readDefined = (definition: Cursor | undefined, rows: number): Uint32Array | undefined =>
  definition === undefined || allOnes(definition, rows) ? undefined : readHybrid(definition, 1, rows)

const countOnes = (levels: Uint32Array): number => {
  let count = 0
  for (const level of levels) count += level
  return count
}

/** Rows `[from, to)`. */
export interface RowRange {
  readonly from: number
  readonly to: number
}

/** Rows `[from, to)` of a column, without copying. */
const cut = ({ kinds, payload, heap }: Column, from: number, to: number): Column => ({
  kinds: kinds.subarray(from, to),
  payload: payload.subarray(from, to),
  heap,
})

/** The pages that a range of rows touches, and the row that the first of them begins with. */
interface Touched {
  readonly pages: readonly Page[]
  readonly first: number
  readonly end: number
}

/** Every row of a flat column is one value of its pages: so they say themselves which rows they have. */
const touchedPages = (pages: Iterable<Page>, rows: number, { from, to }: RowRange): Touched => {
  const touched: Page[] = []
  let first = 0
  let end = 0
  let row = 0
  for (const page of pages) {
    const next = page.isDictionary ? row : row + page.values
    if (page.isDictionary || (row < to && next > from)) {
      touched.push(page)
      if (end === 0) first = row
      end = next
    }
    row = next
    if (row > rows) throw new MalformedParquet('a column chunk has more rows than its row group')
  }
  if (row !== rows) throw new MalformedParquet('a column chunk has fewer rows than its row group')
  return { pages: touched, first, end }
}

const decodeFlat = (
  { pages, first, end }: Touched,
  type: Exclude<ValueType, 'vector'>,
  required: boolean,
  heap: Heap,
): Column => {
  const column = { kinds: new Uint8Array(end - first), payload: new Float64Array(end - first), heap }
  let dictionary: Dictionary | undefined
  let row = 0
  for (const page of pages) {
    if (page.isDictionary) {
      dictionary = readDictionary(page, type, heap)
      continue
    }
    const { definition, values } = page.open()
    if (!required && definition === undefined) throw new MalformedParquet('a page lacks its levels')
    const defined = readDefined(definition, page.values)
    const count = defined === undefined ? page.values : countOnes(defined)
    if (count === 0) {
      // Nothing to read: not even all writers put a header there.
    } else if (isDictionaryEncoding(page.encoding)) decodeCodes(values, dictionary, count, column, row)
    else decodeValues(values, page.encoding, type, count, column, row)
    if (defined !== undefined) spread(column, row, defined, count)
    row += page.values
  }
  return column
}

const EMPTY = 1
const ELEMENT = 2

const decodeVectors = (pages: Iterable<Page>, rows: number, heap: Heap): Column => {
  const kinds = new Uint8Array(rows)
  const payload = new Float64Array(rows)
  let row = -1
  let elements: number[] = []
  let isNull = true
  const finish = (): void => {
    if (row === -1 || isNull) return
    kinds[row] = Kind.vector
    payload[row] = heap.intern(Float32Array.from(elements))
  }
  for (const page of pages) {
    const { repetition, definition, values } = page.open()
    if (repetition === undefined || definition === undefined || page.encoding !== Encoding.plain)
      throw new MalformedParquet('a page of lists lacks its levels')
    // Of each value at least its row or its four bytes are there.
    if (page.values > rows + values.left / 4) throw new MalformedParquet('a page has more values than bytes')
    const begins = readHybrid(repetition, 1, page.values)
    const defined = readHybrid(definition, 2, page.values)
    let count = 0
    for (const level of defined) if (level === ELEMENT) count++
    const floats = readFloat32s(values, count)
    let next = 0
    for (let index = 0; index < page.values; index++) {
      const level = defined[index]!
      if (begins[index] === 0) {
        finish()
        if (++row === rows) throw new MalformedParquet('a column chunk has more rows than its row group')
        elements = []
        isNull = level < EMPTY
      } else if (row === -1 || level !== ELEMENT || isNull || elements.length === 0)
        throw new MalformedParquet('an element is in no list')
      if (level > ELEMENT) throw new MalformedParquet('a level is too high')
      if (level === ELEMENT) elements.push(floats[next++]!)
    }
  }
  finish()
  if (row + 1 !== rows) throw new MalformedParquet('a column chunk has fewer rows than its row group')
  return { kinds, payload, heap }
}

/**
 * Rows of a column chunk, of which {@link isDecodable} holds. In a column of 64 bits what is no safe integer is a bigint
 * in the heap.
 *
 * @param bytes of the chunk, and nothing else
 * @param rows of the row group
 * @param heap takes what does not fit the payload
 * @param range within the row group; only pages that it touches are decoded, except of vectors. @default all rows
 * @throws {MalformedParquet}
 */
export const decodeChunk = (
  bytes: Uint8Array,
  { codec }: Pick<ColumnChunk, 'codec'>,
  { type, required }: Pick<ParquetColumn, 'type' | 'required'>,
  rows: number,
  heap: Heap = new Heap(),
  range: RowRange = { from: 0, to: rows },
): Column => {
  const levels = { isRepeated: type === 'vector', isOptional: !required }
  const pages = pagesOf(bytes, codec as Codec, levels)
  const { from, to } = range
  if (type === 'vector') return cut(decodeVectors(pages, rows, heap), from, to)
  const touched = touchedPages(pages, rows, range)
  return cut(decodeFlat(touched, type, required, heap), from - touched.first, to - touched.first)
}
