// Owns the updates of a line whose values are all integers, as most of what comes in bulk: written without a look at
// each value's kind. Law: they are, to the byte, what the general way writes of the same rows.
import { type Columns, onlyKind } from '../model/columns.ts'
import { Kind } from '../model/value.ts'
import { INTEGER_BYTES, putInteger } from './digits.ts'

const COMMA = 0x2c
// What stands between values, as little-endian words.
const OPEN_BOTH = 0x5b5b // [[
const CLOSE_DATA = 0x2c5d // ],
const NEXT_ROW = 0x5b5b2c5d // ],[[

/** Whether all values are integers that no heap holds. */
export const areIntegers = ({ data, length }: Columns): boolean =>
  data.every(column => onlyKind(column, length) === Kind.int)

/** The most that a row of so many columns takes: its brackets and commas, its values, time and diff. */
export const integerRowBytes = (arity: number): number => 5 + (arity + 2) * (INTEGER_BYTES + 1)

/**
 * Writes the updates of rows `[from, to)`, with commas between them, at `start`, where there is room for
 * {@link integerRowBytes} of each. Returns where they end.
 */
export const putIntegerRows = (
  view: DataView,
  start: number,
  { data, time, diff }: Columns,
  from: number,
  to: number,
): number => {
  const payloads = data.map(({ payload }) => payload)
  if (from === to) return start
  view.setUint16(start, OPEN_BOTH, true)
  let at = start + 2
  for (let row = from; row < to; row++) {
    for (let index = 0; index < payloads.length; index++) {
      if (index > 0) view.setUint8(at++, COMMA)
      at = putInteger(view, at, payloads[index]![row]!)
    }
    view.setUint16(at, CLOSE_DATA, true)
    at = putInteger(view, at + 2, time[row]!)
    view.setUint8(at++, COMMA)
    at = putInteger(view, at, diff[row]!)
    view.setUint32(at, NEXT_ROW, true)
    at += 4
  }
  // Behind the last row there is none.
  return at - 3
}
