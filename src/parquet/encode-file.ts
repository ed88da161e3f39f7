// Owns the order of what a file consists of: magic, row groups, footer. One encoded row group is in memory.
import type { Column } from '../model/columns.ts'
import { type ChunkSettings, encodeChunk } from './encode-chunk.ts'
import { MAGIC, type WrittenRowGroup, writeFooter } from './footer.ts'
import type { ParquetColumn } from './schema.ts'
import { Sink } from './sink.ts'

/** Makes a file, piece by piece. */
export class FileEncoder {
  readonly #columns: readonly ParquetColumn[]
  readonly #settings: ChunkSettings
  readonly #rowGroups: WrittenRowGroup[] = []
  readonly #sink = new Sink()
  #end = MAGIC.length

  constructor(columns: readonly ParquetColumn[], settings: ChunkSettings) {
    this.#columns = columns
    this.#settings = settings
  }

  /** The bytes that a file begins with. */
  start(): Uint8Array {
    return Buffer.from(MAGIC)
  }

  /**
   * The bytes of a row group, and how many rows of each column have a value of its type.
   * @param columns as many as the file has, in its order
   */
  rowGroup(columns: readonly Column[], rows: number): { bytes: Uint8Array; held: number[] } {
    const sink = this.#sink
    sink.reset()
    const chunks = this.#columns.map((parquet, index) =>
      encodeChunk(sink, this.#end, columns[index]!, rows, parquet, this.#settings),
    )
    this.#end += sink.length
    this.#rowGroups.push({ rows, chunks })
    return { bytes: sink.written().slice(), held: chunks.map(({ held }) => held) }
  }

  /** The bytes behind the last row group. */
  finish(metadata: ReadonlyMap<string, string>): Uint8Array {
    return writeFooter(this.#columns, this.#rowGroups, metadata)
  }
}
