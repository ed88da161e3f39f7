// Owns the order of the values of a heap. Heaps only grow, so that a ranking is kept with its heap, and what came in since
// is sorted alone and merged in.
import type { Heap } from './heap.ts'
import { compareValues, type HeapValue } from './value.ts'

/** Codes in the order of their values, and per code its place in it, from 1 on. */
interface Ranking {
  readonly codes: Uint32Array
  readonly ranks: Uint32Array
}

const EMPTY: Ranking = { codes: new Uint32Array(0), ranks: new Uint32Array(0) }

const rankings = new WeakMap<Heap, Ranking>()

const NEEDS_CARE = /[\ud800-\uffff]/

/** Without characters from U+D800 on, JavaScript's order is the order of the UTF-8 bytes, and comparing is fast. */
const isPlain = (value: HeapValue): boolean => typeof value === 'string' && !NEEDS_CARE.test(value)

const comparatorOf = (isAllPlain: boolean): ((a: HeapValue, b: HeapValue) => number) =>
  isAllPlain ? (a, b) => (a < b ? -1 : 1) : compareValues

/** Sorts codes, each of which is there once, by their values: these are all different. */
export const sortCodes = (codes: Uint32Array, values: readonly HeapValue[]): Uint32Array => {
  let isAllPlain = true
  for (const code of codes) if (!isPlain(values[code]!)) isAllPlain = false
  const compare = comparatorOf(isAllPlain)
  return codes.sort((a, b) => compare(values[a]!, values[b]!))
}

const merged = (a: Uint32Array, b: Uint32Array, values: readonly HeapValue[]): Uint32Array => {
  const result = new Uint32Array(a.length + b.length)
  let left = 0
  let right = 0
  for (let place = 0; place < result.length; place++) {
    const isLeft =
      right === b.length || (left < a.length && compareValues(values[a[left]!]!, values[b[right]!]!) < 0)
    result[place] = isLeft ? a[left++]! : b[right++]!
  }
  return result
}

/** Whether the ranks of a heap are known, so that they cost nothing. */
export const isRanked = (heap: Heap): boolean =>
  (rankings.get(heap) ?? EMPTY).codes.length === heap.values.length

/** Per code of a heap, its place among the values, from 1 on. */
export const ranksOf = (heap: Heap): Uint32Array => {
  const { values } = heap
  const known = rankings.get(heap) ?? EMPTY
  if (known.codes.length === values.length) return known.ranks
  const fresh = Uint32Array.from(
    { length: values.length - known.codes.length },
    (_, index) => known.codes.length + index,
  )
  const codes = merged(known.codes, sortCodes(fresh, values), values)
  const ranks = new Uint32Array(values.length)
  codes.forEach((code, place) => {
    ranks[code] = place + 1
  })
  rankings.set(heap, { codes, ranks })
  return ranks
}
