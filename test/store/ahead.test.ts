// Batches that are made ahead: of what came in while the batch before was made, while that is published.
import { expect, test } from 'vitest'
import { settingsFrom } from '../../src/config/settings.ts'
import { repairStore } from '../../src/store/repair.ts'
import type { Store } from '../../src/store/store.ts'
import { SimulatedDisk } from '../simulation/disk.ts'
import { openOn, read } from '../support/stores.ts'

const SHARD = 'kg:x'
const DOCUMENT = 'shards/kg_x.json'

const put = (value: number) => ({ shard: SHARD, data: [value], diff: 1 })

const batchesOn = async (disk: SimulatedDisk): Promise<string[]> =>
  (await disk.list('batches')).map(({ name }) => name).sort()

/** Resolves when nothing goes on any more. */
const quiet = async (disk: SimulatedDisk): Promise<void> => {
  let calls = -1
  while (calls !== disk.trace.length) {
    calls = disk.trace.length
    for (let turn = 0; turn < 5; turn++) await new Promise(resolve => setImmediate(resolve))
  }
}

/**
 * A store whose first batch, of the values 0 to 2, is made and about to be published, with 3 to 7 come in meanwhile.
 * @param before what else is to be done to the disk before it is published
 */
const published = async (disk: SimulatedDisk, before: () => void): Promise<Store> => {
  const store = await openOn(disk, { bufferSize: 3, autoCompactThreshold: 0 })
  const making = disk.stall(/^write batches\/1/)
  for (let value = 0; value < 8; value++) await store.commit([put(value)])
  await making.reached
  before()
  making.release()
  return store
}

/** The same, with its first batch being published, which waits, and nothing else going on any more. */
const beingPublished = async () => {
  const disk = new SimulatedDisk()
  let publishing = disk.stall(/^never/)
  const store = await published(disk, () => {
    publishing = disk.stall(/^write shards/)
  })
  await publishing.reached
  await quiet(disk)
  return { disk, store, publishing }
}

const VALUES = Object.fromEntries(Array.from({ length: 8 }, (_, value) => [`[${value}]`, 1]))

test('the next batch is made while the one before is published, and is published after it', async () => {
  const { disk, store, publishing } = await beingPublished()
  expect(await batchesOn(disk)).toEqual(['1.parquet', '2.parquet'])
  expect(await disk.stat(DOCUMENT)).toBeUndefined()
  expect(store.status().shards).toMatchObject([{ batches: 0, buffered: 8 }])
  expect(await read(store, SHARD)).toEqual(VALUES)
  publishing.release()
  await quiet(disk)
  expect(store.status().shards).toMatchObject([{ batches: 2, rows: 8, buffered: 0 }])
  const named = disk.trace.flatMap((call, index) => (call.startsWith(`rename ${DOCUMENT}`) ? [index] : []))
  expect(named).toHaveLength(2)
  await store.close()
  for (const moment of [...named, ...named.map(each => each + 1), disk.trace.length]) {
    const again = await openOn(disk.crash('synced', {}, moment))
    expect(await read(again, SHARD)).toEqual(VALUES)
    expect(again.status()).toMatchObject({ state: 'serving' })
    await again.close()
  }
})

test('it is removed if the shard is dropped before it is published', async () => {
  const { disk, store, publishing } = await beingPublished()
  await store.drop(SHARD)
  await store.commit([put(9)])
  publishing.release()
  await quiet(disk)
  expect(await batchesOn(disk)).not.toContain('2.parquet')
  expect(await read(store, SHARD)).toEqual({ '[9]': 1 })
  await store.close()
  const again = await openOn(disk.crash('all'))
  expect(await read(again, SHARD)).toEqual({ '[9]': 1 })
  await again.close()
})

test('it is taken by the flush that follows one that failed', async () => {
  const disk = new SimulatedDisk()
  const store = await published(disk, () => {
    disk.inject(/^write shards/, { kind: 'fail', errno: 'ENOSPC' })
  })
  await quiet(disk)
  expect(store.status()).toMatchObject({ state: 'degraded', buffer: { updates: 8 } })
  expect(await read(store, SHARD)).toEqual(VALUES)
  await store.flush()
  // The first batch may be named by metadata on its way to the disk, and is made again. The second is not.
  expect(await batchesOn(disk)).toEqual(['1.parquet', '2.parquet', '3.parquet'])
  expect(store.status()).toMatchObject({ state: 'serving', shards: [{ batches: 2, rows: 8, buffered: 0 }] })
  await store.close()
  const again = await openOn(disk.crash('synced'))
  expect(await read(again, SHARD)).toEqual(VALUES)
  await again.close()
})

