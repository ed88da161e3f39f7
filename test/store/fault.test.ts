import { afterEach, describe, expect, test, vi } from 'vitest'
import { State } from '../../src/shard/state.ts'
import { SimulatedDisk } from '../simulation/disk.ts'
import { bytesOf } from '../support/bytes.ts'
import { openOn, read } from '../support/stores.ts'

const put = (value: number) => ({ shard: 'a:b', data: [value], diff: 1 })
const LOG = 'wal/current.wal'

describe('the log says no', () => {
  test('a write that fails: the commit did not happen, and the store goes on (IL-02, GB-31)', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk)
    await store.commit([put(1)])
    const before = store.status()
    disk.inject(/^write wal/, { kind: 'cut', bytes: 20, errno: 'ENOSPC' })
    await expect(store.commit([put(2)])).rejects.toMatchObject({
      code: 'LOG_WRITE_FAILED',
      outcome: 'determinate',
      details: { file: LOG },
      cause: { code: 'DISK_FULL' },
    })
    expect(store.status()).toEqual({ ...before, wal: { ...before.wal } })
    expect(await read(store, 'a:b')).toEqual({ '[1]': 1 })
    // The cut is durable before anybody hears of it: rules 6.
    const cut = disk.trace.findLastIndex(call => call.startsWith('truncate'))
    expect(disk.trace.slice(cut, cut + 2)).toEqual([`truncate ${LOG} ${before.wal.bytes}`, `sync ${LOG} B18`])
    expect(await store.commit([put(3)])).toMatchObject({ lsn: 2 })
    disk.stop()
    const again = await openOn(disk.crash('synced'))
    expect(await read(again, 'a:b')).toEqual({ '[1]': 1, '[3]': 1 })
    await again.close()
  })

  test('a write and the cut fail: poisoned, and indeterminate', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk)
    await store.commit([put(1)])
    disk.inject(/^write wal/, { kind: 'cut', bytes: 20, errno: 'EIO' })
    disk.inject(/^truncate wal/, { kind: 'fail', errno: 'EIO' })
    await expect(store.commit([put(2)])).rejects.toMatchObject({ code: 'POISONED', outcome: 'indeterminate' })
    await expect(store.commit([put(3)])).rejects.toMatchObject({ code: 'POISONED', outcome: 'determinate' })
    expect(store.status()).toMatchObject({ state: 'poisoned' })
    expect(await read(store, 'a:b')).toEqual({ '[1]': 1 })
    await store.close()
    const again = await openOn(disk.crash('all'))
    expect(await read(again, 'a:b')).toEqual({ '[1]': 1 })
    await again.close()
  })

  test.each(['fail', 'drop'] as const)(
    'a sync that fails (%s): nothing is acknowledged until it is reopened (LD-25)',
    async kind => {
      const disk = new SimulatedDisk()
      const store = await openOn(disk)
      await store.commit([put(1)])
      disk.inject(/^sync wal/, { kind, errno: 'EIO' })
      await expect(store.commit([put(2)])).rejects.toMatchObject({
        code: 'LOG_SYNC_FAILED',
        outcome: 'indeterminate',
        details: { durableLsn: 1 },
      })
      // The next sync would succeed; it is not tried.
      const calls = disk.trace.length
      for (const attempt of [() => store.commit([put(3)]), () => store.commit([put(4)])])
        await expect(attempt()).rejects.toMatchObject({ code: 'POISONED' })
      expect(disk.trace.length).toBe(calls)
      expect(await read(store, 'a:b')).toEqual({ '[1]': 1 })
      await expect(store.flush()).rejects.toMatchObject({ code: 'POISONED' })
      await store.close()
      const again = await openOn(disk.crash('synced'))
      expect(await read(again, 'a:b')).toEqual({ '[1]': 1 })
      await again.close()
    },
  )

  test('commits of one group share the fate of their write', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk)
    disk.inject(/^write wal/, { kind: 'fail', errno: 'EIO' })
    const results = await Promise.allSettled(
      [1, 2, 3].map(value => store.commit([put(value)], { id: `id${value}` })),
    )
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    // A group that failed is rolled back: times, LSNs and ids are free again (rules 8).
    expect(await store.commit([put(1)], { id: 'id1' })).toMatchObject({ lsn: 1, time: 0 })
    await store.close()
  })
})

