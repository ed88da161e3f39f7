// Owns columns as arrays: the form in which a program reads many tuples at once, and can append them elsewhere.
import { type Columns, onlyKind } from '../model/columns.ts'
import type { Schema } from '../model/schema.ts'
import { Kind, type Value } from '../model/value.ts'
import { valueReaders } from './row.ts'

/** The values of one column: as numbers where all are integers of 32 bits, or all are floats. */
export type ColumnArray = Int32Array | Float64Array | readonly Value[]

/** Rows as columns: the tuple `[data[0][i], data[1][i], …]` has the multiplicity `diff[i]`, a whole number, never 0. */
export interface ColumnArrays {
  readonly length: number
  /** An array of `length` values for each column. */
  readonly data: ColumnArray[]
  readonly diff: Float64Array
}

/** The columns as arrays of their own, which nobody else reads or changes. @param schema of the columns */
export const arraysOf = (columns: Columns, schema: Schema): ColumnArrays => {
  const { length } = columns
  const readers = valueReaders(columns, schema)
  const data = columns.data.map((column, index): ColumnArray => {
    const { type } = schema[index]!
    const kind = onlyKind(column, length)
    const numbers = column.payload.subarray(0, length)
    if (type === 'int32' && kind === Kind.int) return Int32Array.from(numbers)
    if (type === 'float64' && kind === Kind.float) return numbers.slice()
    return Array.from({ length }, (_, row) => readers[index]!(row))
  })
  return { length, data, diff: columns.diff.slice(0, length) }
}
