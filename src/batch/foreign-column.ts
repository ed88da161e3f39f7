// Owns what the columns of somebody else's Parquet file become: which of our types, and each value, exactly or not at
// all. Invariant: what comes out is canonical (model/value.ts): no -0, one NaN, no lone surrogates.
import type { Column } from '../model/columns.ts'
import { Heap } from '../model/heap.ts'
import type { ColumnDeclaration } from '../model/schema.ts'
import { Kind } from '../model/value.ts'
import { type ArrowArray, type ArrowLayout, isValid } from './arrow.ts'
import { type ColumnTarget, int32View, takeBinaries, takeInt64s } from './decode.ts'
import { MalformedColumn } from './malformed-column.ts'

/** A value that has no equivalent; `row` counts from 0 within the array. */
export class MalformedCell extends MalformedColumn {
  readonly row: number
  constructor(column: string, row: number, why: string) {
    super(column, why)
    this.row = row
  }
}

/** Our type for values that are laid out like this; undefined if there is none. */
export const typeOfLayout = (layout: ArrowLayout): ColumnDeclaration['type'] | undefined => {
  switch (layout.kind) {
    case 'boolean':
      return 'boolean'
    case 'integer':
      return layout.bits < 32 || (layout.bits === 32 && layout.signed) ? 'int32' : 'int64'
    case 'float':
      return 'float64'
    case 'timestamp':
      return 'timestamp'
    case 'string':
      return 'string'
    case 'bytes':
      return 'bytes'
    case 'list':
      return layout.element.kind === 'float' && layout.element.bits === 32 ? 'vector' : undefined
    case 'dictionary':
      return typeOfLayout(layout.of)
    case 'null':
      return 'any'
    case 'other':
      return undefined
    default:
      return layout satisfies never
  }
}

type IntegerLayout = Extract<ArrowLayout, { readonly kind: 'integer' }>

const aligned = (bytes: Uint8Array, size: number): Uint8Array =>
  bytes.byteOffset % size === 0 ? bytes : bytes.slice()

/** The integers of an array of up to 32 bits. */
const narrow = ({ bits, signed }: IntegerLayout, unaligned: Uint8Array): ArrayLike<number> => {
  const { buffer, byteOffset, byteLength } = aligned(unaligned, bits / 8)
  const count = byteLength / (bits / 8)
  if (bits === 8)
    return signed ? new Int8Array(buffer, byteOffset, count) : new Uint8Array(buffer, byteOffset, count)
  if (bits === 16)
    return signed ? new Int16Array(buffer, byteOffset, count) : new Uint16Array(buffer, byteOffset, count)
  return signed ? new Int32Array(buffer, byteOffset, count) : new Uint32Array(buffer, byteOffset, count)
}

const takeIntegers = (target: ColumnTarget, array: ArrowArray, layout: IntegerLayout): void => {
  if (layout.bits === 64) {
    if (!layout.signed) refuseBeyondInt64(target, array)
    takeInt64s(target, array)
    return
  }
  const values = narrow(layout, array.bytes)
  for (let row = 0; row < array.length; row++) {
    if (!isValid(array.validity, row)) continue
    target.kinds[row] = Kind.int
    target.payload[row] = values[row]!
  }
}

const refuseBeyondInt64 = (target: ColumnTarget, array: ArrowArray): void => {
  const words = int32View(array.bytes)
  for (let row = 0; row < array.length; row++)
    if (isValid(array.validity, row) && words[2 * row + 1]! < 0)
      throw new MalformedCell(target.name, row, 'an unsigned integer does not fit 64 bits with a sign')
}

/** One NaN and no -0. */
const canonicalFloat = (value: number): number => (Number.isNaN(value) ? Number.NaN : value + 0)

const floats = (bits: 32 | 64, unaligned: Uint8Array): Float32Array | Float64Array => {
  const { buffer, byteOffset, byteLength } = aligned(unaligned, bits / 8)
  return bits === 32
    ? new Float32Array(buffer, byteOffset, byteLength / 4)
    : new Float64Array(buffer, byteOffset, byteLength / 8)
}

const takeFloats = (target: ColumnTarget, array: ArrowArray, bits: 32 | 64): void => {
  const values = floats(bits, array.bytes)
  for (let row = 0; row < array.length; row++) {
    if (!isValid(array.validity, row)) continue
    target.kinds[row] = Kind.float
    target.payload[row] = canonicalFloat(values[row]!)
  }
}

