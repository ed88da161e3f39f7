import { expect, test } from 'vitest'
import { Scratch } from '../../src/model/scratch.ts'

test('what is taken is as long as it is asked for, and the same memory again', () => {
  const scratch = new Scratch()
  for (const take of [
    (length: number) => scratch.bytes(length),
    (length: number) => scratch.integers(length),
    (length: number) => scratch.numbers(length),
  ]) {
    const first = take(1000)
    const second = take(10)
    expect([first.length, second.length]).toEqual([1000, 10])
    expect(second.buffer).toBe(first.buffer)
    expect(take(2000).length).toBe(2000)
  }
})

test('what is very long is not kept', () => {
  const scratch = new Scratch()
  const kept = scratch.numbers(262_144)
  const large = scratch.numbers(262_145)
  expect(large.length).toBe(262_145)
  expect(large.buffer).not.toBe(scratch.numbers(262_145).buffer)
  expect(scratch.numbers(5).buffer).toBe(kept.buffer)
})
