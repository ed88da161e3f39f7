// Owns how integers, booleans and floats are written: PLAIN, as deltas, or, where they are few, as codes.
import { bitWidth } from '../model/bit-width.ts'
import type { Extent } from '../model/extent.ts'
import type { Heap } from '../model/heap.ts'
import { writeDelta, writeDeltaWide } from './delta.ts'
import type { Dense } from './dense.ts'
import { Encoding } from './encoding.ts'
import { writeHybrid } from './hybrid.ts'
import { integerDictionary } from './integer-dictionary.ts'
import { Sink } from './sink.ts'
import type { ValuesWriter } from './values.ts'

const WORD = 2 ** 32

/** Safe integers of 32 or 64 bits, one after the other; no BigInt is made. */
const writePlain = (sink: Sink, bits: 32 | 64, values: Float64Array, from: number, to: number): void => {
  sink.reserve(((to - from) * bits) / 8)
  const { view } = sink
  let at = sink.length
  for (let index = from; index < to; index++) {
    const value = values[index]!
    view.setInt32(at, value, true)
    at += 4
    if (bits === 32) continue
    view.setInt32(at, Math.floor(value / WORD), true)
    at += 4
  }
  sink.length = at
}

/** Codes of `width` bits, as they stand behind their width in a page. */
export const writeCodes = (
  sink: Sink,
  size: number,
  ordinals: Uint32Array,
  from: number,
  to: number,
): void => {
  const width = bitWidth(size - 1)
  sink.byte(width)
  writeHybrid(sink, width, ordinals, from, to)
}

const plain = (bits: 32 | 64, values: Float64Array): ValuesWriter => ({
  encoding: Encoding.plain,
  dictionary: undefined,
  write: (sink, from, to) => writePlain(sink, bits, values, from, to),
})

const delta = (bits: 32 | 64, values: Float64Array): ValuesWriter => ({
  encoding: Encoding.delta,
  dictionary: undefined,
  write: (sink, from, to) => writeDelta(sink, bits, values, from, to),
})

const dictionary = (bits: 32 | 64, values: Float64Array): ValuesWriter | undefined => {
  const found = integerDictionary(values)
  if (found === undefined) return undefined
  const { distinct, ordinals } = found
  const sink = new Sink(distinct.length * 8)
  writePlain(sink, bits, distinct, 0, distinct.length)
  return {
    encoding: Encoding.rleDictionary,
    dictionary: { size: distinct.length, bytes: sink.written() },
    write: (into, from, to) => writeCodes(into, distinct.length, ordinals, from, to),
  }
}

/** How many values are written both ways, to see which is shorter. */
const SAMPLE = 8192

/** About how many bytes a way of writing takes for all `count` values, judged by those in the middle. */
const sizeOf = ({ dictionary, write }: ValuesWriter, count: number): number => {
  const sample = Math.min(SAMPLE, count)
  const from = (count - sample) >> 1
  const sink = new Sink(sample * 4)
  write(sink, from, from + sample)
  return (sink.length * count) / sample + (dictionary?.bytes.length ?? 0)
}

/** Differences of such are exact, and so are differences of those. */
const APART_MAX = 2 ** 51

const wide = (values: BigInt64Array, isTuned: boolean): ValuesWriter => ({
  encoding: isTuned ? Encoding.delta : Encoding.plain,
  dictionary: undefined,
  write: (sink, from, to) => {
    if (isTuned) writeDeltaWide(sink, values.subarray(from, to))
    else sink.append(new Uint8Array(values.buffer, from * 8, (to - from) * 8))
  },
})

/** Integers as those of 64 bits, of which some may be in the heap. */
export const bigIntsOf = ({ payload, isWide, count }: Dense, heap: Heap): BigInt64Array => {
  const values = new BigInt64Array(count)
  for (let index = 0; index < count; index++)
    values[index] = isWide?.[index] === 1 ? (heap.values[payload[index]!] as bigint) : BigInt(payload[index]!)
  return values
}

/** The best way of writing integers. */
export const integersWriter = (
  dense: Dense,
  heap: Heap,
  bits: 32 | 64,
  { lowest, highest }: Extent,
  isTuned: boolean,
): ValuesWriter => {
  const { payload, isWide, count } = dense
  if (isWide !== undefined || highest - lowest >= APART_MAX) return wide(bigIntsOf(dense, heap), isTuned)
  if (!isTuned) return plain(bits, payload)
  const deltas = delta(bits, payload)
  const codes = dictionary(bits, payload)
  return codes !== undefined && sizeOf(codes, count) < sizeOf(deltas, count) ? codes : deltas
}

/** Floats as they lie in memory: their bits are kept. */
export const floatsWriter = (values: Float64Array): ValuesWriter => ({
  encoding: Encoding.plain,
  dictionary: undefined,
  write: (sink, from, to) => {
    const { buffer, byteOffset } = values
    sink.append(new Uint8Array(buffer, byteOffset + from * 8, (to - from) * 8))
  },
})

/** Booleans, one bit each. */
export const booleansWriter = (values: Float64Array): ValuesWriter => ({
  encoding: Encoding.plain,
  dictionary: undefined,
  write: (sink, from, to) => {
    const bits = new Uint8Array(Math.ceil((to - from) / 8))
    for (let index = 0; index < to - from; index++)
      if (values[from + index] === 1) bits[index >> 3]! |= 1 << (index & 7)
    sink.append(bits)
  },
})
