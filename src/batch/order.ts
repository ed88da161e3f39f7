// Owns the check that updates are what a batch holds: sorted by (data, time), one row for each, no zero diff.
// It looks across the borders of the chunks that it is shown.
import { type Columns, slice } from '../model/columns.ts'
import { firstUnconsolidated } from '../model/consolidate.ts'
import { compareRows, sameTuple } from '../model/sort.ts'

/** Says whether chunks that follow one another are in order. */
export class OrderCheck {
  #last: Columns | undefined

  /** The first row of `chunk` that is not as it must be after everything before it, or -1. */
  firstWrong(chunk: Columns): number {
    if (chunk.length === 0) return -1
    const wrong = firstUnconsolidated(chunk, (a, b) =>
      sameTuple(chunk, a, b) ? chunk.time[a]! - chunk.time[b]! : compareRows(chunk, a, chunk, b),
    )
    if (wrong !== -1) return wrong
    const last = this.#last
    this.#last = slice(chunk, chunk.length - 1, chunk.length)
    if (last === undefined) return -1
    const order = compareRows(last, 0, chunk, 0)
    // A sum beyond the safe integers stays as several rows, all but the last of the greatest diff there is.
    const continues = order === 0 && Math.abs(last.diff[0]!) === Number.MAX_SAFE_INTEGER
    return order < 0 || continues ? -1 : 0
  }
}