const MS_PER_DAY = 86_400_000n

const takeTimestamps = (
  target: ColumnTarget,
  array: ArrowArray,
  { bits, unitsPerSecond }: Extract<ArrowLayout, { readonly kind: 'timestamp' }>,
): void => {
  const { buffer, byteOffset, byteLength } = aligned(array.bytes, bits / 8)
  const values =
    bits === 32
      ? new Int32Array(buffer, byteOffset, byteLength / 4)
      : new BigInt64Array(buffer, byteOffset, byteLength / 8)
  const multiply = unitsPerSecond === 'day' ? MS_PER_DAY : unitsPerSecond < 1000 ? 1000n : 1n
  const divide = unitsPerSecond === 'day' || unitsPerSecond < 1000 ? 1n : BigInt(unitsPerSecond / 1000)
  for (let row = 0; row < array.length; row++) {
    if (!isValid(array.validity, row)) continue
    const units = BigInt(values[row]!) * multiply
    if (units % divide !== 0n)
      throw new MalformedCell(target.name, row, 'a timestamp is finer than a millisecond')
    const ms = Number(units / divide)
    if (!Number.isSafeInteger(ms)) throw new MalformedCell(target.name, row, 'a timestamp is beyond 2^53 ms')
    target.kinds[row] = Kind.timestamp
    target.payload[row] = ms
  }
}

const takeVectors = (target: ColumnTarget, array: ArrowArray): void => {
  const child = array.child!
  const values = floats(32, child.bytes)
  for (let row = 0; row < array.length; row++) {
    if (!isValid(array.validity, row)) continue
    const [from, to] = [array.offsets![row]!, array.offsets![row + 1]!]
    for (let index = from; index < to; index++)
      if (!isValid(child.validity, index))
        throw new MalformedCell(target.name, row, 'a vector has a null in it')
    target.kinds[row] = Kind.vector
    target.payload[row] = target.heap.intern(Float32Array.from(values.subarray(from, to), canonicalFloat))
  }
}

const takeDictionary = (target: ColumnTarget, array: ArrowArray, bits: 8 | 16 | 32 | 64): void => {
  const values = array.child!
  const own: ColumnTarget = {
    name: target.name,
    kinds: new Uint8Array(values.length),
    payload: new Float64Array(values.length),
    heap: target.heap,
  }
  take(own, values)
  const words = bits === 64 ? int32View(array.bytes) : undefined
  const codes = words === undefined ? narrow({ kind: 'integer', bits, signed: true }, array.bytes) : words
  for (let row = 0; row < array.length; row++) {
    if (!isValid(array.validity, row)) continue
    const code = codes[words === undefined ? row : 2 * row]!
    target.kinds[row] = own.kinds[code]!
    target.payload[row] = own.payload[code]!
  }
}

const take = (target: ColumnTarget, array: ArrowArray): void => {
  const { layout } = array
  switch (layout.kind) {
    case 'boolean':
      for (let row = 0; row < array.length; row++) {
        if (!isValid(array.validity, row)) continue
        target.kinds[row] = Kind.boolean
        target.payload[row] = (array.bytes[row >> 3]! >> (row & 7)) & 1
      }
      break
    case 'integer':
      takeIntegers(target, array, layout)
      break
    case 'float':
      takeFloats(target, array, layout.bits)
      break
    case 'timestamp':
      takeTimestamps(target, array, layout)
      break
    case 'string':
      takeBinaries(target, array, Kind.string)
      break
    case 'bytes':
      takeBinaries(target, array, Kind.bytes)
      break
    case 'list':
      takeVectors(target, array)
      break
    case 'dictionary':
      takeDictionary(target, array, layout.bits)
      break
    case 'null':
      break
    default:
      throw new MalformedColumn(target.name, `a column of type ${layout.name} has no equivalent`)
  }
}

/**
 * The values of a column whose layout {@link typeOfLayout} has a type for.
 * @throws {MalformedCell} with the row of the first value that has no equivalent
 */
export const foreignColumn = (name: string, array: ArrowArray): Column => {
  const kinds = new Uint8Array(array.length)
  const payload = new Float64Array(array.length)
  const heap = new Heap()
  take({ name, kinds, payload, heap }, array)
  return { kinds, payload, heap }
}
