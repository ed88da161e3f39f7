import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Settings } from '../../src/config/settings.ts'
import { MemoryDisk } from '../../src/disk/memory-disk.ts'
import type { Store } from '../../src/store/store.ts'
import { SimulatedDisk } from '../simulation/disk.ts'
import { openOn, read } from '../support/stores.ts'

const SHARD = 'a:b'

const batches = (store: Store): number =>
  store.status().shards.find(({ name }) => name === SHARD)?.batches ?? 0

/** Makes one more batch. */
const addBatch = async (store: Store, value: number): Promise<void> => {
  await store.commit([{ shard: SHARD, data: [value], diff: 1 }])
  await store.flush()
}

/** Lets everything that was started in the background come to its end. */
const settle = async (condition: () => boolean): Promise<void> => {
  for (let turn = 0; turn < 10_000 && !condition(); turn++)
    await new Promise(resolve => setImmediate(resolve))
}

describe('compaction by itself', () => {
  test('starts when a flush makes one batch too many, while commits and reads go on (IL-22, rules 24)', async () => {
    const store = await openOn(new MemoryDisk(), { autoCompactThreshold: 3 })
    for (let value = 0; value < 4; value++) await addBatch(store, value)
    await settle(() => batches(store) <= 3)
    expect(batches(store)).toBe(1)
    expect(store.status().lastCompaction).toBe(1_700_000_000_000)
    expect(Object.keys(await read(store, SHARD))).toEqual(['[0]', '[1]', '[2]', '[3]'])
    expect(await read(store, SHARD, 1)).toEqual({ '[0]': 1, '[1]': 1 })
    expect(store.status().shards).toMatchObject([{ since: 0 }])
    await store.close()
  })

  test('never starts with threshold 0', async () => {
    const store = await openOn(new MemoryDisk(), { autoCompactThreshold: 0 })
    for (let value = 0; value < 30; value++) await addBatch(store, value)
    await settle(() => false)
    expect(batches(store)).toBe(30)
    expect(store.status().lastCompaction).toBeUndefined()
    await store.close()
  })

  test.each<[Settings['compactionWindow'], number]>([
    ['all', 0],
    [2, 1],
    [0, 3],
    [100, 0],
  ])('with compaction_window %s raises since to %i (rules 20)', async (compactionWindow, since) => {
    const store = await openOn(new MemoryDisk(), { autoCompactThreshold: 3, compactionWindow })
    for (let value = 0; value < 4; value++) await addBatch(store, value)
    await settle(() => batches(store) <= 3)
    expect(store.status().shards).toMatchObject([{ batches: 1, since, upper: 4 }])
    expect(Object.keys(await read(store, SHARD))).toHaveLength(4)
    await store.close()
  })

  test('does not pass what a snapshot reads', async () => {
    const store = await openOn(new MemoryDisk(), { autoCompactThreshold: 2, compactionWindow: 0 })
    await addBatch(store, 0)
    await addBatch(store, 1)
    const snapshot = await store.snapshot({ asOf: 0 })
    await addBatch(store, 2)
    await settle(() => batches(store) <= 2)
    expect(store.status().shards).toMatchObject([{ since: 0 }])
    expect(await snapshot.count(SHARD)).toMatchObject({ distinct: 1, total: 1 })
    await snapshot.close()
    await store.close()
  })

  test('shows in the status what went wrong, and serves on', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk, { autoCompactThreshold: 2 })
    await addBatch(store, 0)
    await addBatch(store, 1)
    // The third batch is written to 3.parquet, what the three are merged into to 4.parquet.
    disk.inject(/^sync batches\/4/, { kind: 'fail', errno: 'EIO' })
    await addBatch(store, 2)
    await settle(() => store.status().state === 'degraded')
    expect(store.status()).toMatchObject({ state: 'degraded', reason: expect.stringContaining('EIO') })
    expect(batches(store)).toBe(3)
    await addBatch(store, 3)
    await settle(() => store.status().state === 'serving')
    expect(store.status()).toMatchObject({ state: 'serving', shards: [{ batches: 1 }] })
    expect(Object.keys(await read(store, SHARD))).toHaveLength(4)
    await store.close()
  })

  test('ends early when the store is closed, and nothing is lost', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk, { autoCompactThreshold: 2 })
    await addBatch(store, 0)
    await addBatch(store, 1)
    const stall = disk.stall(/^read batches\/1/)
    await addBatch(store, 2)
    await stall.reached
    const closing = store.close()
    stall.release()
    await closing
    const again = await openOn(disk.restart(), { autoCompactThreshold: 0 })
    expect(batches(again)).toBe(3)
    expect(Object.keys(await read(again, SHARD))).toHaveLength(3)
    expect(again.status().recovery.quarantined).toEqual([])
    await again.close()
  })
})

describe('the check by time', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  const withManyBatches = async (): Promise<SimulatedDisk> => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk, { autoCompactThreshold: 0 })
    for (let value = 0; value < 5; value++) await addBatch(store, value)
    await store.close()
    return disk
  }

  test('finds a shard with too many batches after the interval, not before', async () => {
    const disk = await withManyBatches()
    const store = await openOn(disk.restart(), { autoCompactThreshold: 3, autoCompactIntervalSecs: 60 })
    vi.advanceTimersByTime(59_999)
    await settle(() => false)
    expect(batches(store)).toBe(5)
    vi.advanceTimersByTime(1)
    await settle(() => batches(store) <= 3)
    expect(batches(store)).toBe(1)
    await store.close()
    expect(vi.getTimerCount()).toBe(0)
  })

  test.each([
    { autoCompactThreshold: 3, autoCompactIntervalSecs: 0 },
    { autoCompactThreshold: 0, autoCompactIntervalSecs: 60 },
  ])(
    'there is none with $autoCompactThreshold batches every $autoCompactIntervalSecs seconds',
    async settings => {
      const store = await openOn((await withManyBatches()).restart(), settings)
      expect(vi.getTimerCount()).toBe(0)
      await store.close()
    },
  )

  test('an idle store is not written to, however often it is checked (ND-31)', async () => {
    const disk = (await withManyBatches()).restart()
    const store = await openOn(disk, {
      autoCompactThreshold: 3,
      autoCompactIntervalSecs: 60,
      compactionWindow: 1,
    })
    vi.advanceTimersByTime(60_000)
    await settle(() => batches(store) <= 3)
    const calls = disk.trace.length
    for (let check = 0; check < 10; check++) {
      vi.advanceTimersByTime(60_000)
      await settle(() => false)
    }
    expect(disk.trace.length).toBe(calls)
    await store.close()
  })
})
