// Defects that a review of facts and reads found, each as it was found.
import { describe, expect, test } from 'vitest'
import { MemoryDisk } from '../../src/disk/memory-disk.ts'
import { float, type Value } from '../../src/model/value.ts'
import type { ReadOptions } from '../../src/store/read-options.ts'
import type { Store } from '../../src/store/store.ts'
import { SimulatedDisk } from '../simulation/disk.ts'
import { openOn, read, tupleText } from '../support/stores.ts'

const SHARD = 'a:b'
const LARGEST = Number.MAX_SAFE_INTEGER

const found = async (store: Store, options: ReadOptions): Promise<string[]> => {
  const snapshot = await store.snapshot()
  const tuples: string[] = []
  for await (const { data } of snapshot.rows(SHARD, options)) tuples.push(tupleText(data))
  await snapshot.close()
  return tuples
}

/** A disk with a store of so many batches, each with a fact on both sides of [5, …]. */
const withBatches = async (count: number): Promise<SimulatedDisk> => {
  const disk = new SimulatedDisk()
  const store = await openOn(disk, { autoCompactThreshold: 0 })
  for (let batch = 0; batch < count; batch++) {
    await store.insert(SHARD, [
      [0, batch],
      [9, batch],
    ])
    await store.flush()
  }
  await store.close()
  return disk.restart()
}

const opened = (disk: SimulatedDisk): number =>
  disk.trace.filter(label => /^open read batches/.test(label)).length
const closed = (disk: SimulatedDisk): number =>
  disk.trace.filter(label => /^close batches\/\d+\.parquet$/.test(label)).length

describe('closing a store', () => {
  test('waits for facts that are being looked up, so that nothing is written once the directory is let go', async () => {
    const disk = await withBatches(4)
    const store = await openOn(disk, { autoCompactThreshold: 0 })
    let reads = 0
    const stall = disk.stall(label => /^read batches\/\d+\.parquet/.test(label) && ++reads === 3)
    const inserting = store.insert(SHARD, [
      [5, 0],
      [5, 3],
    ])
    await stall.reached
    await store.compact()
    let isClosed = false
    const closing = store.close().then(() => {
      isClosed = true
    })
    for (let turn = 0; turn < 50; turn++) await new Promise(resolve => setImmediate(resolve))
    expect(isClosed).toBe(false)
    stall.release()
    await expect(inserting).rejects.toMatchObject({ code: 'CLOSED', outcome: 'determinate' })
    await closing
    const calls = disk.trace.length
    for (let turn = 0; turn < 50; turn++) await new Promise(resolve => setImmediate(resolve))
    expect(disk.trace.length).toBe(calls)
    expect(closed(disk)).toBeGreaterThanOrEqual(opened(disk))
    const again = await openOn(disk.restart())
    expect(Object.keys(await read(again, SHARD))).toHaveLength(8)
    await again.close()
  })

  test('closes the files of reads that nobody ended, and those reads say so', async () => {
    const disk = await withBatches(6)
    const store = await openOn(disk, { autoCompactThreshold: 0 })
    const snapshot = await store.snapshot()
    const rows = snapshot.rows(SHARD)
    const points = snapshot.rows(SHARD, { where: { col0: 9 } })
    expect((await rows.next()).value).toEqual({ data: [0, 0], diff: 1 })
    expect((await points.next()).value).toEqual({ data: [9, 0], diff: 1 })
    await snapshot.close()
    await expect(rows.next()).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(points.next()).rejects.toMatchObject({ code: 'CLOSED' })
    await store.close()
    expect(closed(disk)).toBe(opened(disk))
  })

  test('closes the files of reads that run', async () => {
    const disk = await withBatches(20)
    const store = await openOn(disk, { autoCompactThreshold: 0 })
    const snapshot = await store.snapshot()
    const count = (where: ReadOptions['where']) => snapshot.count(SHARD, where === undefined ? {} : { where })
    const stall = disk.stall(/^read batches\/1[0-9]/)
    const reading = Promise.allSettled([count(undefined), count({ col0: 9 }), count({ col0: 0 })])
    await stall.reached
    const closing = store.close()
    stall.release()
    await closing
    for (const { status, reason } of (await reading) as PromiseRejectedResult[]) {
      expect(status).toBe('rejected')
      expect(reason).toMatchObject({ code: 'CLOSED' })
    }
    for (let turn = 0; turn < 50; turn++) await new Promise(resolve => setImmediate(resolve))
    expect(closed(disk)).toBe(opened(disk))
  })
})

