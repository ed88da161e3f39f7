// The check of the order of a batch: of integers it goes column by column, which must find what comparing rows finds.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { OrderCheck } from '../../src/batch/order.ts'
import { type Columns, slice } from '../../src/model/columns.ts'
import { consolidate, firstUnconsolidated } from '../../src/model/consolidate.ts'
import { compareRows } from '../../src/model/sort.ts'
import { columnsFrom } from '../support/values.ts'

const value = fc.oneof(
  { weight: 12, arbitrary: fc.integer({ min: -2, max: 2 }) },
  { weight: 1, arbitrary: fc.constantFrom(null, 'a', 2 ** 53 - 1, -(2 ** 53) + 1) },
)

const updates = fc.array(
  fc.record({
    data: fc.tuple(value, value),
    time: fc.nat({ max: 2 }),
    diff: fc.constantFrom(1, 1, 2, -1, 2 ** 53 - 1, 0),
  }),
  { maxLength: 30 },
)

const byRows = (columns: Columns): number =>
  firstUnconsolidated(columns, (a, b) => compareRows(columns, a, columns, b))

test('what is wrong is found in the same row as by comparing rows', () => {
  fc.assert(
    fc.property(
      updates,
      fc.boolean(),
      fc.nat(),
      fc.constantFrom('time', 'diff', 'data'),
      (all, sort, at, part) => {
        const columns = sort ? consolidate(columnsFrom(2, all)) : columnsFrom(2, all)
        expect(new OrderCheck().firstWrong(columns)).toBe(byRows(columns))
        if (columns.length === 0) return
        // One fault in what is otherwise in order.
        const numbers = part === 'data' ? columns.data[1]!.payload : columns[part]
        numbers[at % columns.length] = 0
        expect(new OrderCheck().firstWrong(columns)).toBe(byRows(columns))
      },
    ),
    { numRuns: 2000 },
  )
})

test('rows behind the last one do not count, and the first is compared with the chunk before', () => {
  const columns = columnsFrom(
    1,
    [1, 2, 3, 3, 2].map(each => ({ data: [each], time: 0, diff: 1 })),
  )
  const order = new OrderCheck()
  expect(order.firstWrong(slice(columns, 0, 2))).toBe(-1)
  expect(order.firstWrong(slice(columns, 2, 3))).toBe(-1)
  expect(order.firstWrong(slice(columns, 3, 4))).toBe(0)
  expect(new OrderCheck().firstWrong(slice(columns, 2, 5))).toBe(1)
})
