// Owns reading somebody else's Parquet file as updates. Nobody vouches for the file: what cannot be an update is
// refused with file, column and row, never rounded, skipped or guessed.
import { DiskError, type ErrorDetails, InputError } from '../errors.ts'
import { type Column, type Columns, emptyColumns, GrowingColumns, slice } from '../model/columns.ts'
import type { ColumnDeclaration } from '../model/schema.ts'
import { TIME_MAX } from '../model/update.ts'
import { Kind } from '../model/value.ts'
import { type ArrowArray, type ArrowLayout, arrowSchema, fromArrowStream } from './arrow.ts'
import { MalformedColumn } from './decode.ts'
import { foreignColumn, MalformedCell, typeOfLayout } from './foreign-column.ts'
import { type ByteSource, type ForeignSource, openForeignSource } from './foreign-source.ts'

/** Which columns of a file mean what. */
export interface ForeignMapping {
  /** The data columns, in order. @default all but the time and diff columns */
  readonly columns?: readonly string[]
  /** The column with the times. @default none: every time is 0 */
  readonly time?: string
  /** The column with the diffs. @default none: every diff is 1 */
  readonly diff?: string
}

/** The columns that are read, and that there are such and of types that have an equivalent. */
const chosen = (
  all: readonly { readonly name: string; readonly layout: ArrowLayout }[],
  mapping: ForeignMapping,
  file: string,
): ForeignFile['columns'] => {
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
  return names.map(name => {
    const { layout } = find(name)
    const type = typeOfLayout(layout)
    return type === undefined
      ? refuse('the column has a type without an equivalent', name, {
          type: layout.kind === 'other' ? layout.name : JSON.stringify(layout),
        })
      : { name, type }
  })
}

/** Someone else's Parquet file, open. Its source stays the caller's to close. */
export class ForeignFile {
  readonly file: string
  /** The data columns, fit to be declared. */
  readonly columns: readonly ColumnDeclaration[]
  readonly #mapping: ForeignMapping
  readonly #source: ForeignSource

  constructor(
    file: string,
    columns: readonly ColumnDeclaration[],
    mapping: ForeignMapping,
    source: ForeignSource,
  ) {
    this.file = file
    this.columns = columns
    this.#mapping = mapping
    this.#source = source
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
    let row = this.#source.footer.rowGroups.slice(0, index).reduce((sum, { rows }) => sum + rows, 0)
    const result = new GrowingColumns(this.columns.length, group.rows)
    const { time, diff } = this.#mapping
    const names = [...this.columns.map(({ name }) => name), time, diff].filter(name => name !== undefined)
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
    const { time, diff } = this.#mapping
    return {
      length,
      data: this.columns.map(({ name }) => column(name)),
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
 * @throws {InputError} FILE_INVALID if it is none, lacks a column of the mapping, or has one without an equivalent
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
