// `varve import` and `varve export` of CSV and JSON lines, as a caller sees them.
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { main } from '../../src/cli/main.ts'
import type { ColumnDeclaration } from '../../src/model/schema.ts'
import { float, timestamp } from '../../src/model/value.ts'
import { openStore } from '../../src/store/open.ts'
import { type Contents, read } from '../support/stores.ts'

let dir: string
let printed: string[]
let noted: string[]
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'varve-exchange-'))
})
afterEach(() => rm(dir, { recursive: true }))

const varve = (...words: string[]): Promise<number> => {
  printed = []
  noted = []
  const output = { print: (line: string) => printed.push(line), note: (line: string) => noted.push(line) }
  return main([...words, '--data-dir', join(dir, 'data')], output)
}

const json = (): Record<string, never> => JSON.parse(printed.join('\n'))

const put = async (name: string, content: string): Promise<string> => {
  await writeFile(join(dir, name), content)
  return join(dir, name)
}

const imported = async (name: string, content: string, ...more: string[]): Promise<number> =>
  varve('import', await put(name, content), '--relation', 'a:b', ...more)

const contents = async (shard = 'a:b', asOf?: number): Promise<Contents> => {
  const store = await openStore({ dataDir: join(dir, 'data') })
  try {
    return await read(store, shard, asOf)
  } finally {
    await store.close()
  }
}

/** A Parquet file of what a query of DuckDB gives. */
const putParquet = async (name: string, query: string): Promise<string> => {
  const path = join(dir, name)
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  await connection.run(`copy (${query}) to '${path}' (format parquet, row_group_size 4096)`)
  return path
}

/** Declares `a:b` with these columns. */
const declared = async (columns: Record<string, ColumnDeclaration['type']>): Promise<void> => {
  const store = await openStore({ dataDir: join(dir, 'data') })
  await store.declare(
    'a:b',
    Object.entries(columns).map(([name, type]) => ({ name, type })),
  )
  await store.close()
}

const details = (): unknown =>
  (JSON.parse(printed.join('\n')) as { error: { details: unknown } }).error.details

