import fc from 'fast-check'
import { expect, test } from 'vitest'
import { leanCopy } from '../../src/batch/lean-columns.ts'
import { type Columns, slice } from '../../src/model/columns.ts'
import { anyTuple, columnsFrom } from '../support/values.ts'
import { rowsOf } from './columns-of.ts'

const numbers = (count: number, diff: number): Columns =>
  columnsFrom(
    2,
    Array.from({ length: count }, (_, row) => ({ data: [row, `${row % 2}`], time: row, diff })),
  )

test('a copy holds the same tuples with the same diffs, at time 0', () => {
  const update = fc.record({
    data: anyTuple(2),
    time: fc.nat(),
    diff: fc.constantFrom(1, 1, 1, 2, -1),
  })
  fc.assert(
    fc.property(fc.array(update, { minLength: 1, maxLength: 10 }), updates => {
      const columns = columnsFrom(2, updates)
      const copy = leanCopy(columns).columns
      expect(rowsOf(copy)).toEqual(rowsOf(columns).map(([data, , diff]) => [data, 0, diff]))
    }),
    { numRuns: 300 },
  )
})

test('what is the same in all rows takes no memory, and what is in no row none either', () => {
  const facts = leanCopy(slice(numbers(1000, 1), 0, 10))
  // Two numbers a row, and two strings in a heap.
  expect(facts.bytes).toBe(10 * 16 + 2 * (48 + 1))
  const others = leanCopy(numbers(20, 3))
  expect(others.bytes).toBe(20 * 24 + 2 * (48 + 1))
  expect(others.columns.data[1]!.kinds).not.toBe(facts.columns.data[1]!.kinds)
  const again = leanCopy(numbers(5, 1))
  expect(again.columns.data[0]!.kinds).toBe(others.columns.data[0]!.kinds)
  expect(again.columns.time).toBe(others.columns.time)
  const kinds = leanCopy(
    columnsFrom(
      1,
      [1, 'a'].map(value => ({ data: [value], time: 0, diff: 1 })),
    ),
  )
  expect(kinds.bytes).toBe(2 * 9 + 49)
})
