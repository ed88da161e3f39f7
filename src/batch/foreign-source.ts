// Owns how the bytes of somebody else's Parquet file get to the codec. Nobody has a checksum of them, so damage must
// become an error here: small files are decoded from memory as a whole, where the codec throws. In larger ones it
// reads row group by row group, and damage inside a column chunk ends the process; what can be checked before, is.
import type { ParquetFooter } from '../parquet/footer.ts'
import { type ByteSource, openTail, readExactly } from './tail.ts'
import { HeldBytes, ParquetFile, readRowGroup, rowsAtOnce, schemaOf } from './wasm-codec.ts'

/** A file that can be decoded. Every method throws, or rejects with, whatever the codec does. */
export interface ForeignSource {
  readonly footer: ParquetFooter
  /** The IPC stream of the schema. */
  schema(): Uint8Array
  /** The columns of a row group that are named, as IPC streams. */
  read(rowGroup: number, columns: readonly string[]): AsyncIterable<Uint8Array>
  free(): void
}

/** Files up to this size are decoded as a whole: the codec copies them for each row group. */
const WHOLE_FILE_BYTES = 64 * 1024 * 1024

/** Most rows decoded at once: others write row groups of any size. */
const ROWS_AT_ONCE = 65_536

const rowsOf = (footer: ParquetFooter, rowGroup: number): number =>
  Math.max(1, Math.min(rowsAtOnce(footer.rowGroups[rowGroup]!), ROWS_AT_ONCE))

class WholeFile implements ForeignSource {
  readonly footer: ParquetFooter
  readonly #bytes: Uint8Array
  constructor(footer: ParquetFooter, bytes: Uint8Array) {
    this.footer = footer
    this.#bytes = bytes
  }

  schema(): Uint8Array {
    return schemaOf(this.#bytes)
  }

  async *read(rowGroup: number, columns: readonly string[]): AsyncGenerator<Uint8Array, void, undefined> {
    yield readRowGroup(this.#bytes, rowGroup, rowsOf(this.footer, rowGroup), columns)
  }

  free(): void {}
}

class LargeFile implements ForeignSource {
  readonly footer: ParquetFooter
  readonly #source: ByteSource
  readonly #held: HeldBytes
  readonly #parquet: ParquetFile
  constructor(footer: ParquetFooter, source: ByteSource, held: HeldBytes, parquet: ParquetFile) {
    this.footer = footer
    this.#source = source
    this.#held = held
    this.#parquet = parquet
  }

  schema(): Uint8Array {
    return this.#parquet.schema()
  }

  async *read(rowGroup: number, columns: readonly string[]): AsyncGenerator<Uint8Array, void, undefined> {
    const wanted = this.footer.rowGroups[rowGroup]!.chunks.filter(({ column }) => columns.includes(column))
    const from = Math.min(...wanted.map(({ offset }) => offset))
    const end = Math.max(...wanted.map(({ offset, length }) => offset + length))
    const release = this.#held.hold(from, await readExactly(this.#source, from, end - from))
    try {
      yield* this.#parquet.read(rowGroup, rowsOf(this.footer, rowGroup), columns)
    } finally {
      release()
    }
  }

  free(): void {
    this.#parquet.free()
  }
}

/** Opens a file. Rejects if it is not a Parquet file, or one that the codec does not understand. */
export const openForeignSource = async (
  source: ByteSource,
  wholeFileBytes: number = WHOLE_FILE_BYTES,
): Promise<ForeignSource> => {
  const { footer, size, end: offset } = await openTail(source)
  if (size <= wholeFileBytes) return new WholeFile(footer, await readExactly(source, 0, size))
  const held = new HeldBytes()
  held.hold(offset, await readExactly(source, offset, size - offset))
  return new LargeFile(footer, source, held, await ParquetFile.open(size, held))
}
