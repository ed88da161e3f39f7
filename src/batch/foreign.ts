// Owns reading somebody else's Parquet file as updates. Nobody vouches for the file: what cannot be an update is
// refused with file, column and row, never rounded, skipped or guessed.
import { DiskError, type ErrorDetails, InputError } from '../errors.ts'
import { placedColumns } from '../model/column-names.ts'
import { type Column, type Columns, emptyColumns, GrowingColumns, slice } from '../model/columns.ts'
import { type ColumnDeclaration, firstMismatch, floatIntegers, type Schema } from '../model/schema.ts'
import { TIME_MAX } from '../model/update.ts'
import { Kind } from '../model/value.ts'
import { type ArrowArray, type ArrowLayout, arrowSchema, fromArrowStream } from './arrow.ts'
import { foreignColumn, MalformedCell, typeOfLayout } from './foreign-column.ts'
import { type ForeignSource, openForeignSource } from './foreign-source.ts'
import { MalformedColumn } from './malformed-column.ts'
import type { ByteSource } from './tail.ts'

/** Which columns of a file mean what. */
export interface ForeignMapping {
  /** The data columns, in order. @default all but the time and diff columns */
  readonly columns?: readonly string[]
  /** The column with the times. @default none: every time is 0 */
  readonly time?: string
  /** The column with the diffs. @default none: every diff is 1 */
  readonly diff?: string
  /** The schema of the shard that takes the rows. @default none: it is new */
  readonly schema?: Schema
}

/** A data column as the shard has it, and where it comes from. */
interface DataColumn extends ColumnDeclaration {
  /** As the file calls it. */
  readonly source: string
}

/** The columns that are read, and that there are such, of types that have an equivalent, and those of the shard. */
const chosen = (
  all: readonly { readonly name: string; readonly layout: ArrowLayout }[],
  mapping: ForeignMapping,
  file: string,
): DataColumn[] => {
  const refuse = (why: string, column: string, details: ErrorDetails = {}): never => {
    throw new InputError('FILE_INVALID', why, { file, column, ...details })
  }
  const find = (name: string) =>
    all.find(column => column.name === name) ??
    refuse('the file has no such column', name, { columns: all.map(column => column.name) })
  for (const name of [mapping.time, mapping.diff]) {
    if (name !== undefined && find(name).layout.kind !== 'integer')
      refuse('times and diffs are columns of integers', name)
  }
  const names =
    mapping.columns ??
    all.map(({ name }) => name).filter(name => name !== mapping.time && name !== mapping.diff)
  const types = names.map(name => {
    const { layout } = find(name)
    return (
      typeOfLayout(layout) ??
      refuse('the column has a type without an equivalent', name, {
        type: layout.kind === 'other' ? layout.name : JSON.stringify(layout),
      })
    )
  })
  return placedColumns({ names, named: true, file }, mapping.schema).map(({ index, name, declared }) => ({
    source: names[index]!,
    name,
    type: declared ?? types[index]!,
  }))
}

/** Someone else's Parquet file, open. Its source stays the caller's to close. */
export class ForeignFile {
  readonly file: string
  readonly #data: readonly DataColumn[]
  readonly #mapping: ForeignMapping
  readonly #source: ForeignSource

  constructor(file: string, data: readonly DataColumn[], mapping: ForeignMapping, source: ForeignSource) {
    this.file = file
    this.#data = data
    this.#mapping = mapping
    this.#source = source
  }

  /** The data columns as those of the shard that takes them, in its order; fit to be declared. */
  get columns(): readonly ColumnDeclaration[] {
    return this.#data.map(({ name, type }) => ({ name, type }))
  }

  /** What became of the names of its data columns: those that are called otherwise now. */
  get renamed(): readonly { readonly from: string; readonly to: string }[] {
    return this.#data
      .map(({ source, name }) => ({ from: source, to: name }))
      .filter(({ from, to }) => from !== to)
  }

  get rows(): number {
    return this.#source.footer.rows
  }

  get rowGroups(): number {
    return this.#source.footer.rowGroups.length
  }

  /** How many rows a row group has. */
  rowGroupRows(index: number): number {
    return this.#source.footer.rowGroups[index]!.rows
  }

