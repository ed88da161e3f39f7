import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Columns, GrowingColumns, gather, slice, tupleAt } from '../../src/model/columns.ts'
import { compareRows, compareTuples, sameTuple, sortRows } from '../../src/model/sort.ts'
import { compareValues, float, timestamp, type Value } from '../../src/model/value.ts'
import { anyFloat, anyInteger, anyText, anyTuple, anyValue, columnsFrom } from '../support/values.ts'

/** The rows in order by comparing tuples and times as values, ties by row: what a stable sort must give. */
const comparedRows = (columns: Columns): Uint32Array => {
  const tuples = Array.from({ length: columns.length }, (_, row) => tupleAt(columns, row))
  const compare = (a: number, b: number): number => {
    for (const [index, value] of tuples[a]!.entries()) {
      const order = compareValues(value, tuples[b]![index]!)
      if (order !== 0) return order
    }
    return columns.time[a]! - columns.time[b]! || a - b
  }
  return Uint32Array.from(tuples.keys()).sort(compare)
}

const anyTime = (): fc.Arbitrary<number> =>
  fc.oneof(fc.nat({ max: 3 }), fc.constantFrom(2 ** 32, 2 ** 32 + 1, 2 ** 53 - 2), fc.maxSafeNat())

/** A column of one of the shapes that are sorted in ways of their own. */
const anyShape = (): fc.Arbitrary<fc.Arbitrary<Value>> =>
  fc.constantFrom<fc.Arbitrary<Value>>(
    anyValue(),
    fc.constant(null),
    fc.boolean(),
    fc.option(fc.boolean()),
    fc.integer({ min: -3, max: 3 }),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.option(fc.constantFrom(0, 2 ** 32 - 2, 2 ** 32 - 1, 2 ** 32)),
    fc.constantFrom(-(2 ** 53 - 1), -1, 0, 2 ** 53 - 1),
    // Distances from the lowest round here: neighbours must stay apart.
    fc.constantFrom(-(2 ** 53 - 1), -(2 ** 53 - 2), 2 ** 53 - 4, 2 ** 53 - 3, 2 ** 53 - 2, 2 ** 53 - 1),
    fc.option(fc.constantFrom(-1, 2 ** 53 - 3, 2 ** 53 - 2)),
    anyInteger(),
    anyFloat(),
    fc.option(anyFloat()),
    fc.oneof(anyFloat(), fc.maxSafeInteger(), fc.integer({ min: -3, max: 3 }), fc.constant(null)),
    fc.maxSafeInteger().map(timestamp),
    fc.option(anyText()),
    fc.string({ maxLength: 3 }),
  )

test('rows are in the order that comparing them gives, equal ones in the order they came', () => {
  const anyColumns = fc.array(anyShape(), { maxLength: 3 }).chain(shapes =>
    fc.array(fc.tuple(fc.tuple(...shapes), anyTime()), { maxLength: 300, size: 'max' }).map(rows =>
      columnsFrom(
        shapes.length,
        rows.map(([data, time], index) => ({ data: data as Value[], time, diff: index + 1 })),
      ),
    ),
  )
  fc.assert(
    fc.property(anyColumns, columns => {
      expect(sortRows(columns).rows).toEqual(comparedRows(columns))
    }),
    { numRuns: 400 },
  )
})

