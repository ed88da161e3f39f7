// Owns the pages of a column chunk: their headers, and where the parts of each begin.
// https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift (PageHeader)
import { type Codec, uncompressed } from './compression.ts'
import { Cursor } from './cursor.ts'
import { MalformedParquet } from './malformed.ts'
import type { Sink } from './sink.ts'
import { readStruct, type ThriftStruct, ThriftWriter } from './thrift.ts'

const DATA = 0
const INDEX = 1
const DICTIONARY = 2
const DATA_V2 = 3

/** Fields of a `PageHeader`. */
const TYPE = 1
const UNCOMPRESSED_SIZE = 2
const COMPRESSED_SIZE = 3
const DATA_HEADER = 5
const DICTIONARY_HEADER = 7
const DATA_HEADER_V2 = 8

/** A page as it stands in the file. */
export interface Page {
  readonly isDictionary: boolean
  readonly encoding: number
  /** Values and nulls. */
  readonly values: number
  /** The parts of its bytes; decompresses them. */
  readonly open: () => PageParts
}

/** What a page consists of. Levels are without a length in front; absent where all are 0. */
interface PageParts {
  readonly repetition: Cursor | undefined
  readonly definition: Cursor | undefined
  readonly values: Cursor
}

/** How deep the values of a column may lie. */
interface Levels {
  readonly isRepeated: boolean
  readonly isOptional: boolean
}

const part = (bytes: Uint8Array, from: number, length: number): Cursor => {
  if (!(from + length <= bytes.length)) throw new MalformedParquet('the levels of a page are longer than it')
  return new Cursor(bytes.subarray(from, from + length))
}

const openV1 = (bytes: Uint8Array, { isRepeated, isOptional }: Levels): PageParts => {
  const whole = new Cursor(bytes)
  const levels = (): Cursor => {
    const length = whole.uint32()
    return part(whole.bytes, whole.skip(length), length)
  }
  const repetition = isRepeated ? levels() : undefined
  const definition = isOptional ? levels() : undefined
  return { repetition, definition, values: part(whole.bytes, whole.at, whole.left) }
}

const openV2 = (bytes: Uint8Array, header: ThriftStruct, size: number, codec: Codec): PageParts => {
  const definition = header.natural(5)
  const repetition = header.natural(6)
  const levels = definition + repetition
  if (levels > bytes.length || levels > size)
    throw new MalformedParquet('the levels of a page are longer than it')
  const rest = bytes.subarray(levels)
  const values = header.boolean(7) === false ? rest : uncompressed(codec, rest, size - levels)
  return {
    repetition: repetition === 0 ? undefined : part(bytes, 0, repetition),
    definition: definition === 0 ? undefined : part(bytes, repetition, definition),
    values: new Cursor(values),
  }
}

/**
 * The pages of a column chunk, one after the other.
 * @throws {MalformedParquet} if they do not fill it
 */
export function* pagesOf(bytes: Uint8Array, codec: Codec, levels: Levels): Generator<Page, void, undefined> {
  const cursor = new Cursor(bytes)
  while (cursor.left > 0) {
    const header = readStruct(cursor)
    const size = header.natural(UNCOMPRESSED_SIZE)
    const length = header.natural(COMPRESSED_SIZE)
    const from = cursor.skip(length)
    const body = cursor.bytes.subarray(from, from + length)
    const type = header.natural(TYPE)
    if (type === INDEX) continue
    const isDictionary = type === DICTIONARY
    const isV2 = type === DATA_V2
    const own = header.struct(isDictionary ? DICTIONARY_HEADER : isV2 ? DATA_HEADER_V2 : DATA_HEADER)
    if (own === undefined || type > DATA_V2) throw new MalformedParquet('a page has no header of its type')
    yield {
      isDictionary,
      encoding: own.natural(isV2 ? 4 : 2),
      values: own.natural(1),
      open: () => {
        if (isV2) return openV2(body, own, size, codec)
        const opened = uncompressed(codec, body, size)
        if (!isDictionary) return openV1(opened, levels)
        return { repetition: undefined, definition: undefined, values: new Cursor(opened) }
      },
    }
  }
}

/** Writes a page of values and nulls, whose bytes are `body` uncompressed and `stored` in the file. */
export const writePage = (
  sink: Sink,
  { isDictionary, encoding, values }: Pick<Page, 'isDictionary' | 'encoding' | 'values'>,
  bodyLength: number,
  stored: Uint8Array,
): void => {
  const header = new ThriftWriter(sink)
  header
    .i32(TYPE, isDictionary ? DICTIONARY : DATA)
    .i32(UNCOMPRESSED_SIZE, bodyLength)
    .i32(COMPRESSED_SIZE, stored.length)
  if (isDictionary) header.struct(DICTIONARY_HEADER, own => own.i32(1, values).i32(2, encoding))
  // Both kinds of level are in the hybrid encoding.
  else header.struct(DATA_HEADER, own => own.i32(1, values).i32(2, encoding).i32(3, 3).i32(4, 3))
  header.end()
  sink.append(stored)
}
