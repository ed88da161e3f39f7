// Owns the reading of a batch file. Holds one descriptor, so that the file stays readable after it was replaced and
// removed (rules 18). Invariant: no byte is decoded before its checksum was verified (rules 15).
import type { Disk, DiskFile } from '../disk/disk.ts'
import { assert, CorruptionError, DiskError } from '../errors.ts'
import { type Columns, slice } from '../model/columns.ts'
import { MalformedJson } from '../model/json.ts'
import type { Bounds, Exclusion } from '../model/predicate.ts'
import { rowsBeginningWith } from '../model/prefix.ts'
import type { Value } from '../model/value.ts'
import { MAGIC, type ParquetFooter, readFooter } from '../parquet/footer.ts'
import { ColumnChunks, decodeGroup, isGroupDecodable } from './decode-group.ts'
import type { BatchDescription } from './description.ts'
import { findRows } from './find-rows.ts'
import { LAYOUT_KEY, type Layout, layoutFromText, partNames } from './layout.ts'
import { MalformedColumn } from './malformed-column.ts'
import { rowGroupBounds, rowGroupMayHold } from './prune.ts'
import { corrupt, readVerified, readVerifiedChunks } from './verified.ts'
import type { WasmReader } from './wasm-reader.ts'

const openFile = async (disk: Disk, file: string): Promise<DiskFile> => {
  try {
    return await disk.open(file, 'read')
  } catch (cause) {
    if (cause instanceof DiskError && cause.code === 'DISK_MISSING')
      throw new CorruptionError('BATCH_MISSING', 'a batch is not there', { file }, cause)
    throw cause
  }
}

/** Whether the footer, which is what was written, is the footer of the batch that the metadata describes. */
const checkFooter = (
  footer: ParquetFooter,
  layout: Layout,
  description: BatchDescription,
): string | undefined => {
  if (footer.rows !== description.len) return 'the number of rows differs'
  if (footer.rowGroups.length !== description.rowGroups.length) return 'the number of row groups differs'
  if (layout.length !== description.columns.length) return 'the number of columns differs'
  if (layout.some(({ type }, index) => type !== description.columns[index]!.type))
    return 'a column type differs'
  const columns = [...partNames(layout), 'time', 'diff'].join()
  let end = MAGIC.length
  for (const [index, { rows, chunks }] of footer.rowGroups.entries()) {
    const group = description.rowGroups[index]!
    if (rows !== group.len || chunks[0]?.offset !== group.offset) return 'a row group differs'
    if (chunks.length !== group.chunks.length) return 'the number of column chunks differs'
    if (chunks.map(({ column }) => column).join() !== columns) return 'the columns differ'
    for (const chunk of chunks) {
      if (chunk.offset !== end) return 'column chunks do not follow one another'
      end += chunk.length
    }
  }
  return end === description.footer.offset ? undefined : 'the footer is elsewhere'
}

/** A batch file that is open. Reading several row groups at the same time is fine. */
export class BatchReader {
  readonly file: string
  readonly description: BatchDescription
  readonly #source: DiskFile
  readonly #footer: ParquetFooter
  readonly #layout: Layout
  /** What is behind the last column chunk. */
  readonly #footerBytes: Uint8Array
  /** Opened when a row group needs it, which is rare. */
  #wasm: Promise<WasmReader> | undefined
  #reading = 0
  #closed = false

  private constructor(
    file: string,
    description: BatchDescription,
    source: DiskFile,
    footer: ParquetFooter,
    layout: Layout,
    footerBytes: Uint8Array,
  ) {
    this.file = file
    this.description = description
    this.#source = source
    this.#footer = footer
    this.#layout = layout
    this.#footerBytes = footerBytes
  }

  /**
   * Opens the batch that `description` describes and verifies its footer. Row groups are verified when read.
   *
   * @throws {CorruptionError} BATCH_MISSING, or BATCH_CORRUPT if it is not that batch of `shard`
   * @throws {DiskError} if the disk cannot say
   */
  static async open(
    disk: Disk,
    path: string,
    description: BatchDescription,
    shard: string,
  ): Promise<BatchReader> {
    const source = await openFile(disk, path)
    try {
      return await BatchReader.#over(source, path, description, shard)
    } catch (cause) {
      await source.close()
      throw cause
    }
  }

