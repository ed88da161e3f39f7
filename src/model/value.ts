// Owns what a value is: its kinds, its canonical form and the one total order.
// null < false < true < numbers < timestamps < strings < bytes < vectors. Numbers compare by exact numeric value,
// an integer before the float of equal value, NaN after Infinity. Strings compare by their UTF-8 bytes, which is
// the order of Parquet's statistics and not JavaScript's. Bytes compare lexicographically, vectors by length first.
import { InputError } from '../errors.ts'

/** A float that must stay one although its value is integral: `1.0` is not `1`. Made by {@link float}. */
export class Float {
  readonly value: number
  constructor(value: number) {
    this.value = value
  }
}

/** A point in time, in whole milliseconds since 1970-01-01T00:00:00Z (negative before). Made by {@link timestamp}. */
export class Timestamp {
  readonly ms: number
  constructor(ms: number) {
    this.ms = ms
  }
}

/** Makes a float of any number, also of an integral one. A number with a fraction is a float by itself. */
export const float = (value: number): Float => new Float(value)

/**
 * Makes a timestamp.
 * @param at a `Date`, or milliseconds since the epoch as a safe integer
 * @throws {InputError} VALUE_INVALID if `at` is neither
 */
export const timestamp = (at: number | Date): Timestamp => {
  const ms = at instanceof Date ? at.getTime() : at
  if (!Number.isSafeInteger(ms))
    throw new InputError('VALUE_INVALID', 'a timestamp is a safe integer of ms', { place: 'at' })
  return new Timestamp(ms + 0)
}

/**
 * One value of a tuple.
 *
 * - an integral `number` or a `bigint` is a 64-bit integer; beyond ±(2^53-1) it is read back as `bigint`
 * - a `number` with a fraction, `NaN` and the infinities are floats; {@link Float} is an integral float
 * - `Uint8Array` is bytes, `Float32Array` a vector
 *
 * In a column declared `float` every number is a float and read back as a plain `number`.
 */
export type Value = null | boolean | number | bigint | string | Float | Timestamp | Uint8Array | Float32Array

/** The kind of a value as a small number, so that a column keeps its kinds in a `Uint8Array`. */
export const Kind = {
  null: 0,
  boolean: 1,
  /** An integer within ±(2^53-1). */
  int: 2,
  /** An integer of 64 bits beyond that. */
  wide: 3,
  float: 4,
  timestamp: 5,
  string: 6,
  bytes: 7,
  vector: 8,
} as const
export type Kind = (typeof Kind)[keyof typeof Kind]

/** A value of a kind that does not fit a float64 payload and lives in a heap. */
export type HeapValue = string | bigint | Uint8Array | Float32Array

const INT64_MIN = -(2n ** 63n)
const INT64_MAX = 2n ** 63n - 1n

/** The kind of `value`, which must be canonical. */
export const kindOf = (value: Value): Kind => {
  if (value === null) return Kind.null
  switch (typeof value) {
    case 'boolean':
      return Kind.boolean
    case 'number':
      return Number.isInteger(value) ? Kind.int : Kind.float
    case 'bigint':
      return Kind.wide
    case 'string':
      return Kind.string
    default:
      if (value instanceof Float) return Kind.float
      if (value instanceof Timestamp) return Kind.timestamp
      return value instanceof Uint8Array ? Kind.bytes : Kind.vector
  }
}

// There are many NaNs in bits: one of them is kept, so that equal vectors have equal bytes.
const canonicalFloat = (value: number): number => (value === 0 ? 0 : Number.isNaN(value) ? Number.NaN : value)

const canonicalVector = (value: Float32Array): Float32Array => Float32Array.from(value, canonicalFloat)

/**
 * The one form in which equal values are equal: -0 becomes 0, a `bigint` that fits a safe integer becomes a
 * `number`, a `Date` a timestamp, bytes and vectors are copied.
 *
 * @param place names the value in an error, e.g. `updates[3].data[1]`
 * @throws {InputError} VALUE_INVALID for anything that is not a {@link Value}, an integer outside int64, an
 * integral number beyond the safe integers (it may already have been rounded), a lone surrogate
 */
