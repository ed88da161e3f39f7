import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Heap } from '../../src/model/heap.ts'
import { compareValues, type HeapValue, Kind, kindOf } from '../../src/model/value.ts'
import { anyValue } from '../support/values.ts'

const isHeapValue = (value: unknown): value is HeapValue =>
  typeof value === 'string' ||
  typeof value === 'bigint' ||
  value instanceof Uint8Array ||
  value instanceof Float32Array

test('codes are dense from 0, and equal exactly for equal values', () => {
  fc.assert(
    fc.property(fc.array(anyValue().filter(isHeapValue), { maxLength: 20 }), values => {
      const heap = new Heap()
      const codes = values.map(value => heap.intern(value))
      expect([...new Set(codes)].sort((a, b) => a - b)).toEqual(heap.values.map((_, code) => code))
      for (const [i, a] of values.entries()) {
        expect(compareValues(heap.values[codes[i]!]!, a)).toBe(0)
        for (const [j, b] of values.entries()) expect(codes[i] === codes[j]).toBe(compareValues(a, b) === 0)
      }
    }),
    { numRuns: 1000 },
  )
})

test('values of different kinds that look alike keep codes of their own', () => {
  const heap = new Heap()
  const alike: HeapValue[] = [
    '9007199254740993',
    9007199254740993n,
    'b',
    'bAAAA',
    '',
    new Uint8Array(0),
    new Float32Array(0),
    Uint8Array.of(0, 0, 0, 0),
    Float32Array.of(0),
    Uint8Array.of(98),
  ]
  expect(alike.map(value => heap.intern(value))).toEqual(alike.map((_, index) => index))
  expect(heap.values.map(kindOf)).toEqual(alike.map(kindOf))
  expect(kindOf(heap.values[1]!)).toBe(Kind.wide)
})

test('bytes longer than one piece of their key differ in the last byte', () => {
  const heap = new Heap()
  const a = new Uint8Array(100_000)
  const b = new Uint8Array(100_000)
  b[99_999] = 1
  expect([heap.intern(a), heap.intern(b), heap.intern(a.slice())]).toEqual([0, 1, 0])
})

test('a value that is there already takes no more bytes', () => {
  const heap = new Heap()
  heap.intern('a'.repeat(1000))
  const { bytes } = heap
  expect(bytes).toBeGreaterThanOrEqual(1000)
  heap.intern('a'.repeat(1000))
  expect(heap.bytes).toBe(bytes)
  heap.intern(new Uint8Array(500))
  expect(heap.bytes).toBeGreaterThanOrEqual(bytes + 500)
})