describe('a commit that is logged and cannot be applied (GB-32)', () => {
  test('poisons: reads go on, nothing is taken, reopening heals', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk)
    await store.commit([put(1)])
    const apply = vi.spyOn(State.prototype, 'apply').mockImplementationOnce(() => {
      throw new Error('a defect')
    })
    await expect(store.commit([put(2)])).rejects.toMatchObject({ code: 'POISONED', outcome: 'indeterminate' })
    apply.mockRestore()
    await expect(store.commit([put(3)])).rejects.toMatchObject({ code: 'POISONED', outcome: 'determinate' })
    expect(await read(store, 'a:b')).toEqual({ '[1]': 1 })
    await store.close()
    const again = await openOn(disk.crash('all'))
    expect(await read(again, 'a:b')).toEqual({ '[1]': 1, '[2]': 1 })
    await again.close()
  })
})

describe('when a commit is acknowledged', () => {
  /** Whether a promise has settled once everything that can run has run. */
  const isSettled = async (promise: Promise<unknown>): Promise<boolean> => {
    let settled = false
    promise.then(
      () => {
        settled = true
      },
      () => {
        settled = true
      },
    )
    for (let turn = 0; turn < 50; turn++) await new Promise(resolve => setImmediate(resolve))
    return settled
  }

  test('immediate: after the sync, and invisible before (IL-02, OX-01)', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk)
    const stall = disk.stall(/^sync wal/)
    const committed = store.commit([put(1)])
    await stall.reached
    expect(disk.trace.at(-2)).toMatch(/^write wal/)
    expect(await isSettled(committed)).toBe(false)
    expect(store.status()).toMatchObject({ lsn: 0, durableLsn: 0, upper: 0 })
    stall.release()
    await committed
    expect(store.status()).toMatchObject({ lsn: 1, durableLsn: 1, upper: 1 })
    await store.close()
  })

  test('immediate: what comes during a sync shares the next one (LD-18)', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk)
    const stall = disk.stall(/^sync wal/)
    const first = store.commit([put(0)])
    await stall.reached
    const others = Array.from({ length: 20 }, (_, index) => store.commit([put(index + 1)]))
    stall.release()
    await Promise.all([first, ...others])
    expect(store.status().wal.syncs).toBe(2)
    await store.close()
  })

  test('batched: after the write, before any sync; sync() waits for it (IL-07)', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk, { durabilityMode: 'batched', syncIntervalMs: 1_000_000 })
    const before = disk.trace.length
    const { durable } = await store.commit([put(1)])
    expect(disk.trace.slice(before)).toEqual([expect.stringMatching(/^write wal/)])
    expect(store.status()).toMatchObject({ lsn: 1, durableLsn: 0 })
    await durable
    expect(store.status()).toMatchObject({ durableLsn: 1 })
    await store.commit([put(2)])
    await store.sync()
    disk.stop()
    const again = await openOn(disk.crash('synced'))
    expect(await read(again, 'a:b')).toEqual({ '[1]': 1, '[2]': 1 })
    await again.close()
  })

  test('async: before the write; sync() and flush() wait for it (IL-08, OX-18)', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk, { durabilityMode: 'async', syncIntervalMs: 1_000_000 })
    const stall = disk.stall(/^write wal/)
    await store.commit([put(1)])
    await store.commit([put(2)])
    expect(store.status()).toMatchObject({ lsn: 2, durableLsn: 0 })
    expect(await read(store, 'a:b')).toEqual({ '[1]': 1, '[2]': 1 })
    const synced = store.sync()
    const flushed = store.flush()
    expect(await isSettled(synced)).toBe(false)
    expect(await isSettled(flushed)).toBe(false)
    stall.release()
    await synced
    await flushed
    disk.stop()
    const again = await openOn(disk.crash('synced'))
    expect(await read(again, 'a:b')).toEqual({ '[1]': 1, '[2]': 1 })
    await again.close()
  })

  test('none: nothing is ever synced (GB-08)', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk, { durabilityMode: 'none' })
    await store.commit([put(1)])
    await store.flush()
    await store.compact()
    await store.close()
    expect(disk.trace.filter(call => call.startsWith('sync'))).toEqual([])
    const again = await openOn(disk.crash('all'))
    expect(await read(again, 'a:b')).toEqual({ '[1]': 1 })
    await again.close()
  })

  describe('by the clock', () => {
    afterEach(() => {
      vi.useRealTimers()
    })

    test.each(['batched', 'async'] as const)(
      '%s: what was written is synced within the interval, once (IL-07)',
      async mode => {
        const disk = new SimulatedDisk()
        vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
        const store = await openOn(disk, { durabilityMode: mode, syncIntervalMs: 100 })
        for (let value = 0; value < 5; value++) await store.commit([put(value)])
        while (store.status().wal.pendingBytes > 0) await new Promise(resolve => setImmediate(resolve))
        const syncs = (): number => disk.trace.filter(call => call.startsWith(`sync ${LOG}`)).length
        const before = syncs()
        await vi.advanceTimersByTimeAsync(99)
        expect(syncs()).toBe(before)
        await vi.advanceTimersByTimeAsync(1)
        expect(syncs()).toBe(before + 1)
        expect(store.status().durableLsn).toBe(5)
        // Idle: no further sync.
        await vi.advanceTimersByTimeAsync(10_000)
        expect(syncs()).toBe(before + 1)
        await store.close()
      },
    )
  })
})

