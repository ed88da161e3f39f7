// Owns finding the rows of a row group that begin with given values without decoding the others: a page is judged by its
// first value, and only the pages that may have such rows are decoded.
// Law: what is found is what `rowsBeginningWith` finds in all rows.
import { type Columns, slice, valueAt } from '../model/columns.ts'
import { rowsBeginningWith } from '../model/prefix.ts'
import { compareValues, type Value } from '../model/value.ts'
import type { RowRange } from '../parquet/decode-chunk.ts'
import { type ColumnChunks, decodeGroup, OpenColumn } from './decode-group.ts'
import type { Layout } from './layout.ts'

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

/**
 * The rows whose first values are `prefix`, of a row group of which `isGroupDecodable` holds.
 * @param layout of all data columns. @param prefix at least one value
 * @throws {MalformedColumn}
 */
export const findRows = (layout: Layout, chunks: ColumnChunks, prefix: readonly Value[]): Columns => {
  const [leading, ...others] = layout
  const [value] = prefix
  const column = new OpenColumn(leading!, chunks)
  const pages = pagesWith(column, chunks.rows, value!)
  const first = column.decode(pages)
  const none = new Float64Array()
  const alone = { length: pages.to - pages.from, data: [first], time: none, diff: none }
  const { from, to } = rowsBeginningWith(alone, [value!])
  const range = { from: pages.from + from, to: pages.from + to }
  const rest = decodeGroup(others, chunks, range)
  const [own] = slice(alone, from, to).data
  const rows = { ...rest, data: [own!, ...rest.data] }
  const found = rowsBeginningWith(rows, prefix)
  return slice(rows, found.from, found.to)
}
