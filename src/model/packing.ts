// Owns rows of whole numbers as one number each: the columns and the time of a row side by side in the 53 bits that a
// number holds exactly, the first column on top, so that the numbers order as the rows do; and the way back.

import { bitWidth } from './bit-width.ts'
import { type Column, type Columns, onlyKind } from './columns.ts'
import { addDistances, extentOf, type Scale, setDistances } from './extent.ts'
import { Heap } from './heap.ts'
import { kindsOf, timesAt } from './uniform.ts'
import { Kind } from './value.ts'

const BITS_MAX = 53

/** Where a column, or the time, stands in a number. */
interface Field extends Scale {
  readonly bits: number
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

/** What stands in a number: the columns, then the time. */
const valuesOf = ({ data, time }: Columns): Float64Array[] => [...data.map(({ payload }) => payload), time]

export class Packing {
  /** Of each column. */
  readonly #kinds: readonly Kind[]
  /** As in {@link valuesOf}. */
  readonly #fields: readonly Field[]

  private constructor(kinds: readonly Kind[], fields: readonly Field[]) {
    this.#kinds = kinds
    this.#fields = fields
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
    const fields: Field[] = []
    let used = 0
    for (let index = data.length; index >= 0 && used <= BITS_MAX; index--) {
      const extents = parts.map(part => {
        const values = valuesOf(part)[index]!
        // The first column is in order itself.
        const isSorted = index === 0 && data.length > 0
        return isSorted
          ? { lowest: values[0]!, highest: values[part.length - 1]! }
          : extentOf(values, part.length)
      })
      const lowest = Math.min(...extents.map(extent => extent.lowest))
      const bits = bitWidth(Math.max(...extents.map(extent => extent.highest)) - lowest)
      fields.unshift({ lowest, bits, scale: 2 ** used })
      used += bits
    }
    return used <= BITS_MAX ? new Packing(kinds, fields) : undefined
  }

  /** Writes the numbers of rows, which are among those it was made for. */
  pack(columns: Columns, numbers: Float64Array): void {
    const values = valuesOf(columns)
    const varying = [...this.#fields.entries()].filter(([, { bits }]) => bits > 0)
    const [first, ...others] = varying
    if (first === undefined) numbers.fill(0)
    else setDistances(numbers, values[first[0]]!, first[1])
    for (const [index, field] of others) addDistances(numbers, values[index]!, field)
  }

  /** The rows of numbers, in memory of their own but for what is the same in all. */
  unpack(numbers: Float64Array, diff: Float64Array): Columns {
    const { length } = numbers
    const data = this.#kinds.map(
      (kind, index): Column => ({
        kinds: kindsOf(kind, length),
        payload: take(this.#fields[index]!, numbers),
        heap: new Heap(),
      }),
    )
    const time = this.#fields.at(-1)!
    return { length, data, time: time.bits === 0 ? timesAt(time.lowest, length) : take(time, numbers), diff }
  }
}
