// What our own code writes, others read to the same values, and it reads what others write: parquet-wasm, hyparquet,
// DuckDB. The plain ways are the oracle of the fast one.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import fc from 'fast-check'
import { type ParquetReadOptions, parquetReadObjects } from 'hyparquet'
import { afterAll, expect, test } from 'vitest'
import { layoutOf, type PartType } from '../../src/batch/layout.ts'
import { type Columns, contentAt, GrowingColumns, valueAt } from '../../src/model/columns.ts'
import { consolidate } from '../../src/model/consolidate.ts'
import type { ColumnType, Schema } from '../../src/model/schema.ts'
import { Kind, type Value } from '../../src/model/value.ts'
import { anyValue, columnsOf, type Row, rowsOf, typed, valuesOf } from '../batch/columns-of.ts'
import { ownFile, ownRead, wasmFile, wasmRead } from './bytes-of.ts'

const folder = mkdtempSync(join(tmpdir(), 'varve-interchange-'))
afterAll(() => rmSync(folder, { recursive: true }))

const TYPES: readonly ColumnType[] = [...(Object.keys(valuesOf) as (keyof typeof valuesOf)[]), 'any']

const valuesFor = (type: ColumnType): fc.Arbitrary<Value> => (type === 'any' ? anyValue : valuesOf[type])

/** Values of a type: few or many distinct ones, near each other or not, nulls here and there or none. */
const column = (type: ColumnType, length: number): fc.Arbitrary<Value[]> => {
  const values = valuesFor(type)
  const exactly = { minLength: length, maxLength: length }
  const some = fc.array(values, { minLength: 1, maxLength: 5 })
  const few = some.chain(list => fc.array(fc.constantFrom(...list), exactly))
  const near = fc
    .integer({ min: -5, max: 5 })
    .map((step): Value[] => Array.from({ length }, (_, row) => row * step))
  const dense =
    type === 'int32' || type === 'int64'
      ? fc.oneof(fc.array(values, exactly), few, near)
      : fc.oneof(fc.array(values, exactly), few)
  return fc
    .tuple(dense, fc.constantFrom(0, 2, 20), fc.nat(7))
    .map(([list, every, from]) =>
      list.map((value, row) => (every > 0 && (row + from) % every === 0 ? null : value)),
    )
}

interface Table {
  readonly schema: Schema
  readonly columns: Columns
}

const table: fc.Arbitrary<Table> = fc
  .tuple(
    fc.array(fc.constantFrom(...TYPES), { minLength: 1, maxLength: 4 }),
    fc.integer({ min: 1, max: 400 }),
  )
  .chain(([types, length]) => {
    const times = fc.array(fc.oneof(fc.nat(3), fc.nat(2 ** 40), fc.constant(2 ** 53 - 2)), {
      minLength: length,
      maxLength: length,
    })
    return fc.tuple(fc.tuple(...types.map(type => column(type, length))), times).map(([data, time]) => ({
      schema: typed(...types),
      columns: consolidate(
        columnsOf(
          time.map((at, row): Row => [data.map(values => values[row]!), at, 1 + (row % 3)]),
          types.length,
        ),
      ),
    }))
  })

const compressions = fc.constantFrom('snappy' as const, 'none' as const, 'gzip' as const)
const profiles = fc.constantFrom('tuned' as const, 'compatible' as const)

const rowsOfAll = (all: readonly Columns[]): Row[] => all.flatMap(rowsOf)

test('files of ours are read by us and by parquet-wasm to the same rows', async () => {
  await fc.assert(
    fc.asyncProperty(table, profiles, compressions, async ({ schema, columns }, profile, compression) => {
      const bytes = await ownFile(schema, [columns], profile, compression)
      const rows = rowsOf(columns)
      expect(rowsOfAll(ownRead(schema, bytes))).toEqual(rows)
      expect(rowsOfAll(await wasmRead(schema, bytes))).toEqual(rows)
    }),
    { numRuns: 120 },
  )
})

test('files of parquet-wasm are read by us to the same rows', async () => {
  await fc.assert(
    fc.asyncProperty(table, profiles, compressions, async ({ schema, columns }, profile, compression) => {
      const bytes = await wasmFile(schema, [columns], profile, compression)
      expect(rowsOfAll(ownRead(schema, bytes))).toEqual(rowsOf(columns))
    }),
    { numRuns: 120 },
  )
})

const KIND_OF: Readonly<Record<PartType, readonly Kind[]>> = {
  boolean: [Kind.boolean],
  int32: [Kind.int],
  int64: [Kind.int, Kind.wide],
  float64: [Kind.float],
  timestamp: [Kind.timestamp],
  string: [Kind.string],
  bytes: [Kind.bytes],
  vector: [Kind.vector],
}

