// Files of other writers: every value exactly, or refused with file, column and row.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import {
  Table as ArrowTable,
  type Data,
  Dictionary,
  Field,
  Int8,
  Int32,
  LargeUtf8,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  tableToIPC,
  Utf8,
  vectorFromArray,
} from 'apache-arrow'
import { Table, writeParquet } from 'parquet-wasm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { arrowSchema, fromArrowStream } from '../../src/batch/arrow.ts'
import { type ForeignFile, type ForeignMapping, openForeign } from '../../src/batch/foreign.ts'
import { foreignColumn } from '../../src/batch/foreign-column.ts'
import { type ForeignSource, openForeignSource } from '../../src/batch/foreign-source.ts'
import { writeBatch } from '../../src/batch/writer.ts'
import { DiskError } from '../../src/errors.ts'
import type { Column } from '../../src/model/columns.ts'
import type { ColumnDeclaration } from '../../src/model/schema.ts'
import { float, timestamp } from '../../src/model/value.ts'
import { columnText } from '../../src/model/value-json.ts'
import { columnsOf, type Row, rowsOf, typed } from './columns-of.ts'
import { WatchedDisk } from './watched-disk.ts'

const folder = mkdtempSync(join(tmpdir(), 'varve-foreign-'))
let instance: DuckDBInstance
let files = 0

beforeAll(async () => {
  instance = await DuckDBInstance.create(':memory:')
})
afterAll(() => rmSync(folder, { recursive: true }))

const bytesOf = (bytes: Uint8Array<ArrayBuffer>) => ({
  read: async (offset: number, length: number) => bytes.slice(offset, offset + length),
  size: async () => bytes.length,
})

const open = (bytes: Uint8Array<ArrayBuffer>, mapping?: ForeignMapping): Promise<ForeignFile> =>
  openForeign(bytesOf(bytes), 'their.parquet', mapping)

const rowsOfColumn = (column: Column): string[] =>
  Array.from(column.kinds, (_, row) => columnText(column, row))

/** A file that DuckDB writes of a query. */
const written = async (query: string, options = ''): Promise<Uint8Array<ArrayBuffer>> => {
  const path = join(folder, `${files++}.parquet`)
  const connection = await instance.connect()
  await connection.run(`COPY (${query}) TO '${path}' (FORMAT parquet${options})`)
  return Uint8Array.from(readFileSync(path))
}

const opened = async (query: string, mapping?: ForeignMapping): Promise<ForeignFile> =>
  open(await written(query), mapping)

const read = async (file: ForeignFile): Promise<Row[]> => {
  const rows: Row[] = []
  for (let group = 0; group < file.rowGroups; group++) rows.push(...rowsOf(await file.read(group)))
  return rows
}

test.each<[sql: string, type: string, value: unknown]>([
  ['(-128)::TINYINT', 'int32', -128],
  ['255::UTINYINT', 'int32', 255],
  ['(-32768)::SMALLINT', 'int32', -32768],
  ['65535::USMALLINT', 'int32', 65535],
  ['(-2147483648)::INTEGER', 'int32', -2147483648],
  ['4294967295::UINTEGER', 'int64', 4294967295],
  ['(-9223372036854775808)::BIGINT', 'int64', -(2n ** 63n)],
  ['9223372036854775807::UBIGINT', 'int64', 2n ** 63n - 1n],
  ['1.5::FLOAT', 'float64', 1.5],
  ['2::DOUBLE', 'float64', float(2)],
  ["'-0'::DOUBLE", 'float64', float(0)],
  ["'nan'::DOUBLE", 'float64', Number.NaN],
  ["'é😀'", 'string', 'é😀'],
  ["''", 'string', ''],
  ['true', 'boolean', true],
  ["DATE '1969-12-31'", 'timestamp', timestamp(-86_400_000)],
  ["TIMESTAMP '2020-01-01 00:00:00.123'", 'timestamp', timestamp(1_577_836_800_123)],
  ["TIMESTAMP_NS '2020-01-01 00:00:00.123'", 'timestamp', timestamp(1_577_836_800_123)],
  ["TIMESTAMP_MS '1960-01-01 00:00:00.5'", 'timestamp', timestamp(-315_619_199_500)],
  ["'\\x00\\xFF'::BLOB", 'bytes', Uint8Array.of(0, 255)],
  ['[1.5, 2]::FLOAT[]', 'vector', Float32Array.of(1.5, 2)],
  ['[]::FLOAT[]', 'vector', new Float32Array()],
])('%s becomes %s', async (sql, type, value) => {
  const file = await opened(`SELECT ${sql} AS x UNION ALL SELECT NULL`)
  expect(file.columns).toEqual([{ name: 'x', type }])
  expect(await read(file)).toEqual([
    [[value], 0, 1],
    [[null], 0, 1],
  ])
})

