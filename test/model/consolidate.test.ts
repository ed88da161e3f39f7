import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Columns, GrowingColumns, gather, tupleAt } from '../../src/model/columns.ts'
import { consolidate, consolidateSorted, firstUnconsolidated } from '../../src/model/consolidate.ts'
import { compareRows } from '../../src/model/sort.ts'
import { float, type Value } from '../../src/model/value.ts'
import { valueText } from '../../src/model/value-json.ts'
import { anyValue, columnsFrom, type PlainUpdate } from '../support/values.ts'

const LARGEST = Number.MAX_SAFE_INTEGER

const texts = (columns: Columns): string[] =>
  Array.from(
    { length: columns.length },
    (_, row) => `${tupleAt(columns, row).map(valueText).join()} @${columns.time[row]} ${columns.diff[row]}`,
  )

const isConsolidated = (columns: Columns): boolean => firstWrong(columns) === -1

const firstWrong = (columns: Columns): number =>
  firstUnconsolidated(columns, (a, b) => compareRows(columns, a, columns, b))

/** The diffs that updates of one tuple at one time become. */
const diffsOf = (...diffs: readonly number[]): number[] => {
  const columns = consolidate(
    columnsFrom(
      1,
      diffs.map(diff => ({ data: ['x'], time: 1, diff })),
    ),
  )
  return [...columns.diff.subarray(0, columns.length)]
}

describe('the table of the guide (IL-33)', () => {
  test('+1, +1 -> +2', () => {
    expect(diffsOf(1, 1)).toEqual([2])
  })
  test('+1, -1 -> nothing', () => {
    expect(diffsOf(1, -1)).toEqual([])
  })
  test('+1, -1, +1 -> +1', () => {
    expect(diffsOf(1, -1, 1)).toEqual([1])
  })
})

test('the same tuple at two times stays two updates, in order of time', () => {
  const columns = consolidate(
    columnsFrom(1, [
      { data: ['x'], time: 2, diff: -1 },
      { data: ['x'], time: 1, diff: 1 },
    ]),
  )
  expect(texts(columns)).toEqual(['"x" @1 1', '"x" @2 -1'])
})

test('what only looks alike is not added up: 1, 1.0, true, "1", null and 0', () => {
  const values: readonly Value[] = [null, true, 0, float(0), 1, float(1), '1', Uint8Array.of(1)]
  const columns = consolidate(
    columnsFrom(
      1,
      [...values, ...values].reverse().map(value => ({ data: [value], time: 0, diff: 1 })),
    ),
  )
  expect(texts(columns)).toEqual(values.map(value => `${valueText(value)} @0 2`))
})

test('equal NaNs add up, whatever their bits', () => {
  const columns = columnsFrom(1, [
    { data: [Number.NaN], time: 0, diff: 1 },
    { data: [0.5], time: 0, diff: 1 },
    { data: [Number.NaN], time: 0, diff: 1 },
  ])
  columns.data[0]!.payload.set(new Float64Array(Uint32Array.of(1, 0xfff80000).buffer), 0)
  expect(texts(consolidate(columns))).toEqual(['0.5 @0 1', '{"f":"NaN"} @0 2'])
})

test('no rows, no columns and a diff of zero', () => {
  expect(consolidate(columnsFrom(2, []))).toMatchObject({ length: 0 })
  const bare = [4, 3, 4].map(time => ({ data: [], time, diff: 1 }))
  expect(texts(consolidate(columnsFrom(0, bare)))).toEqual([' @3 1', ' @4 2'])
  expect(diffsOf(0)).toEqual([])
})

const anyUpdates = (): fc.Arbitrary<PlainUpdate[]> =>
  fc.array(anyValue(), { minLength: 1, maxLength: 6 }).chain(values =>
    fc.array(
      fc.record({
        data: fc.tuple(fc.constantFrom(...values), fc.constantFrom(...values)),
        time: fc.oneof(fc.nat({ max: 2 }), fc.constant(2 ** 53 - 2)),
        diff: fc.constantFrom(1, 1, -1, -1, 2, -3, LARGEST, -LARGEST, LARGEST - 1),
      }),
      { maxLength: 60, size: 'max' },
    ),
  )

/** The sums by tuple and time, exactly. */
const sumsOf = (columns: Columns): Map<string, bigint> => {
  const sums = new Map<string, bigint>()
  for (let row = 0; row < columns.length; row++) {
    const key = `${tupleAt(columns, row).map(valueText).join()} @${columns.time[row]}`
    sums.set(key, (sums.get(key) ?? 0n) + BigInt(columns.diff[row]!))
  }
  for (const [key, sum] of sums) if (sum === 0n) sums.delete(key)
  return sums
}

test('random updates have the sums of a Map from tuple and time to diff (IL-01)', () => {
  let updates = 0
  for (let seed = 1; seed <= 12; seed++) {
    let state = seed
    const random = (below: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0
      return Math.floor((state / 2 ** 32) * below)
    }
    const columns = new GrowingColumns(2)
    for (let row = 0; row < 10_000; row++) {
      const value = random(40)
      const first = value % 4 === 0 ? `name ${value}` : value % 4 === 1 ? value + 0.5 : value
      columns.append(
        [first, random(seed * 20)],
        random(seed % 3 === 0 ? 2 ** 40 : 4),
        random(2) === 0 ? 1 : -1,
      )
    }
    updates += columns.length
    const result = consolidate(columns)
    expect(sumsOf(result)).toEqual(sumsOf(columns))
    expect(isConsolidated(result)).toBe(true)
    expect(result.length).toBe(sumsOf(columns).size)
  }
  expect(updates).toBeGreaterThanOrEqual(100_000)
})

