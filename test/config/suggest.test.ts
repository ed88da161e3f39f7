import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { distance, nearestTo } from '../../src/config/suggest.ts'

describe('the distance between two words', () => {
  test.each([
    ['', '', 0],
    ['', 'abc', 3],
    ['buffer', 'bufer', 1],
    ['buffer', 'bufffer', 1],
    ['buffer', 'biffer', 1],
    ['buffer', 'ubffer', 1],
    ['kitten', 'sitting', 3],
  ])('%s, %s', (a, b, expected) => {
    expect(distance(a, b)).toBe(expected)
  })

  test('is the same in both directions, zero for equal words only, and at most the length of the longer', () => {
    const word = fc.string({ maxLength: 8, unit: fc.constantFrom('a', 'b', 'c') })
    fc.assert(
      fc.property(word, word, (a, b) => {
        expect(distance(a, b)).toBe(distance(b, a))
        expect(distance(a, b) === 0).toBe(a === b)
        expect(distance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length))
      }),
    )
  })
})

describe('the nearest known name', () => {
  const known = [
    'storage',
    'storage.data_dir',
    'storage.persist',
    'storage.persist.buffer_size',
    'bufferSize',
  ]
  test.each([
    ['storage.persist.bufer_size', 'storage.persist.buffer_size'],
    ['storage.persist.BUFFER_SIZE', 'storage.persist.buffer_size'],
    ['storage.buffer_size', 'storage.persist.buffer_size'],
    ['persist', 'storage.persist'],
    ['storge', 'storage'],
    ['buffersise', 'bufferSize'],
    ['telemetry', undefined],
    ['x', undefined],
    ['', undefined],
    [`${'storage.'.repeat(20)}data_dir`, undefined],
  ])('of %s is %s', (name, expected) => {
    expect(nearestTo(name, known)).toBe(expected)
  })
})