test('times and diffs come from the columns that are named; the others are data in the order asked for', async () => {
  const query = "SELECT 'a' AS s, 3::BIGINT AS t, 7 AS n, -2::TINYINT AS d"
  const all = await opened(query, { time: 't', diff: 'd' })
  expect(all.columns.map(({ name }) => name)).toEqual(['s', 'n'])
  expect(await read(all)).toEqual([[['a', 7], 3, -2]])
  const some = await opened(query, { columns: ['n', 's'], time: 't' })
  expect(await read(some)).toEqual([[[7, 'a'], 3, 1]])
})

test('a file of many row groups gives its rows in order, and says how many each has', async () => {
  const query = 'SELECT i::INT AS i, repeat(chr(97 + (i % 3)::INT), 3) AS s, i AS t FROM range(30000) r(i)'
  const file = await open(await written(query, ', ROW_GROUP_SIZE 10000'), { time: 't' })
  expect(file.rows).toBe(30_000)
  expect(file.rowGroups).toBe(3)
  expect([0, 1, 2].reduce((sum, group) => sum + file.rowGroupRows(group), 0)).toBe(30_000)
  const rows = await read(file)
  expect(rows.map(([, time]) => time)).toEqual(Array.from({ length: 30_000 }, (_, index) => index))
  expect(rows[20_001]).toEqual([[20_001, 'aaa'], 20_001, 1])
})

test('a row group of more rows than are decoded at once comes whole', async () => {
  const query = "SELECT i::INT AS i, 'x' || i AS s FROM range(100000) r(i)"
  const file = await open(await written(query, ', ROW_GROUP_SIZE 122880'))
  expect(file.rowGroups).toBe(1)
  const rows = await read(file)
  expect(rows.length).toBe(100_000)
  expect(rows[99_999]).toEqual([[99_999, 'x99999'], 0, 1])
})

test.each<[why: string, query: string, mapping: ForeignMapping, details: object]>([
  ['a decimal', 'SELECT 1.5::DECIMAL(9, 2) AS x', {}, { column: 'x' }],
  ['a time of day', "SELECT TIME '12:00' AS x", {}, { column: 'x' }],
  ['a list of doubles', 'SELECT [1.5]::DOUBLE[] AS x', {}, { column: 'x' }],
  ['a struct', "SELECT {'a': 1} AS x", {}, { column: 'x' }],
  ['a column that is not there', 'SELECT 1 AS x', { time: 't' }, { column: 't', columns: ['x'] }],
  ['a time that is text', "SELECT '1' AS t", { time: 't' }, { column: 't' }],
  ['a diff that is a float', 'SELECT 1.0::DOUBLE AS d', { diff: 'd' }, { column: 'd' }],
])('%s is refused when the file is opened', async (_, query, mapping, details) => {
  await expect(opened(query, mapping)).rejects.toMatchObject({
    code: 'FILE_INVALID',
    details: { file: 'their.parquet', ...details },
  })
})

test.each<[why: string, sql: string, mapping: ForeignMapping, column: string]>([
  ['a null time', 'NULL::BIGINT AS t', { time: 't' }, 't'],
  ['a negative time', '(-1)::BIGINT AS t', { time: 't' }, 't'],
  ['a time of 2^53-1', '9007199254740991::BIGINT AS t', { time: 't' }, 't'],
  ['a time of 2^63', '9223372036854775808::UBIGINT AS t', { time: 't' }, 't'],
  ['a null diff', 'NULL::INT AS t', { diff: 't' }, 't'],
  ['a zero diff', '0::BIGINT AS t', { diff: 't' }, 't'],
  ['a diff of 2^53', '9007199254740992::BIGINT AS t', { diff: 't' }, 't'],
  ['a data value of 2^63', '9223372036854775808::UBIGINT AS t', {}, 't'],
  ['microseconds', "TIMESTAMP '2020-01-01 00:00:00.123456' AS t", {}, 't'],
  ['a vector with a null', '[1, NULL]::FLOAT[] AS t', {}, 't'],
])('%s is refused with its row', async (_, sql, mapping, column) => {
  // A good row is everything that a bad one is not: the same type, one, in the first of two row groups.
  const type = sql.includes('TIMESTAMP') ? 'TIMESTAMP' : (/::(\w+(?:\[\])?)/.exec(sql)?.[1] ?? 'BIGINT')
  const good =
    type === 'TIMESTAMP' ? "TIMESTAMP '2020-01-01'" : type === 'FLOAT[]' ? '[1]::FLOAT[]' : `1::${type}`
  const query = `SELECT * FROM (SELECT ${good} AS t FROM range(3000) UNION ALL SELECT ${sql})`
  const file = await open(await written(query, ', ROW_GROUP_SIZE 2048'), mapping)
  expect(file.rowGroups).toBe(2)
  await expect(read(file)).rejects.toMatchObject({
    code: 'FILE_INVALID',
    details: { file: 'their.parquet', column, row: 3000 },
  })
})

