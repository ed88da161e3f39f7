// CSV as others write it: which columns and types it has, which rows, and what is refused, with its line.
import { describe, expect, test } from 'vitest'
import { csvFormat } from '../../src/exchange/csv.ts'
import type { TextMapping } from '../../src/exchange/survey.ts'
import { TextFile } from '../../src/exchange/text-file.ts'
import type { FileType } from '../../src/exchange/text-format.ts'
import { float, timestamp } from '../../src/model/value.ts'
import { opened, updatesOf } from './source.ts'

const CSV = csvFormat({ delimiter: ',', header: true })
const BARE = csvFormat({ delimiter: ',', header: false })

const rowsOf = async (content: string, mapping: TextMapping = {}, format = CSV) =>
  (await updatesOf(await opened(format, content, mapping))).map(({ data }) => data)

const typesFrom = (...types: [string, FileType][]): TextMapping => ({ types: new Map(types) })

describe('the type of a column', () => {
  test.each<[string, string[], FileType, unknown[]]>([
    ['integers', ['1', '-20', '0', ''], 'int64', [1, -20, 0, null]],
    ['integers of 64 bits', ['9007199254740993', '1'], 'int64', [9007199254740993n, 1]],
    [
      'the ends of int64',
      ['9223372036854775807', '-9223372036854775808'],
      'int64',
      [2n ** 63n - 1n, -(2n ** 63n)],
    ],
    ['an integer of more', ['9223372036854775808', '1'], 'string', ['9223372036854775808', '1']],
    ['digits without end', ['1'.repeat(25)], 'string', ['1'.repeat(25)]],
    ['floats and integers', ['1.5', '2', '-0.0', '1e3'], 'float64', [1.5, float(2), float(0), float(1000)]],
    ['special floats', ['NaN', '-Infinity', 'Infinity'], 'float64', [Number.NaN, -Infinity, Infinity]],
    ['a float beyond all', ['1e999', '1'], 'string', ['1e999', '1']],
    [
      'a float beside an integer it would round',
      ['0.5', '9007199254740993'],
      'string',
      ['0.5', '9007199254740993'],
    ],
    ['booleans', ['true', 'false', ''], 'boolean', [true, false, null]],
    ['other words for them', ['True', 'false'], 'string', ['True', 'false']],
    ['leading zeros', ['007', '1'], 'string', ['007', '1']],
    ['a plus sign', ['+1'], 'string', ['+1']],
    ['a sign alone', ['-'], 'string', ['-']],
    ['hexadecimal', ['0x10'], 'string', ['0x10']],
    ['a number with a space', [' 1'], 'string', [' 1']],
    ['nothing', ['', ''], 'string', [null, null]],
    ['quoted digits', ['"1"', '2'], 'string', ['1', '2']],
    ['a quoted empty field', ['""', ''], 'string', ['', null]],
    [
      'times with zones',
      ['2024-02-29T12:30:00Z', '2024-02-29T12:30:00.123+02:00', '1969-12-31T23:59Z'],
      'timestamp',
      [timestamp(1709209800000), timestamp(1709202600123), timestamp(-60000)],
    ],
    [
      'a time to the microsecond that is whole',
      ['2024-01-01T00:00:00.120000Z'],
      'timestamp',
      [timestamp(1704067200120)],
    ],
    ['a time that would be rounded', ['2024-01-01T00:00:00.1234Z'], 'string', ['2024-01-01T00:00:00.1234Z']],
    ['a time without a zone', ['2024-01-01T00:00:00'], 'string', ['2024-01-01T00:00:00']],
    ['a day that is not', ['2023-02-29T00:00:00Z'], 'string', ['2023-02-29T00:00:00Z']],
    ['a month that is not', ['2023-13-01T00:00:00Z'], 'string', ['2023-13-01T00:00:00Z']],
    ['a date', ['2024-01-01'], 'string', ['2024-01-01']],
    ['kinds that do not go together', ['1', 'true'], 'string', ['1', 'true']],
    ['a word', ['x', '1'], 'string', ['x', '1']],
  ])('%s', async (_, fields, type, values) => {
    const file = await opened(CSV, `c,d\n${fields.map(field => `${field},0\n`).join('')}`)
    expect(file.columns).toEqual([
      { name: 'c', type },
      { name: 'd', type: 'int64' },
    ])
    expect((await updatesOf(file)).map(({ data }) => data[0])).toEqual(values)
  })

  test('is that of all its fields, however far apart', async () => {
    const integers = '100000\n'.repeat(60_000)
    for (const [content, type] of [
      [`c\n${integers}0.5\n${integers}`, 'float64'],
      [`c\nx\n${integers}`, 'string'],
    ])
      expect((await opened(CSV, content!)).columns).toEqual([{ name: 'c', type }])
  })

  test.each<[FileType, string, unknown]>([
    ['string', '1', '1'],
    ['float64', '1', float(1)],
    ['int64', '"1"', 1],
    ['int32', '2147483647', 2147483647],
    ['bytes', 'AAE=', Uint8Array.of(0, 1)],
    ['vector', '"[1,0.5,""NaN""]"', Float32Array.of(1, 0.5, Number.NaN)],
    ['any', '1.0', float(1)],
    ['any', '"1"', '1'],
    ['any', '', null],
  ])('can be given: %s', async (type, field, value) => {
    const file = await opened(CSV, `c,d\n${field},0\n`, typesFrom(['c', type]))
    expect(file.columns[0]).toEqual({ name: 'c', type })
    expect((await updatesOf(file))[0]!.data[0]).toEqual(value)
  })

  test.each<[FileType, string]>([
    ['int64', '1.5'],
    ['int64', 'x'],
    ['int32', '2147483648'],
    ['float64', '9007199254740993'],
    ['boolean', '1'],
    ['timestamp', '2024'],
    ['bytes', 'A'],
    ['vector', '[1'],
    ['vector', '{}'],
    ['vector', '"[1e39]"'],
  ])('that is given and does not fit is refused: %s %s', async (type, field) => {
    await expect(opened(CSV, `a,c\n1,\n2,${field}\n`, typesFrom(['c', type]))).rejects.toMatchObject({
      code: 'FILE_INVALID',
      details: { file: 'f', line: 3, column: 'c' },
    })
  })
})

