// Owns a sorted run of rows that is kept decoded in pieces, and finding rows in it. Each piece is kept, and goes, by
// itself: nothing can be found any more where one is gone.
import { type Columns, GrowingColumns } from '../model/columns.ts'
import { rowsBeginningWith } from '../model/prefix.ts'
import type { Value } from '../model/value.ts'
import type { KeptColumns } from './kept-columns.ts'
import type { LeanColumns } from './lean-columns.ts'
import type { Part } from './sum-parts.ts'

export class KeptRun {
  readonly #kept: KeptColumns
  /** Names of the pieces in what is kept, in order. */
  readonly #keys: readonly string[]
  /** The first row of each piece. */
  readonly #firsts: Columns

  /**
   * Keeps `pieces`, whose rows follow one another in order.
   * @param name what the names of the pieces begin with, which nothing else does
   * @param arity number of data columns
   */
  constructor(kept: KeptColumns, name: string, arity: number, pieces: readonly LeanColumns[]) {
    this.#kept = kept
    this.#keys = pieces.map((_, index) => `${name}:${index}`)
    const firsts = new GrowingColumns(arity, pieces.length)
    for (const [index, { columns, bytes }] of pieces.entries()) {
      firsts.appendRange(columns, 0, 1)
      kept.set(this.#keys[index]!, columns, bytes)
    }
    this.#firsts = firsts.view()
  }

  /** The rows whose first values are `prefix`, in order, without empty parts; undefined if some of them may be gone. */
  find(prefix: readonly Value[]): Part[] | undefined {
    const { from, to } = rowsBeginningWith(this.#firsts, prefix)
    const found: Part[] = []
    // Those that begin with it, and the end of the one before.
    for (let index = Math.max(0, from - 1); index < to; index++) {
      const columns = this.#kept.get(this.#keys[index]!)
      if (columns === undefined) return undefined
      const range = rowsBeginningWith(columns, prefix)
      if (range.from < range.to) found.push({ columns, from: range.from, to: range.to })
    }
    return found
  }
}
