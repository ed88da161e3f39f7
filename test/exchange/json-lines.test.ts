import { describe, expect, test } from 'vitest'
import { JSON_LINES } from '../../src/exchange/json-lines.ts'
import type { FileType } from '../../src/exchange/text-format.ts'
import { float, timestamp } from '../../src/model/value.ts'
import { opened, updatesOf } from './source.ts'

test('lists, with columns by their place', async () => {
  const file = await opened(JSON_LINES, '[1,"a"]\r\n\n[2,null]')
  expect(file.columns).toEqual([
    { name: 'col0', type: 'int64' },
    { name: 'col1', type: 'string' },
  ])
  expect(await updatesOf(file)).toEqual([
    { data: [1, 'a'], time: 0, diff: 1 },
    { data: [2, null], time: 0, diff: 1 },
  ])
})

test('objects, whatever the order of their keys', async () => {
  const content = '{"src":1,"at":5,"dst":2,"n":-1}\n{"n":3,"dst":4,"src":3,"at":6}\n'
  const file = await opened(JSON_LINES, content, { time: 'at', diff: 'n' })
  expect(file.columns.map(({ name }) => name)).toEqual(['src', 'dst'])
  expect(await updatesOf(file)).toEqual([
    { data: [1, 2], time: 5, diff: -1 },
    { data: [3, 4], time: 6, diff: 3 },
  ])
})

test('a key that every object has already', async () => {
  const file = await opened(JSON_LINES, '{"__proto__":1,"toString":"x"}\n{"toString":"y","__proto__":2}\n')
  expect((await updatesOf(file)).map(({ data }) => data)).toEqual([
    [1, 'x'],
    [2, 'y'],
  ])
})

test.each<[string, FileType, unknown[]]>([
  ['1 2 null', 'int64', [1, 2, null]],
  ['{"i":"9007199254740993"} 1', 'int64', [9007199254740993n, 1]],
  ['1.5 {"f":1}', 'float64', [1.5, float(1)]],
  ['{"t":5}', 'timestamp', [timestamp(5)]],
  ['{"b":"AAE="}', 'bytes', [Uint8Array.of(0, 1)]],
  ['{"v":[1,"NaN"]}', 'vector', [Float32Array.of(1, Number.NaN)]],
  ['true', 'boolean', [true]],
  ['1 1.5', 'any', [1, 1.5]],
  ['1 "a"', 'any', [1, 'a']],
  ['null', 'any', [null]],
])('the values %s are of type %s', async (values, type, expected) => {
  const file = await opened(
    JSON_LINES,
    values
      .split(' ')
      .map(value => `[${value}]\n`)
      .join(''),
  )
  expect(file.columns).toEqual([{ name: 'col0', type }])
  expect((await updatesOf(file)).map(({ data }) => data[0])).toEqual(expected)
})

test('a type can be given', async () => {
  const file = await opened(JSON_LINES, '{"x":1}\n{"x":1.5}\n', { types: new Map([['x', 'float64']]) })
  expect(file.columns).toEqual([{ name: 'x', type: 'float64' }])
  expect((await updatesOf(file)).map(({ data }) => data[0])).toEqual([float(1), 1.5])
})

describe('is refused with its line', () => {
  test.each([
    ['what is no JSON', '[1]\n[2\n', { line: 2 }],
    ['a value alone', '[1]\n2\n', { line: 2 }],
    ['null', 'null', { line: 1 }],
    ['an object among lists', '[1]\n{"col0":1}\n', { line: 2 }],
    ['a list among objects', '{"a":1}\n[1]\n', { line: 2 }],
    ['a list too short', '[1,2]\n\n[1]\n', { line: 3 }],
    ['a list too long', '[1]\n[1,2]\n', { line: 2 }],
    ['a key too few', '{"a":1,"b":2}\n{"a":1}\n', { line: 2, column: 'b' }],
    ['a key too many', '{"a":1}\n{"a":1,"b":2}\n', { line: 2, column: 'b' }],
    ['a nested list', '{"a":[1]}', { line: 1, column: 'a' }],
    ['an unknown tag', '{"a":{"x":1}}', { line: 1, column: 'a' }],
    ['a number beyond the floats', '{"a":1}\n{"a":1e400}', { line: 2, column: 'a' }],
    ['a float beyond the floats', '{"a":{"f":1e400}}', { line: 1, column: 'a' }],
    ['an integer that JSON has rounded', '{"a":9007199254740993}', { line: 1, column: 'a' }],
    ['half a character', '["\\ud800"]', { line: 1, column: 'col0' }],
  ])('%s', async (_, content, place) => {
    await expect(opened(JSON_LINES, content)).rejects.toMatchObject({
      code: 'FILE_INVALID',
      details: { file: 'f', ...place },
    })
  })

  test.each([
    ['a time that is a float', '{"a":1,"time":{"f":1}}', 'time'],
    ['a diff that is text', '{"a":1,"diff":"1"}', 'diff'],
  ])('%s', async (_, content, name) => {
    await expect(opened(JSON_LINES, content, { [name]: name })).rejects.toMatchObject({
      code: 'FILE_INVALID',
      details: { file: 'f', line: 1, column: name },
    })
  })
})
