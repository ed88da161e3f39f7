// Owns the reading of a batch file. Holds one descriptor, so that the file stays readable after it was replaced and
// removed (rules 18). Invariant: no byte is decoded before its checksum was verified (rules 15).
import type { Disk, DiskFile } from '../disk/disk.ts'
import { assert, CorruptionError, DiskError, type ErrorDetails } from '../errors.ts'
import { checksum } from '../model/checksum.ts'
import type { Columns } from '../model/columns.ts'
import { MalformedJson } from '../model/json.ts'
import type { Exclusion } from '../model/predicate.ts'
import { MAGIC, type ParquetFooter, readFooter } from '../parquet/footer.ts'
import { decodeGroup, isGroupDecodable } from './decode-group.ts'
import type { BatchDescription } from './description.ts'
import { LAYOUT_KEY, type Layout, layoutFromText, partNames } from './layout.ts'
import { MalformedColumn } from './malformed-column.ts'
import { rowGroupMayHold } from './prune.ts'
import type { WasmReader } from './wasm-reader.ts'

const corrupt = (why: string, details: ErrorDetails, cause?: unknown): CorruptionError =>
  new CorruptionError('BATCH_CORRUPT', why, details, cause)

const openFile = async (disk: Disk, file: string): Promise<DiskFile> => {
  try {
    return await disk.open(file, 'read')
  } catch (cause) {
    if (cause instanceof DiskError && cause.code === 'DISK_MISSING')
      throw new CorruptionError('BATCH_MISSING', 'a batch is not there', { file }, cause)
    throw cause
  }
}

/** Reads exactly the range and checks it. */
const readVerified = async (
  source: DiskFile,
  offset: number,
  length: number,
  expected: string,
  details: ErrorDetails,
): Promise<Uint8Array<ArrayBuffer>> => {
  const bytes = await source.read(offset, length)
  const found = checksum(bytes)
  if (bytes.length !== length || found !== expected)
    throw corrupt('the checksum of a batch does not match', { ...details, offset, expected, found })
  return bytes
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

  /**
   * The rows of a row group, sorted by (data, time) as whole tuples.
   *
   * @param columns indices of the data columns wanted, in that order; no others are read. @default all
   * @throws {CorruptionError} BATCH_CORRUPT naming file, row group and, where known, column and offset
   */
  async read(index: number, columns?: readonly number[]): Promise<Columns> {
    if (this.#closed) throw new Error('the batch reader is closed')
    assert(index >= 0 && index < this.rowGroups, 'the row group exists')
    this.#reading++
    try {
      const layout = columns === undefined ? this.#layout : columns.map(column => this.#layout[column]!)
      const decoded = await this.#decode(index, layout)
      this.#check(decoded, index)
      return decoded
    } finally {
      this.#reading--
      if (this.#closed) await this.#release()
    }
  }

  async #decode(index: number, layout: Layout): Promise<Columns> {
    const bytesOf = await this.#chunksOf(index, new Set([...partNames(layout), 'time', 'diff']))
    try {
      if (isGroupDecodable(layout, this.#footer.rowGroups[index]!))
        return decodeGroup(layout, this.#footer, index, bytesOf)
      return await (await this.#openWasm()).read(layout, index, bytesOf)
    } catch (cause) {
      const column = cause instanceof MalformedColumn ? cause.column : undefined
      throw corrupt('a row group cannot be decoded', { file: this.file, rowGroup: index, column }, cause)
    }
  }

  #openWasm(): Promise<WasmReader> {
    const { bytes, footer } = this.description
    this.#wasm ??= import('./wasm-reader.ts').then(({ WasmReader }) =>
      WasmReader.open(this.#footer, bytes, footer.offset, this.#footerBytes),
    )
    return this.#wasm
  }

  /** The column chunks of these names, each verified, by name. */
  async #chunksOf(index: number, names: ReadonlySet<string>): Promise<ReadonlyMap<string, Uint8Array>> {
    const { chunks } = this.#footer.rowGroups[index]!
    const wanted = chunks.map(({ column }) => names.has(column))
    const bytesOf = new Map<string, Uint8Array>()
    // Neighbours are read at once.
    for (let from = wanted.indexOf(true); from !== -1; ) {
      let to = from + 1
      while (wanted[to] === true) to++
      const bytes = await this.#readChunks(index, from, to)
      const { offset } = chunks[from]!
      for (const chunk of chunks.slice(from, to))
        bytesOf.set(chunk.column, bytes.subarray(chunk.offset - offset, chunk.offset - offset + chunk.length))
      from = wanted.indexOf(true, to)
    }
    return bytesOf
  }

  /** The bytes of the column chunks `[from, to)` of a row group, each verified. */
  async #readChunks(index: number, from: number, to: number): Promise<Uint8Array> {
    const chunks = this.#footer.rowGroups[index]!.chunks.slice(from, to)
    const expected = this.description.rowGroups[index]!.chunks.slice(from, to)
    const { offset } = chunks[0]!
    const last = chunks.at(-1)!
    const bytes = await this.#source.read(offset, last.offset + last.length - offset)
    chunks.forEach((chunk, at) => {
      const found = checksum(bytes.subarray(chunk.offset - offset, chunk.offset - offset + chunk.length))
      if (found === expected[at]) return
      throw corrupt('the checksum of a batch does not match', {
        file: this.file,
        rowGroup: index,
        column: chunk.column,
        offset: chunk.offset,
        expected: expected[at],
        found,
      })
    })
    return bytes
  }

  #check({ length, time }: Columns, index: number): void {
    const { lower, upper, rowGroups } = this.description
    const { len } = rowGroups[index]!
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
