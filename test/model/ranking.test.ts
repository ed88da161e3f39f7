import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Heap } from '../../src/model/heap.ts'
import { isRanked, ranksOf } from '../../src/model/ranking.ts'
import { compareValues, type HeapValue } from '../../src/model/value.ts'

const heapValue: fc.Arbitrary<HeapValue> = fc.oneof(
  fc.string({ maxLength: 3 }),
  fc.string({ unit: 'binary', maxLength: 3 }),
  fc.constantFrom('\ud7ff', '\ue000', '😀', '\uffff'),
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }),
  fc.uint8Array({ maxLength: 3 }),
  fc.float32Array({ maxLength: 2, noNaN: true, noInteger: true }),
)

test('ranks order as the values do, from 1 on, however often the heap has grown', () => {
  fc.assert(
    fc.property(fc.array(fc.array(heapValue, { maxLength: 20 }), { maxLength: 5 }), steps => {
      const heap = new Heap()
      for (const values of steps) {
        for (const value of values) heap.intern(value)
        const ranks = ranksOf(heap)
        expect(isRanked(heap)).toBe(true)
        const sorted = [...heap.values].sort(compareValues)
        expect([...ranks]).toEqual(heap.values.map(value => sorted.indexOf(value) + 1))
      }
    }),
    { numRuns: 300 },
  )
})

test('a heap that grew is ranked no more', () => {
  const heap = new Heap()
  heap.intern('b')
  expect(isRanked(heap)).toBe(false)
  expect([...ranksOf(heap)]).toEqual([1])
  expect(isRanked(heap)).toBe(true)
  heap.intern('a')
  expect(isRanked(heap)).toBe(false)
  expect([...ranksOf(heap)]).toEqual([2, 1])
})
