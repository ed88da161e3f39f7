// Owns the check that updates are what a batch holds: sorted by (data, time), one row for each, no zero diff.
// It looks across the borders of the chunks that it is shown.
import { type Columns, contentAt, onlyKind, slice } from '../model/columns.ts'
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

/**
 * Of the rows for which `ties` has 1 those that have the same number as the row before keep it. Returns whether all of
 * them have at least that. Without branches: where neighbours are equal is anybody's guess.
 */
const isAscendingInTies = (numbers: Float64Array, ties: Uint8Array): boolean => {
  let falls = 0
  let before = numbers[0]!
  for (let row = 1; row < ties.length; row++) {
    const number = numbers[row]!
    const tie = ties[row]!
    falls |= tie & Number(number < before)
    ties[row] = tie & Number(number === before)
    before = number
  }
  return falls === 0
}

/** Whether rows are in order, one for each update, without zero diffs. Says it of integers alone, column by column. */
const isOrderOfIntegers = ({ data, time, diff, length }: Columns): boolean => {
  if (diff.subarray(0, length).includes(0)) return false
  const ties = new Uint8Array(length).fill(1)
  ties[0] = 0
  for (const column of data)
    if (onlyKind(column, length) !== Kind.int || !isAscendingInTies(column.payload, ties)) return false
  return isAscendingInTies(time, ties) && !ties.includes(1)
}

/** Says whether chunks that follow one another are in order. */
export class OrderCheck {
  #last: Columns | undefined

  /** The first row of `chunk` that is not as it must be after everything before it, or -1. */
  firstWrong(chunk: Columns): number {
    if (chunk.length === 0) return -1
    // What it does not say, because of a fault or of other values, is looked for row by row.
    const wrong = isOrderOfIntegers(chunk)
      ? -1
      : firstUnconsolidated(chunk, (a, b) => compareWithin(chunk, a, b))
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
