// Owns the distinct strings or bytes of a column chunk as bytes: each is made once, however often it occurs.
import type { Heap } from '../model/heap.ts'
import { Sink } from './sink.ts'

/** Distinct values in the order in which they occur first. */
export interface Pool {
  readonly bytes: Uint8Array
  /** Where each begins; one more than there are values. */
  readonly offsets: Float64Array
  readonly size: number
  /** Which of them stands in each place. */
  readonly ordinals: Uint32Array
}

/** The number of each code in the order of first use: an array where codes are dense, else a map. */
const numbering = (codes: Float64Array, heapSize: number): { ordinals: Uint32Array; used: number[] } => {
  const ordinals = new Uint32Array(codes.length)
  const used: number[] = []
  const dense = heapSize <= 4 * codes.length ? new Int32Array(heapSize).fill(-1) : undefined
  const sparse = new Map<number, number>()
  for (let index = 0; index < codes.length; index++) {
    const code = codes[index]!
    let ordinal = dense === undefined ? sparse.get(code) : dense[code]
    if (ordinal === undefined || ordinal === -1) {
      ordinal = used.length
      used.push(code)
      if (dense === undefined) sparse.set(code, ordinal)
      else dense[code] = ordinal
    }
    ordinals[index] = ordinal
  }
  return { ordinals, used }
}

/** Texts up to this length are encoded in a loop: a call costs more. */
const SHORT = 32

/** Appends a text as UTF-8. */
const appendText = (sink: Sink, text: string): void => {
  if (text.length <= SHORT) {
    sink.reserve(text.length)
    const { bytes, length } = sink
    let index = 0
    for (; index < text.length; index++) {
      const unit = text.charCodeAt(index)
      if (unit >= 0x80) break
      bytes[length + index] = unit
    }
    if (index === text.length) {
      sink.length = length + index
      return
    }
  }
  sink.append(Buffer.from(text))
}

/** The values that `codes` name in `heap`, which are strings or bytes. */
export const poolOf = (codes: Float64Array, heap: Heap): Pool => {
  const { ordinals, used } = numbering(codes, heap.values.length)
  const sink = new Sink(Math.max(64, used.length * 16))
  const offsets = new Float64Array(used.length + 1)
  for (const [ordinal, code] of used.entries()) {
    const value = heap.values[code] as string | Uint8Array
    if (typeof value === 'string') appendText(sink, value)
    else sink.append(value)
    offsets[ordinal + 1] = sink.length
  }
  return { bytes: sink.written(), offsets, size: used.length, ordinals }
}
