// Owns finding the rows of a row group that begin with given values without decoding the others: a page is judged by its
// first value, and only the pages that may have such rows are decoded; of other columns than the first nothing is asked
// where there are no such rows.
// Law: what is found is what `rowsBeginningWith` finds in all rows.
import { type Column, type Columns, slice, valueAt } from '../model/columns.ts'
import { rowsBeginningWith } from '../model/prefix.ts'
import { compareValues, type Value } from '../model/value.ts'
import type { RowRange } from '../parquet/decode-chunk.ts'
import { type ColumnChunks, decodeGroup, OpenColumn } from './decode-group.ts'
import type { LaidOutColumn, Layout } from './layout.ts'

/** Rows of whole pages outside which no row of a sorted column has the value. */
const pagesWith = (column: OpenColumn, rows: number, value: Value): RowRange => {
  const { starts } = column
  const orderAt = (page: number): number => {
    const from = starts[page]!
    return compareValues(valueAt(column.decode({ from, to: from + 1 }), 0), value)
  }
  /** The first page from `low` on that does not begin with what is before the value, or with it if `orEqual`. */
  const firstPage = (low: number, orEqual: boolean): number => {
    let high = starts.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const order = orderAt(middle)
      if (order < 0 || (orEqual && order === 0)) low = middle + 1
      else high = middle
    }
    return low
  }
  const begins = firstPage(0, false)
  const isIn = begins < starts.length && orderAt(begins) === 0
  const ends = isIn ? firstPage(begins, true) : begins
  return { from: starts[Math.max(0, begins - 1)] ?? 0, to: starts[ends] ?? rows }
}

/** Rows of a row group that have a value in its first column. */
interface LeadingRows {
  readonly range: RowRange
  /** That column of these rows. */
  readonly column: Column
}

/**
 * The rows whose first value is `value`, of a row group of which `isGroupDecodable` holds.
 * @param leading the first data column. @param chunks hold those of this column
 * @throws {MalformedColumn}
 */
export const findLeading = (leading: LaidOutColumn, chunks: ColumnChunks, value: Value): LeadingRows => {
  const column = new OpenColumn(leading, chunks)
  const pages = pagesWith(column, chunks.rows, value)
  const none = new Float64Array()
  const alone = { length: pages.to - pages.from, data: [column.decode(pages)], time: none, diff: none }
  const { from, to } = rowsBeginningWith(alone, [value])
  const range = { from: pages.from + from, to: pages.from + to }
  return { range, column: slice(alone, from, to).data[0]! }
}

/**
 * Those of the rows that {@link findLeading} found whose first values are `prefix`.
 * @param others all data columns but the first. @param chunks hold those of the others, of time and of diff
 * @throws {MalformedColumn}
 */
export const findRows = (
  { range, column }: LeadingRows,
  others: Layout,
  chunks: ColumnChunks,
  prefix: readonly Value[],
): Columns => {
  const rest = decodeGroup(others, chunks, range)
  const rows = { ...rest, data: [column, ...rest.data] }
  const { from, to } = rowsBeginningWith(rows, prefix)
  return slice(rows, from, to)
}