test('a range finds what equals its bound, whether integer or float, wide or not', async () => {
  const store = await openOn(new MemoryDisk())
  await store.insert(SHARD, [[float(2 ** 53)], [2n ** 53n], [float(2 ** 60)], [2n ** 60n]])
  const [narrow, wide] = [2n ** 53n, 2n ** 60n]
  for (const bound of [narrow, float(2 ** 53)] as Value[]) {
    expect(await found(store, { where: { col0: { lte: bound } } })).toHaveLength(2)
    expect(await found(store, { where: { col0: { gte: bound } } })).toHaveLength(4)
    expect(await found(store, { where: { col0: { gt: bound } } })).toHaveLength(2)
  }
  expect(await found(store, { where: { col0: { lte: wide } } })).toHaveLength(4)
  expect(await found(store, { where: { col0: { gt: narrow, lt: float(2 ** 60) } } })).toHaveLength(0)
  await store.close()
})

describe('sums that pass the safe integers on their way', () => {
  const diffs = [LARGEST, LARGEST, LARGEST, -LARGEST, -LARGEST, -(LARGEST - 1)]

  test.each([
    ['in one buffer', false],
    ['in batches', true],
  ])('are not taken for what they round to: %s', async (_, flushes) => {
    const store = await openOn(new MemoryDisk(), { autoCompactThreshold: 0 })
    for (const diff of diffs) {
      await store.commit([{ shard: SHARD, data: [1], diff }])
      if (flushes) await store.flush()
    }
    expect(await read(store, SHARD)).toEqual({ '[1]': 1 })
    await expect(store.delete(SHARD, [[1]])).rejects.toMatchObject({ code: 'DIFF_OVERFLOW' })
    await store.compact({ since: store.upper - 1 })
    expect((await store.delete(SHARD, [[1]])).count).toBe(1)
    await store.close()
  })

  test('that end beyond them are refused by every read', async () => {
    const store = await openOn(new MemoryDisk())
    await store.commit([LARGEST, LARGEST].map(diff => ({ shard: SHARD, data: [1], diff })))
    const snapshot = await store.snapshot()
    const overflow = { code: 'DIFF_OVERFLOW', details: { shard: SHARD } }
    await expect(snapshot.toArrow(SHARD)).rejects.toMatchObject(overflow)
    await expect(snapshot.tables(SHARD).next()).rejects.toMatchObject(overflow)
    await expect(snapshot.count(SHARD)).rejects.toMatchObject(overflow)
    await expect(found(store, {})).rejects.toMatchObject(overflow)
    await store.close()
  })

  test('are counted exactly', async () => {
    const store = await openOn(new MemoryDisk())
    await store.commit(diffs.map((diff, index) => ({ shard: SHARD, data: [index], diff })))
    const snapshot = await store.snapshot()
    expect(await snapshot.count(SHARD)).toEqual({ distinct: 6, present: 3, total: 1 })
    await store.close()
  })
})

test('lookups and point reads at the same time decode a row group once', async () => {
  const disk = await withBatches(1)
  const store = await openOn(disk)
  const snapshot = await store.snapshot()
  const before = disk.trace.length
  await Promise.all([
    ...Array.from({ length: 50 }, (_, call) =>
      store.insert(SHARD, [
        [5, call],
        [0, 0],
      ]),
    ),
    ...Array.from({ length: 50 }, () => snapshot.count(SHARD, { where: { col0: 9 } })),
  ])
  const reads = disk.trace.slice(before).filter(label => /^read batches/.test(label))
  // Magic bytes, footer, column chunks.
  expect(reads).toHaveLength(3)
  await store.close()
})

