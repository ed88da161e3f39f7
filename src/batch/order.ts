// Owns the check that updates are what a batch holds: sorted by (data, time), one row for each, no zero diff.
// It looks across the borders of the chunks that it is shown.
import { type Columns, contentAt, slice } from '../model/columns.ts'
import { firstUnconsolidated } from '../model/consolidate.ts'
import { compareRows } from '../model/sort.ts'
import { compareKinded, Kind } from '../model/value.ts'

/** As compareRows within one chunk, where equal codes say that values are equal: neighbours mostly are. */
const compareWithin = ({ data, time }: Columns, a: number, b: number): number => {
  for (let index = 0; index < data.length; index++) {
    const column = data[index]!
    const { kinds, payload } = column
    if (kinds[a] === kinds[b]) {
      if (payload[a] === payload[b]) continue
      if (kinds[a] === Kind.int) return payload[a]! - payload[b]!
    }
    const order = compareKinded(
      kinds[a] as Kind,
      contentAt(column, a),
      kinds[b] as Kind,
      contentAt(column, b),
    )
    if (order !== 0) return order
  }
  return time[a]! - time[b]!
}

/** Says whether chunks that follow one another are in order. */
export class OrderCheck {
  #last: Columns | undefined

  /** The first row of `chunk` that is not as it must be after everything before it, or -1. */
  firstWrong(chunk: Columns): number {
    if (chunk.length === 0) return -1
    const wrong = firstUnconsolidated(chunk, (a, b) => compareWithin(chunk, a, b))
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
