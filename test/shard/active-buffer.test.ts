import fc from 'fast-check'
import { expect, test } from 'vitest'
import { rowBytes } from '../../src/model/columns.ts'
import { consolidate } from '../../src/model/consolidate.ts'
import { compareValues, type Value } from '../../src/model/value.ts'
import { ActiveBuffer } from '../../src/shard/active-buffer.ts'
import type { BufferView } from '../../src/shard/buffer-view.ts'
import { type Row, rowsOf } from '../batch/columns-of.ts'
import { anyTuple, columnsFrom, type PlainUpdate } from '../support/values.ts'

const anyUpdate = fc.record({ data: anyTuple(2), time: fc.nat(), diff: fc.integer({ min: 1 }) })

const put = (buffer: ActiveBuffer, updates: readonly PlainUpdate[]): void =>
  buffer.columns.appendRange(columnsFrom(2, updates), 0, updates.length)

const rowsIn = (views: readonly BufferView[]): Row[] => views.flatMap(({ columns }) => rowsOf(columns))

const lengths = (views: readonly BufferView[]): number[] => views.map(({ columns }) => columns.length)

test('views are what the buffer held when they were asked for, whatever came in since', () => {
  fc.assert(
    fc.property(fc.array(fc.array(anyUpdate, { maxLength: 20 }), { maxLength: 12 }), commits => {
      const buffer = new ActiveBuffer(2)
      const seen: [readonly BufferView[], Row[]][] = []
      for (const updates of commits) {
        put(buffer, updates)
        const views = buffer.views()
        expect(rowsIn(views)).toEqual(rowsOf(buffer.columns))
        for (const [index, length] of lengths(views).entries())
          expect(length).toBeGreaterThanOrEqual(
            index + 1 < views.length ? 2 * views[index + 1]!.columns.length : 1,
          )
        seen.push([views, rowsIn(views)])
      }
      for (const [views, rows] of seen) expect(rowsIn(views)).toEqual(rows)
    }),
    { numRuns: 100 },
  )
})

test('what was sorted stays so while the buffer grows', () => {
  const buffer = new ActiveBuffer(2)
  const numbered = (from: number, to: number): PlainUpdate[] =>
    Array.from({ length: to - from }, (_, index) => ({ data: [-from - index, 0], time: 1, diff: 1 }))
  expect(buffer.views()).toEqual([])
  put(buffer, numbered(0, 100))
  const [first] = buffer.views()
  expect(buffer.views()[0]).toBe(first)
  const bytes = buffer.bytes
  expect(first!.consolidated.length).toBe(100)
  expect(buffer.bytes).toBe(bytes + 100 * (2 * 9 + 16))
  put(buffer, numbered(100, 130))
  expect(lengths(buffer.views())).toEqual([100, 30])
  put(buffer, numbered(130, 140))
  expect(lengths(buffer.views())).toEqual([100, 30, 10])
  expect(buffer.views()[0]).toBe(first)
  put(buffer, numbered(140, 200))
  expect(lengths(buffer.views())).toEqual([200])
})

test('what is found in a view is what begins with the values, before and after it was sorted', () => {
  fc.assert(
    fc.property(
      fc.array(anyUpdate, { minLength: 1, maxLength: 20 }),
      fc.nat({ max: 2 }),
      (updates, length) => {
        const buffer = new ActiveBuffer(2)
        put(buffer, updates)
        const [view] = buffer.views()
        for (let times = 0; times < 20; times++) {
          const prefix: readonly Value[] = updates[times % updates.length]!.data.slice(0, length)
          const { columns, from, to } = view!.find(prefix)
          const begins = updates.filter(({ data }) =>
            prefix.every((value, index) => compareValues(value, data[index]!) === 0),
          )
          const found = rowsOf(columns).slice(from, to)
          const sums = consolidate(
            columnsFrom(
              2,
              found.map(([data, time, diff]) => ({ data, time, diff })),
            ),
          )
          expect(rowsOf(sums)).toEqual(rowsOf(consolidate(columnsFrom(2, begins))))
        }
        expect(view!.sortedBytes).toBeGreaterThan(0)
      },
    ),
    { numRuns: 100 },
  )
})

test('what sorting took is counted without the values, which are those of the buffer', () => {
  const buffer = new ActiveBuffer(1)
  let value = 0
  for (const rows of [64, 32, 16, 8]) {
    for (let row = 0; row < rows; row++) buffer.columns.append([String(value++).padStart(1000, 'x')], 1, 1)
    for (const view of buffer.views()) expect(view.consolidated.length).toBe(view.columns.length)
  }
  expect(buffer.views()).toHaveLength(4)
  expect(buffer.bytes - buffer.columns.bytes).toBe(120 * rowBytes(1))
})
