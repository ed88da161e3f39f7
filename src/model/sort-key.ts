// Owns numbers that order as rows do: by the data columns, then by time.
// Each column becomes one or two whole numbers from 0 on that order as its values do, and as many of them as fit are put
// into one number below 2^53, the more significant ones multiplied by the ranges of the others.
// Strings and what is mixed, other than numbers, go through ranks of their distinct values: the comparator sees each value once.
import { type Column, type Columns, contentAt, isHeapKind, onlyKind } from './columns.ts'
import { addDistances, type Extent, extentOf } from './extent.ts'
import { isRanked, ranksOf, sortCodes } from './ranking.ts'
import { compareKinded, type HeapValue, Kind } from './value.ts'

/** A whole number for each row, from 0 on and below `span`, which is at most 2^53. */
export interface SortKey {
  readonly values: Float64Array
  readonly span: number
}

const WORD = 2 ** 32
const SPAN_MAX = 2 ** 53

/** Keys of rows that are being made, from the least significant one on. */
class KeysInTheMaking {
  readonly #length: number
  readonly #keys: { values: Float64Array; span: number }[] = []

  constructor(length: number) {
    this.#length = length
  }

  get keys(): readonly SortKey[] {
    return this.#keys
  }

  /** Where numbers below `span` are added to, after they were multiplied by `scale`: more significant than all before. */
  place(span: number): { readonly values: Float64Array; readonly scale: number } {
    const last = this.#keys.at(-1)
    if (last !== undefined && last.span * span <= SPAN_MAX) {
      const scale = last.span
      last.span *= span
      return { values: last.values, scale }
    }
    const values = new Float64Array(this.#length)
    this.#keys.push({ values, span })
    return { values, scale: 1 }
  }

  /** Adds numbers below `span`. */
  add(numbers: ArrayLike<number>, span: number): void {
    if (span === 1) return
    const { values, scale } = this.place(span)
    for (let row = 0; row < values.length; row++) values[row]! += numbers[row]! * scale
  }

  /** Adds whole numbers by their distances from the least of them. */
  addRange(numbers: Float64Array, { lowest, highest }: Extent): void {
    if (highest === lowest) return
    const { values, scale } = this.place(highest - lowest + 1)
    addDistances(values, numbers, { lowest, scale })
  }

  /** As {@link addRange}, null as the least. */
  addRangeWithNulls({ kinds, payload }: Column, { lowest, highest }: Extent): void {
    const { values, scale } = this.place(highest - lowest + 2)
    for (let row = 0; row < values.length; row++)
      if (kinds[row] !== Kind.null) values[row]! += (payload[row]! - lowest + 1) * scale
  }
}

/** What the rows of a column are; the extent is that of the payloads of what is not null. */
interface Survey extends Extent {
  /** Of all that is not null; `'numbers'` where there are integers and floats, `'mixed'` for any other mixture. */
  readonly kind: Kind | 'numbers' | 'mixed'
  readonly hasNull: boolean
}

const isNarrowNumber = (kind: number): boolean => kind === Kind.int || kind === Kind.float

const surveyOfKinds = ({ kinds }: Column, length: number): Pick<Survey, 'kind' | 'hasNull'> => {
  let kind: number = Kind.null
  let bothNumbers = false
  let hasNull = false
  for (let row = 0; row < length; row++) {
    const next = kinds[row]!
    if (next === Kind.null) hasNull = true
    else if (kind === Kind.null) kind = next
    else if (next !== kind) {
      if (!isNarrowNumber(kind) || !isNarrowNumber(next)) return { kind: 'mixed', hasNull }
      bothNumbers = true
    }
  }
  return { kind: bothNumbers ? 'numbers' : (kind as Kind), hasNull }
}

const survey = (column: Column, length: number): Survey => {
  const { kinds, payload } = column
  const kind = onlyKind(column, length)
  if (kind !== undefined) return { kind, hasNull: false, ...extentOf(payload, length) }
  let lowest = Number.POSITIVE_INFINITY
  let highest = Number.NEGATIVE_INFINITY
  for (let row = 0; row < length; row++) {
    if (kinds[row] === Kind.null) continue
    const value = payload[row]!
    if (value < lowest) lowest = value
    if (value > highest) highest = value
  }
  return { ...surveyOfKinds(column, length), lowest, highest }
}

/** The bits of floats, changed so that they order as unsigned integers do; null before all. */
const addFloats = (making: KeysInTheMaking, { kinds, payload }: Column, length: number): void => {
  const low = new Uint32Array(length)
  const high = new Uint32Array(length)
  const number = new Float64Array(1)
  const bits = new Uint32Array(number.buffer)
  let lowest = WORD
  let highest = 0
  for (let row = 0; row < length; row++) {
    if (kinds[row] === Kind.null) continue
    const value = payload[row]!
    // NaN comes after Infinity. Its sign bit says nothing: processors set it as they please.
    number[0] = Number.isNaN(value) ? Number.NaN : value
    const negative = bits[1]! >>> 31 === 1
    low[row] = negative ? ~bits[0]! : bits[0]!
    const top = (negative ? ~bits[1]! : bits[1]! | 0x80000000) >>> 0
    high[row] = top
    if (top < lowest) lowest = top
    if (top > highest) highest = top
  }
  making.add(low, WORD)
  for (let row = 0; row < length; row++) high[row] = kinds[row] === Kind.null ? 0 : high[row]! - lowest + 1
  making.add(high, highest - lowest + 2)
}

/** Integers and floats together: by numeric value, an integer before the float of equal value. */
const addNumbers = (making: KeysInTheMaking, column: Column, length: number): void => {
  const ties = new Uint8Array(length)
  for (let row = 0; row < length; row++) if (column.kinds[row] === Kind.float) ties[row] = 1
  making.add(ties, 2)
  addFloats(making, column, length)
}

/** Ranks of the values that rows use, alone: for few rows with a large heap. */
const ranksInUse = (
  { kinds, payload, heap }: Column,
  length: number,
): { ranks: Uint32Array; span: number } => {
  const ranks = new Uint32Array(heap.values.length)
  const used = new Uint32Array(length)
  let count = 0
  for (let row = 0; row < length; row++) {
    const code = payload[row]!
    if (kinds[row] === Kind.null || ranks[code] !== 0) continue
    ranks[code] = 1
    used[count++] = code
  }
  sortCodes(used.subarray(0, count), heap.values).forEach((code, place) => {
    ranks[code] = place + 1
  })
  return { ranks, span: count + 1 }
}

/** How many values a heap may have for each row, before sorting all of them costs more than sorting those in use. */
const VALUES_PER_ROW = 4

/** Ranks of heap values, null as 0. */
const addHeapValues = (making: KeysInTheMaking, column: Column, length: number): void => {
  const { kinds, payload, heap } = column
  const { length: distinct } = heap.values
  const { ranks, span } =
    isRanked(heap) || distinct <= length * VALUES_PER_ROW
      ? { ranks: ranksOf(heap), span: distinct + 1 }
      : ranksInUse(column, length)
  const numbers = new Uint32Array(length)
  for (let row = 0; row < length; row++) if (kinds[row] !== Kind.null) numbers[row] = ranks[payload[row]!]!
  making.add(numbers, span)
}

/** Ranks of the distinct pairs of kind and payload: any mixture, at the cost of a map entry for each. */
const addMixed = (making: KeysInTheMaking, column: Column, length: number): void => {
  const byKind = new Map<number, Map<number, number>>()
  const pairs: { kind: Kind; content: number | HeapValue }[] = []
  const numbers = new Uint32Array(length)
  for (let row = 0; row < length; row++) {
    const kind = column.kinds[row] as Kind
    let byPayload = byKind.get(kind)
    if (byPayload === undefined) {
      byPayload = new Map()
      byKind.set(kind, byPayload)
    }
    let pair = byPayload.get(column.payload[row]!)
    if (pair === undefined) {
      pair = pairs.length
      pairs.push({ kind, content: contentAt(column, row) })
      byPayload.set(column.payload[row]!, pair)
    }
    numbers[row] = pair
  }
  const order = pairs.map((_, index) => index)
  order.sort((a, b) => {
    const x = pairs[a]!
    const y = pairs[b]!
    return compareKinded(x.kind, x.content, y.kind, y.content)
  })
  const ranks = new Uint32Array(pairs.length)
  order.forEach((pair, rank) => {
    ranks[pair] = rank
  })
  for (let row = 0; row < length; row++) numbers[row] = ranks[numbers[row]!]!
  making.add(numbers, pairs.length)
}

const addColumn = (making: KeysInTheMaking, column: Column, length: number): void => {
  const found = survey(column, length)
  const { kind, hasNull, lowest, highest } = found
  if (kind === Kind.null) return
  if (kind === 'mixed') addMixed(making, column, length)
  else if (kind === 'numbers') addNumbers(making, column, length)
  else if (isHeapKind(kind)) addHeapValues(making, column, length)
  // Beyond 2^53 a distance would round, so integers that far apart are ordered by their bits, as floats are.
  else if (kind === Kind.float || highest - lowest >= Number.MAX_SAFE_INTEGER - 1)
    addFloats(making, column, length)
  else if (hasNull) making.addRangeWithNulls(column, found)
  else making.addRange(column.payload, found)
}

/**
 * Keys that order as (data, time) does, the least significant one first: sorting by each of them in turn sorts the rows,
 * and rows that are equal in all of them are of the same tuple and time. None if all rows are equal.
 *
 * Costs a pass or two over each column, and a comparison sort of the distinct values where they are no numbers.
 */
export const sortKeys = (columns: Columns): readonly SortKey[] => {
  const { length } = columns
  const making = new KeysInTheMaking(length)
  if (length === 0) return []
  making.addRange(columns.time, extentOf(columns.time, length))
  for (let index = columns.data.length - 1; index >= 0; index--)
    addColumn(making, columns.data[index]!, length)
  return making.keys
}
