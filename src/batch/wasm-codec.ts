// Owns the boundary to parquet-wasm, the codec for what src/parquet/ does not know: other people's files, and zstd.
// Arrow's IPC stream goes in and out; nothing here knows a shard. Whoever needs it imports it when it is needed: it
// takes 90 ms to load. It checks no checksum, and damage makes it answer wrongly: give it only bytes that were verified.
import {
  Compression,
  EnabledStatistics,
  Encoding,
  type ReaderOptions,
  type RecordBatch,
  readParquet,
  readSchema,
  Table,
  transformParquetStream,
  ParquetFile as WasmFile,
  type WriterProperties,
  WriterPropertiesBuilder,
  WriterVersion,
} from 'parquet-wasm'
import type { RowGroupFooter } from '../parquet/footer.ts'
import { ROW_GROUP_BYTES, ROW_GROUP_ROWS } from './groups.ts'

/** How one column of a file is encoded; `dictionary` is `plain` with a dictionary in front. */
export type ColumnEncoding = 'plain' | 'delta' | 'delta-strings' | 'dictionary'

export interface ParquetProperties {
  readonly compression: 'snappy' | 'none' | 'gzip' | 'zstd'
  /** By column; `plain` where nothing is said. */
  readonly encodings: ReadonlyMap<string, ColumnEncoding>
  readonly metadata: ReadonlyMap<string, string>
}

const COMPRESSIONS: Readonly<Record<ParquetProperties['compression'], Compression>> = {
  snappy: Compression.SNAPPY,
  none: Compression.UNCOMPRESSED,
  gzip: Compression.GZIP,
  zstd: Compression.ZSTD,
}

const writerProperties = ({ compression, encodings, metadata }: ParquetProperties): WriterProperties => {
  let builder = new WriterPropertiesBuilder()
    .setWriterVersion(WriterVersion.V1)
    .setCompression(COMPRESSIONS[compression])
    .setDictionaryEnabled(false)
    .setEncoding(Encoding.PLAIN)
    .setStatisticsEnabled(EnabledStatistics.Chunk)
    .setMaxRowGroupSize(ROW_GROUP_ROWS)
    .setMaxRowGroupBytes(ROW_GROUP_BYTES)
    .setKeyValueMetadata(new Map(metadata))
  for (const [column, encoding] of encodings) {
    if (encoding === 'delta') builder = builder.setColumnEncoding(column, Encoding.DELTA_BINARY_PACKED)
    if (encoding === 'delta-strings') builder = builder.setColumnEncoding(column, Encoding.DELTA_BYTE_ARRAY)
    if (encoding === 'dictionary') builder = builder.setColumnDictionaryEnabled(column, true)
  }
  return builder.build()
}

const toRecordBatch = (stream: Uint8Array): RecordBatch => {
  const table = Table.fromIPCStream(stream)
  try {
    return table.recordBatch(0)!
  } finally {
    table.free()
  }
}

/**
 * The bytes of a Parquet file of `groups`, at least one, each the IPC stream of one record batch. Takes a group only
 * when it needs it and keeps one encoded row group in memory.
 */
export async function* encodeParquet(
  groups: AsyncIterator<Uint8Array>,
  properties: ParquetProperties,
): AsyncGenerator<Uint8Array, void, undefined> {
  // The codec must see a first record batch: a source without one ends the process.
  let next = await groups.next()
  let batch: RecordBatch | undefined = next.done === true ? undefined : toRecordBatch(next.value)
  if (batch === undefined) throw new Error('a Parquet file has at least one row group')
  let failure: { readonly cause: unknown } | undefined
  const source = new ReadableStream<RecordBatch>(
    {
      // The codec takes an error of its source for the end and writes a footer below what it has: so it is told the
      // end, and the error is thrown here.
      async pull(controller) {
        try {
          if (batch === undefined) {
            next = await groups.next()
            if (next.done === true) return controller.close()
            batch = toRecordBatch(next.value)
          }
          controller.enqueue(batch)
          batch = undefined
        } catch (cause) {
          failure = { cause }
          controller.close()
        }
      },
    },
    { highWaterMark: 0 },
  )
  const encoded: ReadableStream<Uint8Array> = await transformParquetStream(
    source,
    writerProperties(properties),
  )
  for await (const bytes of encoded) {
    if (failure !== undefined) throw failure.cause
    yield bytes
  }
  if (failure !== undefined) throw failure.cause
}