describe('async on a full disk (rules 6)', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  test('what was acknowledged stays queued, new commits get BUSY, and room makes it go on', async () => {
    const disk = new SimulatedDisk()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const store = await openOn(disk, { durabilityMode: 'async' })
    disk.inject(/^write wal/, { kind: 'cut', bytes: 5, errno: 'ENOSPC' })
    await store.commit([put(1)])
    while (store.status().state === 'serving') await new Promise(resolve => setImmediate(resolve))
    await expect(store.commit([put(2)])).rejects.toMatchObject({ code: 'BUSY', outcome: 'determinate' })
    expect(await read(store, 'a:b')).toEqual({ '[1]': 1 })
    await vi.advanceTimersByTimeAsync(1000)
    await store.commit([put(3)])
    await store.close()
    const again = await openOn(disk.crash('synced'))
    expect(await read(again, 'a:b')).toEqual({ '[1]': 1, '[3]': 1 })
    await again.close()
  })

  test('anything else poisons: what was acknowledged and cannot be written is followed by nothing', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk, { durabilityMode: 'async' })
    disk.inject(/^write wal/, { kind: 'fail', errno: 'EIO' })
    await store.commit([put(1)])
    while (store.status().state === 'serving') await new Promise(resolve => setImmediate(resolve))
    expect(store.status().state).toBe('poisoned')
    await expect(store.commit([put(2)])).rejects.toMatchObject({ code: 'POISONED' })
    await expect(store.sync()).rejects.toMatchObject({ code: 'POISONED', outcome: 'indeterminate' })
    // Whoever closes hears of it too: an acknowledged commit is gone.
    await expect(store.close()).rejects.toMatchObject({ code: 'POISONED', outcome: 'indeterminate' })
  })
})

