// Owns reading a batch that decode-group.ts does not know: one with zstd, or with an encoding that nobody expected.
// Whoever needs it imports it when it is needed: it loads parquet-wasm and Arrow.
import type { Columns } from '../model/columns.ts'
import type { ParquetFooter } from '../parquet/footer.ts'
import { decodeColumns } from './decode.ts'
import { type Layout, partNames } from './layout.ts'
import { HeldBytes, ParquetFile, rowsAtOnce } from './wasm-codec.ts'

/** A batch file that is open in the library's codec. */
export class WasmReader {
  readonly #footer: ParquetFooter
  readonly #held: HeldBytes
  readonly #parquet: ParquetFile

  private constructor(footer: ParquetFooter, held: HeldBytes, parquet: ParquetFile) {
    this.#footer = footer
    this.#held = held
    this.#parquet = parquet
  }

  /**
   * Opens a file of `size` bytes by what is behind its last column chunk, from `offset` on. All bytes must be verified.
   * Rejects with whatever the codec says.
   */
  static async open(
    footer: ParquetFooter,
    size: number,
    offset: number,
    bytes: Uint8Array,
  ): Promise<WasmReader> {
    const held = new HeldBytes()
    held.hold(offset, bytes)
    return new WasmReader(footer, held, await ParquetFile.open(size, held))
  }

  /**
   * The rows of a row group.
   * @param bytesOf the column chunks of the layout, time and diff, by name
   * @throws {MalformedColumn} and whatever the codec says
   */
  async read(layout: Layout, index: number, bytesOf: ReadonlyMap<string, Uint8Array>): Promise<Columns> {
    const group = this.#footer.rowGroups[index]!
    const releases = group.chunks
      .filter(({ column }) => bytesOf.has(column))
      .map(({ column, offset }) => this.#held.hold(offset, bytesOf.get(column)!))
    try {
      const names = [...partNames(layout), 'time', 'diff']
      return await decodeColumns(layout, this.#parquet.read(index, rowsAtOnce(group), names))
    } finally {
      for (const release of releases) release()
    }
  }

  /** Gives the codec's memory back. Once, when nothing is read. */
  free(): void {
    this.#parquet.free()
  }
}