/** How much of a row group with large values is decoded at once: far below 2 GiB, however uneven they are. */
const BYTES_AT_ONCE = 4 * 1024 * 1024

/** How many rows of a row group to decode at once: all, unless its values are large. */
export const rowsAtOnce = ({ rows, decodedBytes }: RowGroupFooter): number =>
  decodedBytes <= 2 * ROW_GROUP_BYTES ? rows : Math.max(1, Math.floor((rows * BYTES_AT_ONCE) / decodedBytes))

/**
 * The bytes of a file that the codec may see. It is given nothing else, because a read that fails or comes short
 * inside the codec ends the process: read first, hold what was read, then decode.
 */
export class HeldBytes {
  readonly #pieces = new Set<{ readonly offset: number; readonly bytes: Uint8Array }>()

  /** Holds `bytes`, which are at `offset`, until the function that it returns is called. */
  hold(offset: number, bytes: Uint8Array): () => void {
    const piece = { offset, bytes }
    this.#pieces.add(piece)
    return () => this.#pieces.delete(piece)
  }

  /** Bytes `[start, end)`; zeros where they are not held: the codec asks for what lies between two columns as well. */
  get(start: number, end: number): ArrayBuffer {
    let result: Uint8Array<ArrayBuffer> | undefined
    for (const { offset, bytes } of this.#pieces) {
      const from = Math.max(start, offset)
      const to = Math.min(end, offset + bytes.length)
      if (from >= to) continue
      const isWhole = start === offset && end === offset + bytes.length
      if (isWhole && bytes.length === bytes.buffer.byteLength) return bytes.buffer as ArrayBuffer
      result ??= new Uint8Array(end - start)
      result.set(bytes.subarray(from - offset, to - offset), from - start)
    }
    return result?.buffer ?? new ArrayBuffer(end - start)
  }
}

/** The part of a Blob that the codec uses. A real one opened by path would break when the file is renamed or removed. */
const blobOver = (held: HeldBytes, start: number, end: number): Blob => {
  const blob = {
    size: end - start,
    slice: (from: number, to: number) => blobOver(held, start + from, start + to),
    arrayBuffer: async () => held.get(start, end),
  }
  return blob as unknown as Blob
}

const readerOptions = (
  rowGroup: number,
  rowsAtOnce: number,
  columns: readonly string[] | undefined,
): ReaderOptions => ({
  rowGroups: [rowGroup],
  batchSize: rowsAtOnce,
  ...(columns === undefined ? {} : { columns: [...columns] }),
})

/**
 * A row group of a file that is in memory as a whole, as one IPC stream. Copies the file into the codec each time, but
 * throws where it is damaged; {@link ParquetFile} needs verified bytes, or the process ends.
 */
export const readRowGroup = (
  file: Uint8Array,
  rowGroup: number,
  rowsAtOnce: number,
  columns: readonly string[],
): Uint8Array => readParquet(file, readerOptions(rowGroup, rowsAtOnce, columns)).intoIPCStream()

/** The schema of a file that is in memory as a whole, as an IPC stream. Throws where the file is damaged. */
export const schemaOf = (file: Uint8Array): Uint8Array => readSchema(file).intoIPCStream()

/** A Parquet file open for decoding, one row group at a time. */
export class ParquetFile {
  readonly #file: WasmFile
  private constructor(file: WasmFile) {
    this.#file = file
  }

  /**
   * Opens a file of `size` bytes of which `held` has everything behind the last column chunk, for as long as the file
   * is open; and while a row group is read, its column chunks. Throws whatever the codec throws.
   */
  static async open(size: number, held: HeldBytes): Promise<ParquetFile> {
    return new ParquetFile(await WasmFile.fromFile(blobOver(held, 0, size)))
  }

  /**
   * A row group as IPC streams of one record batch each, of at most `rowsAtOnce` rows; of all columns unless some are
   * named. A record batch whose strings take 2 GiB or more would end the process: see {@link rowsAtOnce}.
   */
  async *read(
    rowGroup: number,
    rowsAtOnce: number,
    columns?: readonly string[],
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const batches: ReadableStream<RecordBatch> = await this.#file.stream(
      readerOptions(rowGroup, rowsAtOnce, columns),
    )
    for await (const batch of batches) yield batch.intoIPCStream()
  }

  /** The IPC stream of the schema alone. */
  schema(): Uint8Array {
    return this.#file.schema().intoIPCStream()
  }

  /** Gives the codec's memory back. Once. */
  free(): void {
    this.#file.free()
  }
}
