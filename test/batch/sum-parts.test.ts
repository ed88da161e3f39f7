// The sum of a few rows is what consolidation makes of them.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { inRange } from '../../src/batch/merge.ts'
import { columnsAt, type Part, sumOfParts } from '../../src/batch/sum-parts.ts'
import { GrowingColumns } from '../../src/model/columns.ts'
import { consolidate } from '../../src/model/consolidate.ts'
import type { Value } from '../../src/model/value.ts'
import { anyValue, columnsFrom } from '../support/values.ts'
import { rowsOf } from './columns-of.ts'

const LARGEST = Number.MAX_SAFE_INTEGER

/** Runs of updates of few tuples, and which of their rows are meant. */
const anyRuns = fc.array(anyValue(), { minLength: 1, maxLength: 8 }).chain(values => {
  const value = fc.constantFrom(...values)
  const update = fc.record({
    data: fc.tuple(value, value),
    time: fc.nat({ max: 5 }),
    diff: fc.constantFrom(1, 1, -1, -1, 2, LARGEST, -LARGEST),
  })
  const run = fc.tuple(fc.array(update, { maxLength: 40, size: 'max' }), fc.nat(), fc.nat())
  return fc.array(run, { maxLength: 6 })
})

test('it is what consolidate makes of the rows at one time', () => {
  let fewest = Number.POSITIVE_INFINITY
  let most = 0
  fc.assert(
    fc.property(anyRuns, fc.nat({ max: 5 }), (runs, asOf) => {
      const parts = runs.map(([updates, one, other]): Part => {
        const columns = consolidate(columnsFrom(2, updates))
        const [from, to] = [one % (columns.length + 1), other % (columns.length + 1)].sort((a, b) => a - b)
        return { columns, from: from!, to: to! }
      })
      const all = new GrowingColumns(2)
      for (const { columns, from, to } of parts) all.appendRange(columns, from, to)
      const plain = consolidate(inRange(all.view(), { since: asOf, until: asOf }))
      expect(rowsOf(sumOfParts(parts, 2, asOf))).toEqual(rowsOf(plain))
      fewest = Math.min(fewest, plain.length)
      most = Math.max(most, plain.length)
    }),
    { numRuns: 1000 },
  )
  // Both ways were gone.
  expect(fewest).toBe(0)
  expect(most).toBeGreaterThan(32)
})

test('no parts, and tuples without values, have sums too', () => {
  expect(rowsOf(sumOfParts([], 2, 3))).toEqual([])
  const empty = columnsFrom(0, [
    { data: [], time: 1, diff: 2 },
    { data: [], time: 2, diff: 3 },
    { data: [], time: 4, diff: 5 },
  ])
  expect(rowsOf(sumOfParts([{ columns: empty, from: 0, to: 3 }], 0, 3))).toEqual([[[], 3, 5]])
})

test('codes of several heaps become codes of one', () => {
  const texts: readonly Value[][] = [['b', 'a'], ['c', 'b'], ['d']]
  const parts = texts.map((values): Part => {
    const columns = consolidate(
      columnsFrom(
        1,
        values.map(value => ({ data: [value], time: 1, diff: 1 })),
      ),
    )
    return { columns, from: 0, to: columns.length }
  })
  const sum = sumOfParts(parts, 1, 1)
  expect(rowsOf(sum)).toEqual([
    [['a'], 1, 1],
    [['b'], 1, 2],
    [['c'], 1, 1],
    [['d'], 1, 1],
  ])
  expect(sum.data[0]!.heap.values).toEqual(['a', 'b', 'c', 'd'])
  expect(sumOfParts(parts.slice(0, 1), 1, 1).data[0]!.heap).toBe(parts[0]!.columns.data[0]!.heap)
})

test('rows of a sum are all at the time that is asked for', () => {
  const columns = columnsFrom(
    1,
    [1, 2, 3].map(value => ({ data: [value], time: 0, diff: 1 })),
  )
  expect(rowsOf(columnsAt({ columns, from: 1, to: 3 }, 7))).toEqual([
    [[2], 7, 1],
    [[3], 7, 1],
  ])
})
