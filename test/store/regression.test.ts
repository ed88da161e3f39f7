// Holes that a review found: each lost, doubled or refused something once.
import { describe, expect, test, vi } from 'vitest'
import { MemoryDisk } from '../../src/disk/memory-disk.ts'
import { decodeDocument, encodeDocument } from '../../src/shard/document.ts'
import { encodeLine } from '../../src/wal/record.ts'
import { readSegment } from '../../src/wal/segment.ts'
import { SimulatedDisk } from '../simulation/disk.ts'
import { bytesOf, copyOnto, flip, leftBy, put } from '../support/bytes.ts'
import { openOn, read } from '../support/stores.ts'

const edge = (value: number, shard = 'a:b') => ({ shard, data: [value], diff: 1 })

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

describe('sealing', () => {
  test('two flushes at once, with a commit between, never seal an empty segment', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk)
    await store.commit([edge(1)])
    const stall = disk.stall(/^sync wal/)
    const committed = store.commit([edge(2)])
    await stall.reached
    const flushes = [store.flush(), store.flush(), store.compact()]
    stall.release()
    await Promise.all([committed, ...flushes])
    await store.commit([edge(3)])
    await Promise.all([store.flush(), store.flush()])
    expect((await disk.list('wal')).map(({ name }) => name)).toEqual(['current.wal'])
    await store.close()
    const again = await openOn(disk.crash('synced'))
    expect(await read(again, 'a:b')).toEqual({ '[1]': 1, '[2]': 1, '[3]': 1 })
    await again.close()
  })

  test('a group in which every commit is refused seals nothing', async () => {
    const disk = new MemoryDisk()
    const store = await openOn(disk, { walSegmentBytes: 1 })
    await store.commit([edge(1)], { time: 5 })
    await store.sync()
    const before = (await disk.list('wal')).length
    for (let attempt = 0; attempt < 3; attempt++)
      await expect(store.commit([edge(2)], { time: 1 })).rejects.toMatchObject({ code: 'TIME_BEFORE_UPPER' })
    expect((await disk.list('wal')).length).toBe(before)
    await store.close()
  })

  test.each(['immediate', 'async'] as const)(
    'on a full disk keeps the segment in use and loses nothing (%s)',
    async mode => {
      const disk = new SimulatedDisk()
      const store = await openOn(disk, { durabilityMode: mode, walSegmentBytes: 200 })
      let full = true
      disk.inject(
        call => full && /^write wal\/current\.wal\.tmp/.test(call),
        { kind: 'fail', errno: 'ENOSPC' },
        'always',
      )
      for (let value = 0; value < 10; value++) await store.commit([edge(value)])
      await store.sync()
      expect(store.status()).toMatchObject({ state: 'degraded', wal: { segments: 1 }, durableLsn: 10 })
      full = false
      await store.commit([edge(10)])
      await store.sync()
      while (store.status().wal.segments < 2) await turn()
      expect(store.status().state).toBe('serving')
      await store.close()
      const again = await openOn(disk.crash('synced'))
      expect(Object.keys(await read(again, 'a:b')).length).toBe(11)
      await again.close()
    },
  )
})

describe('async on a full disk', () => {
  test('flushes that wait for it do not count as failures: what was acknowledged is there when it has room', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk, { durabilityMode: 'async' })
    let full = true
    disk.inject(call => full && call.startsWith('write wal'), { kind: 'fail', errno: 'ENOSPC' }, 'always')
    await store.commit([edge(1)])
    for (let attempt = 0; attempt < 4; attempt++)
      await expect(store.flush()).rejects.toMatchObject({
        code: 'BUSY',
        cause: { cause: { code: 'DISK_FULL' } },
      })
    full = false
    await store.flush()
    expect(store.status().state).toBe('serving')
    await store.close()
    const again = await openOn(disk.crash('synced'))
    expect(await read(again, 'a:b')).toEqual({ '[1]': 1 })
    await again.close()
  })

  test('a commit that comes just as the last one was written is written too', async () => {
    for (let delay = 0; delay < 60; delay++) {
      const store = await openOn(new MemoryDisk(), { durabilityMode: 'async', walSegmentBytes: 1 })
      await store.commit([edge(1)])
      for (let step = 0; step < delay; step++) await Promise.resolve()
      const second = store.commit([edge(2)])
      await second
      for (let each = 0; each < 20; each++) await turn()
      expect(store.status().wal.pendingBytes, `delay ${delay}`).toBe(0)
      await store.sync()
      await store.close()
    }
  })
})

