import fc from 'fast-check'
import { expect, test } from 'vitest'
import { tupleAt } from '../../src/model/columns.ts'
import { consolidate } from '../../src/model/consolidate.ts'
import { rowsBeginningWith } from '../../src/model/prefix.ts'
import { compareValues, type Value } from '../../src/model/value.ts'
import { anyValue, columnsFrom } from '../support/values.ts'

test('the rows are those, and all those, that begin with the values', () => {
  const anyCase = fc.array(anyValue(), { minLength: 1, maxLength: 8 }).chain(values => {
    const value = fc.constantFrom(...values)
    const update = fc.record({ data: fc.tuple(value, value), time: fc.nat({ max: 3 }), diff: fc.constant(1) })
    const wanted = fc.oneof(value, anyValue())
    return fc.tuple(
      fc.array(update, { maxLength: 80, size: 'max' }),
      fc.oneof(fc.constant<Value[]>([]), fc.tuple(wanted), fc.tuple(wanted, wanted)),
    )
  })
  fc.assert(
    fc.property(anyCase, ([updates, prefix]) => {
      const columns = consolidate(columnsFrom(2, updates))
      const { from, to } = rowsBeginningWith(columns, prefix)
      const begins = (row: number): boolean =>
        prefix.every((value, index) => compareValues(value, tupleAt(columns, row)[index]!) === 0)
      for (let row = 0; row < columns.length; row++) expect(begins(row)).toBe(row >= from && row < to)
      expect(to).toBeGreaterThanOrEqual(from)
    }),
    { numRuns: 1000 },
  )
})
