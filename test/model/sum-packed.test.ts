// The fast sum against the plain one, and what it leaves to that.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Columns, gather, tupleAt } from '../../src/model/columns.ts'
import { consolidate } from '../../src/model/consolidate.ts'
import { sortRows } from '../../src/model/sort.ts'
import { sumPacked } from '../../src/model/sum-packed.ts'
import { float, timestamp, type Value } from '../../src/model/value.ts'
import { valueText } from '../../src/model/value-json.ts'
import { columnsFrom, type PlainUpdate } from '../support/values.ts'

const LARGEST = Number.MAX_SAFE_INTEGER

const texts = (columns: Columns | undefined): string[] | undefined =>
  columns &&
  Array.from(
    { length: columns.length },
    (_, row) => `${tupleAt(columns, row).map(valueText).join()} @${columns.time[row]} ${columns.diff[row]}`,
  )

/** A run as merges have them: in order, and maybe with equal rows side by side, and with diffs of 0. */
const sorted = (arity: number, updates: readonly PlainUpdate[]): Columns => {
  const columns = columnsFrom(arity, updates)
  return gather(columns, sortRows(columns).rows)
}

const plainSum = (arity: number, runs: readonly (readonly PlainUpdate[])[]): Columns =>
  consolidate(columnsFrom(arity, runs.flat()))

/** Values of one kind, near one another and far apart. */
const values: readonly fc.Arbitrary<Value>[] = [
  fc.integer({ min: -3, max: 3 }),
  fc.integer({ min: 0, max: 2 ** 20 }),
  fc.boolean(),
  fc.constantFrom(-5, 0, 2 ** 15).map(timestamp),
]

const runsOf = (tuple: fc.Arbitrary<Value[]>, diff: fc.Arbitrary<number>): fc.Arbitrary<PlainUpdate[][]> =>
  fc.array(fc.array(fc.record({ data: tuple, time: fc.nat(5), diff }), { minLength: 1, maxLength: 40 }), {
    minLength: 1,
    maxLength: 6,
  })

const cases = fc
  .array(fc.constantFrom(...values), { maxLength: 3 })
  .chain(columns =>
    fc.tuple(
      fc.constant(columns.length),
      runsOf(fc.tuple(...columns) as fc.Arbitrary<Value[]>, fc.constantFrom(1, -1, 2, -2, 0)),
    ),
  )

test('the sum of sorted runs is what consolidating all their rows makes', () => {
  fc.assert(
    fc.property(cases, ([arity, runs]) => {
      const summed = sumPacked(runs.map(run => sorted(arity, run)))
      // Three columns of 21 bits are more than a number has.
      if (summed === undefined) return
      expect(texts(summed)).toEqual(texts(plainSum(arity, runs)))
    }),
    { numRuns: 500 },
  )
})

const run = (...tuples: readonly (readonly Value[])[]): Columns =>
  sorted(
    tuples[0]!.length,
    tuples.map(data => ({ data: [...data], time: 1, diff: 1 })),
  )

test('rows of many runs of all lengths are where they belong', () => {
  const lengths = [1, 3000, 7, 500, 2, 12_000, 40, 1]
  const runs = lengths.map((length, index) =>
    Array.from({ length }, (_, row) => ({
      data: [(row * 7919 + index) % 5000, row % 10] as Value[],
      time: 1,
      diff: index % 2 === 0 ? 1 : -1,
    })),
  )
  const summed = sumPacked(runs.map(updates => sorted(2, updates)))
  expect(texts(summed)).toEqual(texts(plainSum(2, runs)))
})

describe('what is summed', () => {
  test('whole numbers of 53 bits together, whatever the sign', () => {
    const most = 2 ** 51 - 1
    expect(texts(sumPacked([run([-most, 0], [0, 1]), run([0, 1], [most, 1])]))).toEqual([
      `${-most},0 @1 1`,
      '0,1 @1 2',
      `${most},1 @1 1`,
    ])
  })

  test('the largest diffs', () => {
    const one = sorted(1, [{ data: [1], time: 1, diff: LARGEST }])
    const other = sorted(1, [{ data: [1], time: 1, diff: -LARGEST }])
    expect(texts(sumPacked([one, other]))).toEqual([])
    expect(texts(sumPacked([one]))).toEqual([`1 @1 ${LARGEST}`])
  })

  test('rows without columns', () => {
    const rows = sorted(0, [
      { data: [], time: 1, diff: 1 },
      { data: [], time: 2, diff: 1 },
    ])
    expect(texts(sumPacked([rows, rows]))).toEqual([' @1 2', ' @2 2'])
  })
})

describe('what is left to others', () => {
  test.each<[string, Columns[]]>([
    ['strings', [run(['a'])]],
    ['floats', [run([float(1)])]],
    ['null', [run([null])]],
    ['two kinds in a run', [run([1], [true])]],
    ['two kinds in two runs', [run([1]), run([true])]],
    ['integers beyond numbers', [run([2n ** 60n])]],
    ['more than 53 bits', [run([0, 0]), run([2 ** 30, 2 ** 30])]],
    ['integers further apart than numbers tell', [run([-LARGEST], [LARGEST])]],
  ])('%s', (_, runs) => {
    expect(sumPacked(runs)).toBeUndefined()
  })

  test('a sum beyond the safe integers, within a run and of two', () => {
    const twice = sorted(1, [
      { data: [1], time: 1, diff: LARGEST },
      { data: [1], time: 1, diff: 1 },
    ])
    const once = sorted(1, [{ data: [1], time: 1, diff: LARGEST }])
    const less = sorted(1, [{ data: [1], time: 1, diff: -LARGEST }])
    expect(sumPacked([twice])).toBeUndefined()
    expect(sumPacked([once, once])).toBeUndefined()
    expect(sumPacked([less, less])).toBeUndefined()
  })
})

test('what was summed stays as it is when something else is', () => {
  const first = sumPacked([run([1, 2], [3, 4]), run([5, 6])])
  const before = texts(first)
  sumPacked([run([7, 8], [7, 8], [9, 10]), run([7, 8])])
  expect(texts(first)).toEqual(before)
})
