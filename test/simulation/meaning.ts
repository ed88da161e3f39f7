// Owns what a read means: the model of S9. A list of updates, conditions looked at one by one, and sums; it shares with
// the engine only the order of values.
import type { Range } from '../../src/model/predicate.ts'
import { compareValues, Float, type Value } from '../../src/model/value.ts'
import { tupleText } from '../support/stores.ts'

/** What is asked of each column, by its position. */
export type Asked = ReadonlyMap<number, Value | Range>

export interface Question {
  /** Times up to this one do not count. */
  readonly after: number
  readonly asOf: number
  /** Positions. */
  readonly columns: readonly number[]
  readonly where: Asked
}

export interface Answer {
  readonly data: readonly Value[]
  readonly diff: number
}

const isRange = (asked: Value | Range): asked is Range =>
  typeof asked === 'object' && asked !== null && Object.getPrototypeOf(asked) === Object.prototype

const plain = (value: Value): unknown => (value instanceof Float ? value.value : value)

/** What decides whether two values can be compared with `<`. */
const kindOf = (value: unknown): unknown => {
  if (typeof value === 'object') return Object.getPrototypeOf(value)
  return typeof value === 'bigint' ? 'number' : typeof value
}

const isWithin = (value: Value, key: keyof Range, bound: Value): boolean => {
  const [a, b] = [plain(value) as number, plain(bound) as number]
  if (value === null || Number.isNaN(a) || kindOf(a) !== kindOf(b)) return false
  const order = kindOf(a) === 'number' ? Number(a > b) - Number(a < b) : compareValues(value, bound)
  return { gt: order > 0, gte: order >= 0, lt: order < 0, lte: order <= 0 }[key]
}

const meets = (value: Value, asked: Value | Range): boolean =>
  isRange(asked)
    ? Object.entries(asked).every(([key, bound]) => isWithin(value, key as keyof Range, bound))
    : compareValues(value, asked) === 0

const inOrder = (a: Answer, b: Answer): number =>
  a.data.reduce<number>((order, value, index) => order || compareValues(value, b.data[index]!), 0)

export class Meaning {
  readonly #updates: { readonly data: readonly Value[]; readonly time: number; readonly diff: number }[] = []
  /** The least time that a commit may still have. */
  upper = 0
  /** Nothing before it can be asked for. */
  since = 0

  add(data: readonly Value[], time: number, diff: number): void {
    this.#updates.push({ data, time, diff })
    this.upper = Math.max(this.upper, time + 1)
  }

  /** The tuples whose sums are not zero, in order. */
  answer({ after, asOf, columns, where }: Question): Answer[] {
    const sums = new Map<string, Answer>()
    for (const { data, time, diff } of this.#updates) {
      if (time <= after || time > asOf) continue
      if (![...where].every(([column, asked]) => meets(data[column]!, asked))) continue
      const wanted = columns.map(column => data[column]!)
      const before = sums.get(tupleText(wanted))?.diff ?? 0
      sums.set(tupleText(wanted), { data: wanted, diff: before + diff })
    }
    return [...sums.values()].filter(({ diff }) => diff !== 0).sort(inOrder)
  }

  /** The multiplicity of a tuple now. */
  multiplicity(data: readonly Value[]): number {
    const where = new Map(data.map((value, column): [number, Value] => [column, value]))
    const columns = data.map((_, column) => column)
    return this.answer({ after: -1, asOf: this.upper, columns, where })[0]?.diff ?? 0
  }
}
