// Batches written and read back: every type, its edges, nulls, mixtures.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BatchReader } from '../../src/batch/reader.ts'
import { verifyBatch } from '../../src/batch/verify.ts'
import { rowsAtOnce } from '../../src/batch/wasm-codec.ts'
import { writeBatch } from '../../src/batch/writer.ts'
import type { Columns } from '../../src/model/columns.ts'
import { consolidate } from '../../src/model/consolidate.ts'
import type { Schema } from '../../src/model/schema.ts'
import { float, type Value } from '../../src/model/value.ts'
import { anyValue, collect, columnsOf, type Row, rowsOf, schemaOf, typed, valuesOf } from './columns-of.ts'
import { WatchedDisk } from './watched-disk.ts'

const PROFILES = ['tuned', 'compatible'] as const
const COMPRESSIONS = ['snappy', 'none', 'gzip', 'zstd'] as const

const roundTrip = async (
  columns: Columns,
  schema: Schema,
  profile: (typeof PROFILES)[number] = 'tuned',
  compression: (typeof COMPRESSIONS)[number] = 'snappy',
): Promise<Row[]> => {
  const disk = new WatchedDisk()
  const written = await writeBatch(disk, '1.parquet', { shard: 's', schema, profile, compression }, [columns])
  const reader = await BatchReader.open(disk, '1.parquet', written!, 's')
  await verifyBatch(reader)
  const rows = (await collect(reader.stream())).flatMap(rowsOf)
  await reader.close()
  return rows
}

const times = fc.oneof(fc.nat(5), fc.constantFrom(2 ** 32, 2 ** 53 - 2))
const diffs = fc.constantFrom(1, -1, 2, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER)

test.each(Object.entries(valuesOf))(
  'a column of type %s comes back as it was (IL-17)',
  async (type, values) => {
    const row = fc.tuple(fc.tuple(fc.option(values, { freq: 4 })), times, diffs)
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { minLength: 1, maxLength: 40 }),
        fc.constantFrom(...PROFILES),
        fc.constantFrom(...COMPRESSIONS),
        async (rows, profile, compression) => {
          const columns = consolidate(columnsOf(rows))
          fc.pre(columns.length > 0)
          const back = await roundTrip(columns, typed(type as 'null'), profile, compression)
          expect(back).toEqual(rowsOf(columns))
        },
      ),
      { numRuns: 60 },
    )
  },
)

test('columns of mixed types come back as they were, each value with its own type', async () => {
  const row = fc.tuple(fc.tuple(anyValue, anyValue, valuesOf.int64), times, diffs)
  await fc.assert(
    fc.asyncProperty(
      fc.array(row, { minLength: 1, maxLength: 60 }),
      fc.constantFrom(...PROFILES),
      async (rows, profile) => {
        const columns = consolidate(columnsOf(rows))
        fc.pre(columns.length > 0)
        expect(await roundTrip(columns, schemaOf(columns), profile)).toEqual(rowsOf(columns))
      },
    ),
    { numRuns: 100 },
  )
})

test('an integral float stays a float beside the integer of equal value', async () => {
  const data: Value[] = [1, float(1), 1.5, null, 'x', true]
  const columns = consolidate(columnsOf(data.map(value => [[value], 0, 1])))
  const back = await roundTrip(columns, typed('any'))
  expect(back.map(([[value]]) => value)).toEqual([null, true, 1, float(1), 1.5, 'x'])
})

test('minus zero, NaN and the infinities survive the codec bit by bit (rules 19)', async () => {
  const payload = Float64Array.of(Number.NEGATIVE_INFINITY, -0, 5e-324, Number.POSITIVE_INFINITY, Number.NaN)
  const base = columnsOf(Array.from(payload, () => [[0.5], 1, 1] as Row))
  const columns = { ...base, data: [{ ...base.data[0]!, payload }] }
  for (const profile of PROFILES) {
    const disk = new WatchedDisk()
    const options = { shard: 's', schema: typed('float64'), profile, compression: 'none' } as const
    const written = await writeBatch(disk, 'b', options, [columns])
    const reader = await BatchReader.open(disk, 'b', written!, 's')
    const back = await reader.read(0)
    for (const [row, value] of payload.entries())
      expect(Object.is(back.data[0]!.payload[row], value)).toBe(true)
  }
})

test('a shard without data columns keeps its multiplicities', async () => {
  const columns = columnsOf([
    [[], 1, 3],
    [[], 2, -1],
  ])
  expect(await roundTrip(columns, [])).toEqual(rowsOf(columns))
})

test('rows beyond one row group come back in order', async () => {
  const rows = Array.from({ length: 150_000 }, (_, index): Row => [[index, `v${index % 7}`], index % 3, 1])
  const columns = columnsOf(rows)
  const back = await roundTrip(columns, typed('int32', 'string'))
  expect(back.length).toBe(150_000)
  expect(back[65_536]).toEqual(rows[65_536])
  expect(back[149_999]).toEqual(rows[149_999])
})

test('large values cut row groups before they are full', async () => {
  const large = (seed: number) => {
    const bytes = new Uint8Array(2_000_000)
    let state = seed + 1
    for (let index = 0; index < bytes.length; index++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      bytes[index] = state >>> 24
    }
    return bytes
  }
  const rows = Array.from({ length: 40 }, (_, index): Row => [[index, large(index)], 1, 1])
  const disk = new WatchedDisk()
  const options = {
    shard: 's',
    schema: typed('int32', 'bytes'),
    profile: 'tuned',
    compression: 'snappy',
  } as const
  const written = await writeBatch(disk, 'b', options, [columnsOf(rows)])
  expect(written!.rowGroups.length).toBeGreaterThan(1)
  const reader = await BatchReader.open(disk, 'b', written!, 's')
  const back = (await collect(reader.stream())).flatMap(rowsOf)
  expect(back.length).toBe(40)
  for (const [index, [data]] of back.entries())
    expect(Buffer.compare(data[1] as Uint8Array, rows[index]![0][1] as Uint8Array)).toBe(0)
})

test('large values that come again and again are read in small steps, never more than 2 GiB at once', async () => {
  expect(rowsAtOnce({ rows: 200, decodedBytes: 200_000_000, chunks: [] })).toBe(4)
  expect(rowsAtOnce({ rows: 1, decodedBytes: 2 ** 40, chunks: [] })).toBe(1)
  expect(rowsAtOnce({ rows: 65_536, decodedBytes: 100_000_000, chunks: [] })).toBe(65_536)
  const large = 'x'.repeat(1_000_000)
  const rows = Array.from({ length: 200 }, (_, index): Row => [[index, large], 1, 1])
  const back = await roundTrip(columnsOf(rows), typed('int32', 'string'))
  expect(back.length).toBe(200)
  expect(back.every(([data], index) => data[0] === index && data[1] === large)).toBe(true)
})
