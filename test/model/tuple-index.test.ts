import fc from 'fast-check'
import { expect, test } from 'vitest'
import { GrowingColumns } from '../../src/model/columns.ts'
import { TupleIndex } from '../../src/model/tuple-index.ts'
import type { Value } from '../../src/model/value.ts'
import { tupleText } from '../support/stores.ts'
import { anyTuple, columnsFrom } from '../support/values.ts'

const rowsOf = (arity: number, tuples: readonly (readonly Value[])[]) =>
  columnsFrom(
    arity,
    tuples.map(data => ({ data, time: 0, diff: 1 })),
  )

test('the sum of a tuple is that of all its rows, asked at any time while the columns grow', () => {
  fc.assert(
    fc.property(
      fc.array(anyTuple(2), { minLength: 1, maxLength: 6 }),
      fc.array(fc.tuple(fc.nat(5), fc.integer({ min: -3, max: 3 }), fc.boolean()), { maxLength: 60 }),
      (tuples, steps) => {
        const columns = new GrowingColumns(2)
        const index = new TupleIndex(columns)
        const asked = rowsOf(2, tuples)
        const sums = new Map<string, number>()
        for (const [choice, diff, ask] of steps) {
          const tuple = tuples[choice % tuples.length]!
          columns.append(tuple, 0, diff)
          sums.set(tupleText(tuple), (sums.get(tupleText(tuple)) ?? 0) + diff)
          if (!ask) continue
          tuples.forEach((each, row) => {
            expect(index.sumOf(asked, row)).toBe(sums.get(tupleText(each)) ?? 0)
          })
        }
        // Values that occur nowhere, one by one or in this combination.
        expect(index.sumOf(rowsOf(2, [['nowhere', 'at all']]), 0)).toBe(0)
      },
    ),
    { numRuns: 500 },
  )
})

test('many distinct tuples find their own sums', () => {
  const columns = new GrowingColumns(2)
  for (let row = 0; row < 20_000; row++) columns.append([row % 5000, `s${row % 7}`], 0, 1)
  const index = new TupleIndex(columns)
  const asked = new GrowingColumns(2)
  for (let row = 0; row < 5000; row++) asked.append([row, `s${row % 7}`], 0, 1)
  for (let row = 0; row < 5000; row++) {
    let expected = 0
    for (let each = row; each < 20_000; each += 5000) if (each % 7 === row % 7) expected++
    expect(index.sumOf(asked, row)).toBe(expected)
  }
})

test('a tuple without columns is one tuple', () => {
  const columns = new GrowingColumns(0)
  columns.append([], 0, 2)
  columns.append([], 0, 3)
  expect(new TupleIndex(columns).sumOf(rowsOf(0, [[]]), 0)).toBe(5)
})