export const canonical = (value: unknown, place: string): Value => {
  const refuse = (why: string): never => {
    throw new InputError('VALUE_INVALID', why, { place })
  }
  if (value === null) return null
  switch (typeof value) {
    case 'boolean':
      return value
    case 'number':
      if (Number.isInteger(value) && !Number.isSafeInteger(value))
        return refuse('an integer beyond 2^53-1 must be a bigint, or float(x)')
      return canonicalFloat(value)
    case 'bigint':
      if (value < INT64_MIN || value > INT64_MAX) return refuse('an integer must fit 64 bits')
      return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)
        ? Number(value)
        : value
    case 'string':
      return value.isWellFormed() ? value : refuse('a string must not hold a lone surrogate')
    case 'object':
      if (value instanceof Float) {
        if (typeof value.value !== 'number') return refuse('a float holds a number')
        return Number.isInteger(value.value) ? new Float(canonicalFloat(value.value)) : value.value
      }
      if (value instanceof Timestamp || value instanceof Date) {
        const ms = value instanceof Date ? value.getTime() : value.ms
        return Number.isSafeInteger(ms)
          ? new Timestamp(canonicalFloat(ms))
          : refuse('a timestamp is a safe integer of ms')
      }
      if (value instanceof Uint8Array) return new Uint8Array(value)
      if (value instanceof Float32Array) return canonicalVector(value)
      return refuse('a value is null, boolean, number, bigint, string, float, timestamp, bytes or vector')
    default:
      return refuse(`a value cannot be of type ${typeof value}`)
  }
}

/** Compares two well-formed strings by their UTF-8 bytes. */
export const compareStrings = (a: string, b: string): number => {
  const shared = Math.min(a.length, b.length)
  for (let index = 0; index < shared; index++) {
    let x = a.charCodeAt(index)
    let y = b.charCodeAt(index)
    if (x === y) continue
    // Surrogates stand for the code points above U+FFFF, so they sort after U+E000 … U+FFFF.
    if (x >= 0xd800 && y >= 0xd800) {
      x = x >= 0xe000 ? x - 0x800 : x + 0x2000
      y = y >= 0xe000 ? y - 0x800 : y + 0x2000
    }
    return x - y
  }
  return a.length - b.length
}

const compareNumbers = (a: number | bigint, b: number | bigint): number => {
  if (a < b) return -1
  if (a > b) return 1
  const aIsNaN = Number.isNaN(a)
  const bIsNaN = Number.isNaN(b)
  return aIsNaN === bIsNaN ? 0 : aIsNaN ? 1 : -1
}

const compareVectors = (a: Float32Array, b: Float32Array): number => {
  if (a.length !== b.length) return a.length - b.length
  for (let index = 0; index < a.length; index++) {
    const order = compareNumbers(a[index]!, b[index]!)
    if (order !== 0) return order
  }
  return 0
}

const compareBytes = (a: Uint8Array, b: Uint8Array): number => {
  const shared = Math.min(a.length, b.length)
  for (let index = 0; index < shared; index++) if (a[index] !== b[index]) return a[index]! - b[index]!
  return a.length - b.length
}

/** The place of a kind in the order; all numbers share one. */
export const rankOfKind = (kind: Kind): number => {
  if (kind === Kind.int || kind === Kind.wide || kind === Kind.float) return 2
  return kind < Kind.int ? kind : kind - 2
}

/**
 * Compares two values that are given as a kind with either a payload or a heap value, so that neither rows nor
 * values need be made for it.
 */
export const compareKinded = (
  aKind: Kind,
  a: number | HeapValue,
  bKind: Kind,
  b: number | HeapValue,
): number => {
  const byKind = rankOfKind(aKind) - rankOfKind(bKind)
  if (byKind !== 0) return byKind
  switch (aKind) {
    case Kind.null:
      return 0
    case Kind.string:
      return compareStrings(a as string, b as string)
    case Kind.bytes:
      return compareBytes(a as Uint8Array, b as Uint8Array)
    case Kind.vector:
      return compareVectors(a as Float32Array, b as Float32Array)
    default: {
      const order = compareNumbers(a as number | bigint, b as number | bigint)
      if (order !== 0) return order
      return (aKind === Kind.float ? 1 : 0) - (bKind === Kind.float ? 1 : 0)
    }
  }
}

/** What a canonical value is besides its kind; see {@link compareKinded}. */
export const contentOf = (value: Value): number | HeapValue => {
  if (value === null) return 0
  if (typeof value === 'boolean') return value ? 1 : 0
  if (value instanceof Float) return value.value
  if (value instanceof Timestamp) return value.ms
  return value
}

/** Compares two canonical values in the total order. Zero means that they are the same value. */
export const compareValues = (a: Value, b: Value): number =>
  compareKinded(kindOf(a), contentOf(a), kindOf(b), contentOf(b))