test('closing waits until it is made, also if nobody is left to publish it', async () => {
  const disk = new SimulatedDisk()
  let making = disk.stall(/^never/)
  const store = await published(disk, () => {
    disk.inject(/^write shards/, { kind: 'fail', errno: 'EIO' }, 'always')
    making = disk.stall(/^write batches\/2/)
  })
  await making.reached
  let isClosed = false
  const closed = store.close().then(
    () => undefined,
    (cause: unknown) => {
      isClosed = true
      return cause
    },
  )
  await quiet(disk)
  expect(isClosed).toBe(false)
  making.release()
  expect(await closed).toMatchObject({ code: 'DISK_FAILED' })
  await quiet(disk)
  const again = await openOn(disk.crash('all'))
  expect(await read(again, SHARD)).toEqual(VALUES)
  await again.close()
})

/** What is on the disk, with a shard's document damaged and mended of what is left. */
const repaired = async (disk: SimulatedDisk): Promise<SimulatedDisk> => {
  const left = disk.crash('synced')
  const document = await left.open(DOCUMENT, 'write')
  await document.write(10, new TextEncoder().encode('XX'))
  await document.sync('B7')
  await document.close()
  await repairStore(
    { path: undefined, disk: left, release: async () => {} },
    settingsFrom({}),
    false,
    () => 0,
  )
  return left
}

test('it knows the types of those before it: a document made of files alone has them all', async () => {
  const disk = new SimulatedDisk()
  const store = await openOn(disk, { bufferSize: 3, autoCompactThreshold: 0 })
  const making = disk.stall(/^write batches\/1/)
  for (const text of ['a', 'b', 'c']) await store.commit([{ shard: SHARD, data: [text], diff: 1 }])
  await making.reached
  for (let value = 3; value < 8; value++) await store.commit([put(value)])
  making.release()
  await quiet(disk)
  const before = await read(store, SHARD)
  expect(Object.keys(before)).toHaveLength(8)
  await store.close()
  const again = await openOn(await repaired(disk), { autoCompactThreshold: 0 })
  expect(await read(again, SHARD)).toEqual(before)
  expect(await again.compact()).toMatchObject({ damaged: [] })
  expect(await read(again, SHARD)).toEqual(before)
  await again.close()
})

test.each(['flush', 'close'] as const)(
  'a %s on a disk that is well again hears nothing of what went wrong before',
  async call => {
    const disk = new SimulatedDisk()
    const store = await published(disk, () => {
      disk.inject(/^write shards/, { kind: 'fail', errno: 'ENOSPC' })
      disk.inject(/^write batches\/2/, { kind: 'fail', errno: 'ENOSPC' })
    })
    await quiet(disk)
    await store[call]()
    if (call === 'flush') await store.close()
    const again = await openOn(disk.crash('synced'))
    expect(await read(again, SHARD)).toEqual(VALUES)
    await again.close()
  },
)

test('it is not made of a buffer that is dropped while the log is synced for it', async () => {
  const disk = new SimulatedDisk()
  const store = await openOn(disk, {
    bufferSize: 3,
    autoCompactThreshold: 0,
    durabilityMode: 'async',
    syncIntervalMs: 100_000,
  })
  await store.commit([put(1000)])
  await store.flush()
  const making = disk.stall(/^write batches\/2/)
  for (let value = 0; value < 3; value++) await store.commit([put(value)])
  await making.reached
  for (let value = 3; value < 8; value++) await store.commit([put(value)])
  await quiet(disk)
  const syncing = disk.stall(/^sync wal/)
  making.release()
  await syncing.reached
  await store.drop(SHARD)
  await store.commit([put(100)])
  await quiet(disk)
  syncing.release()
  await quiet(disk)
  expect(disk.trace.filter(call => call.includes('batches/3'))).toEqual([])
  expect(await read(store, SHARD)).toEqual({ '[100]': 1 })
  await store.close()
})