  /**
   * The rows of a row group, in the file's order.
   * @throws {InputError} FILE_INVALID naming file, column and row (counted from 0 in the whole file)
   */
  async read(index: number): Promise<Columns> {
    const group = this.#source.footer.rowGroups[index]!
    let row = this.#firstRow(index)
    const result = new GrowingColumns(this.#data.length, group.rows)
    const { time, diff } = this.#mapping
    const names = [...this.#data.map(({ source }) => source), time, diff].filter(name => name !== undefined)
    try {
      for await (const stream of this.#source.read(index, names)) {
        for (const arrays of fromArrowStream(stream)) {
          const columns = this.#decode(arrays)
          result.appendRange(columns, 0, columns.length)
          row += columns.length
        }
      }
    } catch (cause) {
      if (cause instanceof MalformedCell)
        throw this.#invalid(cause.message, { column: cause.column, row: row + cause.row })
      if (cause instanceof MalformedColumn) throw this.#invalid(cause.message, { column: cause.column })
      if (cause instanceof DiskError) throw cause
      throw this.#invalid('the file cannot be decoded', { rowGroup: index, cause: String(cause) })
    }
    if (result.length !== group.rows) throw this.#invalid('the file cannot be decoded', { rowGroup: index })
    return result.view()
  }

  /** The number of the first row of a row group. */
  #firstRow(index: number): number {
    return this.#source.footer.rowGroups.slice(0, index).reduce((sum, { rows }) => sum + rows, 0)
  }

  /**
   * Reads the whole file once, to refuse before a row is used what {@link read} would refuse in the middle, and rows
   * that are not in order of time.
   *
   * @param progress is told the rows read so far and how many there are
   * @throws {InputError} FILE_INVALID naming file, column and row (counted from 0 in the whole file)
   */
  async check(progress: (doneRows: number, totalRows: number) => void = () => {}): Promise<void> {
    let last = 0
    for (let group = 0; group < this.rowGroups; group++) {
      const first = this.#firstRow(group)
      const { time, length } = await this.read(group)
      for (let row = 0; row < length; row++) {
        if (time[row]! < last)
          throw this.#invalid('the rows are not in order of time; sort the file first', {
            column: this.#mapping.time,
            row: first + row,
            time: time[row],
            after: last,
          })
        last = time[row]!
      }
      progress(first + length, this.rows)
    }
  }

  /** The rows from number `skip` on, in the file's order, a row group at a time. Throws as {@link read} does. */
  async *chunks(skip: number): AsyncGenerator<Columns, void, undefined> {
    let passed = 0
    for (let group = 0; group < this.rowGroups; group++) {
      const length = this.rowGroupRows(group)
      if (passed + length > skip) {
        const columns = await this.read(group)
        yield passed >= skip ? columns : slice(columns, skip - passed, length)
      }
      passed += length
    }
  }

  #invalid(why: string, details: ErrorDetails): InputError {
    return new InputError('FILE_INVALID', why, { file: this.file, ...details })
  }

  #decode(arrays: ReadonlyMap<string, ArrowArray>): Columns {
    const [any] = arrays.values()
    if (any === undefined) return emptyColumns(0)
    const { length } = any
    const column = (name: string): Column => {
      const array = arrays.get(name)
      if (array === undefined) throw new MalformedColumn(name, 'the file has no such column')
      return foreignColumn(name, array)
    }
    const data = ({ source, type }: DataColumn): Column => {
      const values = column(source)
      if (type === 'float64') floatIntegers(values, length)
      const row = firstMismatch(type, values, length)
      if (row !== -1) throw new MalformedCell(source, row, `the value is not of type ${type}`)
      return values
    }
    const { time, diff } = this.#mapping
    return {
      length,
      data: this.#data.map(data),
      time: time === undefined ? new Float64Array(length) : checkedTimes(time, column(time)),
      diff: diff === undefined ? new Float64Array(length).fill(1) : checkedDiffs(diff, column(diff)),
    }
  }

  /** Gives the codec's memory back. Once. */
  close(): void {
    this.#source.free()
  }
}

const checkedTimes = (name: string, { kinds, payload }: Column): Float64Array => {
  for (let row = 0; row < payload.length; row++)
    if (kinds[row] !== Kind.int || payload[row]! < 0 || payload[row]! > TIME_MAX)
      throw new MalformedCell(name, row, 'a time is not a whole number from 0 to 2^53-2')
  return payload
}

const checkedDiffs = (name: string, { kinds, payload }: Column): Float64Array => {
  for (let row = 0; row < payload.length; row++)
    if (kinds[row] !== Kind.int || payload[row] === 0)
      throw new MalformedCell(name, row, 'a diff is not a safe integer other than 0')
  return payload
}

/**
 * Opens a Parquet file that somebody else wrote. `source` stays the caller's to close.
 *
 * @param file its name, for errors
 * @throws {InputError} FILE_INVALID if it is none, lacks a column of the mapping, or has one without an equivalent, or
 * one that the schema has not; ARITY_MISMATCH where the schema has no names
 * @throws {DiskError} if it cannot be read
 */
export const openForeign = async (
  source: ByteSource,
  file: string,
  mapping: ForeignMapping = {},
): Promise<ForeignFile> => {
  let opened: ForeignSource
  let schema: ReturnType<typeof arrowSchema>
  try {
    opened = await openForeignSource(source)
    schema = arrowSchema(opened.schema())
  } catch (cause) {
    if (cause instanceof DiskError) throw cause
    const details = { file, cause: String(cause) }
    throw new InputError('FILE_INVALID', 'the file is not a Parquet file that can be read', details)
  }
  try {
    return new ForeignFile(file, chosen(schema, mapping, file), mapping, opened)
  } catch (cause) {
    opened.free()
    throw cause
  }
}
