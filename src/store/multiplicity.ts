// Owns what multiplicities may be: safe integers, and sums of them that are not rounded.
import { FrontierError } from '../errors.ts'
import { type Columns, slice, tupleAt } from '../model/columns.ts'
import { compareTuples } from '../model/sort.ts'

const LARGEST = Number.MAX_SAFE_INTEGER

/** Notices a sum that had to be kept as several rows because it is no safe integer: see consolidate. */
export class OverflowCheck {
  /** The row before, if it may be such a part. */
  #last: Columns | undefined
  readonly #shard: string

  constructor(shard: string) {
    this.#shard = shard
  }

  /** Sees rows `[from, to)`, by default all. @throws {FrontierError} DIFF_OVERFLOW */
  see(columns: Columns, from = 0, to: number = columns.length): void {
    const { diff } = columns
    for (let row = from; row < to; row++) {
      if (this.#last !== undefined) this.#checkNext(this.#last, columns, row)
      if (Math.abs(diff[row]!) === LARGEST) this.#last = slice(columns, row, row + 1)
    }
  }

  #checkNext(last: Columns, columns: Columns, row: number): void {
    this.#last = undefined
    if (compareTuples(last, 0, columns, row) !== 0) return
    throw new FrontierError('DIFF_OVERFLOW', 'a multiplicity is beyond the safe integers', {
      shard: this.#shard,
      data: String(tupleAt(columns, row)),
    })
  }
}

/** Half of the safe integers: two numbers up to it add up exactly. */
const HALF = 2 ** 52

/** A sum of safe integers that is not rounded on its way. */
export class ExactSum {
  #wide = 0n
  #small = 0

  add(diff: number): void {
    if (Math.abs(diff) <= HALF && Math.abs(this.#small) <= HALF) this.#small += diff
    else {
      this.#wide += BigInt(this.#small) + BigInt(diff)
      this.#small = 0
    }
  }

  /** No safe integer if the sum is none. */
  get value(): number {
    return Number(this.#wide + BigInt(this.#small))
  }
}
