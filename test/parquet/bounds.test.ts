// Bounds that leave out a value would keep a read from finding it: they may be wider than the values, never narrower.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { binaryBounds, booleanBounds, floatBounds } from '../../src/parquet/bounds.ts'
import type { Pool } from '../../src/parquet/pool.ts'

const poolOf = (values: readonly Uint8Array[]): Pool => {
  const offsets = new Float64Array(values.length + 1)
  values.forEach((value, index) => {
    offsets[index + 1] = offsets[index]! + value.length
  })
  return { bytes: Buffer.concat(values), offsets, size: values.length, ordinals: new Uint32Array() }
}

const BEGINNING = 'a beginning that is longer than a bound may be, so that what follows is cut '

/** Few letters, so that values begin alike and are empty often; some are cut within a character. */
const anyText = fc
  .tuple(
    fc.constantFrom('', '', BEGINNING, BEGINNING.slice(0, 62), '\u{10ffff}'.repeat(16)),
    fc.string({
      unit: fc.constantFrom('a', 'b', 'z', '\u07ff', '\ud7ff', '\uffff', '\u{10ffff}'),
      maxLength: 3,
    }),
  )
  .map(parts => Buffer.from(parts.join('')))

const LONGEST = 64

test.each([
  ['text', true, anyText],
  ['bytes', false, fc.uint8Array({ maxLength: 70 }).map(bytes => Buffer.from(bytes))],
] as const)(
  'bounds of %s hold all values, and are the least and the greatest where these are short',
  (_, isText, one) => {
    fc.assert(
      fc.property(fc.array(one, { minLength: 1, maxLength: 8 }), values => {
        const { min, max, exact } = binaryBounds(poolOf(values), isText)
        const sorted = values.toSorted(Buffer.compare)
        const [least, greatest] = [sorted[0]!, sorted.at(-1)!]
        if (min !== undefined) expect(Buffer.compare(min, least)).toBeLessThanOrEqual(0)
        if (max !== undefined) expect(Buffer.compare(max, greatest)).toBeGreaterThanOrEqual(0)
        if (least.length <= LONGEST) expect(Buffer.from(min!)).toEqual(least)
        if (greatest.length <= LONGEST) expect(Buffer.from(max!)).toEqual(greatest)
        expect(exact).toBe(least.length <= LONGEST && greatest.length <= LONGEST)
      }),
      { numRuns: 2000 },
    )
  },
)

test('an empty value is the least, whatever the next one begins with', () => {
  const { min, max } = binaryBounds(poolOf(['b', 'z', '', 'q'].map(text => Buffer.from(text))), true)
  expect([min, max]).toEqual([Buffer.from(''), Buffer.from('z')])
})

test('of floats NaN is left out, and a zero stands for both', () => {
  const bounds = (...values: number[]) => {
    const { min, max } = floatBounds(Float64Array.from(values))
    return [min, max].map(bytes => bytes && new DataView(bytes.buffer).getFloat64(0, true))
  }
  expect(bounds(Number.NaN)).toEqual([undefined, undefined])
  expect(bounds(Number.NaN, 2, -1)).toEqual([-1, 2])
  expect(bounds(0, 5)).toEqual([-0, 5])
  expect(bounds(-5, 0)).toEqual([-5, 0])
})

test('of booleans', () => {
  const bounds = (...values: number[]) => {
    const { min, max } = booleanBounds(Float64Array.from(values))
    return [min?.[0], max?.[0]]
  }
  expect([bounds(), bounds(0), bounds(1), bounds(0, 1)]).toEqual([
    [undefined, undefined],
    [0, 0],
    [1, 1],
    [0, 1],
  ])
})
