// Owns finding the rows of sorted columns that begin with given values, by binary search.
import { type Column, type Columns, contentAt } from './columns.ts'
import { compareKinded, contentOf, type HeapValue, Kind, kindOf, type Value } from './value.ts'

/** Rows `[from, to)`. */
export interface RowRange {
  readonly from: number
  readonly to: number
}

const compareAt = (column: Column, row: number, kind: Kind, content: number | HeapValue): number => {
  const own = column.kinds[row] as Kind
  return own === Kind.int && kind === Kind.int
    ? column.payload[row]! - (content as number)
    : compareKinded(own, contentAt(column, row), kind, content)
}

/** The first row of `[from, to)` that is not before the value, or with `orEqual` behind it. */
const firstNotBefore = (
  column: Column,
  { from, to }: RowRange,
  kind: Kind,
  content: number | HeapValue,
  orEqual: boolean,
): number => {
  let low = from
  let high = to
  while (low < high) {
    const middle = (low + high) >>> 1
    const order = compareAt(column, middle, kind, content)
    if (order < 0 || (orEqual && order === 0)) low = middle + 1
    else high = middle
  }
  return low
}

/** The first row of `[from, to)` that is behind the value, which all before it are equal to: near `from`, as a rule. */
const endOfEqual = (
  column: Column,
  { from, to }: RowRange,
  kind: Kind,
  content: number | HeapValue,
): number => {
  let low = from
  let step = 1
  while (low + step < to && compareAt(column, low + step, kind, content) === 0) {
    low += step
    step *= 2
  }
  return firstNotBefore(column, { from: low, to: Math.min(to, low + step) }, kind, content, true)
}

/** The rows of columns that are sorted by tuple whose first values are `values`; none is an empty range. */
export const rowsBeginningWith = (columns: Columns, values: readonly Value[]): RowRange => {
  let range: RowRange = { from: 0, to: columns.length }
  for (let index = 0; index < values.length && range.from < range.to; index++) {
    const column = columns.data[index]!
    const kind = kindOf(values[index]!)
    const content = contentOf(values[index]!)
    const from = firstNotBefore(column, range, kind, content, false)
    range = { from, to: endOfEqual(column, { from, to: range.to }, kind, content) }
  }
  return range
}
