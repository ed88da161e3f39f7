// Owns what a buffer held at some moment, for readers: it does not change any more. Sorted once, when that pays.
import type { Part } from '../batch/sum-parts.ts'
import { type Columns, rowBytes } from '../model/columns.ts'
import { consolidate } from '../model/consolidate.ts'
import { equality, matching } from '../model/predicate.ts'
import { rowsBeginningWith } from '../model/prefix.ts'
import type { Value } from '../model/value.ts'

/** Searches of all its rows that cost about as much as sorting them. */
const UNSORTED_SEARCHES = 16

export class BufferView {
  /** In the order of the log. */
  readonly columns: Columns
  #consolidated: Columns | undefined
  #searches = 0

  constructor(columns: Columns) {
    this.columns = columns
  }

  /** Sorted and consolidated; worked out once, when somebody asks. */
  get consolidated(): Columns {
    this.#consolidated ??= consolidate(this.columns)
    return this.#consolidated
  }

  /** About how much memory was taken to sort it: heaps are the buffer's own. */
  get sortedBytes(): number {
    if (this.#consolidated === undefined) return 0
    const { length, data } = this.#consolidated
    return length * rowBytes(data.length)
  }

  /** The updates whose first values are `prefix`, in any order. @param prefix canonical values */
  find(prefix: readonly Value[]): Part {
    if (this.#consolidated === undefined && this.#searches++ < UNSORTED_SEARCHES) {
      const conditions = prefix.map((value, index) => equality(index, value))
      const columns = matching(this.columns, conditions)
      return { columns, from: 0, to: columns.length }
    }
    return { columns: this.consolidated, ...rowsBeginningWith(this.consolidated, prefix) }
  }
}
