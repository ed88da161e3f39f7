// Owns rows as objects: the form in which a person, and a program that is not in a hurry, reads tuples.
import { type Column, type Columns, onlyKind, valueAt } from '../model/columns.ts'
import { isFloatColumn, type Schema } from '../model/schema.ts'
import { Kind, type Value } from '../model/value.ts'

/** A tuple and its multiplicity: the sum of its diffs up to the time of the snapshot, never 0. */
export interface Row {
  readonly data: Value[]
  readonly diff: number
}

/** In a column declared float64 a float is a plain number, also an integral one. */
const valueIn = (column: Column, row: number, isFloat: boolean): Value => {
  const kind = column.kinds[row]
  return kind === Kind.int || (isFloat && kind === Kind.float) ? column.payload[row]! : valueAt(column, row)
}

/**
 * Makes the values of a column, row by row. In a column declared float64 a float is a plain number, also an integral one.
 * @param schema of the columns
 */
export const valueReaders = ({ data, length }: Columns, schema: Schema): ((row: number) => Value)[] =>
  data.map((column, index) => {
    const { payload } = column
    const kind = onlyKind(column, length)
    const isFloat = isFloatColumn(schema[index]!)
    if (kind === Kind.int || (kind === Kind.float && isFloat)) return row => payload[row]!
    if (!isFloat) return row => valueAt(column, row)
    return row => valueIn(column, row, true)
  })

/** Makes the rows of columns, one by one. */
export const rowReader = (columns: Columns, schema: Schema): ((row: number) => Row) => {
  const readers = valueReaders(columns, schema)
  const { diff } = columns
  return row => {
    const data: Value[] = []
    for (let index = 0; index < readers.length; index++) data.push(readers[index]!(row))
    return { data, diff: diff[row]! }
  }
}

/** Adds rows `[from, to)` of columns: as {@link rowReader}, for few rows of many. */
export const addRows = (rows: Row[], columns: Columns, from: number, to: number, schema: Schema): void => {
  const { data: source, diff } = columns
  for (let row = from; row < to; row++) {
    const data: Value[] = []
    for (let index = 0; index < source.length; index++)
      data.push(valueIn(source[index]!, row, isFloatColumn(schema[index]!)))
    rows.push({ data, diff: diff[row]! })
  }
}
