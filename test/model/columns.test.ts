import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type Columns,
  contentAt,
  emptyColumns,
  GrowingColumns,
  gather,
  isHeapKind,
  isUniform,
  onlyKind,
  slice,
  tupleAt,
  valueAt,
} from '../../src/model/columns.ts'
import { Float, float, Kind, kindOf, Timestamp } from '../../src/model/value.ts'
import { valueText } from '../../src/model/value-json.ts'
import { anyTuple, columnsFrom, type PlainUpdate } from '../support/values.ts'

const anyUpdate = (arity: number): fc.Arbitrary<PlainUpdate> =>
  fc.record({
    data: anyTuple(arity),
    time: fc.oneof(fc.nat({ max: 9 }), fc.maxSafeNat()),
    diff: fc.oneof(fc.constantFrom(1, -1, 2 ** 53 - 1, -(2 ** 53) + 1), fc.integer({ min: -9, max: -1 })),
  })

const anyUpdates = (arity: number, maxLength = 40): fc.Arbitrary<PlainUpdate[]> =>
  fc.array(anyUpdate(arity), { maxLength })

const textOf = ({ data, time, diff }: PlainUpdate): string => `${data.map(valueText).join()} @${time} ${diff}`

/** The rows of columns as texts: to compare with a plain array of updates. */
const texts = (columns: Columns): string[] =>
  Array.from({ length: columns.length }, (_, row) =>
    textOf({ data: tupleAt(columns, row), time: columns.time[row]!, diff: columns.diff[row]! }),
  )

const RUNS = { numRuns: 300 }

test('what was appended is read back, value for value', () => {
  fc.assert(
    fc.property(anyUpdates(3), updates => {
      expect(texts(columnsFrom(3, updates))).toEqual(updates.map(textOf))
    }),
    RUNS,
  )
})

test('an integral float stays one and a number with a fraction is plain', () => {
  const columns = columnsFrom(5, [
    { data: [float(1), 1, 0.5, new Timestamp(1), true], time: 0, diff: 1 },
    { data: [float(2 ** 60), 2n ** 60n, Number.NaN, new Timestamp(-1), false], time: 0, diff: 1 },
  ])
  expect(tupleAt(columns, 0)).toEqual([new Float(1), 1, 0.5, new Timestamp(1), true])
  expect(tupleAt(columns, 1)).toEqual([new Float(2 ** 60), 2n ** 60n, Number.NaN, new Timestamp(-1), false])
})

test('contents are payloads, or the values of the heap', () => {
  const columns = columnsFrom(4, [{ data: ['x', 2n ** 60n, 7, null], time: 0, diff: 1 }])
  expect(columns.data.map(column => contentAt(column, 0))).toEqual(['x', 2n ** 60n, 7, 0])
  expect(columns.data.map(column => column.kinds[0])).toEqual([Kind.string, Kind.wide, Kind.int, Kind.null])
  expect(Object.values(Kind).filter(isHeapKind)).toEqual([Kind.wide, Kind.string, Kind.bytes, Kind.vector])
})

test('a null has payload 0, so that codes alone say which tuples are the same', () => {
  const columns = new GrowingColumns(1, 1)
  columns.append(['x'], 0, 1)
  columns.append([null], 0, 1)
  expect(columns.data[0]!.payload[1]).toBe(0)
})

test('columns of no arity hold times and diffs', () => {
  const updates = [
    { data: [], time: 3, diff: 1 },
    { data: [], time: 2 ** 53 - 2, diff: -1 },
  ]
  expect(texts(columnsFrom(0, updates))).toEqual(updates.map(textOf))
  expect(emptyColumns(0)).toMatchObject({ length: 0, data: [] })
  expect(emptyColumns(2).data).toHaveLength(2)
})

describe('a view', () => {
  test('never changes when the columns grow past their capacity and their heaps grow', () => {
    fc.assert(
      fc.property(anyUpdates(2, 12), anyUpdates(2, 40), fc.nat({ max: 20 }), (before, after, capacity) => {
        const columns = new GrowingColumns(2, capacity)
        for (const { data, time, diff } of before) columns.append(data, time, diff)
        const view = columns.view()
        for (const { data, time, diff } of after) columns.append(data, time, diff)
        expect(view.length).toBe(before.length)
        expect(texts(view)).toEqual(before.map(textOf))
        expect(texts(columns)).toEqual([...before, ...after].map(textOf))
      }),
      RUNS,
    )
  })

  test('keeps its arrays when the columns move to larger ones', () => {
    const columns = new GrowingColumns(1, 1)
    columns.append([1], 0, 1)
    const view = columns.view()
    const [column] = view.data
    const { kinds, payload } = column!
    columns.append([2], 0, 1)
    expect(column!.kinds).toBe(kinds)
    expect(column!.payload).toBe(payload)
    expect(columns.data[0]!.payload).not.toBe(payload)
  })

  test('of every length stays as it was', () => {
    const columns = new GrowingColumns(1, 1)
    const views: Columns[] = []
    for (let time = 0; time < 100; time++) {
      views.push(columns.view())
      columns.append([`value ${time % 7}`], time, 1)
    }
    for (const [length, view] of views.entries())
      expect(texts(view)).toEqual(Array.from({ length }, (_, time) => `"value ${time % 7}" @${time} 1`))
  })
})