test('the sums are those of the updates, at every edge of values and diffs', () => {
  fc.assert(
    fc.property(anyUpdates(), updates => {
      const columns = columnsFrom(2, updates)
      const result = consolidate(columns)
      expect(sumsOf(result)).toEqual(sumsOf(columns))
      expect(firstWrong(result)).toBe(-1)
    }),
    { numRuns: 1000 },
  )
})

test('consolidating twice is consolidating once', () => {
  fc.assert(
    fc.property(anyUpdates(), updates => {
      const once = consolidate(columnsFrom(2, updates))
      expect(texts(consolidate(once))).toEqual(texts(once))
    }),
    { numRuns: 500 },
  )
})

test('the order of the updates makes no difference, nor does consolidating some of them before', () => {
  const shuffled = anyUpdates().chain(updates =>
    fc.tuple(
      fc.constant(updates),
      fc.shuffledSubarray(updates, { minLength: updates.length, maxLength: updates.length }),
      fc.nat({ max: updates.length }),
    ),
  )
  fc.assert(
    fc.property(shuffled, ([updates, other, cut]) => {
      const expected = texts(consolidate(columnsFrom(2, updates)))
      expect(texts(consolidate(columnsFrom(2, other)))).toEqual(expected)
      const parts = new GrowingColumns(2)
      for (const part of [other.slice(0, cut), other.slice(cut)]) {
        const columns = consolidate(columnsFrom(2, part))
        parts.appendRange(columns, 0, columns.length)
      }
      expect(texts(consolidate(parts))).toEqual(expected)
    }),
    { numRuns: 500 },
  )
})

describe('a sum beyond the safe integers', () => {
  test.each<readonly [readonly number[], readonly number[]]>([
    [[LARGEST], [LARGEST]],
    [
      [LARGEST, 1],
      [LARGEST, 1],
    ],
    [
      [1, LARGEST],
      [LARGEST, 1],
    ],
    [
      [LARGEST, LARGEST, LARGEST],
      [LARGEST, LARGEST, LARGEST],
    ],
    [
      [-5, -LARGEST, -LARGEST],
      [-LARGEST, -LARGEST, -5],
    ],
    [
      [LARGEST - 1, LARGEST - 1],
      [LARGEST, LARGEST - 2],
    ],
    [[LARGEST, 5, -LARGEST], [5]],
    [[LARGEST, LARGEST, -LARGEST, -LARGEST], []],
    [[-LARGEST, -1, LARGEST, LARGEST], [LARGEST - 1]],
  ])('%j stays exact as %j', (diffs, expected) => {
    expect(diffsOf(...diffs)).toEqual(expected)
    expect(diffsOf(...diffs.toReversed())).toEqual(expected)
    expect(diffsOf(...expected)).toEqual(expected)
  })
})

test('an order that is known already is not sought again, and the source stays as it is', () => {
  const columns = columnsFrom(1, [
    { data: ['b'], time: 0, diff: 1 },
    { data: ['b'], time: 0, diff: 4 },
    { data: ['a'], time: 0, diff: 1 },
  ])
  const before = texts(columns)
  expect(texts(consolidateSorted(columns))).toEqual(['"b" @0 5', '"a" @0 1'])
  expect(texts(columns)).toEqual(before)
})

describe('firstUnconsolidated names the row', () => {
  const rows = (...updates: readonly (readonly [Value, number, number])[]): Columns =>
    columnsFrom(
      1,
      updates.map(([value, time, diff]) => ({ data: [value], time, diff })),
    )
  test.each<readonly [string, Columns, number]>([
    ['no rows', rows(), -1],
    ['one row', rows(['a', 0, 1]), -1],
    ['a diff of zero in the first row', rows(['a', 0, 0]), 0],
    ['a diff of zero in the last row', rows(['a', 0, 1], ['b', 0, 1], ['c', 0, 0]), 2],
    ['data out of order', rows(['a', 0, 1], ['c', 0, 1], ['b', 0, 1]), 2],
    ['times out of order', rows(['a', 0, 1], ['b', 5, 1], ['b', 4, 1]), 2],
    ['the same update twice', rows(['a', 0, 1], ['a', 1, 1], ['a', 1, 1]), 2],
    ['the order of UTF-16', rows(['\u{10000}', 0, 1], ['\uffff', 0, 1]), 1],
    ['the parts of a large sum', rows(['a', 0, LARGEST], ['a', 0, LARGEST], ['a', 0, 3]), -1],
    ['the parts of a large negative sum', rows(['a', 0, -LARGEST], ['a', 0, -3]), -1],
    ['parts in another order', rows(['a', 0, 3], ['a', 0, LARGEST]), 1],
    ['parts of two signs, which are a smaller sum', rows(['a', 0, LARGEST], ['a', 0, -3]), 1],
    ['parts that cancel', rows(['a', 0, -LARGEST], ['a', 0, LARGEST]), 1],
  ])('%s', (_, columns, row) => {
    expect(firstWrong(columns)).toBe(row)
  })

  test('wherever a fault is planted', () => {
    const sound = consolidate(
      columnsFrom(
        1,
        Array.from({ length: 50 }, (_, index) => ({ data: [index], time: 0, diff: 1 })),
      ),
    )
    const all = Array.from({ length: 50 }, (_, row) => row)
    expect(firstWrong(sound)).toBe(-1)
    for (let row = 1; row < 50; row++) {
      expect(firstWrong(gather(sound, Uint32Array.from(all.toSpliced(row, 0, row - 1))))).toBe(row)
      expect(firstWrong(gather(sound, Uint32Array.from(all.toSpliced(row - 1, 2, row, row - 1))))).toBe(row)
      const zero = gather(sound, Uint32Array.from(all))
      zero.diff[row] = 0
      expect(firstWrong(zero)).toBe(row)
    }
  })
})
