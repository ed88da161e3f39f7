import { expect, test } from 'vitest'
import { columnNames, placedColumns } from '../../src/model/column-names.ts'
import type { Schema } from '../../src/model/schema.ts'

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

const FOUND = { names: ['b c', 'a'], named: true, file: 'f' }

const schema = (declared: boolean, ...names: string[]): Schema =>
  names.map(name => ({ name, type: 'int64', declared }))

test.each([
  ['a new shard takes the columns as they are', FOUND, undefined, ['0 b_c undefined', '1 a undefined']],
  ['a declared one by their names', FOUND, schema(true, 'a', 'b_c'), ['1 a int64', '0 b_c int64']],
  [
    'a declared one by place, where the file has no names',
    { ...FOUND, named: false },
    schema(true, 'x', 'y'),
    ['0 x int64', '1 y int64'],
  ],
  [
    'one that nobody declared by place',
    FOUND,
    schema(false, 'col0', 'col1'),
    ['0 col0 undefined', '1 col1 undefined'],
  ],
  ['one of no columns', { ...FOUND, names: [] }, [], []],
])('%s', (_, found, shard, placed) => {
  expect(
    placedColumns(found, shard).map(({ index, name, declared }) => `${index} ${name} ${declared}`),
  ).toEqual(placed)
})

test.each([
  ['a column that it has not', schema(true, 'a'), 'FILE_INVALID', { column: 'b c', columns: ['a'] }],
  [
    'a column that the file has not',
    schema(true, 'a', 'b_c', 'd'),
    'FILE_INVALID',
    { column: 'd', columns: ['b c', 'a'] },
  ],
  ['another number of columns', schema(false, 'col0'), 'ARITY_MISMATCH', { arity: 1, found: 2 }],
])('a shard refuses %s', (_, shard, code, details) => {
  expect(() => placedColumns(FOUND, shard)).toThrow(
    expect.objectContaining({ code, details: expect.objectContaining({ file: 'f', ...details }) }),
  )
})
