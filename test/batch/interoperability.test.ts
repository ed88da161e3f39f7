// Independent readers must see in our files what we see: DuckDB, hyparquet and parquetjs-lite.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { type ParquetReadOptions, parquetReadObjects } from 'hyparquet'
import { ParquetReader } from 'parquetjs-lite'
import { uncompress } from 'snappyjs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { writeBatch } from '../../src/batch/writer.ts'
import type { Columns } from '../../src/model/columns.ts'
import { consolidate } from '../../src/model/consolidate.ts'
import type { ColumnType } from '../../src/model/schema.ts'
import { float, timestamp } from '../../src/model/value.ts'
import { columnsOf, type Row, typed } from './columns-of.ts'
import { WatchedDisk } from './watched-disk.ts'

const PROFILES = ['tuned', 'compatible'] as const
const folder = mkdtempSync(join(tmpdir(), 'varve-batch-'))
let instance: DuckDBInstance

beforeAll(async () => {
  instance = await DuckDBInstance.create(':memory:')
})
afterAll(() => rmSync(folder, { recursive: true }))

let files = 0
const fileOf = async (
  columns: Columns,
  types: readonly ColumnType[],
  profile: (typeof PROFILES)[number],
  compression: 'snappy' | 'none' = 'snappy',
): Promise<{ path: string; bytes: Uint8Array<ArrayBuffer> }> => {
  const disk = new WatchedDisk()
  await writeBatch(disk, 'b', { shard: 'kg:s', schema: typed(...types), profile, compression }, [columns])
  const bytes = await disk.bytes('b')
  const path = join(folder, `${files++}.parquet`)
  writeFileSync(path, bytes)
  return { path, bytes }
}

const duck = async (sql: string): Promise<Record<string, unknown>[]> => {
  const connection = await instance.connect()
  return (await connection.runAndReadAll(sql)).getRowObjectsJS() as Record<string, unknown>[]
}

const hyparquet = (bytes: Uint8Array<ArrayBuffer>): Promise<Record<string, unknown>[]> =>
  parquetReadObjects({
    file: { byteLength: bytes.length, slice: async (start, end) => bytes.slice(start, end).buffer },
    compressors: { SNAPPY: input => uncompress(input) },
  } as ParquetReadOptions)

const parquetjs = async (path: string): Promise<Record<string, unknown>[]> => {
  const reader = await ParquetReader.openFile(path)
  const rows: Record<string, unknown>[] = []
  const cursor = reader.getCursor()
  for (let row = await cursor.next(); row !== null; row = await cursor.next()) rows.push(row)
  await reader.close()
  return rows
}

const TYPES: readonly ColumnType[] = [
  'int32',
  'int64',
  'float64',
  'boolean',
  'timestamp',
  'string',
  'bytes',
  'vector',
]

/** All types, nulls in between; strings that repeat and strings that do not. */
const mixed = (count: number): Columns =>
  consolidate(
    columnsOf(
      Array.from({ length: count }, (_, index): Row => {
        const data = [
          index - 500,
          2n ** 40n * BigInt(index),
          float(index / 2),
          index % 3 === 0,
          timestamp(1_600_000_000_000 + index),
          index % 2 === 0 ? `word ${index % 5}` : `${index} 😀`,
          Uint8Array.of(index & 255, 0, 255),
          Float32Array.of(index, 0.5),
        ]
        return [
          data.map((value, at) => ((index + at) % 11 === 0 ? null : value)),
          index % 17,
          (index % 5) - 2 || 3,
        ]
      }),
    ),
  )

const total = (columns: Columns): number =>
  columns.diff.subarray(0, columns.length).reduce((sum, diff) => sum + diff, 0)

test.each(PROFILES)(
  'DuckDB sees the columns, time and diff of the %s profile as promised (IL-15, IL-16)',
  async profile => {
    const columns = mixed(2000)
    const { path } = await fileOf(columns, TYPES, profile)
    const schema = await duck(
      `SELECT name, type, converted_type, repetition_type FROM parquet_schema('${path}')`,
    )
    const leaf = (name: string) => schema.find(each => each.name === name)
    expect(schema.slice(1).map(({ name }) => name)).toEqual([
      ...TYPES.map((_, index) => `col${index}`),
      'list',
      'element',
      'time',
      'diff',
    ])
    expect(leaf('time')).toMatchObject({
      type: 'INT64',
      converted_type: 'UINT_64',
      repetition_type: 'REQUIRED',
    })
    expect(leaf('diff')).toMatchObject({ type: 'INT64', repetition_type: 'REQUIRED' })
    expect(leaf('col0')).toMatchObject({ type: 'INT32', repetition_type: 'OPTIONAL' })
    const codecs = await duck(`SELECT DISTINCT compression FROM parquet_metadata('${path}')`)
    expect(codecs).toContainEqual({ compression: 'SNAPPY' })
    // Where it does not pay, a chunk is stored as it is.
    for (const { compression } of codecs) expect(['SNAPPY', 'UNCOMPRESSED']).toContain(compression)
    const [sums] = await duck(`
    SELECT count(*)::INT AS n, sum(diff)::INT AS diffs, sum(diff * time)::INT AS weighted, count(col5)::INT AS strings,
      sum(len(col7))::INT AS floats, max(col5) AS greatest FROM '${path}'`)
    let weighted = 0
    for (let row = 0; row < columns.length; row++) weighted += columns.time[row]! * columns.diff[row]!
    const strings = columns.data[5]!.kinds.subarray(0, columns.length).filter(kind => kind !== 0).length
    const vectors = columns.data[7]!.kinds.subarray(0, columns.length).filter(kind => kind !== 0).length
    expect(sums).toEqual({
      n: columns.length,
      diffs: total(columns),
      weighted,
      strings,
      floats: vectors * 2,
      greatest: 'word 4',
    })
  },
)