/** The rows of a file as plain JavaScript has them, each value as text: every column of the file, in order. */
const plainRows = ({ schema, columns }: Table): unknown[][] =>
  Array.from({ length: columns.length }, (_, row) => [
    ...layoutOf(schema).flatMap(({ parts }, index) =>
      parts.map(({ type }) => {
        const data = columns.data[index]!
        if (!KIND_OF[type].includes(data.kinds[row] as Kind)) return null
        const content = contentAt(data, row)
        if (type === 'boolean') return content === 1
        if (type === 'bytes' || type === 'vector') return Array.from(content as Uint8Array | Float32Array)
        return type === 'int64' || type === 'timestamp' ? BigInt(content as number | bigint) : content
      }),
    ),
    BigInt(columns.time[row]!),
    BigInt(columns.diff[row]!),
  ])

const plain = (value: unknown): unknown => {
  if (value === undefined) return null
  if (value instanceof Date) return BigInt(value.getTime())
  if (value instanceof Uint8Array || value instanceof Float32Array) return Array.from(value)
  return value
}

const hyparquetRows = async (bytes: Uint8Array<ArrayBuffer>): Promise<unknown[][]> => {
  const { gunzipSync } = await import('node:zlib')
  const rows = await parquetReadObjects({
    file: { byteLength: bytes.length, slice: async (start, end) => bytes.slice(start, end).buffer },
    compressors: { GZIP: input => new Uint8Array(gunzipSync(input)) },
    // Dates end before the timestamps do.
    parsers: { timestampFromMilliseconds: (ms: bigint) => ms },
    utf8: false,
  } as ParquetReadOptions)
  return rows.map(row => Object.values(row).map(plain))
}

test('files of ours are read by hyparquet to the same values', async () => {
  await fc.assert(
    fc.asyncProperty(table, profiles, compressions, async (all, profile, compression) => {
      const bytes = await ownFile(all.schema, [all.columns], profile, compression)
      expect(await hyparquetRows(bytes)).toEqual(plainRows(all))
    }),
    { numRuns: 80 },
  )
})

/** As DuckDB is asked for them: what JavaScript has no type for, as text or as integers. */
const selected = (schema: Schema): string =>
  [
    ...layoutOf(schema).flatMap(({ parts }) =>
      parts.map(({ name, type }) => {
        if (type === 'timestamp') return `epoch_ms("${name}")`
        if (type === 'bytes') return `hex("${name}")`
        return type === 'string' ? `hex(encode("${name}"))` : `"${name}"`
      }),
    ),
    'time',
    'diff',
  ].join()

const hex = (content: unknown): string =>
  Buffer.from(content as string | Uint8Array)
    .toString('hex')
    .toUpperCase()

test('files of ours are read by DuckDB to the same values', async () => {
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  const path = join(folder, 'own.parquet')
  // DuckDB holds microseconds: its timestamps end before ours do.
  const isInside = ({ columns }: Table): boolean =>
    columns.data.every(({ kinds, payload }) =>
      kinds.every((kind, row) => kind !== Kind.timestamp || Math.abs(payload[row]!) < 9e15 / 1000),
    )
  await fc.assert(
    fc.asyncProperty(table.filter(isInside), profiles, compressions, async (all, profile, compression) => {
      writeFileSync(path, await ownFile(all.schema, [all.columns], profile, compression))
      const read = await connection.runAndReadAll(`SELECT ${selected(all.schema)} FROM '${path}'`)
      const types = [...layoutOf(all.schema).flatMap(({ parts }) => parts.map(({ type }) => type))]
      const wanted = plainRows(all).map(row =>
        row.map((value, index) =>
          value !== null && (types[index] === 'bytes' || types[index] === 'string') ? hex(value) : value,
        ),
      )
      expect(read.getRowsJS().map(row => row.map(plain))).toEqual(wanted)
    }),
    { numRuns: 60 },
  )
}, 60_000)

test('row groups of full size and many pages: deltas, codes, texts that share beginnings, large values', async () => {
  const rows = 70_000
  const schema = typed('int32', 'int64', 'string', 'string', 'float64', 'bytes')
  const columns = new GrowingColumns(6, rows)
  for (let row = 0; row < rows; row++)
    columns.append(
      [
        row >> 2,
        row % 97 === 0 ? 2n ** 60n + BigInt(row) : 3 * row,
        `https://example.org/${String(row).padStart(9, '0')}`,
        row % 5 === 0 ? null : `word ${(row * 7919) % 300}`,
        row + 0.25,
        row % 20_000 === 7 ? new Uint8Array(700_000).fill(row) : Uint8Array.of(row & 255),
      ],
      row >> 6,
      row % 10 === 0 ? -1 : 1,
    )
  const bytes = await ownFile(schema, [columns.view()])
  const [mine] = ownRead(schema, bytes)
  const [theirs] = await wasmRead(schema, bytes)
  for (const read of [mine!, theirs!]) {
    expect(read.length).toBe(rows)
    for (let row = 0; row < rows; row += 13)
      for (let index = 0; index < 6; index++)
        expect(valueAt(read.data[index]!, row)).toEqual(valueAt(columns.data[index]!, row))
    expect(read.time.subarray(0, rows)).toEqual(columns.time.subarray(0, rows))
    expect(read.diff.subarray(0, rows)).toEqual(columns.diff.subarray(0, rows))
  }
})
