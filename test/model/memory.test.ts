import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { OWN_MEMORY, SHARED_MEMORY } from '../../src/model/memory.ts'

const requests = fc.array(fc.record({ ofNumbers: fc.boolean(), length: fc.nat(2000) }), {
  minLength: 1,
  maxLength: 60,
})

describe.each([
  ['own', OWN_MEMORY],
  ['shared', SHARED_MEMORY],
])('arrays of %s memory', (_, memory) => {
  test('are as long as asked for, zero, and nobody else has them', () => {
    fc.assert(
      fc.property(requests, asked => {
        const given = asked.map(({ ofNumbers, length }) =>
          ofNumbers ? memory.numbers(length) : memory.bytes(length),
        )
        expect(given.map(({ length }) => length)).toEqual(asked.map(({ length }) => length))
        for (const array of given) expect(array.every(element => element === 0)).toBe(true)
        for (const [index, array] of given.entries()) array.fill(index + 1)
        for (const [index, array] of given.entries())
          expect(array.every(element => element === index + 1)).toBe(true)
      }),
    )
  })
})

test('of shared memory short arrays have one buffer, long ones their own', () => {
  const buffers = new Set(Array.from({ length: 100 }, () => SHARED_MEMORY.numbers(1).buffer))
  expect(buffers.size).toBeLessThanOrEqual(2)
  expect(SHARED_MEMORY.numbers(1025).buffer.byteLength).toBe(8200)
  expect(SHARED_MEMORY.bytes(8193).buffer.byteLength).toBe(8193)
})