describe('varve import', () => {
  test.each([
    ['edges.csv', 'src,dst\n1,x\n2,\n', []],
    ['edges.tsv', 'src\tdst\n1\tx\n2\t\n', []],
    ['edges.jsonl', '{"src":1,"dst":"x"}\n{"dst":null,"src":2}\n', []],
    ['edges.NDJSON', '{"src":1,"dst":"x"}\n{"dst":null,"src":2}\n', []],
    ['edges', 'src,dst\n1,x\n2,\n', ['--format', 'csv']],
    ['edges.txt', '[1,"x"]\n[2,null]\n', ['--format', 'ndjson']],
    ['edges.csv', '1,x\n2,\n', ['--no-header']],
  ])('%s', async (name, content, more) => {
    expect(await imported(name, content, ...more, '--json')).toBe(0)
    expect(json()).toEqual({ shard: 'a:b', rows: 2, resumedAt: 0, commits: 1, lastTime: 0 })
    expect(noted).toEqual([])
    expect(await contents()).toEqual({ '[1,"x"]': 1, '[2,null]': 1 })
  })

  test('declares the columns of a new shard', async () => {
    await imported('x.csv', 'id,when,Unit Price\n1,2024-01-01T00:00:00Z,1\n', '--types', 'Unit Price:float64')
    expect(noted).toEqual(['column "Unit Price" is called Unit_Price'])
    const document = JSON.parse(await readFile(join(dir, 'data/persist/shards/a_b.json'), 'utf8'))
    expect(document.schema).toEqual([
      { name: 'id', type: 'int64', declared: true },
      { name: 'when', type: 'timestamp', declared: true },
      { name: 'Unit_Price', type: 'float64', declared: true },
    ])
    expect(await contents()).toEqual({ '[1,{"t":1704067200000},1]': 1 })
  })

  test('with times and diffs, at the times of the file, each whole', async () => {
    const content = 'at,x,n\n3,a,1\n3,b,2\n5,a,-1\n'
    expect(await imported('x.csv', content, '--time', 'at', '--diff', 'n', '--json')).toBe(0)
    expect(json()).toMatchObject({ rows: 3, lastTime: 5 })
    expect(await contents('a:b', 3)).toEqual({ '["a"]': 1, '["b"]': 2 })
    expect(await contents('a:b', 5)).toEqual({ '["b"]': 2 })
  })

  test('counts rows that come twice (rules 10), and a second run has nothing to do (rules 9)', async () => {
    const content = 'x\n1\n1\n2\n'
    await imported('x.csv', content)
    expect(await contents()).toEqual({ '[1]': 2, '[2]': 1 })
    expect(await imported('x.csv', content, '--json')).toBe(0)
    expect(json()).toMatchObject({ commits: 0, resumedAt: 3 })
    expect(await contents()).toEqual({ '[1]': 2, '[2]': 1 })
  })

  test('other options are another import', async () => {
    await imported('x.csv', '1\n1\n', '--no-header')
    expect(await imported('x.csv', '1\n1\n', '--no-header', '--types', 'col0:int64', '--json')).toBe(0)
    expect(json()).toMatchObject({ commits: 1, resumedAt: 0 })
    expect(await contents()).toEqual({ '[1]': 4 })
  })

  test('of many rows makes several commits', async () => {
    const content = Array.from({ length: 25_000 }, (_, row) => `[${row}]\n`).join('')
    expect(await imported('x.jsonl', content, '--json')).toBe(0)
    expect(json()).toMatchObject({ rows: 25_000, commits: 3 })
    expect(Object.keys(await contents()).length).toBe(25_000)
  })

  test.each([
    ['a ragged row', 'x.csv', 'a,b\n1,2\n3\n', [], { line: 3 }],
    ['a value of another type', 'x.csv', 'a,b\n1,2\n3,x\n', ['--types', 'b:int64'], { line: 3, column: 'b' }],
    ['a column that is not there', 'x.csv', 'a\n1\n', ['--time', 'at'], { column: 'at' }],
    ['a column called time', 'x.csv', 'a,time\n1,2\n', [], { column: 'time' }],
    ['two columns of one name', 'x.csv', 'a b,a-b\n1,2\n', [], { column: 'a-b' }],
    ['no JSON', 'x.jsonl', '[1]\n[\n', [], { line: 2 }],
    ['a time that is none', 'x.jsonl', '{"a":1,"t":-1}\n', ['--time', 't'], { line: 1, column: 't' }],
  ])('%s is refused with its place, and there is no store', async (_, name, content, more, place) => {
    expect(await imported(name, content, ...more, '--json')).toBe(1)
    expect(json()).toMatchObject({
      error: { code: 'FILE_INVALID', details: { file: join(dir, name), ...place } },
    })
    expect(await readdir(dir)).toEqual([name])
  })

  test.each([
    ['a line late in the file', `${'[1]\n'.repeat(30_000)}[`, { line: 30_001 }],
    ['a type late in the file', `${'[1]\n'.repeat(30_000)}["x"]`, { line: 30_001, column: 'col0' }],
  ])('%s is refused before anything is committed', async (_, content, place) => {
    expect(await imported('x.jsonl', content, '--types', 'col0:int64', '--json')).toBe(1)
    expect(json()).toMatchObject({ error: { code: 'FILE_INVALID', details: place } })
    expect(await readdir(dir)).toEqual(['x.jsonl'])
  })

  describe('into a relation that is declared', () => {
    test.each([
      ['e.csv', 'dst,src\n2,1\n'],
      ['e.tsv', 'dst\tsrc\n2\t1\n'],
      ['e.jsonl', '{"dst":2,"src":1}\n'],
    ])('%s goes by its names', async (name, content) => {
      await declared({ src: 'int64', dst: 'int64' })
      expect(await imported(name, content)).toBe(0)
      expect(noted).toEqual([])
      expect(await contents()).toEqual({ '[1,2]': 1 })
    })

    test('Parquet goes by its names', async () => {
      await declared({ src: 'int64', dst: 'float64' })
      const path = await putParquet('e.parquet', 'select 2 as dst, 1 as src')
      expect(await varve('import', path, '--relation', 'a:b')).toBe(0)
      expect(await contents()).toEqual({ '[1,2]': 1 })
    })

    test.each([
      ['bare.csv', '2,1\n', ['--no-header']],
      ['list.jsonl', '[2,1]\n', []],
    ])('%s has no names and goes by place', async (name, content, more) => {
      await declared({ src: 'int64', dst: 'int64' })
      expect(await imported(name, content, ...more)).toBe(0)
      expect(noted).toEqual(['column "col0" is called src', 'column "col1" is called dst'])
      expect(await contents()).toEqual({ '[2,1]': 1 })
    })

    test.each([
      ['e.csv', 'src,dts\n1,2\n', { column: 'dts', columns: ['src', 'dst'] }],
      ['e.csv', 'src\n1\n', { column: 'dst', columns: ['src'] }],
      ['e.csv', 'src,dst,w\n1,2,3\n', { column: 'w', columns: ['src', 'dst'] }],
      ['e.jsonl', '{"src":1,"w":2}\n', { column: 'w', columns: ['src', 'dst'] }],
    ])('%s with %j is refused', async (name, content, place) => {
      await declared({ src: 'int64', dst: 'int64' })
      expect(await imported(name, content, '--json')).toBe(1)
      expect(json()).toMatchObject({ error: { code: 'FILE_INVALID' } })
      expect(details()).toEqual({ file: join(dir, name), ...place })
      expect(await contents()).toEqual({})
    })

    test('Parquet with another name is refused, and rows of another number without names', async () => {
      await declared({ src: 'int64', dst: 'int64' })
      const path = await putParquet('e.parquet', 'select 2 as dst, 1 as sr')
      expect(await varve('import', path, '--relation', 'a:b', '--json')).toBe(1)
      expect(details()).toEqual({ file: path, column: 'sr', columns: ['src', 'dst'] })
      expect(await imported('e.jsonl', '[1]\n', '--json')).toBe(1)
      expect(json()).toMatchObject({ error: { code: 'ARITY_MISMATCH', details: { arity: 2, found: 1 } } })
      expect(await contents()).toEqual({})
    })

    test('its types are those of the file', async () => {
      await declared({ zip: 'string', x: 'float64', v: 'vector', y: 'any' })
      expect(await imported('e.csv', 'zip,x,v,y\n8000,2,"[1,2]",7\n')).toBe(0)
      expect(await contents()).toEqual({ '["8000",2,{"v":[1,2]},7]': 1 })
    })

    test('--types says what the declaration leaves open, and nothing against it', async () => {
      await declared({ a: 'any', b: 'int64' })
      expect(await imported('e.csv', 'a,b\n7,8\n', '--types', 'a:string')).toBe(0)
      expect(await contents()).toEqual({ '["7",8]': 1 })
      expect(await imported('e.csv', 'a,b\n7,8\n', '--types', 'b:string', '--json')).toBe(1)
      expect(json()).toMatchObject({
        error: { code: 'TYPE_MISMATCH', details: { column: 'b', type: 'int64', given: 'string' } },
      })
    })

    test.each([
      ['a value of another type', 'x.csv', 'a\nx\n', 2],
      ['a value late in a file', 'x.jsonl', `${'{"a":1}\n'.repeat(15_000)}{"a":"x"}\n`, 15_001],
    ])('%s is refused with its line, before anything is committed', async (_, name, content, line) => {
      await declared({ a: 'int64' })
      expect(await imported(name, content, '--json')).toBe(1)
      expect(json()).toMatchObject({ error: { code: 'FILE_INVALID' } })
      expect(details()).toEqual({ file: join(dir, name), line, column: 'a' })
      expect(await contents()).toEqual({})
    })

    test('a value late in a Parquet file is refused with its row, before anything is committed', async () => {
      await declared({ a: 'int32' })
      const path = await putParquet(
        'e.parquet',
        'select case when i = 15000 then 1099511627776 else i end as a from range(20000) r(i)',
      )
      expect(await varve('import', path, '--relation', 'a:b', '--json')).toBe(1)
      expect(json()).toMatchObject({ error: { code: 'FILE_INVALID' } })
      expect(details()).toEqual({ file: path, row: 15_000, column: 'a' })
      expect(await contents()).toEqual({})
    })
  })

  test('into a relation that nobody declared goes by place', async () => {
    const store = await openStore({ dataDir: join(dir, 'data') })
    await store.insert('a:b', [['x', 1]])
    await store.close()
    expect(await imported('e.csv', 'dst,src\n2,1\n')).toBe(0)
    expect(noted).toEqual(['column "dst" is called col0', 'column "src" is called col1'])
    expect(await contents()).toEqual({ '["x",1]': 1, '[2,1]': 1 })
    expect(await imported('f.csv', 'a\n1\n', '--json')).toBe(1)
    expect(json()).toMatchObject({ error: { code: 'ARITY_MISMATCH', details: { arity: 2, found: 1 } } })
    expect(await contents()).toEqual({ '["x",1]': 1, '[2,1]': 1 })
  })

  /** The times of 25,000 rows, of which row 15,001 is out of order. */
  const TIMES = Array.from({ length: 25_000 }, (_, row) => (row === 15_000 ? 3 : row))

  test.each([
    ['x.csv', `a,at\n${TIMES.map(at => `1,${at}\n`).join('')}`, 15_002],
    ['x.jsonl', TIMES.map(at => `{"a":1,"at":${at}}\n`).join(''), 15_001],
  ])(
    '%s out of order of time is refused with its line, and there is no store',
    async (name, content, line) => {
      expect(await imported(name, content, '--time', 'at', '--json')).toBe(1)
      expect(json()).toMatchObject({ error: { code: 'FILE_INVALID' } })
      expect(details()).toEqual({ file: join(dir, name), line, column: 'at', time: 3, after: 14_999 })
      expect(await readdir(dir)).toEqual([name])
      // Once it is in order, all of it is taken.
      const sorted = `a,at\n${TIMES.map((_, row) => `1,${row}\n`).join('')}`
      expect(await imported('sorted.csv', sorted, '--time', 'at', '--json')).toBe(0)
      expect(json()).toMatchObject({ rows: 25_000, resumedAt: 0 })
    },
  )

  test('Parquet out of order of time is refused with its row, and there is no store', async () => {
    const query = 'select 1 as a, case when i = 15000 then 3 else i end as at from range(25000) r(i)'
    const path = await putParquet('x.parquet', query)
    expect(await varve('import', path, '--relation', 'a:b', '--time', 'at', '--json')).toBe(1)
    expect(json()).toMatchObject({ error: { code: 'FILE_INVALID' } })
    expect(details()).toEqual({ file: path, row: 15_000, column: 'at', time: 3, after: 14_999 })
    expect(await readdir(dir)).toEqual(['x.parquet'])
  })

  test('says of a file that was imported before no more than that, and of one without rows', async () => {
    const path = await put('x.csv', 'a\n1\n')
    await varve('import', path, '--relation', 'a:b')
    expect(printed).toEqual(['Imported 1 rows into a:b in 1 commits.'])
    const store = await openStore({ dataDir: join(dir, 'data') })
    await store.delete('a:b', [[1]])
    await store.close()
    await varve('import', path, '--relation', 'a:b')
    expect(printed).toEqual([`${path} was imported into a:b before; nothing done.`])
    expect(await contents()).toEqual({})
    for (const [name, content] of [
      ['empty.csv', 'a\n'],
      ['empty.jsonl', ''],
    ] as const) {
      expect(await imported(name, content)).toBe(0)
      expect(printed).toEqual([`${join(dir, name)} has no rows.`])
    }
  })

  test('makes names of the columns of Parquet, and says so', async () => {
    const path = await putParquet('x.parquet', 'select 1 as "my col", 2 as "2nd"')
    expect(await varve('import', path, '--relation', 'a:b')).toBe(0)
    expect(noted).toEqual(['column "my col" is called my_col', 'column "2nd" is called _2nd'])
    const document = JSON.parse(await readFile(join(dir, 'data/persist/shards/a_b.json'), 'utf8'))
    expect(document.schema).toEqual([
      { name: 'my_col', type: 'int32', declared: true },
      { name: '_2nd', type: 'int32', declared: true },
    ])
    expect(await contents()).toEqual({ '[1,2]': 1 })
    const same = await putParquet('y.parquet', 'select 1 as "my col", 2 as "my-col"')
    expect(await varve('import', same, '--relation', 'a:c', '--json')).toBe(1)
    expect(json()).toMatchObject({
      error: { code: 'FILE_INVALID', details: { file: same, column: 'my-col' } },
    })
  })

  test('writes no name raw that could turn a terminal about', async () => {
    const path = await put('x\u202e.csv', 'a\u202eb\n1\n')
    expect(await varve('import', path, '--relation', 'a:b')).toBe(0)
    expect(noted).toEqual(['column "a\\u{202e}b" is called a_b'])
    await varve('import', path, '--relation', 'a:b')
    expect(printed[0]).toContain('x\\u{202e}.csv was imported')
    await varve('export', 'a:b', path)
    expect(printed[0]).toContain('x\\u{202e}.csv, ')
  })

  test('--types takes the names of the language as well', async () => {
    expect(await imported('x.csv', 'a,b,c\n1,2,true\n', '--types', 'a:int,b:float,c:bool')).toBe(0)
    const document = JSON.parse(await readFile(join(dir, 'data/persist/shards/a_b.json'), 'utf8'))
    expect(document.schema.map(({ type }: { type: string }) => type)).toEqual(['int64', 'float64', 'boolean'])
  })

  test.each([['edge'], ['default:edge name'], ['default:Edge'], ['a:'], [':b'], ['a:b:c'], ['1:b']])(
    'a relation that no query could name is refused: %s',
    async relation => {
      const path = await put('x.csv', 'a\n1\n')
      expect(await varve('import', path, '--relation', relation, '--json')).toBe(2)
      expect(json()).toMatchObject({
        error: { code: 'SHARD_NAME_INVALID', details: { place: '--relation', shard: relation } },
      })
      expect(await readdir(dir)).toEqual(['x.csv'])
    },
  )

  test.each([
    ['an ending that says nothing', 'x.dat', [], 2, /--format/],
    ['no ending', 'x', [], 2, /--format/],
    ['types for Parquet', 'x.parquet', ['--types', 'a:int64'], 2, /own types/],
    ['a header for JSON lines', 'x.jsonl', ['--no-header'], 2, /--no-header/],
    ['an unknown format', 'x.csv', ['--format', 'xml'], 2, /SETTING_INVALID.*flag=--format, value=xml/],
    [
      'an unknown type',
      'x.csv',
      ['--types', 'a:int64,b:uuid'],
      2,
      /SETTING_INVALID.*flag=--types, value=b:uuid/,
    ],
    ['the type of nothing', 'x.csv', ['--types', 'a:null'], 2, /SETTING_INVALID.*value=a:null/],
    [
      'a type that says what there is',
      'x.csv',
      ['--types', 'a:number'],
      2,
      /one of int, float, string, bool, timestamp, bytes, vector, any\. /,
    ],
    [
      'a column with two types',
      'x.csv',
      ['--types', 'a:int64,a:string'],
      2,
      /SETTING_INVALID.*one type.*value=a:string/,
    ],
    ['a type without a column', 'x.csv', ['--types', ':int64'], 2, /SETTING_INVALID.*value=:int64/],
  ])('%s', async (_, name, more, code, why) => {
    expect(await imported(name, 'a\n1\n', ...more)).toBe(code)
    expect(noted).toEqual([expect.stringMatching(why)])
    expect(await readdir(dir)).toEqual([name])
  })
})

