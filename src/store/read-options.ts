// Owns what a read asks for: which columns, and which rows, by the names that callers use.
import { InputError } from '../errors.ts'
import { columnIndex, conditionsOf, leadingPoints, type Where } from '../model/predicate.ts'
import type { Schema } from '../model/schema.ts'
import { checkOptions } from './options.ts'
import type { Selection } from './scan.ts'

/** What is read of a shard: everything, unless it is said. */
export interface ReadOptions {
  /**
   * Names of the columns wanted, in that order, each once. Rows that are equal in them are one row, whose diff is the
   * sum. Only they and those of `where` are read; if they are not the first columns of the shard in order, the
   * distinct rows are sorted in memory. @default all
   */
  readonly columns?: readonly string[]
  /** What a tuple must meet. Batches and row groups that cannot have such a tuple are not read. @default nothing */
  readonly where?: Where
}

/**
 * What is to be read of a shard with these columns.
 * @throws {InputError} OPTION_INVALID, COLUMN_UNKNOWN, WHERE_INVALID, VALUE_INVALID with `details.place`
 */
export const selectionOf = (options: ReadOptions, schema: Schema): Selection => {
  checkOptions(options, ['columns', 'where', 'from'])
  const { columns, where } = options
  if (columns !== undefined && !Array.isArray(columns))
    throw new InputError('COLUMN_UNKNOWN', 'columns is a list of names', { place: 'columns' })
  const indices =
    columns?.map((name, index) => columnIndex(schema, name, `columns[${index}]`)) ??
    schema.map((_, index) => index)
  const repeated = indices.findIndex((column, index) => indices.indexOf(column) !== index)
  if (repeated !== -1)
    throw new InputError('COLUMN_UNKNOWN', 'a column is named once', {
      place: `columns[${repeated}]`,
      column: columns![repeated],
    })
  return { columns: indices, conditions: where === undefined ? [] : conditionsOf(where, schema) }
}

/** Whether a selection is of all tuples that begin with certain values, as they are. */
export const isLookup = ({ columns, conditions }: Selection, schema: Schema): boolean =>
  conditions.length > 0 &&
  leadingPoints(conditions).length === conditions.length &&
  columns.length === schema.length &&
  columns.every((column, index) => column === index)
