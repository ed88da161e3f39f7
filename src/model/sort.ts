// Owns the order of rows: by the data columns, then by time. Two rows are compared here; many are sorted by numbers
// that order as they do.
import { type Columns, contentAt, isHeapKind } from './columns.ts'
import { type NumberedRows, sortByNumbers } from './radix-sort.ts'
import { type SortKey, sortKeys } from './sort-key.ts'
import { compareKinded, Kind } from './value.ts'

/** Compares two rows of possibly different columns by their data, not by time. */
export const compareTuples = (a: Columns, aRow: number, b: Columns, bRow: number): number => {
  for (let index = 0; index < a.data.length; index++) {
    const left = a.data[index]!
    const right = b.data[index]!
    const kind = left.kinds[aRow]!
    if (kind === right.kinds[bRow] && (kind === Kind.int || (isHeapKind(kind) && left.heap === right.heap))) {
      // The common cases: integers, and codes of one heap, which are equal only for equal values.
      const difference = left.payload[aRow]! - right.payload[bRow]!
      if (difference === 0) continue
      if (kind === Kind.int) return difference
    }
    const order = compareKinded(
      kind as Kind,
      contentAt(left, aRow),
      right.kinds[bRow] as Kind,
      contentAt(right, bRow),
    )
    if (order !== 0) return order
  }
  return 0
}

/** Compares two rows by data, then time. */
export const compareRows = (a: Columns, aRow: number, b: Columns, bRow: number): number =>
  compareTuples(a, aRow, b, bRow) || a.time[aRow]! - b.time[bRow]!

/** Whether two rows of the same columns hold the same tuple: codes decide, no value is looked at. */
export const sameTuple = (columns: Columns, a: number, b: number): boolean => {
  for (const { kinds, payload } of columns.data) {
    if (kinds[a] !== kinds[b]) return false
    const x = payload[a]!
    const y = payload[b]!
    // NaN is the only value that is not equal to itself, and there is one NaN.
    if (x !== y && !(Number.isNaN(x) && Number.isNaN(y))) return false
  }
  return true
}

/** Rows in order, and what is equal among them. */
export interface SortedRows {
  readonly rows: Uint32Array
  /** Per place in `rows`, 1 where an update begins that is not the one before it. */
  readonly starts: Uint8Array
}

/** So many rows in the order in which they are. */
export const allRows = (length: number): Uint32Array => {
  const rows = new Uint32Array(length)
  for (let row = 0; row < length; row++) rows[row] = row
  return rows
}

const inOrderOf = ({ values }: SortKey, rows: Uint32Array): NumberedRows => {
  const ordered = new Float64Array(rows.length)
  for (let place = 0; place < rows.length; place++) ordered[place] = values[rows[place]!]!
  return { rows, values: ordered }
}

/** Marks in `starts` where a value differs from the one before it. No value is NaN. */
export const markChanges = (values: Float64Array | Uint8Array, starts: Uint8Array): void => {
  for (let place = 1; place < starts.length; place++)
    starts[place]! |= Number(values[place] !== values[place - 1])
}

/** Rows up to which comparing them is faster than making numbers of them. */
const FEW_ROWS = 24

/** As {@link sortRows}, by insertion. */
const sortFewRows = (columns: Columns): SortedRows => {
  const { length } = columns
  const rows = allRows(length)
  const starts = new Uint8Array(length)
  for (let end = 0; end < length; end++) {
    const row = rows[end]!
    let place = end
    for (; place > 0 && compareRows(columns, rows[place - 1]!, columns, row) > 0; place--)
      rows[place] = rows[place - 1]!
    rows[place] = row
  }
  for (let place = 0; place < length; place++)
    starts[place] = Number(place === 0 || compareRows(columns, rows[place - 1]!, columns, rows[place]!) !== 0)
  return { rows, starts }
}

/** The rows of `columns` in order of (data, time). Rows that compare equal keep their order. */
export const sortRows = (columns: Columns): SortedRows => {
  const { length } = columns
  if (length <= FEW_ROWS) return sortFewRows(columns)
  const starts = new Uint8Array(length)
  starts[0] = 1
  const [first, ...others] = sortKeys(columns)
  if (first === undefined) return { rows: allRows(length), starts }
  // The numbers are used up by sorting; where other keys follow they are needed again.
  const values = others.length === 0 ? first.values : first.values.slice()
  let sorted = sortByNumbers({ rows: allRows(length), values }, first.span)
  for (const key of others) sorted = sortByNumbers(inOrderOf(key, sorted.rows), key.span)
  const { rows } = sorted
  markChanges(sorted.values, starts)
  for (const key of [first, ...others].slice(0, -1)) markChanges(inOrderOf(key, rows).values, starts)
  return { rows, starts }
}