describe('what is said of a commit', () => {
  test('store.json never says an upper that is not durable (rules 1)', async () => {
    for (const durabilityMode of ['batched', 'async'] as const) {
      const disk = new SimulatedDisk()
      const settings = { durabilityMode, syncIntervalMs: 1_000_000, bufferSize: 10, walSegmentBytes: 300 }
      const store = await openOn(disk, settings)
      for (let value = 0; value < 50; value++) await store.commit([edge(value)])
      await store.flush()
      await store.commit([edge(50)], { time: 60 })
      // A flush of another shard raises walStart; what only the log has may still be lost.
      disk.stop()
      const again = await openOn(disk.crash('synced'), settings)
      expect(again.status().upper).toBe(50)
      expect(await again.commit([edge(50)], { time: 55 })).toMatchObject({ lsn: 51 })
      await again.close()
    }
  })

  test('one that was written before the log failed may have happened', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk, { durabilityMode: 'batched', syncIntervalMs: 1_000_000 })
    const { durable: first } = await store.commit([edge(1)])
    await first
    const second = await store.commit([edge(2)])
    disk.inject(/^sync wal/, { kind: 'fail', errno: 'EIO' })
    await expect(store.sync()).rejects.toMatchObject({ code: 'LOG_SYNC_FAILED', outcome: 'indeterminate' })
    await expect(second.durable).rejects.toMatchObject({ code: 'POISONED', outcome: 'indeterminate' })
    await expect(store.close()).rejects.toMatchObject({ code: 'POISONED', outcome: 'indeterminate' })
  })

  test('the id of an old commit is answered whatever becomes of the group', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk)
    await store.commit([edge(1)], { id: 'old' })
    disk.inject(/^write wal/, { kind: 'fail', errno: 'EIO' })
    const [repeat, fresh] = await Promise.allSettled([
      store.commit([edge(1)], { id: 'old' }),
      store.commit([edge(2)]),
    ])
    expect(repeat).toMatchObject({ status: 'fulfilled', value: { lsn: 1 } })
    expect(fresh).toMatchObject({ status: 'rejected', reason: { code: 'LOG_WRITE_FAILED' } })
    await store.close()
  })
})

describe('after mode none (rules 7)', () => {
  test('the next session syncs what the last did not', async () => {
    const disk = new SimulatedDisk()
    const first = await openOn(disk, { durabilityMode: 'none' })
    await first.commit([edge(1)])
    await first.close()
    const second = await openOn(disk)
    await second.commit([edge(2)])
    disk.stop()
    const third = await openOn(disk.crash('synced'))
    expect(await read(third, 'a:b')).toEqual({ '[1]': 1, '[2]': 1 })
    await third.close()
  })
})

describe('a damaged shard does not get in the way of the others (rules 14)', () => {
  test('what is kept for it does not count against the bound of the log, and is reported', async () => {
    const disk = new MemoryDisk()
    const settings = { maxWalSizeBytes: 4000, walSegmentBytes: 1000 }
    const store = await openOn(disk, settings)
    await store.commit([edge(1), edge(1, 'c:d')])
    await store.flush()
    await store.close()
    await flip(disk, 'shards/a_b.json', 30)
    const isolated = await openOn(disk, settings)
    for (let value = 0; value < 200; value++) await isolated.commit([edge(value, 'c:d')])
    const { wal, shards } = isolated.status()
    expect(wal.keptBytes).toBeGreaterThan(settings.maxWalSizeBytes)
    expect(wal.bytes - wal.keptBytes).toBeLessThan(settings.maxWalSizeBytes)
    expect(shards.find(({ name }) => name === 'c:d')!.batches).toBeLessThan(20)
    await isolated.close()
  })
})

