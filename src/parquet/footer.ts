// Owns a file's footer: what it says of itself and where its column chunks are, read and written.
// https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift (FileMetaData)
import { Cursor } from './cursor.ts'
import { MalformedParquet } from './malformed.ts'
import { type FoundColumn, type ParquetColumn, PHYSICAL, pathOf, readSchema, writeSchema } from './schema.ts'
import { Sink } from './sink.ts'
import {
  type ChunkStatistics,
  readStatistics,
  type WrittenStatistics,
  writeStatistics,
} from './statistics.ts'
import { readStruct, type ThriftStruct, ThriftWriter } from './thrift.ts'

/** What a Parquet file begins and ends with. */
export const MAGIC = 'PAR1'

/** The bytes at the end of a file that say how long its footer is. */
export const FOOTER_TAIL_BYTES = 8

/** Where one column of one row group is in the file, and how it is written. */
export interface ColumnChunk {
  /** The name at the top of the schema. */
  readonly column: string
  readonly offset: number
  readonly length: number
  readonly codec: number
  readonly encodings: readonly number[]
  /** Values and nulls; of a list, its elements, and one for each null or empty list. */
  readonly values: number
  /** Undefined where the file says nothing. Those of a list are of its elements. */
  readonly statistics: ChunkStatistics | undefined
}

/** What a footer says of a row group. */
export interface RowGroupFooter {
  readonly rows: number
  /** About how many bytes its values take when they are decoded. */
  readonly decodedBytes: number
  readonly chunks: readonly ColumnChunk[]
}

/** What a footer says. */
export interface ParquetFooter {
  readonly rows: number
  readonly columns: readonly FoundColumn[]
  readonly rowGroups: readonly RowGroupFooter[]
  readonly metadata: ReadonlyMap<string, string>
}

/** Fields of a `FileMetaData`. */
const VERSION = 1
const SCHEMA = 2
const ROWS = 3
const ROW_GROUPS = 4
const KEY_VALUES = 5
const CREATED_BY = 6
const COLUMN_ORDERS = 7

/** Fields of a `ColumnMetaData`. */
const TYPE = 1
const ENCODINGS = 2
const PATH = 3
const CODEC = 4
const VALUES = 5
const UNCOMPRESSED_SIZE = 6
const COMPRESSED_SIZE = 7
const DATA_PAGE_OFFSET = 9
const DICTIONARY_PAGE_OFFSET = 11
const STATISTICS = 12
const SIZE_STATISTICS = 16

const readChunk = (chunk: ThriftStruct, columns: readonly FoundColumn[]) => {
  const meta = chunk.struct(3)
  if (meta === undefined) throw new MalformedParquet('a column chunk without metadata')
  const [column = ''] = meta.strings(PATH)
  const dictionary = meta.integer(DICTIONARY_PAGE_OFFSET)
  const unencoded = meta.struct(SIZE_STATISTICS)?.integer(1)
  return {
    decodedBytes: unencoded ?? meta.natural(UNCOMPRESSED_SIZE),
    chunk: {
      column,
      offset: dictionary ?? meta.natural(DATA_PAGE_OFFSET),
      length: meta.natural(COMPRESSED_SIZE),
      codec: meta.natural(CODEC),
      encodings: meta.integers(ENCODINGS),
      values: meta.natural(VALUES),
      statistics: readStatistics(meta.struct(STATISTICS), columns.find(({ name }) => name === column)?.type),
    },
  }
}

const readRowGroup = (group: ThriftStruct, columns: readonly FoundColumn[]): RowGroupFooter => {
  const chunks = group.structs(1).map(chunk => readChunk(chunk, columns))
  return {
    rows: group.natural(3),
    decodedBytes: chunks.reduce((sum, { decodedBytes }) => sum + decodedBytes, 0),
    chunks: chunks.map(({ chunk }) => chunk),
  }
}

/** The length of the whole footer, {@link FOOTER_TAIL_BYTES} included, from the last bytes of a file. */
export const footerLength = (tail: Uint8Array): number | undefined => {
  const view = new DataView(tail.buffer, tail.byteOffset + tail.length - FOOTER_TAIL_BYTES, FOOTER_TAIL_BYTES)
  const magic = Buffer.from(tail.buffer, tail.byteOffset + tail.length - 4, 4).toString('latin1')
  return magic === MAGIC ? view.getUint32(0, true) + FOOTER_TAIL_BYTES : undefined
}

