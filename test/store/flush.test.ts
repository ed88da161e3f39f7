import { parquetMetadata } from 'hyparquet'
import { describe, expect, test } from 'vitest'
import type { Disk } from '../../src/disk/disk.ts'
import { MemoryDisk } from '../../src/disk/memory-disk.ts'
import { SimulatedDisk } from '../simulation/disk.ts'
import { bytesOf } from '../support/bytes.ts'
import { openOn, read } from '../support/stores.ts'

const edge = (value: number, shard = 'default:edge') => ({ shard, data: [value, value + 1], diff: 1 })

const filesIn = async (disk: Disk): Promise<string[]> => {
  const files: string[] = []
  for (const folder of ['', 'shards', 'batches', 'wal', 'quarantine'])
    for (const { name, kind } of await disk.list(folder))
      if (kind === 'file') files.push(folder === '' ? name : `${folder}/${name}`)
  return files.sort()
}

describe('a flush', () => {
  test('by a full buffer makes one batch of that many rows and empties the buffer (IL-03)', async () => {
    const disk = new MemoryDisk()
    const store = await openOn(disk, { bufferSize: 5 })
    for (let value = 0; value < 5; value++) await store.commit([edge(value)])
    await store.flush()
    expect(store.status().shards).toMatchObject([{ name: 'default:edge', batches: 1, rows: 5, buffered: 0 }])
    expect((await filesIn(disk)).filter(name => name.startsWith('batches/'))).toEqual(['batches/1.parquet'])
    await store.close()
  })

  test('makes one batch of what came in during the one before, and waits for no commit to do it', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk, { bufferSize: 3, autoCompactThreshold: 0 })
    const stall = disk.stall(/^write batches/)
    for (let value = 0; value < 8; value++) await store.commit([edge(value)])
    expect(store.status()).toMatchObject({ buffer: { updates: 8 }, waitingAt: undefined })
    stall.release()
    for (let turns = 0; turns < 1000 && store.status().buffer.updates > 0; turns++)
      await new Promise(resolve => setImmediate(resolve))
    expect(store.status().shards).toMatchObject([{ batches: 2, rows: 8, buffered: 0 }])
    await store.close()
  })

  test('on request ends, however many commits come while it runs', async () => {
    const disk = new MemoryDisk()
    const store = await openOn(disk, { bufferSize: 2, autoCompactThreshold: 0 })
    let batches = 0
    let comeIn = 100
    const rename = disk.rename.bind(disk)
    disk.rename = async (from, to) => {
      // Every batch is made while as much as is in it comes in.
      if (to.startsWith('batches/') && batches++ < comeIn) await store.commit([edge(batches), edge(-batches)])
      await rename(from, to)
    }
    await store.commit([edge(0)])
    await store.flush()
    // Its own, one that had to begin before it was done, and one that is made ahead.
    expect(batches).toBeLessThanOrEqual(3)
    comeIn = 0
    await store.close()
  })

  test('finds ids reserved: that begins while its buffer fills, and has ended when the store is closed', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk, { bufferSize: 4 })
    const opened = disk.trace.length
    await store.commit([edge(1)])
    expect(disk.trace.slice(opened).filter(call => call.includes('store.json'))).toEqual([])
    const reserving = disk.stall(/^write store/)
    await store.commit([edge(2)])
    await reserving.reached
    await store.commit([edge(3)])
    // Nothing is flushed any more, but it is waited for.
    disk.inject(/^write wal/, { kind: 'fail', errno: 'EIO' }, 'always')
    disk.inject(/^truncate wal/, { kind: 'fail', errno: 'EIO' }, 'always')
    await expect(store.commit([edge(4)])).rejects.toMatchObject({ code: 'POISONED' })
    let isClosed = false
    const closed = store.close().then(() => {
      isClosed = true
    })
    for (let turns = 0; turns < 50; turns++) await new Promise(resolve => setImmediate(resolve))
    expect(isClosed).toBe(false)
    reserving.release()
    await closed
    const again = await openOn(disk.crash('all'))
    await again.flush()
    expect((await read(again, 'default:edge'))['[3,4]']).toBe(1)
    expect(again.status().shards).toMatchObject([{ batches: 1, rows: 3 }])
    await again.close()
  })

  test('that fails once is one failure, however many wait for it', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk)
    await store.commit([edge(1)])
    disk.inject(/^write shards/, { kind: 'fail', errno: 'EIO' })
    const all = await Promise.allSettled([store.flush(), store.flush(), store.flush()])
    expect(all[0]).toMatchObject({ status: 'rejected', reason: { code: 'DISK_FAILED' } })
    expect(store.status()).not.toMatchObject({ state: 'poisoned' })
    await store.flush()
    expect(store.status()).toMatchObject({ state: 'serving', buffer: { updates: 0 } })
    await store.close()
  })

  test('that fails for one shard lets the log go of what the others have flushed', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk, { walSegmentBytes: 4096 })
    for (let value = 0; value < 100; value++) await store.commit([edge(value, 'a:a')])
    await store.commit([edge(1, 'b:b')])
    expect((await disk.list('wal')).length).toBeGreaterThan(1)
    disk.inject(/^write shards\/b_b/, { kind: 'fail', errno: 'ENOSPC' })
    await expect(store.flush()).rejects.toMatchObject({ code: 'DISK_FULL' })
    expect((await disk.list('wal')).length).toBe(1)
    await store.close()
  })

  test('reserves ids ahead once, and not again at every commit while that fails', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk, { bufferSize: 100 })
    disk.inject(/^write store/, { kind: 'fail', errno: 'EIO' }, 'always')
    const { length } = disk.trace
    for (let value = 0; value < 90; value++) {
      await store.commit([edge(value)])
      await new Promise(resolve => setImmediate(resolve))
    }
    expect(disk.trace.slice(length).filter(call => call.startsWith('write store'))).toHaveLength(1)
    await store.close().catch(() => {})
  })

  test('leaves nothing of the log to replay, and close does as well (IL-13, IL-14)', async () => {
    const disk = new MemoryDisk()
    const store = await openOn(disk)
    await store.commit([edge(1)])
    await store.flush()
    expect(store.status().wal).toMatchObject({ start: 2, segments: 1 })
    await store.commit([edge(2)])
    await store.close()
    const again = await openOn(disk)
    expect(again.status().recovery).toMatchObject({ total: 0, applied: 0, skipped: 0, batches: 2 })
    expect(await read(again, 'default:edge')).toEqual({ '[1,2]': 1, '[2,3]': 1 })
    await again.close()
  })

  test('of one shard does not touch what the log holds of another (IL-18)', async () => {
    const disk = new MemoryDisk()
    const store = await openOn(disk, { bufferSize: 2 })
    await store.commit([edge(1, 'a:b')])
    await store.commit([edge(1), edge(2)])
    // The full buffer of default:edge is flushed behind our back; a flush would join in, so look at the log instead.
    expect(store.status().wal.start).toBe(1)
    expect(await read(store, 'a:b')).toEqual({ '[1,2]': 1 })
    await store.close()
  })

  test('whose updates cancel out leaves no batch, and still moves the fence', async () => {
    const disk = new MemoryDisk()
    const store = await openOn(disk)
    await store.commit([edge(1), { ...edge(1), diff: -1 }])
    const { buffers } = await store.flush()
    expect(buffers).toEqual([{ shard: 'default:edge', updates: 2, rows: 0, bytes: 0 }])
    expect(await filesIn(disk)).toEqual(['shards/default_edge.json', 'store.json', 'wal/current.wal'])
    await store.close()
    const again = await openOn(disk)
    expect(again.status()).toMatchObject({ upper: 1, lsn: 1, recovery: { total: 0 } })
    await again.close()
  })

  test('with nothing to flush writes nothing', async () => {
    const disk = new MemoryDisk()
    const store = await openOn(disk)
    await store.commit([edge(1)])
    await store.flush()
    const before = await filesIn(disk)
    const wal = store.status().wal
    expect((await store.flush()).buffers).toEqual([])
    expect(await filesIn(disk)).toEqual(before)
    expect(store.status().wal).toEqual(wal)
    await store.close()
  })

  test('the log stays within its bound, and everything is there (IL-43)', async () => {
    const disk = new MemoryDisk()
    const bound = 4000
    const store = await openOn(disk, { maxWalSizeBytes: bound, walSegmentBytes: 1000, bufferSize: 1_000_000 })
    const line = 200
    for (let value = 0; value < 200; value++) {
      await store.commit([edge(value, value % 10 === 0 ? 'cold:shard' : 'default:edge')])
      expect(store.status().wal.bytes).toBeLessThan(bound + line)
    }
    expect(Object.keys(await read(store, 'default:edge')).length).toBe(180)
    expect(Object.keys(await read(store, 'cold:shard')).length).toBe(20)
    await store.close()
    const again = await openOn(disk)
    expect(Object.keys(await read(again, 'default:edge')).length).toBe(180)
    await again.close()
  })

  test('column types widen from batch to batch and nothing is lost (IL-17)', async () => {
    const disk = new MemoryDisk()
    const store = await openOn(disk)
    const values = [null, 1, 2 ** 40, 2n ** 62n, 'text', 1.5]
    for (const value of values) {
      await store.commit([{ shard: 'a:b', data: [value], diff: 1 }])
      await store.flush()
    }
    const expected = {
      null: 1,
      '1': 1,
      '1099511627776': 1,
      '{"i":"4611686018427387904"}': 1,
      '"text"': 1,
      '1.5': 1,
    }
    const contents = await read(store, 'a:b')
    expect(contents).toEqual(
      Object.fromEntries(Object.entries(expected).map(([key, diff]) => [`[${key}]`, diff])),
    )
    await store.compact()
    expect(await read(store, 'a:b')).toEqual(contents)
    await store.close()
  })
})

