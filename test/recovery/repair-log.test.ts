// Repair keeps whatever the log still has of what a batch has no more, and states the rest exactly (IL-31, GB-33).
import { describe, expect, test } from 'vitest'
import { settingsFrom } from '../../src/config/settings.ts'
import { MemoryDisk } from '../../src/disk/memory-disk.ts'
import { verify } from '../../src/recovery/verify.ts'
import { type RepairReport, repairStore } from '../../src/store/repair.ts'
import type { Store } from '../../src/store/store.ts'
import { bytesOf, copyOnto, flip, leftBy } from '../support/bytes.ts'
import { type Contents, openOn, read } from '../support/stores.ts'

const EDGE = 'default:edge'
const NODE = 'default:node'
const DOCUMENT = 'shards/default_edge.json'

const update = (value: number, shard = EDGE) => ({ shard, data: [value], diff: 1 })

const numbers = (...values: number[]): Contents => Object.fromEntries(values.map(value => [`[${value}]`, 1]))

const flushed = async (store: Store, batches: number): Promise<void> => {
  while (store.status().shards.find(({ name }) => name === EDGE)?.batches !== batches)
    await new Promise(resolve => setImmediate(resolve))
}

const report = async (disk: MemoryDisk, path: string): Promise<Record<string, unknown>> =>
  JSON.parse((await bytesOf(disk, path)).toString())

/**
 * Edge n in commit n, at time n - 1. Batches 1, 2 and 3 have commits 1 to 3, 4 to 6 and 7 to 9; 10 is in the log alone, and so
 * is a node of commit `node`: the log is replayed from there. Killed.
 *
 * @param walSegmentBytes 1: each commit has a segment of its own
 */
const store = async (node = 2, walSegmentBytes = 1): Promise<MemoryDisk> => {
  const disk = new MemoryDisk()
  const open = await openOn(disk, { bufferSize: 3, autoCompactThreshold: 0, walSegmentBytes })
  const walStart = async (): Promise<number> => (await report(disk, 'store.json')).walStart as number
  for (let value = 1; value <= 10; value++) {
    await open.commit([update(value), ...(value === node ? [update(node, NODE)] : [])])
    await flushed(open, Math.floor(value / 3))
  }
  while ((await walStart()) !== node) await new Promise(resolve => setImmediate(resolve))
  const copy = new MemoryDisk()
  await copyOnto(await leftBy(disk), copy)
  await open.close()
  return copy
}

const repairs = async (disk: MemoryDisk, left: readonly number[], node = 2): Promise<RepairReport> => {
  const place = { path: undefined, disk, release: async () => {} }
  const done = await repairStore(place, settingsFrom({}), false, () => 0)
  expect((await verify(disk, settingsFrom({}), () => 0)).problems).toEqual([])
  const open = await openOn(disk, { damagedShard: 'refuse' })
  expect(await read(open, EDGE)).toEqual(numbers(...left))
  expect(await read(open, NODE)).toEqual(numbers(node))
  await open.compact()
  expect(await read(open, EDGE)).toEqual(numbers(...left))
  await open.close()
  return done
}

/** The segment in which commit `lsn` is, by the names that single segments have. */
const segmentOf = async (disk: MemoryDisk, lsn: number): Promise<string> => {
  for (const { name } of await disk.list('wal'))
    if ((await bytesOf(disk, `wal/${name}`)).includes(`{"lsn":${lsn},`)) return `wal/${name}`
  throw new Error(`commit ${lsn} is not in the log`)
}

const damageLine = async (disk: MemoryDisk, lsn: number): Promise<string> => {
  const path = await segmentOf(disk, lsn)
  await flip(disk, path, (await bytesOf(disk, path)).indexOf(`{"lsn":${lsn},`) + 12)
  return path
}