/** Numbers in [0, 1), the same ones each time. */
const randomNumbers = (seed: number): (() => number) => {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

describe('more than 4,096 rows, where digits have 16 bits', () => {
  const cases: readonly (readonly [string, (random: () => number) => Value])[] = [
    ['few small integers', random => Math.floor(random() * 10)],
    ['negative integers', random => -Math.floor(random() * 2 ** 31)],
    ['integers over 2^32 apart', random => Math.floor((random() - 0.5) * 2 ** 40)],
    ['integers over 2^53 apart', random => Math.floor((random() - 0.5) * 2 ** 53.9)],
    ['the ends of the safe integers', random => (random() < 0.5 ? -1 : 1) * (2 ** 53 - 1)],
    ['64-bit integers', random => BigInt(Math.floor(random() * 2 ** 40)) * 2n ** 22n + 2n ** 53n],
    ['floats of both signs', random => (random() - 0.5) * 10 ** Math.floor(random() * 20)],
    ['NaN and infinities', random => [Number.NaN, Infinity, -Infinity, 0.5][Math.floor(random() * 4)]!],
    ['floats and integers', random => (random() < 0.5 ? Math.floor(random() * 50) : float(random() * 50))],
    ['equal floats and integers', random => [1, float(1), 2, float(2), null][Math.floor(random() * 5)]!],
    ['plain strings', random => `name ${Math.floor(random() * 5000)}`],
    ['strings beyond U+D7FF', random => String.fromCodePoint(0xe000 + Math.floor(random() * 0x4000))],
    ['timestamps', random => timestamp(Math.floor((random() - 0.5) * 2 ** 45))],
    ['bytes', random => Uint8Array.of(random() * 256, random() * 256)],
    ['booleans and nulls', random => [true, false, null][Math.floor(random() * 3)]!],
    ['nothing but nulls', () => null],
    ['strings and integers', random => (random() < 0.5 ? `${random()}` : Math.floor(random() * 100))],
  ]
  test.each(cases)('%s', (_, value) => {
    const random = randomNumbers(7)
    const columns = new GrowingColumns(2)
    for (let row = 0; row < 5000; row++)
      columns.append([value(random), Math.floor(random() * 3)], Math.floor(random() * 3), 1)
    expect(sortRows(columns).rows).toEqual(comparedRows(columns))
  })

  test.each([
    ['close together', 1e15, 100],
    ['over 2^32 apart', 0, 2 ** 40],
    ['up to the greatest', 0, 2 ** 53 - 2],
  ] as const)('times %s, without data columns', (_, lowest, range) => {
    const random = randomNumbers(11)
    const columns = new GrowingColumns(0)
    for (let row = 0; row < 5000; row++) columns.append([], lowest + Math.floor(random() * range), 1)
    expect(sortRows(columns).rows).toEqual(comparedRows(columns))
  })
})

test('none and one row are in order', () => {
  expect(sortRows(columnsFrom(1, [])).rows).toEqual(new Uint32Array(0))
  expect(sortRows(columnsFrom(1, [{ data: ['x'], time: 5, diff: 1 }])).rows).toEqual(Uint32Array.of(0))
})

test('NaN comes last among the numbers whatever its sign bit, as a calculation leaves it', () => {
  const negative = new Float64Array(Uint32Array.of(1, 0xfff80000).buffer)[0]!
  const values = [negative, Infinity, Number.NaN, -Infinity, 0.5]
  const columns = columnsFrom(
    1,
    values.map((value, row) => ({ data: [value], time: row, diff: 1 })),
  )
  columns.data[0]!.payload[0] = negative
  expect(sortRows(columns).rows).toEqual(Uint32Array.of(3, 4, 1, 0, 2))
})

test('a part of columns sorts by its own rows only', () => {
  const columns = columnsFrom(
    1,
    ['d', 'c', 'b', 'a', null].map((value, time) => ({ data: [value], time, diff: 1 })),
  )
  expect(sortRows(slice(columns, 1, 3)).rows).toEqual(Uint32Array.of(1, 0))
})

test('sorting leaves the columns as they are', () => {
  const columns = columnsFrom(1, [
    { data: ['b'], time: 2, diff: 1 },
    { data: [1], time: 1, diff: 1 },
  ])
  sortRows(columns)
  expect([tupleAt(columns, 0), tupleAt(columns, 1), ...columns.time.subarray(0, 2)]).toEqual([
    ['b'],
    [1],
    2,
    1,
  ])
})

test('comparing rows of different columns, and telling the same tuple, agree with comparing values', () => {
  fc.assert(
    fc.property(anyTuple(2), anyTuple(2), anyTime(), anyTime(), (left, right, leftTime, rightTime) => {
      const a = columnsFrom(2, [{ data: left, time: leftTime, diff: 1 }])
      const b = columnsFrom(2, [
        { data: left, time: leftTime, diff: 1 },
        { data: right, time: rightTime, diff: 1 },
      ])
      const byData = compareValues(left[0]!, right[0]!) || compareValues(left[1]!, right[1]!)
      expect(Math.sign(compareTuples(a, 0, b, 1))).toBe(Math.sign(byData))
      expect(Math.sign(compareRows(a, 0, b, 1))).toBe(Math.sign(byData || leftTime - rightTime))
      expect(compareRows(a, 0, b, 0)).toBe(0)
      expect(sameTuple(b, 0, 1)).toBe(byData === 0)
      expect(sameTuple(gather(b, Uint32Array.of(1, 0, 1)), 0, 2)).toBe(true)
    }),
    { numRuns: 1000 },
  )
})