describe('the directory after a small session', () => {
  test('is what docs/format.md says (IL-05)', async () => {
    const disk = new MemoryDisk()
    const store = await openOn(disk)
    await store.commit([edge(1), edge(1, 'default:node')])
    await store.close()
    expect(await filesIn(disk)).toEqual([
      'batches/1.parquet',
      'batches/2.parquet',
      'shards/default_edge.json',
      'shards/default_node.json',
      'store.json',
      'wal/current.wal',
    ])
  })
})

describe('a batch says what it is', () => {
  const identityOf = async (disk: Disk, path: string): Promise<unknown> => {
    const bytes = new Uint8Array(await bytesOf(disk, path))
    const { key_value_metadata } = parquetMetadata(bytes.buffer)
    return JSON.parse(key_value_metadata!.find(({ key }) => key === 'varve')!.value!)
  }

  test('so that its shard can be put together again without the document (IL-31)', async () => {
    const disk = new MemoryDisk()
    const store = await openOn(disk)
    await store.declare('a:b', [
      { name: 'x', type: 'int64' },
      { name: 'y', type: 'any' },
    ])
    for (let value = 0; value < 3; value++)
      await store.commit([{ shard: 'a:b', data: [value, 'y'], diff: 1 }])
    await store.flush()
    const { id } = JSON.parse(String(await bytesOf(disk, 'store.json')))
    const parts = ['boolean', 'int64', 'float64', 'timestamp', 'string', 'bytes', 'vector']
    const identity = {
      format: 1,
      shard: 'a:b',
      store: id,
      firstLsn: 1,
      lsnLower: 1,
      lsnUpper: 4,
      since: 0,
      columns: [
        { name: 'x', type: 'int64', declared: true },
        { name: 'y', type: 'any', declared: true, parts },
      ],
    }
    expect(await identityOf(disk, 'batches/1.parquet')).toEqual(identity)
    await store.commit([{ shard: 'a:b', data: [3, 'y'], diff: 1 }])
    await store.compact({ since: 2 })
    expect(await identityOf(disk, 'batches/3.parquet')).toEqual({ ...identity, lsnUpper: 5, since: 2 })
    await store.close()
  })
})
