// Owns what a batch spans: the range of its times and, for each column, its least and greatest value and its nulls.
// The order is that of model/value.ts, so that a reader can skip a batch by comparing.
import { type Column, type Columns, contentAt, isHeapKind, onlyKind, valueAt } from '../model/columns.ts'
import { type Extent, extentOf } from '../model/extent.ts'
import type { ColumnType } from '../model/schema.ts'
import { compareKinded, compareValues, Kind, type Value } from '../model/value.ts'
import type { ColumnDescription } from './description.ts'

/** Longer values are left out of descriptions: they stay small, whatever the data. */
const BOUND_BYTES = 64

const isShort = (value: Value): boolean => {
  if (typeof value === 'string') return value.length <= BOUND_BYTES && Buffer.byteLength(value) <= BOUND_BYTES
  if (value instanceof Uint8Array || value instanceof Float32Array) return value.byteLength <= BOUND_BYTES
  return true
}

/** A bound of the batch so far; `unset` before the first value. */
interface Bound {
  value: Value | undefined
}

/** Of rows that are all integers, the common case: no call for each. Undefined if one is something else. */
const integerBounds = (column: Column, length: number): Extent | undefined =>
  onlyKind(column, length) === Kind.int ? extentOf(column.payload, length) : undefined

class ColumnSpan {
  readonly #min: Bound = { value: undefined }
  readonly #max: Bound = { value: undefined }
  #nulls = 0

  add(column: Column, length: number): void {
    const integers = integerBounds(column, length)
    if (integers !== undefined) this.#widen(integers.lowest, integers.highest)
    else this.#addMixed(column, length)
  }

  #widen(min: Value, max: Value): void {
    if (this.#min.value === undefined || compareValues(min, this.#min.value) < 0) this.#min.value = min
    if (this.#max.value === undefined || compareValues(max, this.#max.value) > 0) this.#max.value = max
  }

  #addMixed(column: Column, length: number): void {
    let least = -1
    let greatest = -1
    for (let row = 0; row < length; row++) {
      const kind = column.kinds[row] as Kind
      if (kind === Kind.null) {
        this.#nulls++
        continue
      }
      if (least === -1) {
        least = row
        greatest = row
        continue
      }
      // Equal values often stand side by side; a code in the heap tells so at once.
      if (
        isHeapKind(kind) &&
        column.payload[row] === column.payload[row - 1] &&
        column.kinds[row - 1] === kind
      )
        continue
      const content = contentAt(column, row)
      if (compareKinded(kind, content, column.kinds[least] as Kind, contentAt(column, least)) < 0) least = row
      else if (compareKinded(kind, content, column.kinds[greatest] as Kind, contentAt(column, greatest)) > 0)
        greatest = row
    }
    if (least !== -1) this.#widen(valueAt(column, least), valueAt(column, greatest))
  }

  describe(type: ColumnType): ColumnDescription {
    const short = ({ value }: Bound) => (value === undefined || isShort(value) ? value : undefined)
    return { type, min: short(this.#min), max: short(this.#max), nulls: this.#nulls }
  }
}

/** What the row groups that were added span. */
export class Span {
  readonly #columns: readonly ColumnSpan[]
  #lower = Number.POSITIVE_INFINITY
  #greatest = -1
  #len = 0

  constructor(arity: number) {
    this.#columns = Array.from({ length: arity }, () => new ColumnSpan())
  }

  get len(): number {
    return this.#len
  }

  add(columns: Columns): void {
    if (columns.length === 0) return
    const { lowest, highest } = extentOf(columns.time, columns.length)
    this.#lower = Math.min(this.#lower, lowest)
    this.#greatest = Math.max(this.#greatest, highest)
    columns.data.forEach((column, index) => {
      this.#columns[index]!.add(column, columns.length)
    })
    this.#len += columns.length
  }

  /** @param types of the columns, in order */
  describe(types: readonly ColumnType[]): {
    len: number
    lower: number
    upper: number
    columns: ColumnDescription[]
  } {
    return {
      len: this.#len,
      lower: this.#lower,
      upper: this.#greatest + 1,
      columns: this.#columns.map((column, index) => column.describe(types[index]!)),
    }
  }
}
