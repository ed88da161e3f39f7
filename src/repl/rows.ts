// Owns the facts of a relation as a session shows them.
import type { ColumnSchema } from '../model/schema.ts'
import { float, type Value } from '../model/value.ts'
import type { Row } from '../store/row.ts'

/** In a column declared `float64` the store reads every number back as a plain one; here an integral one stays a float. */
export const typed = (data: readonly Value[], columns: readonly ColumnSchema[]): Value[] =>
  data.map((value, index) => {
    const { declared, type } = columns[index]!
    return declared && type === 'float64' && Number.isInteger(value) ? float(value as number) : value
  })

/** What is present: the tuples whose multiplicity is positive. */
export async function* present(
  rows: AsyncIterable<Row>,
  columns: readonly ColumnSchema[],
): AsyncGenerator<Value[]> {
  for await (const { data, diff } of rows) if (diff > 0) yield typed(data, columns)
}

/** The declared names of the columns, or `A`, `B`, … if there are none. */
export const titlesOf = (columns: readonly ColumnSchema[]): string[] =>
  columns.map(({ name, declared }, index) =>
    declared ? name : `${String.fromCharCode(65 + (index % 26))}${Math.floor(index / 26) || ''}`,
  )