describe('rows', () => {
  test('quotes, newlines and both ends of lines (RFC 4180)', async () => {
    const content = '\ufeffa,b\r\n"x, ""y""","1\r\n2"\r\nz,\n"",w'
    expect(await rowsOf(content)).toEqual([
      ['x, "y"', '1\r\n2'],
      ['z', null],
      ['', 'w'],
    ])
  })

  test('tabs between fields', async () => {
    const tsv = csvFormat({ delimiter: '\t', header: true })
    expect(await rowsOf('a\tb\n1,5\t"x\ty"\n', {}, tsv)).toEqual([['1,5', 'x\ty']])
  })

  test('without a header', async () => {
    const file = await opened(BARE, '1,x\n2,y')
    expect(file.columns.map(({ name }) => name)).toEqual(['col0', 'col1'])
    expect(file.rows).toBe(2)
    expect(await rowsOf('1,x\n2,y', {}, BARE)).toEqual([
      [1, 'x'],
      [2, 'y'],
    ])
  })

  test('none', async () => {
    expect(await opened(CSV, 'a,b\n')).toMatchObject({ rows: 0, columns: [{ name: 'a' }, { name: 'b' }] })
    expect(await opened(BARE, '')).toMatchObject({ rows: 0, columns: [] })
    await expect(opened(CSV, '')).rejects.toMatchObject({ code: 'FILE_INVALID', details: { line: 1 } })
  })

  test('times and diffs come from the columns that are named', async () => {
    const file = await opened(CSV, 'when,a,n\n3,x,-1\n4,y,2\n', { time: 'when', diff: 'n' })
    expect(file.columns).toEqual([{ name: 'a', type: 'string' }])
    expect(await updatesOf(file)).toEqual([
      { data: ['x'], time: 3, diff: -1 },
      { data: ['y'], time: 4, diff: 2 },
    ])
  })

  test('from any row on, over many blocks', async () => {
    const rows = Array.from({ length: 100_000 }, (_, row) => `${row},"line\nof ${row}"`)
    const file = await opened(CSV, `n,text\n${rows.join('\n')}\n`)
    expect(file.rows).toBe(100_000)
    for (const skip of [0, 1, 31_234, 99_999, 100_000]) {
      const updates = await updatesOf(file, skip)
      expect(updates.length).toBe(100_000 - skip)
      updates.forEach(({ data }, index) => {
        if (data[0] !== skip + index) expect(data[0]).toBe(skip + index)
      })
    }
    expect((await updatesOf(file, 99_999))[0]!.data).toEqual([99_999, 'line\nof 99999'])
  })
})