describe('varve export', () => {
  /** A store with values of every kind, some of them several times. */
  const filled = async (): Promise<void> => {
    const store = await openStore({ dataDir: join(dir, 'data') })
    const rows = [
      [1, 'a,b', null],
      [2, '', float(1)],
      [3, '7', timestamp(0)],
      [2n ** 60n, 'x\ny', Uint8Array.of(1)],
      [5, 'v', Float32Array.of(0.5)],
    ]
    await store.commit(rows.map((data, index) => ({ shard: 'a:b', data, diff: index + 1 })))
    await store.commit([{ shard: 'a:b', data: rows[0]!, diff: -1 }])
    await store.close()
  }

  test('CSV', async () => {
    await filled()
    const out = join(dir, 'out.csv')
    expect(await varve('export', 'a:b', out, '--json')).toBe(0)
    const text = await readFile(out, 'utf8')
    expect(json()).toEqual({ shard: 'a:b', asOf: 1, rows: 4, bytes: Buffer.byteLength(text) })
    expect(text).toBe(
      'col0,col1,col2,diff\n2,"",1.0,2\n3,"7",1970-01-01T00:00:00.000Z,3\n5,v,[0.5],5\n' +
        '1152921504606846976,"x\ny",AQ==,4\n',
    )
  })

  test('JSON lines as of a time', async () => {
    await filled()
    const out = join(dir, 'out.jsonl')
    expect(await varve('export', 'a:b', out, '--as-of', '0')).toBe(0)
    expect(printed).toEqual([`Wrote 5 rows of a:b as of 0 to ${out}, 266 B.`])
    expect(await readFile(out, 'utf8')).toBe(
      '{"col0":1,"col1":"a,b","col2":null,"diff":1}\n' +
        '{"col0":2,"col1":"","col2":{"f":1},"diff":2}\n' +
        '{"col0":3,"col1":"7","col2":{"t":0},"diff":3}\n' +
        '{"col0":5,"col1":"v","col2":{"v":[0.5]},"diff":5}\n' +
        '{"col0":{"i":"1152921504606846976"},"col1":"x\\ny","col2":{"b":"AQ=="},"diff":4}\n',
    )
  })

  test.each([['jsonl'], ['csv'], ['tsv']])('what is written as %s is brought back', async format => {
    await filled()
    const out = join(dir, `out.${format}`)
    // CSV has no form for bytes and vectors beside other kinds.
    const asOf = await contents('a:b', 0)
    await varve('export', 'a:b', out, '--as-of', '0')
    expect(await varve('import', out, '--relation', 'a:c', '--diff', 'diff')).toBe(0)
    const back = await contents('a:c')
    if (format === 'jsonl') expect(back).toEqual(asOf)
    else expect(Object.values(back).reduce((sum, diff) => sum + diff, 0)).toBe(15)
  })

  test('to standard output there are the rows and nothing else', async () => {
    await filled()
    expect(await varve('export', 'a:b', '-', '--format', 'tsv', '--json')).toBe(0)
    expect(printed[0]).toBe('col0\tcol1\tcol2\tdiff')
    expect(printed.length).toBe(5)
    expect(JSON.parse(noted[0]!)).toMatchObject({
      rows: 4,
      bytes: Buffer.byteLength(printed.map(line => `${line}\n`).join('')),
    })
    expect(await varve('export', 'a:b', '-', '--format', 'parquet')).toBe(2)
    expect(await varve('export', 'a:b', '-')).toBe(2)
    expect(noted[0]).toMatch(/--format says what - is/)
  })

  test('of nothing is a header, or an empty file', async () => {
    await imported('x.csv', 'a,n\n1,1\n1,-1\n', '--diff', 'n')
    for (const [name, text] of [
      ['none.csv', 'a,diff\n'],
      ['none.jsonl', ''],
    ] as const) {
      expect(await varve('export', 'a:b', join(dir, name))).toBe(0)
      expect(printed).toEqual([`a:b is empty as of 0: ${join(dir, name)} has no rows.`])
      expect(await readFile(join(dir, name), 'utf8')).toBe(text)
    }
  })

  test('of nothing is a Parquet file without rows, in place of an old one', async () => {
    await imported('x.csv', 'a,n\n1,1\n1,-1\n', '--diff', 'n')
    const out = await put('out.parquet', 'old')
    expect(await varve('export', 'a:b', out, '--json')).toBe(0)
    expect(json()).toMatchObject({ rows: 0, bytes: (await readFile(out)).length })
    const connection = await (await DuckDBInstance.create(':memory:')).connect()
    const reader = await connection.runAndReadAll(`select * from '${out}'`)
    expect(reader.columnNames()).toEqual(['a', 'time', 'diff'])
    expect(reader.getRows()).toEqual([])
    expect(await varve('import', out, '--relation', 'a:c', '--time', 'time', '--diff', 'diff')).toBe(0)
    expect(printed).toEqual([`${out} has no rows.`])
  })

  test('of Parquet is not disturbed by what an earlier one, or the user, left beside it', async () => {
    await filled()
    const theirs = await put('out.parquet.tmp', 'mine')
    const out = join(dir, 'out.parquet')
    expect(await varve('export', 'a:b', out)).toBe(0)
    expect(await readFile(theirs, 'utf8')).toBe('mine')
    expect((await readFile(out)).subarray(0, 4).toString()).toBe('PAR1')
    expect((await readdir(dir)).sort()).toEqual(['data', 'out.parquet', 'out.parquet.tmp'])
  })

  test('takes the place of an old file only when it is complete', async () => {
    const store = await openStore({ dataDir: join(dir, 'data') })
    await store.commit([{ shard: 'a:b', data: [1, timestamp(0)], diff: 1 }])
    await store.commit([{ shard: 'a:b', data: [2, timestamp(9e15)], diff: 1 }])
    await store.close()
    const out = await put('out.csv', 'old')
    expect(await varve('export', 'a:b', out, '--json')).toBe(1)
    expect(json()).toMatchObject({ error: { code: 'VALUE_INVALID', details: { place: 'col1', ms: 9e15 } } })
    expect(await readFile(out, 'utf8')).toBe('old')
    expect((await readdir(dir)).sort()).toEqual(['data', 'out.csv'])
    expect(await varve('export', 'a:b', out, '--as-of', '0')).toBe(0)
    expect(await readFile(out, 'utf8')).toBe('col0,col1,diff\n1,1970-01-01T00:00:00.000Z,1\n')
    expect((await readdir(dir)).sort()).toEqual(['data', 'out.csv'])
  })

  test.each(
    ['csv', 'parquet'].flatMap(format => [
      ['a folder that is not there', 'none/out.csv', 'DISK_MISSING', format],
      ['a folder', 'data', 'DISK_NOT_A_FILE', format],
      ['a link', 'link.csv', 'DISK_NOT_A_FILE', format],
    ]),
  )('into %s is refused: %s, %s, %s', async (_, name, code, format) => {
    await filled()
    await symlink(join(dir, 'elsewhere'), join(dir, 'link.csv'))
    expect(await varve('export', 'a:b', join(dir, name!), '--format', format!)).toBe(1)
    expect(noted[0]).toMatch(new RegExp(`varve export: ${code}`))
    expect((await readdir(dir)).sort()).toEqual(['data', 'link.csv'])
  })
})