test('a row is counted in the whole file, also behind rows that were decoded before it', async () => {
  const query = 'SELECT CASE WHEN i = 69999 THEN NULL ELSE i END AS t FROM range(70000) r(i)'
  const file = await open(await written(query, ', ROW_GROUP_SIZE 122880'), { time: 't' })
  expect(file.rowGroups).toBe(1)
  await expect(read(file)).rejects.toMatchObject({ details: { column: 't', row: 69_999 } })
})

const declared = (...columns: [string, ColumnDeclaration['type']][]): ForeignMapping => ({
  schema: columns.map(([name, type]) => ({ name, type, declared: true })),
})

test('the columns of a shard are found by name, whatever became of it, and are read as declared', async () => {
  const query = 'SELECT 3 AS "my col", 1 AS i, 2::BIGINT AS x'
  expect((await opened(query)).columns.map(({ name }) => name)).toEqual(['my_col', 'i', 'x'])
  const file = await opened(query, declared(['x', 'float64'], ['my_col', 'any'], ['i', 'int64']))
  expect(file.columns).toEqual([
    { name: 'x', type: 'float64' },
    { name: 'my_col', type: 'any' },
    { name: 'i', type: 'int64' },
  ])
  expect(file.renamed).toEqual([{ from: 'my col', to: 'my_col' }])
  expect(await read(file)).toEqual([[[float(2), 3, 1], 0, 1]])
})

test.each<[why: string, query: string, mapping: ForeignMapping, details: object]>([
  ['a value of another type', 'i', declared(['x', 'string']), { column: 'x', row: 0 }],
  [
    'a value that is too large',
    'i + 2147483647 - 4999',
    declared(['x', 'int32']),
    { column: 'x', row: 5000 },
  ],
  [
    'an integer that a float rounds',
    'i + 9007199254740991 - 4999',
    declared(['x', 'float64']),
    { row: 5000 },
  ],
  [
    'a time before the last one',
    'CASE WHEN i = 5000 THEN 7 ELSE i END',
    { time: 'x' },
    { column: 'x', row: 5000, time: 7, after: 4999 },
  ],
])('%s is refused before a row is used', async (_, value, mapping, details) => {
  const query = `SELECT ${value} AS x FROM range(6000) r(i)`
  const file = await open(await written(query, ', ROW_GROUP_SIZE 2048'), mapping)
  await expect(file.check()).rejects.toMatchObject({
    code: 'FILE_INVALID',
    details: { file: 'their.parquet', ...details },
  })
})

test('a check counts the rows that it has seen', async () => {
  const file = await open(await written('SELECT i AS t FROM range(5000) r(i)', ', ROW_GROUP_SIZE 2048'), {
    time: 't',
  })
  const seen: [number, number][] = []
  await file.check((...at) => seen.push(at))
  expect(seen).toEqual([
    [2048, 5000],
    [4096, 5000],
    [5000, 5000],
  ])
})

test('strings that are dictionaries or have 64-bit offsets in Arrow are strings', async () => {
  const values = ['a', 'b', 'a', null]
  const types = [
    new Dictionary(new Utf8(), new Int8()),
    new Dictionary(new Utf8(), new Int32()),
    new LargeUtf8(),
  ]
  for (const type of types) {
    const data = vectorFromArray(values, type).data[0]! as Data
    const fields = [new Field('x', type, true)]
    const batch = new RecordBatch(
      new Schema(fields),
      makeData({ type: new Struct(fields), length: values.length, nullCount: 0, children: [data] }),
    )
    const bytes = writeParquet(Table.fromIPCStream(tableToIPC(new ArrowTable([batch]), 'stream')))
    const file = await open(Uint8Array.from(bytes))
    expect(file.columns).toEqual([{ name: 'x', type: 'string' }])
    expect((await read(file)).map(([[value]]) => value)).toEqual(values)
  }
})