  static async #over(
    source: DiskFile,
    file: string,
    description: BatchDescription,
    shard: string,
  ): Promise<BatchReader> {
    const size = await source.size()
    if (size !== description.bytes)
      throw corrupt('the size of a batch differs', { file, expected: description.bytes, found: size })
    const magic = Buffer.from(await source.read(0, MAGIC.length)).toString('latin1')
    if (magic !== MAGIC) throw corrupt('the file is not a Parquet file', { file, offset: 0 })
    const { offset, crc32 } = description.footer
    const bytes = await readVerified(source, offset, size - offset, crc32, { file })
    let footer: ParquetFooter
    let own: ReturnType<typeof layoutFromText>
    try {
      footer = readFooter(bytes)
      own = layoutFromText(footer.metadata.get(LAYOUT_KEY) ?? '')
    } catch (cause) {
      const details = cause instanceof MalformedJson ? { file, offset, place: cause.place } : { file, offset }
      throw corrupt('the footer of a batch cannot be understood', details, cause)
    }
    if (own.shard !== shard)
      throw corrupt('the batch is of another shard', { file, expected: shard, found: own.shard })
    const difference = checkFooter(footer, own.layout, description)
    if (difference !== undefined)
      throw corrupt('the batch is not the one that its metadata describes', { file, offset, difference })
    return new BatchReader(file, description, source, footer, own.layout, bytes)
  }

  get rowGroups(): number {
    return this.#footer.rowGroups.length
  }

  /** Whether a row group may hold a row that meets all conditions, as far as its statistics say. */
  mayHold(index: number, conditions: readonly Exclusion[]): boolean {
    return rowGroupMayHold(this.#layout, this.#footer.rowGroups[index]!, conditions)
  }

  /** What the statistics say of a data column, for each row group; undefined where they say nothing. */
  bounds(column: number): (Bounds | undefined)[] {
    return this.#footer.rowGroups.map(group => rowGroupBounds(this.#layout, group, column))
  }

  /**
   * The rows of a row group, sorted by (data, time) as whole tuples.
   *
   * @param columns indices of the data columns wanted, in that order; no others are read. @default all
   * @throws {CorruptionError} BATCH_CORRUPT naming file, row group and, where known, column and offset
   */
  read(index: number, columns?: readonly number[]): Promise<Columns> {
    return this.#whileOpen(async () => {
      const layout = this.#layoutOf(columns)
      const bytesOf = await this.#chunksOf(index, layout)
      const decoded = await this.#decoding(index, () =>
        isGroupDecodable(layout, this.#footer.rowGroups[index]!)
          ? decodeGroup(layout, new ColumnChunks(this.#footer, index, bytesOf))
          : this.#readWasm(layout, index, bytesOf),
      )
      this.#check(decoded, index, this.description.rowGroups[index]!.len)
      return decoded
    })
  }

  /**
   * The rows of a row group whose first values are `prefix`, in order, as whole tuples. Only pages that may have some are
   * decoded: for few rows it costs a small part of what {@link read} does.
   *
   * @throws {CorruptionError} BATCH_CORRUPT as {@link read} does
   */
  find(index: number, prefix: readonly Value[]): Promise<Columns> {
    const group = this.#footer.rowGroups[index]!
    if (prefix.length > 0 && isGroupDecodable(this.#layout, group))
      return this.#whileOpen(async () => {
        const bytesOf = await this.#chunksOf(index, this.#layout)
        const chunks = new ColumnChunks(this.#footer, index, bytesOf)
        const found = await this.#decoding(index, () => findRows(this.#layout, chunks, prefix))
        this.#check(found, index, found.length)
        return found
      })
    return this.read(index).then(rows => {
      const { from, to } = rowsBeginningWith(rows, prefix)
      return slice(rows, from, to)
    })
  }

  #layoutOf(columns: readonly number[] | undefined): Layout {
    return columns === undefined ? this.#layout : columns.map(column => this.#layout[column]!)
  }

  /** Does `work`, and lets go of the file behind it if the reader was closed meanwhile. */
  async #whileOpen<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new Error('the batch reader is closed')
    this.#reading++
    try {
      return await work()
    } finally {
      this.#reading--
      if (this.#closed) await this.#release()
    }
  }

  /** Decodes; whatever is wrong with the bytes becomes an error of this batch. */
  async #decoding<T>(index: number, decode: () => T | Promise<T>): Promise<T> {
    try {
      return await decode()
    } catch (cause) {
      const column = cause instanceof MalformedColumn ? cause.column : undefined
      throw corrupt('a row group cannot be decoded', { file: this.file, rowGroup: index, column }, cause)
    }
  }

  async #readWasm(layout: Layout, index: number, bytesOf: ReadonlyMap<string, Uint8Array>): Promise<Columns> {
    return (await this.#openWasm()).read(layout, index, bytesOf)
  }

  #openWasm(): Promise<WasmReader> {
    const { bytes, footer } = this.description
    this.#wasm ??= import('./wasm-reader.ts').then(({ WasmReader }) =>
      WasmReader.open(this.#footer, bytes, footer.offset, this.#footerBytes),
    )
    return this.#wasm
  }

  /** The column chunks of a layout, time and diff, by name. */
  async #chunksOf(index: number, layout: Layout): Promise<ReadonlyMap<string, Uint8Array>> {
    assert(index >= 0 && index < this.rowGroups, 'the row group exists')
    const names = new Set([...partNames(layout), 'time', 'diff'])
    const { chunks } = this.#footer.rowGroups[index]!
    const expected = this.description.rowGroups[index]!.chunks
    const details = { file: this.file, rowGroup: index }
    return readVerifiedChunks(this.#source, chunks, expected, names, details)
  }

  /** @param len how many rows there must be */
  #check({ length, time }: Columns, index: number, len: number): void {
    const { lower, upper } = this.description
    const details = { file: this.file, rowGroup: index }
    if (length !== len) throw corrupt('a row group has another number of rows', { ...details, len, length })
    for (let row = 0; row < length; row++) {
      if (time[row]! >= lower && time[row]! < upper) continue
      throw corrupt('a time is outside the range of its batch', {
        ...details,
        row,
        time: time[row],
        lower,
        upper,
      })
    }
  }

  /** The row groups one after the other, decoded as they are asked for. */
  async *stream(): AsyncGenerator<Columns, void, undefined> {
    for (let index = 0; index < this.rowGroups; index++) yield await this.read(index)
  }

  /** Gives the descriptor and the codec's memory back. Closing twice is fine; reads under way still end well. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#release()
  }

  /** The last one out: reads that are under way still need both. */
  async #release(): Promise<void> {
    if (this.#reading > 0) return
    await this.#wasm?.then(
      wasm => wasm.free(),
      () => {},
    )
    await this.#source.close()
  }
}
