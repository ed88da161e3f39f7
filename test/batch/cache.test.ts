import { expect, test } from 'vitest'
import { BatchCache } from '../../src/batch/cache.ts'
import type { BatchDescription } from '../../src/batch/description.ts'
import { writeBatch } from '../../src/batch/writer.ts'
import type { Columns } from '../../src/model/columns.ts'
import { type Condition, conditionsOf } from '../../src/model/predicate.ts'
import { untyped } from '../../src/model/schema.ts'
import { SimulatedDisk } from '../simulation/disk.ts'
import { columnsFrom } from '../support/values.ts'

const SCHEMA = untyped(1).map(column => ({ ...column, type: 'int64' as const }))
const FORMAT = { shard: 'a:b', schema: SCHEMA, profile: 'tuned', compression: 'snappy' } as const

/** Writes a batch of `rows` numbers from `base` on. */
const write = async (
  disk: SimulatedDisk,
  path: string,
  base: number,
  rows: number,
): Promise<BatchDescription> => {
  const columns = columnsFrom(
    1,
    Array.from({ length: rows }, (_, row) => ({ data: [base + row], time: 1, diff: 1 })),
  )
  return (await writeBatch(disk, path, FORMAT, [columns]))!
}

const batchDisk = async (): Promise<SimulatedDisk> => {
  const disk = new SimulatedDisk()
  await disk.makeDirectory('batches')
  return disk
}

const all = async (
  cache: BatchCache,
  path: string,
  description: BatchDescription,
  conditions: readonly Condition[] = [],
): Promise<Columns[]> => {
  const groups: Columns[] = []
  for await (const group of cache.rowGroups(path, description, 'a:b', conditions)) groups.push(group)
  return groups
}

const calls = (disk: SimulatedDisk, pattern: RegExp): number =>
  disk.trace.filter(label => pattern.test(label)).length

test('a row group is read once, and only if it may matter', async () => {
  const disk = await batchDisk()
  const batch = await write(disk, 'batches/1', 0, 150_000)
  const cache = new BatchCache(disk)
  const [condition] = conditionsOf({ col0: 70_000 }, SCHEMA)
  const before = disk.trace.length
  const first = await all(cache, 'batches/1', batch, [condition!])
  expect(first.map(({ length }) => length)).toEqual([65_536])
  const after = disk.trace.length
  expect(after).toBeGreaterThan(before)
  expect((await all(cache, 'batches/1', batch, [condition!]))[0]).toBe(first[0])
  expect(disk.trace.length).toBe(after)
  expect((await all(cache, 'batches/1', batch)).map(({ length }) => length)).toEqual([65_536, 65_536, 18_928])
  await cache.close()
  expect(calls(disk, /^open read batches/)).toBe(1)
  expect(calls(disk, /^close batches\/1$/)).toBe(1)
})

test('what was used longest ago goes when there is no room', async () => {
  const disk = await batchDisk()
  const cache = new BatchCache(disk, 60_000)
  const batches = await Promise.all([1, 2, 3].map(id => write(disk, `batches/${id}`, id, 1000)))
  const read = (id: number) => all(cache, `batches/${id}`, batches[id - 1]!)
  // Each takes 25,000 bytes: two fit.
  const [one] = await read(1)
  const [two] = await read(2)
  expect((await read(1))[0]).toBe(one)
  await read(3)
  expect((await read(1))[0]).toBe(one)
  expect((await read(2))[0]).not.toBe(two)
  await cache.close()
})

test('no more than 64 files stay open', async () => {
  const disk = await batchDisk()
  const cache = new BatchCache(disk)
  for (let id = 1; id <= 80; id++) {
    const batch = await write(disk, `batches/${id}`, id, 1)
    await all(cache, `batches/${id}`, batch)
    const open = calls(disk, /^open read batches/) - calls(disk, /^close batches\/\d+$/)
    expect(open).toBeLessThanOrEqual(64)
  }
  await cache.close()
  expect(calls(disk, /^close batches\/\d+$/)).toBe(calls(disk, /^open read batches/))
})

test('a batch that is dropped is forgotten and closed; one that failed to open is tried again', async () => {
  const disk = await batchDisk()
  const batch = await write(disk, 'batches/1', 0, 10)
  const cache = new BatchCache(disk)
  disk.inject(/^open read batches\/1/, { kind: 'fail', errno: 'EIO' })
  await expect(all(cache, 'batches/1', batch)).rejects.toMatchObject({ code: 'DISK_FAILED' })
  const [first] = await all(cache, 'batches/1', batch)
  await cache.drop('batches/1')
  expect(calls(disk, /^close batches\/1$/)).toBe(1)
  expect((await all(cache, 'batches/1', batch))[0]).not.toBe(first)
  await cache.drop('batches/7')
  await cache.close()
})

test('a batch was scanned once all of it has passed by, and nothing of it is kept', async () => {
  const disk = await batchDisk()
  const batch = await write(disk, 'batches/1', 0, 70_000)
  const cache = new BatchCache(disk)
  const passing = () => cache.passing('batches/1', batch, 'a:b', [], { columns: [0], time: undefined })
  for await (const group of passing()) {
    expect(group.length).toBe(65_536)
    break
  }
  expect(cache.wasScanned('batches/1')).toBe(false)
  const lengths: number[] = []
  for await (const group of passing()) lengths.push(group.length)
  expect(lengths).toEqual([65_536, 4464])
  expect(cache.wasScanned('batches/1')).toBe(true)
  expect(cache.wasScanned('batches/2')).toBe(false)
  expect(cache.kept.get('batches/1:0')).toBeUndefined()
  await cache.drop('batches/1')
  expect(cache.wasScanned('batches/1')).toBe(false)
  await cache.close()
})

// One is read by us, the other by a library.
test.each(['snappy', 'zstd'] as const)('rows that pass by are at a time that is wanted: %s', async codec => {
  const disk = await batchDisk()
  const columns = columnsFrom(1, [{ data: [5], time: 1, diff: 1 }])
  const batch = (await writeBatch(disk, 'batches/1', { ...FORMAT, compression: codec }, [columns]))!
  const cache = new BatchCache(disk)
  const timesFor = async (time: number | undefined): Promise<number[]> => {
    const times: number[] = []
    for await (const rows of cache.passing('batches/1', batch, 'a:b', [], { columns: [0], time }))
      times.push(...rows.time.subarray(0, rows.length))
    return times
  }
  expect(await timesFor(undefined)).toEqual([1])
  expect(await timesFor(9)).toEqual([9])
  await cache.close()
})
