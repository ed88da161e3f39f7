// Owns how strings and bytes are written: PLAIN, as codes where they come again, else by what neighbours share.
import { writeDelta } from './delta.ts'
import { writeCodes } from './encode-integers.ts'
import { Encoding } from './encoding.ts'
import type { Pool } from './pool.ts'
import { Sink } from './sink.ts'
import type { ValuesWriter } from './values.ts'

const lengthOf = ({ offsets }: Pool, ordinal: number): number => offsets[ordinal + 1]! - offsets[ordinal]!

const appendValue = (sink: Sink, { bytes, offsets }: Pool, ordinal: number, skip: number): void => {
  const from = offsets[ordinal]! + skip
  const length = offsets[ordinal + 1]! - from
  sink.reserve(length)
  if (length <= 16)
    for (let index = 0; index < length; index++) sink.bytes[sink.length + index] = bytes[from + index]!
  else sink.bytes.set(bytes.subarray(from, from + length), sink.length)
  sink.length += length
}

const writePlain = (sink: Sink, pool: Pool, ordinals: Uint32Array, from: number, to: number): void => {
  for (let index = from; index < to; index++) {
    const ordinal = ordinals[index]!
    sink.uint32(lengthOf(pool, ordinal))
    appendValue(sink, pool, ordinal, 0)
  }
}

const plain = (pool: Pool): ValuesWriter => ({
  encoding: Encoding.plain,
  dictionary: undefined,
  write: (sink, from, to) => writePlain(sink, pool, pool.ordinals, from, to),
})

const dictionary = (pool: Pool): ValuesWriter => {
  const { size, ordinals } = pool
  const sink = new Sink(pool.bytes.length + size * 4)
  writePlain(
    sink,
    pool,
    Uint32Array.from({ length: size }, (_, ordinal) => ordinal),
    0,
    size,
  )
  return {
    encoding: Encoding.rleDictionary,
    dictionary: { size, bytes: sink.written() },
    write: (into, from, to) => writeCodes(into, size, ordinals, from, to),
  }
}

/** How many bytes two values have in common at their beginning. */
const commonPrefix = ({ bytes, offsets }: Pool, a: number, b: number): number => {
  const from = offsets[a]!
  const other = offsets[b]!
  const most = Math.min(offsets[a + 1]! - from, offsets[b + 1]! - other)
  if (a === b) return most
  let length = 0
  while (length < most && bytes[from + length] === bytes[other + length]) length++
  return length
}

/** What each value has in common with the one before; the first of all has nothing. */
const prefixesOf = (pool: Pool): Float64Array => {
  const { ordinals } = pool
  const prefixes = new Float64Array(ordinals.length)
  for (let index = 1; index < ordinals.length; index++)
    prefixes[index] = commonPrefix(pool, ordinals[index - 1]!, ordinals[index]!)
  return prefixes
}

const deltaLength = (pool: Pool): ValuesWriter => ({
  encoding: Encoding.deltaLength,
  dictionary: undefined,
  write: (sink, from, to) => {
    const { ordinals } = pool
    const lengths = new Int32Array(to - from)
    for (let index = from; index < to; index++) lengths[index - from] = lengthOf(pool, ordinals[index]!)
    writeDelta(sink, 32, lengths, 0, to - from)
    for (let index = from; index < to; index++) appendValue(sink, pool, ordinals[index]!, 0)
  },
})

const deltaStrings = (pool: Pool, common: Float64Array): ValuesWriter => ({
  encoding: Encoding.deltaStrings,
  dictionary: undefined,
  write: (sink, from, to) => {
    const { ordinals } = pool
    const prefixes = common.slice(from, to)
    // The first of a page stands for itself.
    if (prefixes.length > 0) prefixes[0] = 0
    const suffixes = prefixes.map((prefix, index) => lengthOf(pool, ordinals[from + index]!) - prefix)
    writeDelta(sink, 32, prefixes, 0, to - from)
    writeDelta(sink, 32, suffixes, 0, to - from)
    for (let index = from; index < to; index++)
      appendValue(sink, pool, ordinals[index]!, prefixes[index - from]!)
  },
})

/** The best way of writing strings or bytes: a dictionary pays where values come again. */
export const binariesWriter = (pool: Pool, isTuned: boolean): ValuesWriter => {
  const { ordinals, size } = pool
  if (!isTuned) return plain(pool)
  if (size * 2 <= ordinals.length) return dictionary(pool)
  const prefixes = prefixesOf(pool)
  const shared = prefixes.reduce((sum, prefix) => sum + prefix, 0)
  // The lengths of the prefixes take about a byte each.
  return shared > ordinals.length ? deltaStrings(pool, prefixes) : deltaLength(pool)
}
