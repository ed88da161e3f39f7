// IL-38, IL-43, rules 24: at a bound commits wait for the work that clears it, which has started by then; what cannot be
// cleared is a clear BUSY, after which everything goes on as soon as it can.
import { expect, test } from 'vitest'
import type { Settings } from '../../src/config/settings.ts'
import type { Store } from '../../src/store/store.ts'
import { SimulatedDisk } from '../simulation/disk.ts'
import { openOn, read } from '../support/stores.ts'

const put = (value: number, text = '') => ({ shard: 'a:b', data: [value, text], diff: 1 })

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

/** Commits one after the other until one waits; returns how many were acknowledged, and the one that waits. */
const fill = async (store: Store, bound: string, text?: string): Promise<[number, Promise<unknown>]> => {
  for (let value = 0; value < 1000; value++) {
    let settled = false
    const committed = store.commit([put(value, text)]).finally(() => {
      settled = true
    })
    while (!settled && store.status().waitingAt === undefined) await turn()
    if (settled) await committed
    else {
      expect(store.status().waitingAt).toBe(bound)
      return [value, committed]
    }
  }
  throw new Error(`a thousand commits never waited at ${bound}`)
}

/** What holds up the work that clears each bound, and what is full by then. */
const BOUNDS: [bound: string, Partial<Settings>, stalled: RegExp, least: number, most: number][] = [
  // A buffer on its way into a batch, and eight times as much behind it.
  ['bufferSize', { bufferSize: 3 }, /^write batches/, 27, 27],
  ['maxBufferBytes', { maxBufferBytes: 3000 }, /^write batches/, 100, 200],
  ['maxWalSizeBytes', { maxWalSizeBytes: 4000 }, /^write batches/, 20, 40],
  // The first two batches are merged into the third; four more may come meanwhile, and the one that is being flushed.
  ['autoCompactThreshold', { bufferSize: 2, autoCompactThreshold: 1 }, /^write batches\/3\./, 8, 20],
]

test.each(BOUNDS)(
  'at %s commits wait, and go on when it is cleared',
  async (bound, settings, stalled, least, most) => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk, settings)
    const stall = disk.stall(stalled)
    const [taken, waiting] = await fill(store, bound)
    expect(taken).toBeGreaterThanOrEqual(least)
    expect(taken).toBeLessThanOrEqual(most)
    // Nothing moves before it is cleared, and reads go on.
    for (let turns = 0; turns < 50; turns++) await turn()
    expect(store.status().waitingAt).toBe(bound)
    expect(Object.keys(await read(store, 'a:b')).length).toBe(taken)
    stall.release()
    await waiting
    expect(Object.keys(await read(store, 'a:b')).length).toBe(taken + 1)
    await store.close()
    expect(store.status().waitingAt).toBeUndefined()
  },
)

test.each(BOUNDS)(
  'at %s a commit is told BUSY where it cannot be cleared',
  async (bound, settings, stalled) => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk, settings)
    let full = true
    const fits = bound === 'autoCompactThreshold' ? /^open read batches/ : stalled
    disk.inject(call => full && fits.test(call), { kind: 'fail', errno: 'ENOSPC' }, 'always')
    let taken = 0
    const fillUp = async (): Promise<void> => {
      for (; taken < 300; taken++) await store.commit([put(taken)])
    }
    await expect(fillUp()).rejects.toMatchObject({
      code: 'BUSY',
      outcome: 'determinate',
      details: { bound },
      cause: { code: 'DISK_FULL' },
    })
    expect(store.status()).toMatchObject({ state: 'degraded', waitingAt: undefined })
    expect(Object.keys(await read(store, 'a:b').catch(() => ({}))).length).toBe(
      bound === 'autoCompactThreshold' ? 0 : taken,
    )
    full = false
    await fillUp()
    expect(Object.keys(await read(store, 'a:b')).length).toBe(300)
    await store.close()
  },
)

