// Owns a copy of sums that takes as little memory as it can: what all rows have in common stands in an array that all
// copies share.
import { type Columns, GrowingColumns, isUniform, onlyKind } from '../model/columns.ts'

/** Arrays of one value each, by the value; each as long as the longest that was asked for. */
class Repeated<A extends Uint8Array | Float64Array> {
  readonly #byValue = new Map<number, A>()
  readonly #make: (length: number) => A

  constructor(make: (length: number) => A) {
    this.#make = make
  }

  /** At least `length` times the value. */
  of(value: number, length: number): A {
    const known = this.#byValue.get(value)
    if (known !== undefined && known.length >= length) return known
    const repeated = this.#make(length)
    repeated.fill(value)
    this.#byValue.set(value, repeated)
    return repeated
  }
}

const bytes = new Repeated(length => new Uint8Array(length))
const numbers = new Repeated(length => new Float64Array(length))

/** Columns, and how much memory they alone take. */
export interface LeanColumns {
  readonly columns: Columns
  readonly bytes: number
}

/** A copy of rows whose times do not matter: all are 0. Its heaps hold nothing that is in no row. */
export const leanCopy = (source: Columns): LeanColumns => {
  const { length } = source
  const copy = new GrowingColumns(source.data.length, length)
  copy.appendRange(source, 0, length)
  let taken = 0
  const data = copy.data.map(({ kinds, payload, heap }) => {
    const kind = onlyKind({ kinds, payload, heap }, length)
    taken += heap.bytes + 8 * length + (kind === undefined ? length : 0)
    return { kinds: kind === undefined ? kinds : bytes.of(kind, length), payload, heap }
  })
  const isFact = copy.diff[0] === 1 && isUniform(copy.diff, length)
  taken += isFact ? 0 : 8 * length
  const diff = isFact ? numbers.of(1, length) : copy.diff
  return { columns: { length, data, time: numbers.of(0, length), diff }, bytes: taken }
}