describe('appendRange', () => {
  test('keeps the values between columns with heaps of their own', () => {
    fc.assert(
      fc.property(anyUpdates(2), anyUpdates(2), fc.nat(), fc.nat(), (source, target, a, b) => {
        const from = Math.min(a, b) % (source.length + 1)
        const to = from + (Math.max(a, b) % (source.length - from + 1))
        const columns = new GrowingColumns(2, 1)
        for (const { data, time, diff } of target) columns.append(data, time, diff)
        columns.appendRange(columnsFrom(2, source), from, to)
        expect(texts(columns)).toEqual([...target, ...source.slice(from, to)].map(textOf))
      }),
      RUNS,
    )
  })

  test('takes only what its rows use into the heap, whether that is little or most of it', () => {
    const source = columnsFrom(
      1,
      Array.from({ length: 1000 }, (_, index) => ({ data: [`value ${index}`], time: index, diff: 1 })),
    )
    for (const [from, to] of [
      [500, 503],
      [0, 900],
    ] as const) {
      const columns = new GrowingColumns(1)
      columns.appendRange(source, from, to)
      expect(columns.data[0]!.heap.values).toEqual(
        Array.from({ length: to - from }, (_, index) => `value ${from + index}`),
      )
      expect(texts(columns)).toEqual(texts(slice(source, from, to)))
    }
  })

  test('of nothing, or of a range that ends before it begins, adds nothing', () => {
    const columns = new GrowingColumns(1)
    const source = columnsFrom(1, [{ data: ['x'], time: 0, diff: 1 }])
    columns.appendRange(source, 1, 1)
    columns.appendRange(source, 1, 0)
    expect(columns.length).toBe(0)
    expect(columns.data[0]!.heap.values).toEqual([])
  })

  test('of its own rows doubles them', () => {
    const columns = new GrowingColumns(1, 1)
    columns.append(['x'], 1, 1)
    columns.append([2], 2, -1)
    columns.appendRange(columns, 0, 2)
    expect(texts(columns)).toEqual(['"x" @1 1', '2 @2 -1', '"x" @1 1', '2 @2 -1'])
  })
})

test('gather and slice are what they are for a plain array', () => {
  fc.assert(
    fc.property(anyUpdates(2), fc.array(fc.nat()), fc.nat(), fc.nat(), (updates, picks, a, b) => {
      const columns = columnsFrom(2, updates)
      const rows = updates.length === 0 ? [] : picks.map(pick => pick % updates.length)
      expect(texts(gather(columns, Uint32Array.from(rows)))).toEqual(rows.map(row => textOf(updates[row]!)))
      const from = Math.min(a, b) % (updates.length + 1)
      const to = from + (Math.max(a, b) % (updates.length - from + 1))
      const part = slice(columns, from, to)
      expect(part.length).toBe(to - from)
      expect(texts(part)).toEqual(updates.slice(from, to).map(textOf))
    }),
    RUNS,
  )
})

test('what was gathered does not change with its source', () => {
  const source = columnsFrom(1, [{ data: ['x'], time: 1, diff: 1 }])
  const gathered = gather(source, Uint32Array.of(0))
  source.time[0] = 9
  source.diff[0] = 9
  source.data[0]!.payload[0] = 5
  expect(texts(gathered)).toEqual(['"x" @1 1'])
})

test('bytes grow with rows, and with what is new to the heaps', () => {
  const columns = new GrowingColumns(2)
  expect(columns.bytes).toBe(0)
  columns.append([1, 2], 0, 1)
  expect(columns.bytes).toBe(16 + 2 * 9)
  columns.append(['x'.repeat(100), 2], 0, 1)
  const { bytes } = columns
  expect(bytes).toBeGreaterThanOrEqual(2 * (16 + 2 * 9) + 100)
  columns.append(['x'.repeat(100), 2], 0, 1)
  expect(columns.bytes).toBe(bytes + 16 + 2 * 9)
})

test('valueAt gives the kind that was put in', () => {
  fc.assert(
    fc.property(anyTuple(1), data => {
      const columns = columnsFrom(1, [{ data, time: 0, diff: 1 }])
      expect(kindOf(valueAt(columns.data[0]!, 0))).toBe(kindOf(data[0]!))
    }),
    RUNS,
  )
})

test('values are uniform unless one is another, wherever it stands, in a view as in an array', () => {
  fc.assert(
    fc.property(fc.nat({ max: 9 }), fc.nat({ max: 3 }), fc.nat({ max: 9 }), (length, from, other) => {
      for (const all of [new Float64Array(from + length + 1), new Uint8Array(from + length + 1)]) {
        all.fill(2)
        all[from + length] = 3
        const values = all.subarray(from)
        expect(isUniform(values, length)).toBe(true)
        if (other >= length) continue
        values[other] = 1
        expect(isUniform(values, length)).toBe(length === 1)
      }
    }),
  )
  const column = columnsFrom(
    1,
    [1, 2, 'x'].map(value => ({ data: [value], time: 0, diff: 1 })),
  ).data[0]!
  expect([0, 1, 2, 3].map(length => onlyKind(column, length))).toEqual([
    undefined,
    Kind.int,
    Kind.int,
    undefined,
  ])
})

test('room for what is expected is made by whoever brings many rows, and not by others', () => {
  const rows = (length: number): Columns =>
    columnsFrom(
      1,
      Array.from({ length }, (_, row) => ({ data: [row], time: 0, diff: 1 })),
    )
  const columns = new GrowingColumns(1, undefined, { expected: 6400 })
  columns.appendRange(rows(17), 0, 17)
  columns.appendRange(rows(99), 0, 99)
  expect(columns.time.length).toBeLessThan(200)
  columns.appendRange(rows(300), 0, 300)
  expect(columns.time.length).toBe(6400)
  const { time } = columns
  columns.appendRange(rows(5900), 0, 5900)
  expect(columns.time).toBe(time)
  columns.appendRange(rows(100), 0, 100)
  expect(columns.length).toBe(6416)
  expect(columns.data[0]!.payload.subarray(414, 418)).toEqual(Float64Array.of(298, 299, 0, 1))
})
