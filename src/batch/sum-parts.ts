// Owns the sum of a few rows out of several sorted runs, as a lookup finds them: one row for each tuple, and none whose
// diffs add up to zero.
// Law: it is what `consolidate` makes of these rows, once all that count are at one time.
import {
  type Column,
  type Columns,
  emptyColumns,
  GrowingColumns,
  isHeapKind,
  slice,
} from '../model/columns.ts'
import { consolidate } from '../model/consolidate.ts'
import { Heap } from '../model/heap.ts'
import type { RowRange } from '../model/prefix.ts'
import { compareTuples } from '../model/sort.ts'
import { inRange } from './merge.ts'

/** Rows `[from, to)` of columns. */
export interface Part extends RowRange {
  readonly columns: Columns
}

/** The rows of a part that is a sum, all at time `asOf`. */
export const columnsAt = ({ columns, from, to }: Part, asOf: number): Columns =>
  inRange(slice(columns, from, to), { since: asOf, until: asOf })

/** Tuples up to which each row is put in its place among them at once. */
const FEW_TUPLES = 32

/** Tuples in order: the row where each was found first, and the sum of its diffs. */
interface Tuples {
  readonly sources: Columns[]
  readonly rows: number[]
  readonly sums: number[]
}

/** The tuples of rows up to `asOf`; undefined if they are not few, or a sum is beyond the safe integers. */
const fewTuples = (parts: readonly Part[], asOf: number): Tuples | undefined => {
  const sources: Columns[] = []
  const rows: number[] = []
  const sums: number[] = []
  for (const { columns, from, to } of parts) {
    const { time, diff } = columns
    for (let row = from; row < to; row++) {
      if (time[row]! > asOf) continue
      // From the end: the rows of a run come in order.
      let place = sources.length
      let order = -1
      while (place > 0) {
        order = compareTuples(sources[place - 1]!, rows[place - 1]!, columns, row)
        if (order <= 0) break
        place--
      }
      if (place > 0 && order === 0) {
        const sum = sums[place - 1]! + diff[row]!
        if (!Number.isSafeInteger(sum)) return undefined
        sums[place - 1] = sum
        continue
      }
      if (sources.length === FEW_TUPLES) return undefined
      for (let last = sources.length; last > place; last--) {
        sources[last] = sources[last - 1]!
        rows[last] = rows[last - 1]!
        sums[last] = sums[last - 1]!
      }
      sources[place] = columns
      rows[place] = row
      sums[place] = diff[row]!
    }
  }
  return { sources, rows, sums }
}

/** One column of the tuples at `places`. */
const columnOf = (index: number, { sources, rows }: Tuples, places: readonly number[]): Column => {
  const kinds = new Uint8Array(places.length)
  const payload = new Float64Array(places.length)
  const first = sources[places[0]!]!.data[index]!.heap
  const isShared = places.every(place => sources[place]!.data[index]!.heap === first)
  const heap = isShared ? first : new Heap()
  for (let at = 0; at < places.length; at++) {
    const place = places[at]!
    const column = sources[place]!.data[index]!
    const kind = column.kinds[rows[place]!]!
    const content = column.payload[rows[place]!]!
    kinds[at] = kind
    payload[at] = !isShared && isHeapKind(kind) ? heap.intern(column.heap.values[content]!) : content
  }
  return { kinds, payload, heap }
}

/** As {@link sumOfParts}, of any number of rows. */
const sumOfMany = (parts: readonly Part[], arity: number, asOf: number): Columns => {
  const rows = new GrowingColumns(arity)
  for (const { columns, from, to } of parts) rows.appendRange(columns, from, to)
  return consolidate(inRange(rows.view(), { since: asOf, until: asOf }))
}

/**
 * The sum of the rows of `parts` with `time <= asOf`: sorted by tuple, one row each, all at time `asOf`. A sum beyond the
 * safe integers is several rows: see consolidate.
 * @param arity number of data columns of all parts
 */
export const sumOfParts = (parts: readonly Part[], arity: number, asOf: number): Columns => {
  const tuples = fewTuples(parts, asOf)
  if (tuples === undefined) return sumOfMany(parts, arity, asOf)
  const { sums } = tuples
  const places: number[] = []
  for (let place = 0; place < sums.length; place++) if (sums[place] !== 0) places.push(place)
  const { length } = places
  if (length === 0) return emptyColumns(arity)
  const data: Column[] = []
  for (let index = 0; index < arity; index++) data.push(columnOf(index, tuples, places))
  const diff = new Float64Array(length)
  for (let at = 0; at < length; at++) diff[at] = sums[places[at]!]!
  return { length, data, time: new Float64Array(length).fill(asOf), diff }
}