describe('is refused with its line', () => {
  test.each([
    ['a row with a field too few', 'a,b\n1,2\n3\n', 3],
    ['a row with a field too many', 'a,b\n1,2,3\n', 2],
    ['an empty line among several columns', 'a,b\n1,2\n\n3,4\n', 3],
    ['a quote within a field', 'a,b\n"1\r\n\r\n2",2\n3,4"5\n', 5],
    ['text behind a quoted field', 'a,b\n"1"x,2\n', 2],
    ['a quote that is not closed', 'a,b\n1,2\n"3,4\n5,6\n', 3],
    ['a row behind a field with newlines', 'a,b\n"1\n2\n3",2\n9\n', 5],
  ])('%s', async (_, content, line) => {
    await expect(opened(CSV, content)).rejects.toMatchObject({
      code: 'FILE_INVALID',
      details: { file: 'f', line },
    })
  })

  test.each([
    ['a time that is no integer', 'time', 'x', 'a time is not a whole number from 0 to 2^53-2'],
    ['a time below 0', 'time', '-1', 'a time is not a whole number from 0 to 2^53-2'],
    ['a time that is absent', 'time', '', 'a time is not a whole number from 0 to 2^53-2'],
    ['a time beyond the last', 'time', '9007199254740991', 'a time is not a whole number from 0 to 2^53-2'],
    ['a diff of 0', 'diff', '0', 'a diff is not a safe integer other than 0'],
    ['a diff that is a float', 'diff', '1.0', 'a diff is not a safe integer other than 0'],
    [
      'a diff beyond the safe integers',
      'diff',
      '9007199254740993',
      'a diff is not a safe integer other than 0',
    ],
  ])('%s', async (_, name, field, why) => {
    const refused = opened(CSV, `a,${name}\n1,1\n2,${field}\n`, { [name]: name })
    await expect(refused).rejects.toMatchObject({
      code: 'FILE_INVALID',
      message: expect.stringContaining(why),
      details: { file: 'f', line: 3, column: name },
    })
  })

  test.each<[string, TextMapping]>([
    ['a column of times that is not there', { time: 'x' }],
    ['a column of diffs that is not there', { diff: 'x' }],
    ['a type for a column that is not there', typesFrom(['x', 'int64'])],
  ])('%s', async (_, mapping) => {
    await expect(opened(CSV, 'a,b\n1,2\n', mapping)).rejects.toMatchObject({
      code: 'FILE_INVALID',
      details: { file: 'f', column: 'x', columns: ['a', 'b'] },
    })
  })

  test.each<[string, TextMapping]>([
    ['times', { time: 'n' }],
    ['diffs', { diff: 'n' }],
    ['a type', typesFrom(['n', 'int64'])],
  ])('a second column of the name that is given for %s', async (_, mapping) => {
    await expect(opened(CSV, 'n,a,n\n1,x,2\n', mapping)).rejects.toMatchObject({
      code: 'FILE_INVALID',
      message: expect.stringContaining('two columns'),
      details: { file: 'f', column: 'n' },
    })
  })

  test('a file that changes after it was opened', async () => {
    let content = 'a,b\n1,2\n3,4\n'
    const source = {
      size: async () => content.length,
      read: async (offset: number, length: number) =>
        new Uint8Array(Buffer.from(content.slice(offset, offset + length))),
    }
    const file = await TextFile.open(CSV, source, 'f')
    const changed = { code: 'FILE_INVALID', message: expect.stringContaining('changed') }
    content = 'a,b\n1,2\n'
    await expect(updatesOf(file)).rejects.toMatchObject(changed)
    // Before a row is handed on that nobody has seen.
    content = 'a,b\n1,2\n3,4\n5,6\n'
    await expect(file.chunks(0).next()).rejects.toMatchObject(changed)
    content = 'a,b\n1,2\n3,x\n'
    await expect(updatesOf(file)).rejects.toMatchObject({ details: { file: 'f', line: 3, column: 'b' } })
  })
})
