// Owns the order of rows: by the data columns, then by time.
// Each column becomes one or two words of 32 bits per row that order as its values do, least significant first;
// the rows are then put in order by a least-significant-digit radix sort over those words (Knuth, TAOCP 5.2.5).
// Strings and what is mixed, other than numbers, go through ranks of their distinct values: the comparator sees each value once.
import { type Column, type Columns, contentAt, isHeapKind } from './columns.ts'
import { compareKinded, type HeapValue, Kind } from './value.ts'

const WORD = 2 ** 32

/** Compares two rows of possibly different columns by their data, not by time. */
export const compareTuples = (a: Columns, aRow: number, b: Columns, bRow: number): number => {
  for (let index = 0; index < a.data.length; index++) {
    const left = a.data[index]!
    const right = b.data[index]!
    const kind = left.kinds[aRow]!
    if (kind === right.kinds[bRow] && (kind === Kind.int || (isHeapKind(kind) && left.heap === right.heap))) {
      // The common cases: integers, and codes of one heap, which are equal only for equal values.
      const difference = left.payload[aRow]! - right.payload[bRow]!
      if (difference === 0) continue
      if (kind === Kind.int) return difference
    }
    const order = compareKinded(
      kind as Kind,
      contentAt(left, aRow),
      right.kinds[bRow] as Kind,
      contentAt(right, bRow),
    )
    if (order !== 0) return order
  }
  return 0
}

/** Compares two rows by data, then time. */
export const compareRows = (a: Columns, aRow: number, b: Columns, bRow: number): number =>
  compareTuples(a, aRow, b, bRow) || a.time[aRow]! - b.time[bRow]!

/** Whether two rows of the same columns hold the same tuple: codes decide, no value is looked at. */
export const sameTuple = (columns: Columns, a: number, b: number): boolean => {
  for (const { kinds, payload } of columns.data) {
    if (kinds[a] !== kinds[b]) return false
    const x = payload[a]!
    const y = payload[b]!
    // NaN is the only value that is not equal to itself, and there is one NaN.
    if (x !== y && !(Number.isNaN(x) && Number.isNaN(y))) return false
  }
  return true
}

/** Numbers from `lowest` on, null as 0: one word if the range allows it, else two. */
const rangeWords = (column: Column, length: number, lowest: number, highest: number): Uint32Array[] => {
  const low = new Uint32Array(length)
  const high = highest - lowest + 1 < WORD ? undefined : new Uint32Array(length)
  for (let row = 0; row < length; row++) {
    if (column.kinds[row] === Kind.null) continue
    const distance = column.payload[row]! - lowest + 1
    low[row] = distance % WORD
    if (high !== undefined) high[row] = distance / WORD
  }
  return high === undefined ? [low] : [low, high]
}

/** The bits of a float, changed so that they order as unsigned integers do; null as 0. */
const floatWords = (column: Column, length: number): Uint32Array[] => {
  const low = new Uint32Array(length)
  const high = new Uint32Array(length)
  const number = new Float64Array(1)
  const bits = new Uint32Array(number.buffer)
  for (let row = 0; row < length; row++) {
    if (column.kinds[row] === Kind.null) continue
    const value = column.payload[row]!
    // NaN comes after Infinity. Its sign bit says nothing: processors set it as they please.
    number[0] = Number.isNaN(value) ? Number.NaN : value
    const negative = bits[1]! >>> 31 === 1
    low[row] = negative ? ~bits[0]! : bits[0]!
    high[row] = negative ? ~bits[1]! : bits[1]! | 0x80000000
  }
  return [low, high]
}

/** Integers and floats together: by numeric value, an integer before the float of equal value. */
const numberWords = (column: Column, length: number): Uint32Array[] => {
  const ties = new Uint32Array(length)
  for (let row = 0; row < length; row++) if (column.kinds[row] === Kind.float) ties[row] = 1
  return [ties, ...floatWords(column, length)]
}

const NEEDS_CARE = /[\ud800-\uffff]/

/** Ranks of the heap values in use, null as 0. */
const heapWords = (column: Column, length: number): Uint32Array[] => {
  const values = column.heap.values
  const ranks = new Uint32Array(values.length)
  const used: number[] = []
  let plain = true
  let kind: Kind = Kind.string
  for (let row = 0; row < length; row++) {
    if (column.kinds[row] === Kind.null) continue
    const code = column.payload[row]!
    if (ranks[code] !== 0) continue
    ranks[code] = 1
    used.push(code)
    kind = column.kinds[row] as Kind
    const value = values[code]!
    if (typeof value !== 'string' || NEEDS_CARE.test(value)) plain = false
  }
  if (plain) {
    // Without characters from U+D800 on, JavaScript's order is the order of the UTF-8 bytes, and its sort is fast.
    used.sort((a, b) => (values[a]! < values[b]! ? -1 : 1))
  } else {
    used.sort((a, b) => compareKinded(kind, values[a]!, kind, values[b]!))
  }
  used.forEach((code, index) => {
    ranks[code] = index + 1
  })
  const words = new Uint32Array(length)
  for (let row = 0; row < length; row++) {
    if (column.kinds[row] !== Kind.null) words[row] = ranks[column.payload[row]!]!
  }
  return [words]
}