/**
 * Reads a footer from the last bytes of a file, which must hold all of it.
 * @throws {MalformedParquet}
 */
export const readFooter = (tail: Uint8Array): ParquetFooter => {
  const length = tail.length < FOOTER_TAIL_BYTES ? undefined : footerLength(tail)
  if (length === undefined || length > tail.length)
    throw new MalformedParquet('the file does not end in a footer')
  const file = readStruct(new Cursor(tail.subarray(tail.length - length, tail.length - FOOTER_TAIL_BYTES)))
  const columns = readSchema(file.structs(SCHEMA))
  return {
    rows: file.natural(ROWS),
    columns,
    rowGroups: file.structs(ROW_GROUPS).map(group => readRowGroup(group, columns)),
    metadata: new Map(file.structs(KEY_VALUES).map(pair => [pair.string(1) ?? '', pair.string(2) ?? ''])),
  }
}

/** A column chunk that was written. */
export interface WrittenChunk {
  readonly offset: number
  readonly length: number
  readonly uncompressedLength: number
  readonly codec: number
  readonly encodings: readonly number[]
  readonly values: number
  /** Where its first data page is; what is before is its dictionary. */
  readonly dataOffset: number
  readonly statistics: WrittenStatistics
  /** Bytes of strings and the like, each as often as it occurs. */
  readonly unencodedBytes: number | undefined
}

/** A row group that was written: a chunk for each column. */
export interface WrittenRowGroup {
  readonly rows: number
  readonly chunks: readonly WrittenChunk[]
}

const writeChunk = (struct: ThriftWriter, column: ParquetColumn, chunk: WrittenChunk): void => {
  struct.i64(2, 0).struct(3, meta => {
    meta
      .i32(TYPE, PHYSICAL[column.type])
      .integers(ENCODINGS, chunk.encodings)
      .strings(PATH, pathOf(column))
      .i32(CODEC, chunk.codec)
      .i64(VALUES, chunk.values)
      .i64(UNCOMPRESSED_SIZE, chunk.uncompressedLength)
      .i64(COMPRESSED_SIZE, chunk.length)
      .i64(DATA_PAGE_OFFSET, chunk.dataOffset)
    if (chunk.dataOffset > chunk.offset) meta.i64(DICTIONARY_PAGE_OFFSET, chunk.offset)
    if (column.type !== 'vector')
      meta.struct(STATISTICS, statistics => writeStatistics(statistics, chunk.statistics))
    if (chunk.unencodedBytes !== undefined) {
      const bytes = chunk.unencodedBytes
      meta.struct(SIZE_STATISTICS, sizes => sizes.i64(1, bytes))
    }
  })
}

const sum = (chunks: readonly WrittenChunk[], of: (chunk: WrittenChunk) => number): number =>
  chunks.reduce((total, chunk) => total + of(chunk), 0)

/** The end of a file, from behind its last column chunk on. */
export const writeFooter = (
  columns: readonly ParquetColumn[],
  rowGroups: readonly WrittenRowGroup[],
  metadata: ReadonlyMap<string, string>,
): Uint8Array<ArrayBuffer> => {
  const sink = new Sink()
  const file = new ThriftWriter(sink)
  file.i32(VERSION, 1)
  writeSchema(file, SCHEMA, columns)
  file
    .i64(
      ROWS,
      rowGroups.reduce((total, { rows }) => total + rows, 0),
    )
    .structs(ROW_GROUPS, rowGroups, (group, { rows, chunks }) => {
      const compressed = sum(chunks, chunk => chunk.length)
      group
        .structs(1, [...chunks.keys()], (struct, index) =>
          writeChunk(struct, columns[index]!, chunks[index]!),
        )
        .i64(
          2,
          sum(chunks, chunk => chunk.uncompressedLength),
        )
        .i64(3, rows)
        .i64(5, chunks[0]!.offset)
        .i64(6, compressed)
    })
    .structs(KEY_VALUES, [...metadata], (pair, [key, value]) => pair.binary(1, key).binary(2, value))
    .binary(CREATED_BY, 'varve version 1')
    // The order of the bounds is the one that the types define.
    .structs(COLUMN_ORDERS, columns, order => order.struct(1, () => {}))
    .end()
  sink.uint32(sink.length)
  sink.append(Buffer.from(MAGIC))
  return sink.written()
}