test('at autoCompactThreshold the first commit after an open waits, where the store was left beyond it', async () => {
  const disk = new SimulatedDisk()
  const filled = await openOn(disk, { bufferSize: 1, autoCompactThreshold: 0 })
  for (let value = 0; value < 6; value++) {
    await filled.commit([put(value)])
    await filled.flush()
  }
  await filled.close()
  const stall = disk.stall(/^write batches/)
  const store = await openOn(disk, { autoCompactThreshold: 1 })
  const committed = store.commit([put(6)])
  await stall.reached
  expect(store.status().waitingAt).toBe('autoCompactThreshold')
  stall.release()
  await committed
  expect(Object.keys(await read(store, 'a:b')).length).toBe(7)
  await store.close()
})

test('in mode async what is acknowledged and not written is bounded (IL-08)', async () => {
  const disk = new SimulatedDisk()
  const store = await openOn(disk, { durabilityMode: 'async' })
  const stall = disk.stall(/^write wal/)
  const [taken, waiting] = await fill(store, 'backlog', 'x'.repeat(1024 * 1024))
  expect(taken).toBe(16)
  expect(store.status().wal.pendingBytes).toBeGreaterThan(16 * 1024 * 1024)
  stall.release()
  await waiting
  await store.sync()
  expect(store.status()).toMatchObject({ waitingAt: undefined, durableLsn: 17, wal: { pendingBytes: 0 } })
  await store.close()
})

test('commits that nobody waits for are refused before they fill the memory', async () => {
  const store = await openOn(new SimulatedDisk(), { maxBufferBytes: 10_000 })
  const results = await Promise.allSettled(
    Array.from({ length: 50 }, (_, value) => store.commit([put(value)])),
  )
  const refused = results.flatMap(result => (result.status === 'rejected' ? [result.reason] : []))
  // About 600 bytes each.
  expect(refused.length).toBeGreaterThan(25)
  expect(refused.length).toBeLessThan(45)
  for (const reason of refused)
    expect(reason).toMatchObject({
      code: 'BUSY',
      outcome: 'determinate',
      details: { bound: 'maxBufferBytes', queuedBytes: expect.any(Number) },
    })
  expect(Object.keys(await read(store, 'a:b')).length).toBe(50 - refused.length)
  // One that is larger than the bound is taken when it is alone.
  await store.commit([put(99, 'x'.repeat(20_000))])
  await store.commit([put(100)])
  await store.close()
})

test('a full disk met while commits wait for the log to shrink is told, and holds nobody up for ever', async () => {
  const disk = new SimulatedDisk()
  const store = await openOn(disk, { durabilityMode: 'async', maxWalSizeBytes: 4000 })
  const written = async (): Promise<void> => {
    while (store.status().wal.pendingBytes > 0) await turn()
  }
  const batches = disk.stall(/^write batches/)
  for (let value = 0; store.status().wal.bytes < 3600; value++) {
    await store.commit([put(value, 'x'.repeat(100))])
    await written()
  }
  const first = disk.stall(/^write wal\/current.wal [0-9]/)
  await store.commit([put(100, 'x'.repeat(400))])
  await first.reached
  await store.commit([put(101)])
  // The disk is full for the second; while that is cut back, the third finds the log at its bound.
  disk.inject(/^write wal\/current.wal [0-9]/, { kind: 'cut', bytes: 5, errno: 'ENOSPC' })
  const cut = disk.stall(/^truncate wal/)
  first.release()
  await cut.reached
  const third = store.commit([put(102)])
  while (store.status().waitingAt === undefined) await turn()
  cut.release()
  await expect(third).rejects.toMatchObject({ code: 'BUSY', details: { bound: 'maxWalSizeBytes' } })
  // There is room again.
  await store.sync()
  batches.release()
  await store.close()
  const again = await openOn(disk.crash('synced'))
  const numbers = Object.keys(await read(again, 'a:b')).map(text => JSON.parse(text)[0])
  expect(numbers.slice(-2)).toEqual([100, 101])
  await again.close()
})