test.each(PROFILES)(
  'DuckDB sees -0, NaN, the infinities and int64 extremes in the %s profile (rules 19)',
  async profile => {
    const integers = [-(2n ** 63n), -1, 0, 2n ** 53n + 1n, 2n ** 63n - 1n]
    const columns = columnsOf(integers.map((value): Row => [[value, 0.5], 1, 1]))
    columns.data[1]!.payload.set([-0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 5e-324])
    const { path } = await fileOf(columns, ['int64', 'float64'], profile)
    const rows = await duck(`SELECT col0::VARCHAR AS i, col1::VARCHAR AS f FROM '${path}'`)
    expect(rows.map(({ i }) => i)).toEqual(integers.map(String))
    expect(rows.map(({ f }) => f)).toEqual(['-0.0', 'nan', 'inf', '-inf', '5e-324'])
  },
)

test.each(PROFILES)(
  'statistics in the %s profile bound the values, in the order of UTF-8 bytes',
  async profile => {
    const columns = consolidate(
      columnsOf(['\uffff', '😀', 'a'].map((text, index): Row => [[text, index], 1, 1])),
    )
    const { path } = await fileOf(columns, ['string', 'int32'], profile)
    const rows =
      await duck(`SELECT path_in_schema AS name, stats_min_value AS least, stats_max_value AS greatest
    FROM parquet_metadata('${path}')`)
    expect(rows).toMatchObject([
      { name: 'col0', least: 'a', greatest: '😀' },
      { name: 'col1', least: '0', greatest: '2' },
      { name: 'time', least: '1', greatest: '1' },
      { name: 'diff', least: '1', greatest: '1' },
    ])
  },
)

test.each(PROFILES)('hyparquet with snappyjs reads the %s profile to the same values', async profile => {
  const columns = mixed(2000)
  const { bytes, path } = await fileOf(columns, TYPES, profile)
  const rows = await hyparquet(bytes)
  expect(rows.length).toBe(columns.length)
  expect(rows.reduce((sum, { diff }) => sum + (diff as bigint), 0n)).toBe(BigInt(total(columns)))
  const theirs = await duck(`SELECT col0, col1, col2, col3, col5, time, diff FROM '${path}'`)
  const same = ({ col0, col1, col2, col3, col5, time, diff }: Record<string, unknown>) => [
    ...[col0, col1, col2, col3, col5].map(value => value ?? null),
    time,
    diff,
  ]
  expect(rows.map(same)).toEqual(theirs.map(same))
})

test('the encodings of the tuned profile are what they are meant to be', async () => {
  const columns = mixed(2000)
  const { path } = await fileOf(columns, TYPES, 'tuned')
  const rows = await duck(`SELECT path_in_schema AS name, encodings FROM parquet_metadata('${path}')`)
  const encodings = Object.fromEntries(rows.map(({ name, encodings }) => [name, encodings]))
  for (const name of ['col0', 'col1', 'col4', 'time'])
    expect(encodings[name]).toContain('DELTA_BINARY_PACKED')
  // A few integers again and again.
  expect(encodings.diff).toContain('RLE_DICTIONARY')
  // Half of its strings are one of five, and neighbours have little in common.
  expect(encodings.col5).toContain('DELTA_LENGTH_BYTE_ARRAY')
  expect(encodings.col6).toContain('RLE_DICTIONARY')
})

test.each(['snappy', 'none'] as const)(
  'parquetjs-lite reads the compatible profile (%s) to the same sums (rules 19)',
  async compression => {
    const types: readonly ColumnType[] = ['int32', 'int64', 'float64', 'boolean', 'string', 'bytes']
    const all = mixed(1000)
    const columns: Columns = consolidate({ ...all, data: [0, 1, 2, 3, 5, 6].map(index => all.data[index]!) })
    const { path, bytes } = await fileOf(columns, types, 'compatible', compression)
    const rows = await parquetjs(path)
    expect(rows.length).toBe(columns.length)
    expect(rows.reduce((sum, { diff }) => sum + Number(diff), 0)).toBe(total(columns))
    const [sums] = await duck(
      `SELECT sum(diff)::INT AS diffs, sum(diff * time)::INT AS weighted FROM '${path}'`,
    )
    expect(sums!.diffs).toBe(total(columns))
    expect(rows.reduce((sum, { time, diff }) => sum + Number(time) * Number(diff), 0)).toBe(sums!.weighted)
    const theirs = await hyparquet(bytes)
    const same = ({ col0, col1, col2, col3, col4 }: Record<string, unknown>) =>
      [col0, col1, col2, col3, col4].map(value =>
        value === undefined || value === null ? null : String(value),
      )
    expect(rows.map(same)).toEqual(theirs.map(same))
  },
)

test('a column of any type is one typed column a type for other readers', async () => {
  const columns = consolidate(columnsOf([1, float(1), 'x', true, null].map((value): Row => [[value], 1, 1])))
  const { path } = await fileOf(columns, ['any'], 'tuned')
  const rows = await duck(
    `SELECT "col0:int64" AS i, "col0:float64" AS f, "col0:string" AS s, "col0:boolean" AS b FROM '${path}'`,
  )
  expect(rows).toEqual([
    { i: null, f: null, s: null, b: null },
    { i: null, f: null, s: null, b: true },
    { i: 1n, f: null, s: null, b: null },
    { i: null, f: 1, s: null, b: null },
    { i: null, f: null, s: 'x', b: null },
  ])
})
