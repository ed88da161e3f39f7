// Owns what a buffer held at some moment, for readers: it does not change any more. Sorted once, when that pays.
import type { Part } from '../batch/sum-parts.ts'
import { bytesOf, type Columns } from '../model/columns.ts'
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

  /** About how much memory was taken to sort it. */
  get sortedBytes(): number {
    return this.#consolidated === undefined ? 0 : bytesOf(this.#consolidated)
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
