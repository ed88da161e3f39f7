// Owns the values of one column of a row group side by side, without its nulls: what the encodings work on.
import { type Column, isUniform } from '../model/columns.ts'
import { Kind } from '../model/value.ts'
import type { ValueType } from './schema.ts'

/** The values of a column of one type, in order. */
export interface Dense {
  readonly count: number
  /** For each row 1 if it has a value, 0 if not; undefined if all have one. */
  readonly defined: Uint32Array | undefined
  /** As in the column: numbers, or codes into its heap. */
  readonly payload: Float64Array
  /** Which of them are codes of bigints; undefined if none is. */
  readonly isWide: Uint8Array | undefined
}

/** The kinds of value that a type holds. */
const KINDS: Readonly<Record<ValueType, readonly [Kind, Kind]>> = {
  boolean: [Kind.boolean, Kind.boolean],
  int32: [Kind.int, Kind.int],
  int64: [Kind.int, Kind.wide],
  uint64: [Kind.int, Kind.int],
  float64: [Kind.float, Kind.float],
  timestamp: [Kind.timestamp, Kind.timestamp],
  string: [Kind.string, Kind.string],
  bytes: [Kind.bytes, Kind.bytes],
  vector: [Kind.vector, Kind.vector],
}

/** Values of other kinds count as nulls: they belong to another column. */
export const denseOf = ({ kinds, payload, heap }: Column, type: ValueType, rows: number): Dense => {
  const [first, second] = KINDS[type]
  let count = 0
  if (rows > 0 && kinds[0] === first && isUniform(kinds, rows)) count = rows
  else for (let row = 0; row < rows; row++) if (kinds[row] === first || kinds[row] === second) count++
  const mayBeWide = second === Kind.wide && heap.values.length > 0
  if (count === rows && !mayBeWide)
    return { count, defined: undefined, payload: payload.subarray(0, rows), isWide: undefined }
  const defined = new Uint32Array(rows)
  const own = new Float64Array(count)
  const isWide = new Uint8Array(mayBeWide ? count : 0)
  let someWide = false
  let at = 0
  for (let row = 0; row < rows; row++) {
    const kind = kinds[row]
    if (kind !== first && kind !== second) continue
    defined[row] = 1
    if (kind === Kind.wide) {
      isWide[at] = 1
      someWide = true
    }
    own[at++] = payload[row]!
  }
  return {
    count,
    defined: count === rows ? undefined : defined,
    payload: own,
    isWide: someWide ? isWide : undefined,
  }
}
