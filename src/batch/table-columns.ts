// Owns what an Arrow table of updates becomes: columns of canonical values, exactly, or a refusal with column and row.
import { InputError } from '../errors.ts'
import { type Columns, GrowingColumns } from '../model/columns.ts'
import type { Schema } from '../model/schema.ts'
import { isDiff, isTime } from '../model/update.ts'
import { Kind } from '../model/value.ts'
import { type ArrowArray, type ArrowTable, fromArrowTable } from './arrow.ts'
import { foreignColumn, MalformedCell, typeOfLayout } from './foreign-column.ts'

/** Updates out of a table. */
export interface TableUpdates {
  /** With what `missing` says where the table has no times, or no diffs. */
  readonly columns: Columns
  /** As the table calls the data columns, in the order of `columns`. */
  readonly names: readonly string[]
}

const refusal = (why: string, name: string, row?: number): InputError =>
  new InputError('UPDATE_INVALID', why, { place: `columns.${name}${row === undefined ? '' : `[${row}]`}` })

/** The names of the data columns in the order of the shard's: by name where its columns are declared, else by place. */
const dataNames = (names: readonly string[], schema: Schema | undefined): readonly string[] => {
  const data = names.filter(name => name !== 'time' && name !== 'diff')
  const repeated = names.find((name, index) => names.indexOf(name) !== index)
  if (repeated !== undefined) throw refusal('the table has two columns of this name', repeated)
  if (schema === undefined || !schema.every(({ declared }) => declared)) return data
  const wanted = schema.map(({ name }) => name)
  const lacking = wanted.find(name => !data.includes(name))
  if (lacking !== undefined) throw refusal('the table lacks a column of the shard', lacking)
  const surplus = data.find(name => !wanted.includes(name))
  if (surplus !== undefined) throw refusal('the shard has no such column', surplus)
  return wanted
}

/** The integers of a column, each of which `isValid` accepts; `missing` for all rows if there is no such column. */
const numbersOf = (
  arrays: ReadonlyMap<string, ArrowArray>,
  name: 'time' | 'diff',
  length: number,
  missing: number,
  isValid: (value: unknown) => boolean,
): Float64Array => {
  const array = arrays.get(name)
  if (array === undefined) return new Float64Array(length).fill(missing)
  const { kinds, payload } = foreignColumn(name, array)
  const row = payload.findIndex((value, at) => kinds[at] !== Kind.int || !isValid(value))
  if (row !== -1) throw new MalformedCell(name, row, `this is no ${name}`)
  return payload
}

/**
 * The updates in a table: columns named `time` and `diff`, of integers, are what they say; all others are data.
 *
 * @param missing the time of updates, and their diff, where the table does not say it
 * @throws {InputError} UPDATE_INVALID for columns that do not fit, are of a type without an equivalent, or hold a value
 * that has none; `details.place` reads `columns.price[3]`
 */
export const columnsOfTable = (
  table: ArrowTable,
  schema: Schema | undefined,
  missing: { readonly time: number; readonly diff: number },
): TableUpdates => {
  const batches = fromArrowTable(table)
  const names = dataNames(
    table.schema.fields.map(({ name }) => name),
    schema,
  )
  const columns = new GrowingColumns(names.length, table.numRows)
  for (const arrays of batches) {
    const length = [...arrays.values()][0]?.length ?? 0
    try {
      const data = names.map(name => {
        const array = arrays.get(name)!
        if (typeOfLayout(array.layout) === undefined)
          throw refusal('the column has a type without an equivalent', name)
        return foreignColumn(name, array)
      })
      const time = numbersOf(arrays, 'time', length, missing.time, isTime)
      const diff = numbersOf(arrays, 'diff', length, missing.diff, isDiff)
      columns.appendRange({ length, data, time, diff }, 0, length)
    } catch (cause) {
      if (!(cause instanceof MalformedCell)) throw cause
      throw refusal(cause.message, cause.column, columns.length + cause.row)
    }
  }
  return { columns: columns.view(), names }
}