describe('a batch that is gone', () => {
  test('of which the log has all but what lies below walStart', async () => {
    const disk = await store()
    await disk.remove('batches/1.parquet')
    const lost = [{ file: 'batches/1.parquet', lsnLower: 1, lsnUpper: 1, lower: 0, upper: 1, rows: 1 }]
    const { shards, losses } = await repairs(disk, [2, 3, 4, 5, 6, 7, 8, 9, 10])
    expect(shards).toMatchObject([{ shard: EDGE, batches: [{ action: 'replay' }], lost }])
    expect(await report(disk, losses[0]!)).toMatchObject({ shard: EDGE, lost, log: [] })
  })

  test('of which the log has a line below walStart, in a segment that is still there', async () => {
    const disk = await store(4, 300)
    expect(await segmentOf(disk, 3)).toBe(await segmentOf(disk, 4))
    await disk.remove('batches/1.parquet')
    expect(await repairs(disk, [3, 4, 5, 6, 7, 8, 9, 10], 4)).toMatchObject({
      shards: [
        {
          batches: [{ action: 'replay' }],
          lost: [{ lsnLower: 1, lsnUpper: 2, lower: 0, upper: 2, rows: 2 }],
        },
      ],
      log: undefined,
    })
  })

  test('with a damaged line among its commits: the others are kept, and so is the segment', async () => {
    const disk = await store()
    await disk.remove('batches/2.parquet')
    const path = await damageLine(disk, 5)
    const bytes = await bytesOf(disk, path)
    const lost = [{ file: 'batches/2.parquet', lsnLower: 5, lsnUpper: 5, lower: 4, upper: 5, rows: 1 }]
    const { shards, losses, log } = await repairs(disk, [1, 2, 3, 4, 6, 7, 8, 9, 10])
    expect(shards).toMatchObject([{ shard: EDGE, batches: [{ action: 'replay' }], lost }])
    expect(log).toMatchObject({ lost: [{ lsnLower: 5, lsnUpper: 5 }] })
    const kept = `quarantine/${path.replace('/', '-')}`
    expect(await report(disk, losses[0]!)).toMatchObject({ lost, log: [kept] })
    expect(await bytesOf(disk, kept)).toEqual(bytes)
  })

  test('with two gaps in the log: one report states both', async () => {
    const disk = await store()
    await disk.remove('batches/1.parquet')
    await damageLine(disk, 3)
    const { shards, losses } = await repairs(disk, [2, 4, 5, 6, 7, 8, 9, 10])
    const lost = [
      { file: 'batches/1.parquet', lsnLower: 1, lsnUpper: 1, lower: 0, upper: 1 },
      { file: 'batches/1.parquet', lsnLower: 3, lsnUpper: 3, lower: 2, upper: 3 },
    ]
    expect(shards[0]!.lost).toEqual(lost)
    expect(losses[0]).toBe('quarantine/batches-1.parquet.json')
    expect(await report(disk, losses[0]!)).toMatchObject({ lost })
  })

  test('and its damaged line is of another shard alone: nothing of the batch is lost', async () => {
    const disk = new MemoryDisk()
    const open = await openOn(disk, { bufferSize: 3, autoCompactThreshold: 0 })
    await open.commit([update(1)])
    await open.commit([update(2, NODE)])
    await open.commit([update(3), update(4)])
    await flushed(open, 1)
    const copy = new MemoryDisk()
    await copyOnto(await leftBy(disk), copy)
    await open.close()
    await copy.remove('batches/1.parquet')
    await damageLine(copy, 2)
    const place = { path: undefined, disk: copy, release: async () => {} }
    const done = await repairStore(place, settingsFrom({}), false, () => 0)
    expect(done).toMatchObject({ shards: [{ batches: [{ action: 'replay' }], lost: [] }] })
    const again = await openOn(copy)
    expect(await read(again, EDGE)).toEqual(numbers(1, 3, 4))
    await again.close()
  })
})

describe('a document and a batch between others that are gone', () => {
  test('the log fills the gap', async () => {
    const disk = await store()
    await disk.remove(DOCUMENT)
    await disk.remove('batches/2.parquet')
    expect(await repairs(disk, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])).toMatchObject({
      loses: false,
      shards: [
        {
          shard: EDGE,
          batches: [
            { file: 'batches/1.parquet', action: 'adopt' },
            { action: 'fill', lsnLower: 4, lsnUpper: 6 },
            { file: 'batches/3.parquet', action: 'adopt' },
          ],
          lost: [],
        },
      ],
    })
  })

  test('and one in front of the others, of which the log has a part', async () => {
    const disk = await store()
    await disk.remove(DOCUMENT)
    await disk.remove('batches/1.parquet')
    await damageLine(disk, 3)
    const { shards } = await repairs(disk, [2, 4, 5, 6, 7, 8, 9, 10])
    expect(shards[0]).toMatchObject({
      batches: [{ action: 'fill', lsnLower: 1, lsnUpper: 3 }, { action: 'adopt' }, { action: 'adopt' }],
      lost: [
        { lsnLower: 1, lsnUpper: 1 },
        { lsnLower: 3, lsnUpper: 3 },
      ],
    })
  })

  test('and the log has all of the shard but a damaged line, which a batch has', async () => {
    const disk = new MemoryDisk()
    const open = await openOn(disk, { bufferSize: 3, autoCompactThreshold: 0 })
    await open.commit([update(2, NODE)])
    for (const value of [1, 2, 3]) await open.commit([update(value)])
    await flushed(open, 1)
    const copy = new MemoryDisk()
    await copyOnto(await leftBy(disk), copy)
    await open.close()
    await copy.remove(DOCUMENT)
    await damageLine(copy, 3)
    const { shards, log } = await repairs(copy, [1, 2, 3])
    expect(shards).toMatchObject([{ shard: EDGE, batches: [{ action: 'adopt' }], lost: [] }])
    expect(log).toMatchObject({ lost: [{ lsnLower: 3, lsnUpper: 3 }] })
  })
})
