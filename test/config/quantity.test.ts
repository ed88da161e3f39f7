import fc from 'fast-check'
import { expect, test } from 'vitest'
import { quantityFrom } from '../../src/config/quantity.ts'

test.each([
  ['0', 'updates', 0],
  ['10_000', 'updates', 10_000],
  ['64MiB', 'bytes', 64 * 1024 * 1024],
  ['64mib', 'bytes', 64 * 1024 * 1024],
  ['8KB', 'bytes', 8000],
  ['8KiB', 'bytes', 8192],
  ['2 GB', 'bytes', 2_000_000_000],
  ['7', 'bytes', 7],
  ['7B', 'bytes', 7],
  ['100ms', 'ms', 100],
  ['1s', 'ms', 1000],
  ['5m', 'ms', 300_000],
  ['168h', 'ms', 604_800_000],
  ['250', 'ms', 250],
  ['5m', 'secs', 300],
  ['1h', 'secs', 3600],
  ['2000ms', 'secs', 2],
  ['1500ms', 'secs', 1.5],
] as const)('%s in %s is %d', (text, unit, expected) => {
  expect(quantityFrom(text, unit)).toBe(expected)
})

test.each([
  ['', 'ms'],
  [' 1', 'ms'],
  ['-1', 'ms'],
  ['1.5s', 'ms'],
  ['1e3', 'ms'],
  ['0x10', 'updates'],
  ['1__0', 'updates'],
  ['_1', 'updates'],
  ['1s', 'updates'],
  ['1s', 'bytes'],
  ['1MiB', 'ms'],
  ['1M', 'bytes'],
  ['1d', 'secs'],
  ['1s 2m', 'secs'],
  ['1constructor', 'ms'],
  ['１', 'ms'],
] as const)('"%s" is no number of %s', (text, unit) => {
  expect(quantityFrom(text, unit)).toBeUndefined()
})

test('a bare number is itself, in every unit', () => {
  fc.assert(
    fc.property(
      fc.nat(Number.MAX_SAFE_INTEGER),
      fc.constantFrom('updates', 'bytes', 'ms', 'secs' as const),
      (n, unit) => {
        expect(quantityFrom(String(n), unit as 'ms')).toBe(n)
      },
    ),
  )
})