describe('bounds', () => {
  test('a small log does not make a batch of every few commits', async () => {
    const store = await openOn(new MemoryDisk(), { maxWalSizeBytes: 100_000 })
    for (let value = 0; value < 800; value++) await store.commit([edge(value)])
    expect(store.status().shards[0]!.batches).toBeLessThan(5)
    await store.close()
  })

  test('buffers that take too much memory are flushed together', async () => {
    const store = await openOn(new MemoryDisk(), { maxBufferBytes: 100_000 })
    for (let value = 0; value < 40; value++)
      await store.commit([{ shard: `a:${value}`, data: ['x'.repeat(10_000), value], diff: 1 }])
    const { shards, buffer } = store.status()
    expect(shards.filter(({ batches }) => batches > 0).length).toBeGreaterThanOrEqual(10)
    expect(buffer.updates).toBeLessThan(30)
    await store.close()
  })

  test('one shard that cannot be flushed does not keep the others from it, nor poisons by itself', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk)
    for (const shard of ['a:1', 'a:2', 'a:3']) await store.commit([edge(1, shard)])
    disk.inject(/^rename batches\/[123]/, { kind: 'fail', errno: 'EIO' })
    await expect(store.flush()).rejects.toMatchObject({ code: 'DISK_FAILED' })
    expect(
      store
        .status()
        .shards.map(({ batches }) => batches)
        .sort(),
    ).toEqual([0, 1, 1])
    await store.flush()
    expect(store.status().state).toBe('serving')
    await store.close()
  })

  test('looking for what was durable behind damage takes one pass', () => {
    const text = Buffer.concat([
      encodeLine('{"varve":1,"store":"s","epoch":0,"generation":1,"firstLsn":1,"upper":0}'),
      Buffer.from('broken\n'),
      ...Array.from({ length: 20_000 }, () => Buffer.from('not a line, and no zero in it\n')),
    ])
    const bytes = new Uint8Array(text)
    const lastIndexOf = vi.spyOn(Uint8Array.prototype, 'lastIndexOf')
    let seen = 0
    lastIndexOf.mockImplementation(function (this: Uint8Array) {
      seen += this.length
      return -1
    })
    expect(readSegment('wal/current.wal', bytes, undefined).damage).toMatchObject({ lsn: 1 })
    lastIndexOf.mockRestore()
    expect(seen).toBeGreaterThan(0)
    expect(seen).toBeLessThanOrEqual(bytes.length)
  })
})

describe('closing', () => {
  test('lets the directory go even if the log cannot be closed', async () => {
    const disk = new SimulatedDisk()
    const { openEngine } = await import('../../src/store/open-engine.ts')
    let released = false
    const release = async (): Promise<void> => {
      released = true
    }
    const engine = await openEngine({ path: undefined, disk, release })
    disk.inject(/^close wal/, { kind: 'fail', errno: 'EIO' }, 'always')
    await expect(engine.close()).rejects.toMatchObject({ code: 'DISK_FAILED' })
    expect(released).toBe(true)
  })

  test('of a snapshot while it is read is told as such, and is no damage', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk)
    await store.commit([edge(1)])
    await store.flush()
    await store.commit([edge(2)])
    await store.flush()
    const snapshot = await store.snapshot()
    const stall = disk.stall(/^open read batches/)
    const counting = snapshot.count('a:b')
    await stall.reached
    await store.compact()
    await snapshot.close()
    stall.release()
    await expect(counting).rejects.toMatchObject({ code: 'CLOSED' })
    await store.close()
  })
})

describe('batch ids (rules 16)', () => {
  test('are reserved in blocks, and never used again, not even after a crash', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk)
    await store.commit([edge(1)])
    await store.flush()
    expect(decodeDocument(await bytesOf(disk, 'store.json'), 'store.json', 'STORE_CORRUPT').nextBatch).toBe(
      1025,
    )
    disk.stop()
    const next = disk.crash('all')
    const again = await openOn(next)
    await again.commit([edge(2)])
    await again.flush()
    expect((await next.list('batches')).map(({ name }) => name)).toEqual(['1.parquet', '1025.parquet'])
    await again.close()
  })

  test('retired files that a crash left are removed on open, never put into quarantine', async () => {
    const disk = new MemoryDisk()
    const store = await openOn(disk)
    await store.commit([edge(1)])
    await store.flush()
    const files = await leftBy(disk)
    await store.close()
    const fields = decodeDocument(Buffer.from(files['shards/a_b.json']!, 'latin1'), 'x', 'METADATA_CORRUPT')
    const copy = new MemoryDisk()
    await copyOnto(files, copy)
    await put(copy, 'batches/7.parquet', 'replaced')
    await put(copy, 'shards/a_b.json', encodeDocument({ ...fields, retired: ['7'] }))
    const again = await openOn(copy)
    expect(again.status().recovery.quarantined).toEqual([])
    expect((await copy.list('batches')).map(({ name }) => name)).toEqual(['1.parquet'])
    await again.close()
    const document = decodeDocument(await bytesOf(copy, 'shards/a_b.json'), 'x', 'METADATA_CORRUPT')
    expect(document.retired).toEqual([])
  })
})
