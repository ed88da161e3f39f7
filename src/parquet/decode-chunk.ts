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
import { allOnes, readHybrid, readRuns } from './hybrid.ts'
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

/** Whether {@link OpenChunk} knows how a chunk is written, as far as the footer says. */
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

/** How many values a page has, and how many of them, from the first on, are decoded. */
interface Counts {
  readonly count: number
  readonly wanted: number
}

const decodeInt64s = (cursor: Cursor, encoding: number, counts: Counts, column: Column, at: number): void => {
  const { count, wanted } = counts
  if (encoding === Encoding.plain) readInt64s(cursor, wanted, column, at)
  else if (encoding === Encoding.delta) {
    const start = cursor.at
    if (readDelta64(cursor, count, column.payload, at, wanted)) return
    cursor.at = start
    takeBigInts(readDeltaWide(cursor, count).subarray(0, wanted), column, at)
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

/** Decodes values that are no codes of a dictionary to rows from `at` on. */
const decodeValues = (
  cursor: Cursor,
  encoding: number,
  valueType: Exclude<ValueType, 'vector'>,
  counts: Counts,
  column: Column,
  at: number,
): void => {
  const { count, wanted } = counts
  column.kinds.fill(KIND[valueType], at, at + wanted)
  switch (valueType) {
    case 'boolean':
      decodeBooleans(cursor, encoding, wanted, column.payload, at)
      break
    case 'int32':
      if (encoding === Encoding.plain) readInt32s(cursor, wanted, column.payload, at)
      else if (encoding === Encoding.delta) readDelta32(cursor, count, column.payload, at, wanted)
      else unknownEncoding()
      break
    case 'int64':
    case 'uint64':
      decodeInt64s(cursor, encoding, counts, column, at)
      break
    case 'timestamp':
      decodeInt64s(cursor, encoding, counts, column, at)
      refuseWide(column, at, at + wanted)
      break
    case 'float64':
      if (encoding === Encoding.plain) readFloat64s(cursor, wanted, column.payload, at)
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
  decodeValues(values, Encoding.plain, type, { count, wanted: count }, { kinds, payload, heap }, 0)
  return { kind: kinds.includes(Kind.wide) ? undefined : KIND[type], kinds, payload }
}

/** Puts values in the place of `count` codes, which may be beyond them, and returns the greatest code. */
const lookUp = (
  codes: Uint32Array,
  count: number,
  values: Float64Array,
  payload: Float64Array,
  at: number,
): number => {
  let most = 0
  for (let index = 0; index < count; index++) {
    const code = codes[index]!
    if (code > most) most = code
    payload[at + index] = values[code]!
  }
  return most
}

/** Decodes the codes from `skipped` to before `count`, to rows from `at + skipped` on; maybe others before them. */
const decodeCodes = (
  cursor: Cursor,
  dictionary: Dictionary,
  { skipped, count }: { readonly skipped: number; readonly count: number },
  { kinds, payload }: Column,
  at: number,
): void => {
  const width = cursor.byte()
  const start = cursor.at
  const { kind, payload: values } = dictionary
  let most = 0
  readRuns(cursor, width, count, skipped, {
    repeated: (code, from, to) => {
      most = Math.max(most, code)
      payload.fill(values[code] ?? 0, at + from, at + to)
    },
    packed: (codes, from, length) => {
      most = Math.max(most, lookUp(codes, length, values, payload, at + from))
    },
  })
  if (most >= values.length) throw new MalformedParquet('a code is beyond its dictionary')
  if (kind === undefined) {
    cursor.at = start
    const codes = readHybrid(cursor, width, count)
    for (let index = 0; index < count; index++) kinds[at + index] = dictionary.kinds[codes[index]!]!
  } else kinds.fill(kind, at + skipped, at + count)
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

const columnOf = (rows: number, heap: Heap): Column => ({
  kinds: new Uint8Array(rows),
  payload: new Float64Array(rows),
  heap,
})

const isBinary = (type: ValueType): boolean => type === 'string' || type === 'bytes'

/** A page of values, and the rows that it has: each is one value or null. */
interface PlacedPage {
  readonly page: Page
  readonly from: number
  readonly to: number
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
 * A column chunk of which {@link isDecodable} holds. In a column of 64 bits what is no safe integer is a bigint in the
 * heap.
 */
export class OpenChunk {
  readonly #type: ValueType
  readonly #required: boolean
  readonly #rows: number
  readonly #heap: Heap
  /** Of a column of lists: they alone say which rows they have. */
  readonly #lists: readonly Page[]
  /** Those of another column that were not asked for yet, behind {@link #placed}. */
  readonly #pages: Iterator<Page, void>
  readonly #placed: PlacedPage[] = []
  #dictionaryPage: Page | undefined
  #dictionary: Dictionary | undefined

  /**
   * @param bytes of the chunk, and nothing else
   * @param rows of the row group
   * @param heap takes what does not fit the payload
   * @throws {MalformedParquet}
   */
  constructor(
    bytes: Uint8Array,
    { codec }: Pick<ColumnChunk, 'codec'>,
    { type, required }: Pick<ParquetColumn, 'type' | 'required'>,
    rows: number,
    heap: Heap = new Heap(),
  ) {
    this.#type = type
    this.#required = required
    this.#rows = rows
    this.#heap = heap
    const isRepeated = type === 'vector'
    const pages = pagesOf(bytes, codec as Codec, { isRepeated, isOptional: !required })
    this.#lists = isRepeated ? [...pages] : []
    this.#pages = pages
  }

  /** The first row of each page; for a column of lists, which is decoded as a whole, 0. */
  get starts(): readonly number[] {
    if (this.#type === 'vector') return [0]
    this.#placeThrough(this.#rows)
    return this.#placed.map(({ from }) => from)
  }

  /**
   * Rows of it. Only pages that they are in are decoded, and none behind them is looked at, except of lists.
   * @throws {MalformedParquet}
   */
  decode(range: RowRange = { from: 0, to: this.#rows }): Column {
    const { from, to } = range
    if (this.#type === 'vector') return cut(decodeVectors(this.#lists, this.#rows, this.#heap), from, to)
    this.#placeThrough(to)
    const touched = this.#placed.filter(page => page.from < to && page.to > from)
    const first = touched[0]?.from ?? from
    const column = columnOf(Math.max(0, to - first), this.#heap)
    for (const each of touched) this.#decodePage(each, this.#type, range, column, each.from - first)
    return cut(column, from - first, to - first)
  }

  /**
   * Finds the pages of the rows before `to`, and all of them if these are all rows. Every row of a flat column is one value
   * of its pages: so they say themselves which rows they have.
   */
  #placeThrough(to: number): void {
    let row = this.#placed.at(-1)?.to ?? 0
    while (row < to || to === this.#rows) {
      const { value: page } = this.#pages.next()
      if (page === undefined) break
      if (page.isDictionary) {
        this.#dictionaryPage = page
        continue
      }
      const from = row
      row += page.values
      if (row > this.#rows) throw new MalformedParquet('a column chunk has more rows than its row group')
      this.#placed.push({ page, from, to: row })
    }
    if (row < to) throw new MalformedParquet('a column chunk has fewer rows than its row group')
  }

  /** Decodes the rows of a page that are in `range`, and maybe others before them, to `column` from `at` on. */
  #decodePage(
    { page, from }: PlacedPage,
    type: Exclude<ValueType, 'vector'>,
    range: RowRange,
    column: Column,
    at: number,
  ): void {
    const { definition, values } = page.open()
    if (!this.#required && definition === undefined) throw new MalformedParquet('a page lacks its levels')
    const defined = readDefined(definition, page.values)
    const rows = Math.min(page.values, range.to - from)
    const isCoded = isDictionaryEncoding(page.encoding)
    // Among nulls nobody knows how many values come before the end, and of binaries all lengths come first.
    if (rows === page.values || (defined === undefined && (isCoded || !isBinary(type)))) {
      const skipped = defined === undefined ? Math.max(0, range.from - from) : 0
      this.#decodeRows(page, values, type, defined, { skipped, rows }, column, at)
      return
    }
    const whole = columnOf(page.values, this.#heap)
    this.#decodeRows(page, values, type, defined, { skipped: 0, rows: page.values }, whole, 0)
    column.kinds.set(whole.kinds.subarray(0, rows), at)
    column.payload.set(whole.payload.subarray(0, rows), at)
  }

  /** Decodes the first `rows` rows of a page, those that are skipped only where that is easier. */
  #decodeRows(
    page: Page,
    values: Cursor,
    type: Exclude<ValueType, 'vector'>,
    defined: Uint32Array | undefined,
    { skipped, rows }: { readonly skipped: number; readonly rows: number },
    column: Column,
    at: number,
  ): void {
    const count = defined === undefined ? page.values : countOnes(defined)
    const wanted = defined === undefined ? rows : count
    if (count === 0) {
      // Nothing to read: not even all writers put a header there.
    } else if (isDictionaryEncoding(page.encoding))
      decodeCodes(values, this.#openDictionary(type), { skipped, count: wanted }, column, at)
    else decodeValues(values, page.encoding, type, { count, wanted }, column, at)
    if (defined !== undefined) spread(column, at, defined, count)
  }

  #openDictionary(type: Exclude<ValueType, 'vector'>): Dictionary {
    if (this.#dictionaryPage === undefined) throw new MalformedParquet('a column chunk lacks its dictionary')
    this.#dictionary ??= readDictionary(this.#dictionaryPage, type, this.#heap)
    return this.#dictionary
  }
}