test('what a float column gives can be handed back, however large', async () => {
  const store = await openOn(new MemoryDisk())
  await store.declare(SHARD, [{ name: 'price', type: 'float64' }])
  expect((await store.insert(SHARD, [[float(1e300)], [-1e300], [2 ** 53]])).count).toBe(3)
  await store.commit([{ shard: SHARD, data: [1e200], diff: 1 }])
  expect(await found(store, {})).toEqual(['[-1e+300]', '[9007199254740992]', '[1e+200]', '[1e+300]'])
  expect(await found(store, { where: { price: 1e300 } })).toEqual(['[1e+300]'])
  expect(await found(store, { where: { price: { gt: 2 ** 53 } } })).toEqual(['[1e+200]', '[1e+300]'])
  expect((await store.insert(SHARD, [[1e300]])).count).toBe(0)
  expect((await store.delete(SHARD, [[1e300], [2 ** 53]])).count).toBe(2)
  // Elsewhere it may have been rounded already.
  await expect(store.insert('c:d', [[1e300]])).rejects.toMatchObject({ code: 'VALUE_INVALID' })
  await store.close()
})

test.each([
  ['a map', new Map([['col0', 1]])],
  ['a date', new Date(0)],
  ['a list', []],
])('%s as a condition is refused, not taken for none', async (_, where) => {
  const store = await openOn(new MemoryDisk())
  await store.insert(SHARD, [[1]])
  await expect(found(store, { where: where as never })).rejects.toMatchObject({
    code: 'WHERE_INVALID',
    details: { place: 'where' },
  })
  await expect(found(store, where as never)).rejects.toMatchObject({
    code: 'OPTION_INVALID',
    details: { place: 'options' },
  })
  await store.close()
})

test('a call without effect on an empty store leaves nothing out of the changes that follow', async () => {
  const store = await openOn(new MemoryDisk())
  const { time: from, lsn } = await store.delete(SHARD, [[1]])
  expect([from, lsn]).toEqual([-1, 0])
  await store.insert(SHARD, [[1]])
  await store.insert(SHARD, [[2]])
  const changes = async (since: number): Promise<string[]> => {
    const snapshot = await store.snapshot()
    const tuples: string[] = []
    for await (const { data } of snapshot.changes(SHARD, { from: since })) tuples.push(tupleText(data))
    await snapshot.close()
    return tuples
  }
  expect(await changes(from)).toEqual(['[1]', '[2]'])
  expect(await changes(0)).toEqual(['[2]'])
  await store.compact({ since: 1 })
  await expect(changes(-1)).rejects.toMatchObject({ code: 'AS_OF_BEFORE_SINCE' })
  await expect(changes(-2)).rejects.toMatchObject({ code: 'TIME_INVALID' })
  await store.close()
})

test('toArrow of a shard that is not there yet is empty, whatever is asked of it', async () => {
  const store = await openOn(new MemoryDisk())
  await store.insert(SHARD, [[1]])
  const snapshot = await store.snapshot()
  expect((await snapshot.toArrow('c:d', { columns: ['x'], where: { y: 1 } })).numRows).toBe(0)
  await store.close()
})

test('a batch that cannot be read does not keep those behind it from being merged', async () => {
  const disk = await withBatches(3)
  const file = await disk.open('batches/2.parquet', 'write')
  const [byte] = await file.read(6, 1)
  await file.write(6, Uint8Array.of(byte! ^ 255))
  await file.close()
  const store = await openOn(disk, { autoCompactThreshold: 3 })
  for (let batch = 3; batch < 12; batch++) {
    await store.commit([{ shard: SHARD, data: [0, batch], diff: 1 }])
    await store.flush()
    for (let turn = 0; turn < 200; turn++) await new Promise(resolve => setImmediate(resolve))
  }
  // Two that stay where they are, and at most three behind them.
  expect(store.status().shards[0]!.batches).toBeLessThanOrEqual(5)
  await store.close()
})
