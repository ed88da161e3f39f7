// Integers and rows of them as bytes: to the byte what JSON has, in no more room than is said.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { GrowingColumns } from '../../src/model/columns.ts'
import { INTEGER_BYTES, putInteger } from '../../src/wal/digits.ts'
import { areIntegers, integerRowBytes, putIntegerRows } from '../../src/wal/integer-rows.ts'

/** Of every number of digits, and at the edges where it changes. */
const anyInteger = fc.oneof(
  fc.maxSafeInteger(),
  fc.integer({ min: -1100, max: 1100 }),
  fc
    .tuple(fc.nat({ max: 15 }), fc.integer({ min: -2, max: 2 }), fc.constantFrom(1, -1))
    .map(([places, off, sign]) => sign * (10 ** places + off)),
  fc.constantFrom(2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 53 - 1, -(2 ** 53) + 1),
)

const UNTOUCHED = 0xaa

/** What `put` writes at `start`, where there is so much room. */
const written = (start: number, room: number, put: (view: DataView, start: number) => number): string => {
  const bytes = new Uint8Array(start + room + 8).fill(UNTOUCHED)
  const end = put(new DataView(bytes.buffer), start)
  expect(end).toBeLessThanOrEqual(start + room)
  for (const byte of [...bytes.subarray(0, start), ...bytes.subarray(start + room)])
    expect(byte).toBe(UNTOUCHED)
  return Buffer.from(bytes.subarray(start, end)).toString('latin1')
}

test('an integer is written as JSON has it, within its room', () => {
  fc.assert(
    fc.property(anyInteger, fc.nat({ max: 9 }), (value, start) => {
      expect(written(start, INTEGER_BYTES, (view, at) => putInteger(view, at, value))).toBe(
        JSON.stringify(value),
      )
    }),
    { numRuns: 3000 },
  )
})

const anyRows = fc.nat({ max: 5 }).chain(arity =>
  fc.array(
    fc.record({
      data: fc.array(anyInteger, { minLength: arity, maxLength: arity }),
      time: anyInteger,
      diff: anyInteger,
    }),
    { maxLength: 6 },
  ),
)

test('rows of integers are written as JSON has them, within their room', () => {
  fc.assert(
    fc.property(anyRows, fc.nat({ max: 3 }), fc.nat({ max: 9 }), (rows, from, start) => {
      const arity = rows[0]?.data.length ?? 0
      const columns = new GrowingColumns(arity)
      for (const { data, time, diff } of rows) columns.append(data, time, diff)
      const some = rows.slice(from)
      const room = some.length * integerRowBytes(arity)
      expect(
        written(start, room, (view, at) =>
          putIntegerRows(view, at, columns, Math.min(from, rows.length), rows.length),
        ),
      ).toBe(JSON.stringify(some.map(({ data, time, diff }) => [data, time, diff])).slice(1, -1))
    }),
    { numRuns: 1000 },
  )
})

test('what is no integer, or in a heap, is left to the general way', () => {
  const columns = new GrowingColumns(2)
  columns.append([1, 2], 0, 1)
  expect(areIntegers(columns)).toBe(true)
  columns.append([1, 2n ** 60n], 0, 1)
  expect(areIntegers(columns)).toBe(false)
})