describe('a flush that fails', () => {
  test('loses nothing and is tried again under a new name', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk)
    await store.commit([put(1)])
    disk.inject(/^write batches/, { kind: 'fail', errno: 'ENOSPC' })
    await expect(store.flush()).rejects.toMatchObject({
      code: 'DISK_FULL',
      details: { path: 'batches/1.parquet.tmp' },
    })
    expect(store.status()).toMatchObject({ state: 'degraded', buffer: { updates: 1 } })
    expect(await read(store, 'a:b')).toEqual({ '[1]': 1 })
    await store.commit([put(2)])
    await store.flush()
    expect(store.status()).toMatchObject({ state: 'serving', buffer: { updates: 0 } })
    expect((await disk.list('batches')).map(({ name }) => name)).toEqual(['2.parquet', '3.parquet'])
    await store.close()
    const again = await openOn(disk.crash('synced'))
    expect(await read(again, 'a:b')).toEqual({ '[1]': 1, '[2]': 1 })
    await again.close()
  })

  test('three times in a row poisons, unless the disk is just full', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk)
    await store.commit([put(1)])
    disk.inject(/^write batches/, { kind: 'fail', errno: 'EIO' }, 'always')
    for (let attempt = 0; attempt < 3; attempt++)
      await expect(store.flush()).rejects.toMatchObject({ code: 'DISK_FAILED' })
    await expect(store.commit([put(2)])).rejects.toMatchObject({ code: 'POISONED' })
    await store.close()
    const again = await openOn(disk.crash('all'))
    expect(await read(again, 'a:b')).toEqual({ '[1]': 1 })
    await again.close()
  })

  test('at a bound gives BUSY instead of growing for ever, and goes on when there is room', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk, { bufferSize: 2 })
    let full = true
    disk.inject(call => full && call.startsWith('write batches'), { kind: 'fail', errno: 'ENOSPC' }, 'always')
    let taken = 0
    const fill = async (): Promise<void> => {
      for (; taken < 100; taken++) await store.commit([put(taken)])
    }
    await expect(fill()).rejects.toMatchObject({
      code: 'BUSY',
      outcome: 'determinate',
      cause: { code: 'DISK_FULL' },
    })
    expect(taken).toBeLessThan(20)
    expect(store.status()).toMatchObject({ state: 'degraded', buffer: { updates: taken } })
    full = false
    await fill()
    expect(Object.keys(await read(store, 'a:b')).length).toBe(100)
    await store.close()
  })

  test('publishes no batch before the log is durable through it, in every mode (B4)', async () => {
    for (const durabilityMode of ['immediate', 'batched', 'async'] as const) {
      const disk = new SimulatedDisk()
      const store = await openOn(disk, { durabilityMode, syncIntervalMs: 1_000_000 })
      await store.commit([put(1)])
      await store.flush()
      const published = disk.trace.findIndex(call => call.startsWith('rename shards/'))
      const synced = disk.trace.findLastIndex(
        (call, index) => index < published && call.startsWith(`sync ${LOG}`),
      )
      const written = disk.trace.findLastIndex(
        (call, index) => index < published && call.startsWith(`write ${LOG}`),
      )
      expect(written, durabilityMode).toBeGreaterThan(0)
      expect(synced, durabilityMode).toBeGreaterThan(written)
      await store.close()
    }
  })

  test.each([
    ['that is new', false],
    ['that is listed already', true],
  ])('a process whose lock was broken publishes nothing, also of a shard %s (B12)', async (_, isListed) => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk)
    if (isListed) {
      await store.commit([put(0)])
      await store.flush()
    }
    await store.commit([put(1)])
    const thief = await openOn(disk)
    const published = await bytesOf(disk, 'shards/a_b.json')
    await expect(store.flush()).rejects.toMatchObject({ code: 'FENCED', details: { epoch: 1, found: 2 } })
    expect(await bytesOf(disk, 'shards/a_b.json')).toEqual(published)
    expect(await read(thief, 'a:b')).toEqual({ ...(isListed && { '[0]': 1 }), '[1]': 1 })
    await thief.close()
  })
})
