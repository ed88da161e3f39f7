import fc from 'fast-check'
import { expect, test } from 'vitest'
import { slice } from '../../src/model/columns.ts'
import { consolidate } from '../../src/model/consolidate.ts'
import { addMultiplicities } from '../../src/model/lookup.ts'
import type { Value } from '../../src/model/value.ts'
import { tupleText } from '../support/stores.ts'
import { anyTuple, anyValue, columnsFrom } from '../support/values.ts'

// Law: addMultiplicities(wanted, run, sums) adds what a loop over all pairs would.
test('sums are those of a loop over all pairs, however the two sides lie to each other', () => {
  fc.assert(
    fc.property(
      // Integers in the first column are compared in a way of their own.
      fc.oneof(
        fc.array(anyTuple(2), { minLength: 1, maxLength: 12 }),
        fc.array(fc.tuple(fc.nat(3), anyValue()), { minLength: 1, maxLength: 12 }),
      ) as fc.Arbitrary<Value[][]>,
      fc.array(fc.tuple(fc.nat(11), fc.nat(3), fc.constantFrom(-2, -1, 1, 2)), { maxLength: 60 }),
      fc.array(fc.nat(11), { maxLength: 12 }),
      (tuples, updates, asked) => {
        const tuple = (choice: number) => tuples[choice % tuples.length]!
        const run = consolidate(
          columnsFrom(
            2,
            updates.map(([choice, time, diff]) => ({ data: tuple(choice), time, diff })),
          ),
        )
        const distinct = new Map(asked.map(choice => [tupleText(tuple(choice)), tuple(choice)]))
        const wanted = consolidate(
          columnsFrom(
            2,
            [...distinct.values()].map(data => ({ data, time: 0, diff: 1 })),
          ),
        )
        const sums = new Float64Array(wanted.length).fill(100)
        // In two halves, as two row groups of a batch.
        const half = run.length >> 1
        addMultiplicities(wanted, slice(run, 0, half), sums)
        addMultiplicities(wanted, slice(run, half, run.length), sums)
        const expected = new Map([...distinct.keys()].map(text => [text, 100]))
        for (const [choice, , diff] of updates) {
          const text = tupleText(tuple(choice))
          if (expected.has(text)) expected.set(text, expected.get(text)! + diff)
        }
        expect([...sums].sort()).toEqual([...expected.values()].sort())
      },
    ),
    { numRuns: 500 },
  )
})

test('a tuple at the very beginning, at the very end, and beyond both is found or not', () => {
  const run = columnsFrom(
    1,
    Array.from({ length: 1000 }, (_, row) => ({ data: [row], time: 0, diff: row + 1 })),
  )
  const wanted = columnsFrom(
    1,
    [-1, 0, 1, 500, 998, 999, 1000].map(value => ({ data: [value], time: 0, diff: 1 })),
  )
  const sums = new Float64Array(wanted.length)
  addMultiplicities(wanted, run, sums)
  expect([...sums]).toEqual([0, 1, 2, 501, 999, 1000, 0])
})
