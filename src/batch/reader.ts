// Owns the reading of a batch file. Holds one descriptor, so that the file stays readable after it was replaced and
// removed (rules 18). Invariant: no byte is decoded before its checksum was verified (rules 15).
import type { Disk, DiskFile } from '../disk/disk.ts'
import { assert, CorruptionError, DiskError } from '../errors.ts'
import { type Columns, emptyColumns, slice } from '../model/columns.ts'
import { extentOf } from '../model/extent.ts'
import { MalformedJson } from '../model/json.ts'
import type { Bounds, Exclusion } from '../model/predicate.ts'
import { rowsBeginningWith } from '../model/prefix.ts'
import { timesAt } from '../model/uniform.ts'
import type { Value } from '../model/value.ts'
import { MAGIC, type ParquetFooter, readFooter } from '../parquet/footer.ts'
import { ColumnChunks, decodeGroup, isGroupDecodable } from './decode-group.ts'
import type { BatchDescription } from './description.ts'
import { findLeading, findRows } from './find-rows.ts'
import { LAYOUT_KEY, type Layout, layoutFromText, partNames } from './layout.ts'
import { MalformedColumn } from './malformed-column.ts'
import { rowGroupBounds, rowGroupMayHold } from './prune.ts'
import { corrupt, readVerifiedChunks, requireChecksum } from './verified.ts'
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

/** The names of the column chunks of a layout, of time and of diff. */
const chunkNames = (layout: Layout): string[] => [...partNames(layout), 'time', 'diff']

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
  const columns = chunkNames(layout).join()
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

/** What of a row group is wanted. */
export interface Wanted {
  /** Indices of its data columns, in the order in which they are wanted. */
  readonly columns: readonly number[]
  /** At which all rows are said to be, whatever their own times are. @default their own */
  readonly time: number | undefined
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
    const { offset, crc32 } = description.footer
    // At once: who opens many batches waits for each of them to be asked.
    const [found, magic, bytes] = await Promise.all([
      source.size(),
      source.read(0, MAGIC.length),
      source.read(offset, description.bytes - offset),
    ])
    if (found !== description.bytes)
      throw corrupt('the size of a batch differs', { file, expected: description.bytes, found })
    if (Buffer.from(magic).toString('latin1') !== MAGIC)
      throw corrupt('the file is not a Parquet file', { file, offset: 0 })
    requireChecksum(bytes, crc32, { file, offset })
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
   * @param wanted no other data columns are read. Times are read and verified even if they are not wanted. @default all
   * @throws {CorruptionError} BATCH_CORRUPT naming file, row group and, where known, column and offset
   */
  read(index: number, wanted?: Wanted): Promise<Columns> {
    return this.#whileOpen(async () => {
      const layout = this.#layoutOf(wanted?.columns)
      const isDecodable = isGroupDecodable(layout, this.#footer.rowGroups[index]!)
      const { len } = this.description.rowGroups[index]!
      const time = wanted?.time === undefined ? undefined : timesAt(wanted.time, len)
      const bytesOf = await this.#chunksOf(index, chunkNames(layout))
      const decoded = await this.#decoding(index, () =>
        isDecodable
          ? decodeGroup(layout, new ColumnChunks(this.#footer, index, bytesOf), undefined, time)
          : this.#readWasm(layout, index, bytesOf),
      )
      this.#checkLength(decoded, index, len)
      if (time !== undefined) return { ...decoded, time }
      this.#checkTimes(decoded, index)
      return decoded
    })
  }

  /**
   * The rows of a row group whose first values are `prefix`, in order, as whole tuples. Only pages that may have some are
   * decoded, and where there are none, only the first column is read: for few rows it costs a small part of what
   * {@link read} does.
   *
   * @throws {CorruptionError} BATCH_CORRUPT as {@link read} does
   */
  find(index: number, prefix: readonly Value[]): Promise<Columns> {
    if (prefix.length > 0 && isGroupDecodable(this.#layout, this.#footer.rowGroups[index]!))
      return this.#whileOpen(() => this.#find(index, prefix))
    return this.read(index).then(rows => {
      const { from, to } = rowsBeginningWith(rows, prefix)
      return slice(rows, from, to)
    })
  }

  async #find(index: number, prefix: readonly Value[]): Promise<Columns> {
    const [leading, ...others] = this.#layout
    const chunksOf = async (names: readonly string[]): Promise<ColumnChunks> =>
      new ColumnChunks(this.#footer, index, await this.#chunksOf(index, names))
    const first = await chunksOf(partNames([leading!]))
    const rows = await this.#decoding(index, () => findLeading(leading!, first, prefix[0]!))
    if (rows.column.kinds.length === 0) return emptyColumns(this.#layout.length)
    const rest = await chunksOf(chunkNames(others))
    const found = await this.#decoding(index, () => findRows(rows, others, rest, prefix))
    this.#checkTimes(found, index)
    return found
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

  /** Column chunks by name. */
  async #chunksOf(index: number, names: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>> {
    assert(index >= 0 && index < this.rowGroups, 'the row group exists')
    const { chunks } = this.#footer.rowGroups[index]!
    const expected = this.description.rowGroups[index]!.chunks
    const details = { file: this.file, rowGroup: index }
    return readVerifiedChunks(this.#source, chunks, expected, new Set(names), details)
  }

  /** @param len how many rows there must be */
  #checkLength({ length }: Columns, index: number, len: number): void {
    if (length === len) return
    const details = { file: this.file, rowGroup: index }
    throw corrupt('a row group has another number of rows', { ...details, len, length })
  }

  #checkTimes({ length, time }: Columns, index: number): void {
    const { lower, upper } = this.description
    if (length === 0) return
    const { lowest, highest } = extentOf(time, length)
    if (lowest >= lower && highest < upper) return
    const row = time.findIndex(at => at < lower || at >= upper)
    throw corrupt('a time is outside the range of its batch', {
      file: this.file,
      rowGroup: index,
      row,
      time: time[row],
      lower,
      upper,
    })
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
