// Owns rows of whole numbers as one number each: the columns and the time of a row side by side in the 53 bits that a
// number holds exactly, the first column on top, so that the numbers order as the rows do; and the way back.

import { type Column, type Columns, onlyKind } from './columns.ts'
import { addDistances, bitWidth, type Extent, extentOf } from './extent.ts'
import { Heap } from './heap.ts'
import { kindsOf, timesAt } from './uniform.ts'
import { Kind } from './value.ts'

const BITS_MAX = 53

/** Where a column, or the time, stands in a number. */
interface Field {
  readonly lowest: number
  readonly bits: number
  /** What a distance of 1 is worth. */
  readonly scale: number
}

/** Whether payloads of this kind are whole numbers that order as the values do. */
const isWhole = (kind: Kind | undefined): kind is Kind =>
  kind === Kind.int || kind === Kind.boolean || kind === Kind.timestamp

/** The kind of a column that is the same in all parts; undefined if there are several, or it is not packed. */
const kindOfAll = (parts: readonly Columns[], index: number): Kind | undefined => {
  let kind: Kind | undefined
  for (const { data, length } of parts) {
    const own = onlyKind(data[index]!, length)
    if (!isWhole(own) || (kind !== undefined && own !== kind)) return undefined
    kind = own
  }
  return kind
}

/** The values of a field from the numbers that it is in. */
const take = ({ lowest, bits, scale }: Field, numbers: Float64Array): Float64Array => {
  const values = new Float64Array(numbers.length)
  if (bits === 0) return values.fill(lowest)
  const right = 1 / scale
  const range = 2 ** bits
  const above = right / range
  for (let row = 0; row < values.length; row++) {
    const number = numbers[row]!
    values[row] = Math.floor(number * right) - Math.floor(number * above) * range + lowest
  }
  return values
}

export class Packing {
  readonly #kinds: readonly Kind[]
  /** Of each column. */
  readonly #fields: readonly Field[]
  readonly #time: Field

  private constructor(kinds: readonly Kind[], fields: readonly Field[], time: Field) {
    this.#kinds = kinds
    this.#fields = fields
    this.#time = time
  }

  /**
   * One for all rows of `parts`, none of which is empty and each of which is sorted by (data, time). Undefined unless all
   * columns are whole numbers of one kind each, and have room side by side: within what the rows span, not in general.
   *
   * Costs a pass over the times, and over each column but the first.
   */
  static of(parts: readonly Columns[]): Packing | undefined {
    const { data } = parts[0]!
    const kinds: Kind[] = []
    for (let index = 0; index < data.length; index++) {
      const kind = kindOfAll(parts, index)
      if (kind === undefined) return undefined
      kinds.push(kind)
    }
    let used = 0
    const fieldOf = (extents: readonly Extent[]): Field => {
      const lowest = Math.min(...extents.map(extent => extent.lowest))
      const bits = bitWidth(Math.max(...extents.map(extent => extent.highest)) - lowest)
      const field = { lowest, bits, scale: 2 ** used }
      used += bits
      return field
    }
    const time = fieldOf(parts.map(part => extentOf(part.time, part.length)))
    const fields: Field[] = []
    for (let index = data.length - 1; index >= 0 && used <= BITS_MAX; index--)
      fields.unshift(
        fieldOf(
          parts.map(part => {
            const { payload } = part.data[index]!
            // The first column is in order itself.
            return index === 0
              ? { lowest: payload[0]!, highest: payload[part.length - 1]! }
              : extentOf(payload, part.length)
          }),
        ),
      )
    return used <= BITS_MAX ? new Packing(kinds, fields, time) : undefined
  }

  /** Writes the numbers of rows, which are among those it was made for. */
  pack({ data, time }: Columns, numbers: Float64Array): void {
    numbers.fill(0)
    this.#fields.forEach((field, index) => {
      if (field.bits > 0) addDistances(numbers, data[index]!.payload, field)
    })
    if (this.#time.bits > 0) addDistances(numbers, time, this.#time)
  }

  /** The rows of numbers, in memory of their own but for what is the same in all. */
  unpack(numbers: Float64Array, diff: Float64Array): Columns {
    const { length } = numbers
    const data = this.#fields.map(
      (field, index): Column => ({
        kinds: kindsOf(this.#kinds[index]!, length),
        payload: take(field, numbers),
        heap: new Heap(),
      }),
    )
    const { bits, lowest } = this.#time
    return { length, data, time: bits === 0 ? timesAt(lowest, length) : take(this.#time, numbers), diff }
  }
}