/** Ranks of the distinct pairs of kind and payload: any mixture, at the cost of a map entry for each. */
const mixedWords = (column: Column, length: number): Uint32Array[] => {
  const byKind = new Map<number, Map<number, number>>()
  const pairs: { kind: Kind; content: number | HeapValue }[] = []
  const words = new Uint32Array(length)
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
    words[row] = pair
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
  for (let row = 0; row < length; row++) words[row] = ranks[words[row]!]!
  return [words]
}

/** Whether the payload of this kind is a number of its own. */
const isNarrowNumber = (kind: number): boolean => kind === Kind.int || kind === Kind.float

const columnWords = (column: Column, length: number): Uint32Array[] => {
  let kind: number = Kind.null
  let bothNumbers = false
  let lowest = Number.POSITIVE_INFINITY
  let highest = Number.NEGATIVE_INFINITY
  for (let row = 0; row < length; row++) {
    const next = column.kinds[row]!
    if (next === Kind.null) continue
    if (kind === Kind.null) kind = next
    else if (kind !== next) {
      if (!isNarrowNumber(kind) || !isNarrowNumber(next)) return mixedWords(column, length)
      bothNumbers = true
    }
    const payload = column.payload[row]!
    if (payload < lowest) lowest = payload
    if (payload > highest) highest = payload
  }
  if (kind === Kind.null) return []
  if (bothNumbers) return numberWords(column, length)
  if (isHeapKind(kind)) return heapWords(column, length)
  if (kind === Kind.float) return floatWords(column, length)
  // Beyond 2^53 a distance would round, so integers that far apart are ordered by their bits, as floats are.
  if (highest - lowest >= Number.MAX_SAFE_INTEGER) return floatWords(column, length)
  return rangeWords(column, length, lowest, highest)
}

const timeWords = (time: Float64Array, length: number): Uint32Array[] => {
  let lowest = Number.POSITIVE_INFINITY
  let highest = 0
  for (let row = 0; row < length; row++) {
    const at = time[row]!
    if (at < lowest) lowest = at
    if (at > highest) highest = at
  }
  if (highest - lowest < WORD) {
    const words = new Uint32Array(length)
    for (let row = 0; row < length; row++) words[row] = time[row]! - lowest
    return [words]
  }
  const low = new Uint32Array(length)
  const high = new Uint32Array(length)
  for (let row = 0; row < length; row++) {
    low[row] = time[row]! % WORD
    high[row] = time[row]! / WORD
  }
  return [low, high]
}

/** One stable counting pass over a digit; returns `false` if every row has the same digit. */
const pass = (
  words: Uint32Array,
  shift: number,
  counts: Uint32Array,
  from: Uint32Array,
  to: Uint32Array,
): boolean => {
  const mask = counts.length - 1
  const length = from.length
  counts.fill(0)
  for (let index = 0; index < length; index++) counts[(words[index]! >>> shift) & mask]!++
  if (counts[(words[0]! >>> shift) & mask] === length) return false
  let sum = 0
  for (let digit = 0; digit <= mask; digit++) {
    const count = counts[digit]!
    counts[digit] = sum
    sum += count
  }
  for (let index = 0; index < length; index++) {
    const row = from[index]!
    const digit = (words[row]! >>> shift) & mask
    to[counts[digit]!++] = row
  }
  return true
}

/** The rows of `columns` in order of (data, time), as row numbers. Rows that compare equal keep their order. */
export const sortedRows = (columns: Columns): Uint32Array => {
  const { length } = columns
  let rows = new Uint32Array(length)
  for (let row = 0; row < length; row++) rows[row] = row
  if (length < 2) return rows
  const words = timeWords(columns.time, length)
  for (let index = columns.data.length - 1; index >= 0; index--) {
    words.push(...columnWords(columns.data[index]!, length))
  }
  let spare = new Uint32Array(length)
  const bits = length < 4096 ? 8 : 16
  const counts = new Uint32Array(2 ** bits)
  for (const word of words) {
    for (let shift = 0; shift < 32; shift += bits) {
      if (pass(word, shift, counts, rows, spare)) [rows, spare] = [spare, rows]
    }
  }
  return rows
}
