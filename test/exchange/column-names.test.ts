import { expect, test } from 'vitest'
import { columnNames } from '../../src/exchange/column-names.ts'

test.each([
  [
    ['src', '_x9', 'A'],
    ['src', '_x9', 'A'],
  ],
  [
    ['Unit Price', ' b '],
    ['Unit_Price', 'b'],
  ],
  [
    ['größe', 'a\u{1f600}b'],
    ['gr__e', 'a_b'],
  ],
  [
    ['2024', '%'],
    ['_2024', '_'],
  ],
  [
    ['', ' '],
    ['col0', 'col1'],
  ],
  [['x'.repeat(70)], ['x'.repeat(63)]],
  [[], []],
])('%j are called %j', (found, names) => {
  expect(columnNames(found, 'f')).toEqual(names)
})

test.each([
  [['a', 'a'], { column: 'a', other: 'a', name: 'a' }],
  [['a', 'A'], { column: 'A', other: 'a', name: 'A' }],
  [['a b', 'a-b'], { column: 'a-b', other: 'a b', name: 'a_b' }],
  [['', 'col0'], { column: 'col0', other: '', name: 'col0' }],
])('%j would be one', (found, details) => {
  expect(() => columnNames(found, 'f')).toThrow(
    expect.objectContaining({ code: 'FILE_INVALID', details: { file: 'f', ...details } }),
  )
})

test.each([['time'], ['DIFF'], [' time']])('%j is no column of data', name => {
  expect(() => columnNames(['a', name], 'f')).toThrow(
    expect.objectContaining({
      code: 'FILE_INVALID',
      message: expect.stringMatching(/use --(time|diff)/),
      details: { file: 'f', column: name },
    }),
  )
})
