import { expect, test } from 'vitest'
import { Pace } from '../../src/disk/pace.ts'

const after = (...times: number[]): boolean => {
  const pace = new Pace()
  for (const ms of times) pace.took(ms)
  return pace.isQuick
}

test('nobody waits for a disk before its first sync was measured', () => {
  expect(after()).toBe(false)
  expect(after(0.1)).toBe(true)
  expect(after(1)).toBe(false)
})

test('one sync that took long says little, several do; and it comes down again (rules 25)', () => {
  const quick = Array<number>(20).fill(0.1)
  expect(after(...quick, 500)).toBe(true)
  expect(after(...quick, 5, 5, 5)).toBe(false)
  expect(after(...quick, 5, 5, 5, ...Array<number>(8).fill(0.2))).toBe(true)
})