test('our own batches are read as well', async () => {
  const disk = new WatchedDisk()
  const rows: Row[] = [
    [[1, 'x'], 4, -1],
    [[2, null], 5, 2],
  ]
  const options = {
    shard: 's',
    schema: typed('int32', 'string'),
    profile: 'tuned',
    compression: 'zstd',
  } as const
  await writeBatch(disk, 'b', options, [columnsOf(rows)])
  const file = await open(await disk.bytes('b'), { time: 'time', diff: 'diff' })
  expect(await read(file)).toEqual(rows)
  file.close()
})

test('what is not a Parquet file, or only the half of one, is refused', async () => {
  const good = await written('SELECT i AS x FROM range(1000) r(i)')
  const bad: Uint8Array<ArrayBuffer>[] = [
    new Uint8Array(),
    Uint8Array.of(1, 2, 3),
    Uint8Array.from(Buffer.from('path,line\na,b\n')),
    good.slice(0, good.length - 1),
    good.slice(100),
    Uint8Array.from(Buffer.from('PAR1\xff\xff\xff\xffPAR1', 'latin1')),
    Uint8Array.from(Buffer.from('PAR1\x00\x00\x00\x00PAR1', 'latin1')),
  ]
  for (const bytes of bad)
    await expect(open(bytes).then(read)).rejects.toMatchObject({
      code: 'FILE_INVALID',
      details: { file: 'their.parquet' },
    })
})

test('damage anywhere in a file without checksums is an error or goes unseen, but ends nothing', async () => {
  const good = await written(
    "SELECT i::INT AS i, 'w' || (i % 9) AS s, [i, 2]::FLOAT[] AS v, i % 2 = 0 AS b FROM range(300) r(i)",
  )
  let refused = 0
  for (let bit = 5; bit < good.length * 8; bit += 101) {
    const damaged = good.slice()
    damaged[bit >> 3]! ^= 1 << (bit & 7)
    try {
      await read(await open(damaged))
    } catch (error) {
      expect(error).toMatchObject({ code: 'FILE_INVALID', details: { file: 'their.parquet' } })
      refused++
    }
  }
  expect(refused).toBeGreaterThan(10)
})

test('a large file is decoded row group by row group to the same', async () => {
  const query = "SELECT i::INT AS i, 'x' || (i % 100) AS s, [i]::FLOAT[] AS v, i AS t FROM range(9000) r(i)"
  const bytes = await written(query, ', ROW_GROUP_SIZE 4096')
  const reads: string[] = []
  const observed = {
    size: async () => bytes.length,
    read: async (offset: number, length: number) => {
      reads.push(`${offset} ${length}`)
      return bytes.slice(offset, offset + length)
    },
  }
  const [whole, large] = [await openForeignSource(bytesOf(bytes)), await openForeignSource(observed, 0)]
  expect(arrowSchema(large.schema())).toEqual(arrowSchema(whole.schema()))
  const before = reads.length
  for (let group = 0; group < 3; group++) {
    for (const columns of [
      ['i', 's', 'v', 't'],
      ['t', 's'],
    ]) {
      const values = async (source: ForeignSource) => {
        const result: string[] = []
        for await (const stream of source.read(group, columns))
          for (const arrays of fromArrowStream(stream))
            for (const name of columns) result.push(...rowsOfColumn(foreignColumn(name, arrays.get(name)!)))
        return result
      }
      expect(await values(large)).toEqual(await values(whole))
    }
  }
  expect(reads.length - before).toBe(6)
  large.free()
})

test('a disk that fails is reported as itself, in a large file as well', async () => {
  const bytes = await written('SELECT i::INT AS i FROM range(5000) r(i)', ', ROW_GROUP_SIZE 2048')
  for (const wholeFileBytes of [0, bytes.length]) {
    let reads = 0
    const failing = {
      size: async () => bytes.length,
      read: async (offset: number, length: number) => {
        if (++reads > 3) throw new DiskError('DISK_FAILED', 'refused by the test', {})
        return bytes.slice(offset, offset + length)
      },
    }
    const drained = async () => {
      const source = await openForeignSource(failing, wholeFileBytes)
      for await (const _ of source.read(0, ['i'])) reads += 10
      for await (const _ of source.read(1, ['i'])) reads += 10
    }
    if (wholeFileBytes === 0) await expect(drained()).rejects.toMatchObject({ code: 'DISK_FAILED' })
    else await expect(drained()).resolves.toBeUndefined()
  }
  const refused = async () => {
    throw new DiskError('DISK_FAILED', 'refused by the test', {})
  }
  await expect(openForeign({ size: async () => 100, read: refused }, 'their.parquet')).rejects.toMatchObject({
    code: 'DISK_FAILED',
  })
})
