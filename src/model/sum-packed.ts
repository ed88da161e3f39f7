// Owns the sum of several sorted runs of rows that are one number each (model/packing): they are merged two by two, the
// shorter ones first, so that a row of a long run is moved few times. Law: it is what consolidate makes of all rows.
import type { Columns } from './columns.ts'
import { Packing } from './packing.ts'
import { Scratch } from './scratch.ts'

const LARGEST = Number.MAX_SAFE_INTEGER

/** Numbers that rise, and a diff for each. */
interface Sums {
  readonly numbers: Float64Array
  readonly diffs: Float64Array
}

/** Places `[from, to)` of sums. */
interface Range {
  readonly from: number
  readonly to: number
}

/** Sums begin here: in front of them is a diff of 0, for who takes none. */
const BEGIN = 1

/** Memory for sums. */
class Level {
  readonly #numbers = new Scratch()
  readonly #diffs = new Scratch()

  of(rows: number): Sums {
    const diffs = this.#diffs.numbers(BEGIN + rows)
    diffs.fill(0, 0, BEGIN)
    return { numbers: this.#numbers.numbers(BEGIN + rows), diffs }
  }
}

/** What is merged is in one of them, and goes to the other. */
const even = new Level()
const odd = new Level()

const rowsOf = (parts: readonly Columns[]): number => parts.reduce((sum, { length }) => sum + length, 0)

/** How many of the first of `parts`, which are sorted by length, are about half of all rows. */
const half = (parts: readonly Columns[]): number => {
  const rows = rowsOf(parts)
  let count = 1
  for (let taken = parts[0]!.length; count < parts.length - 1; count++) {
    taken += parts[count]!.length
    if (taken * 2 > rows) break
  }
  return count
}

/** A sum that is being made. Sums are distinct numbers without zeros, from a place on; they are named by where they end. */
class Summation {
  readonly #packing: Packing
  /** What is at an even depth is here. */
  readonly #here: Sums
  readonly #there: Sums
  /** No sum, and no part of one, was beyond the safe integers. */
  isSafe = true

  constructor(packing: Packing, rows: number) {
    this.#packing = packing
    this.#here = even.of(rows)
    this.#there = odd.of(rows)
  }

  at(depth: number): Sums {
    return depth % 2 === 0 ? this.#here : this.#there
  }

  /** Sums `parts`, the longest first, to what is at `depth`, from `from` on; they take no more room than they have rows. */
  sum(parts: readonly Columns[], depth: number, from: number): number {
    if (parts.length === 1) return this.#sumRun(parts[0]!, this.at(depth), from)
    const count = half(parts)
    const [some, others] = [parts.slice(0, count), parts.slice(count)]
    const middle = from + rowsOf(some)
    const someEnd = this.sum(some, depth + 1, from)
    const othersEnd = this.sum(others, depth + 1, middle)
    const halves = [
      { from, to: someEnd },
      { from: middle, to: othersEnd },
    ] as const
    return this.#merge(this.at(depth + 1), ...halves, this.at(depth))
  }

  /** Sums what is equal side by side. Without branches: what is equal is anybody's guess. */
  #sumRun(columns: Columns, { numbers, diffs }: Sums, from: number): number {
    const { diff, length } = columns
    this.#packing.pack(columns, numbers.subarray(from, from + length))
    let at = from
    let before = -1
    let sum = 0
    let isSafe = true
    for (let row = 0; row < length; row++) {
      const number = numbers[from + row]!
      const goesOn = Number(number === before)
      at += (1 - goesOn) & Number(sum !== 0)
      sum = sum * goesOn + diff[row]!
      numbers[at] = number
      diffs[at] = sum
      if (sum > LARGEST || sum < -LARGEST) isSafe = false
      before = number
    }
    if (!isSafe) this.isSafe = false
    return sum === 0 ? at : at + 1
  }

  /**
   * Merges two sums that are in `source` to the other place, from where the first one begins. Without branches, as far as
   * it is anybody's guess which of them comes next; places are chosen and not numbers, which would take a branch.
   */
  #merge(source: Sums, first: Range, second: Range, target: Sums): number {
    const { numbers, diffs } = source
    const { numbers: mergedNumbers, diffs: mergedDiffs } = target
    let { from: left } = first
    let { from: right } = second
    let at = left
    let isSafe = true
    while (left < first.to && right < second.to) {
      const leftNumber = numbers[left]!
      const rightNumber = numbers[right]!
      const takesLeft = Number(leftNumber <= rightNumber)
      const takesRight = Number(rightNumber <= leftNumber)
      const sum = diffs[left * takesLeft]! + diffs[right * takesRight]!
      mergedNumbers[at] = numbers[right + (left - right) * takesLeft]!
      mergedDiffs[at] = sum
      if (sum > LARGEST || sum < -LARGEST) isSafe = false
      at += Number(sum !== 0)
      left += takesLeft
      right += takesRight
    }
    if (!isSafe) this.isSafe = false
    const [rest, end] = left < first.to ? [left, first.to] : [right, second.to]
    mergedNumbers.set(numbers.subarray(rest, end), at)
    mergedDiffs.set(diffs.subarray(rest, end), at)
    return at + end - rest
  }
}

/**
 * The sum of `parts`, each of which is sorted by (data, time): sorted, one row for each update, none of them zero.
 * Undefined if their rows are not one number each, or a sum is beyond the safe integers: then consolidate makes it.
 *
 * @param parts none of them empty
 */
export const sumPacked = (parts: readonly Columns[]): Columns | undefined => {
  const packing = Packing.of(parts)
  if (packing === undefined) return undefined
  const rows = rowsOf(parts)
  const summation = new Summation(packing, rows)
  const end = summation.sum(
    parts.toSorted((a, b) => b.length - a.length),
    0,
    BEGIN,
  )
  if (!summation.isSafe) return undefined
  const { numbers, diffs } = summation.at(0)
  return packing.unpack(numbers.subarray(BEGIN, end), diffs.slice(BEGIN, end))
}
