import fc from 'fast-check'
import { expect, test } from 'vitest'
import { extentOf } from '../../src/model/extent.ts'

test('the least and the greatest, in whatever order, of the first ones alone', () => {
  fc.assert(
    fc.property(
      fc.array(fc.maxSafeInteger()),
      fc.array(fc.maxSafeInteger()),
      fc.boolean(),
      (some, rest, sort) => {
        const values = sort ? some.toSorted((a, b) => a - b) : some
        const { lowest, highest } = extentOf(Float64Array.from([...values, ...rest]), values.length)
        expect(lowest).toBe(values.length === 0 ? 0 : Math.min(...values))
        expect(highest).toBe(values.length === 0 ? 0 : Math.max(...values))
      },
    ),
  )
})
