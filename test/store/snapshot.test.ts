import { describe, expect, test } from 'vitest'
import { MemoryDisk } from '../../src/disk/memory-disk.ts'
import { contentsOf, openOn, read } from '../support/stores.ts'

const put = (value: number, diff = 1, shard = 'a:b') => ({ shard, data: [value], diff })

describe('a snapshot', () => {
  test('of an empty store is empty, and no time can be asked for (rules 12)', async () => {
    const store = await openOn(new MemoryDisk())
    const snapshot = await store.snapshot()
    expect(snapshot).toMatchObject({ asOf: -1, lsn: 0, shards: [] })
    expect(await contentsOf(snapshot, 'a:b')).toEqual({})
    expect(await snapshot.count('a:b')).toMatchObject({ distinct: 0, total: 0 })
    await expect(store.snapshot({ asOf: 0 })).rejects.toMatchObject({
      code: 'AS_OF_NOT_BEFORE_UPPER',
      details: { asOf: 0, upper: 0 },
    })
    await snapshot.close()
    await store.close()
  })

  test('answers as of every time since the beginning (IL-35)', async () => {
    const store = await openOn(new MemoryDisk())
    for (let time = 0; time < 6; time++) {
      await store.commit([put(time), put(100, time % 2 === 0 ? 1 : -1)])
      if (time % 2 === 1) await store.flush()
    }
    for (let time = 0; time < 6; time++) {
      const expected = Object.fromEntries(Array.from({ length: time + 1 }, (_, value) => [`[${value}]`, 1]))
      if (time % 2 === 0) expected['[100]'] = 1
      expect(await read(store, 'a:b', time), `as of ${time}`).toEqual(expected)
    }
    await store.close()
  })

  test('does not change, whatever is committed, flushed and compacted meanwhile', async () => {
    const disk = new MemoryDisk()
    const store = await openOn(disk)
    await store.commit([put(1)])
    await store.flush()
    await store.commit([put(2), put(1, -1)])
    await store.flush()
    await store.commit([put(3)])
    const snapshot = await store.snapshot()
    const before = await contentsOf(snapshot, 'a:b')
    expect(before).toEqual({ '[2]': 1, '[3]': 1 })
    await store.commit([put(4), put(2, -1)])
    await store.compact()
    expect(await contentsOf(snapshot, 'a:b')).toEqual(before)
    expect(await snapshot.count('a:b')).toMatchObject({ distinct: 2, total: 2 })
    const files = (await disk.list('batches')).length
    expect(files).toBeGreaterThan(1)
    await snapshot.close()
    await store.close()
    // The replaced batches went when their last reader did.
    expect((await disk.list('batches')).length).toBe(1)
  })

  test('holds since at its time (rules 20)', async () => {
    const store = await openOn(new MemoryDisk())
    for (let time = 0; time < 10; time++) await store.commit([put(time)])
    const snapshot = await store.snapshot({ asOf: 4 })
    const held = await store.compact({ since: 8 })
    expect(held.shards).toMatchObject([{ shard: 'a:b', since: 4 }])
    await snapshot.close()
    const free = await store.compact({ since: 8 })
    expect(free.shards).toMatchObject([{ shard: 'a:b', since: 8 }])
    await store.close()
  })

  test('rows come in the order of values', async () => {
    const store = await openOn(new MemoryDisk())
    const values = ['\uff5e', '𐀀', 'a', 3, -1, null, true, 2.5]
    await store.commit(values.map(value => ({ shard: 'a:b', data: [value], diff: 1 })))
    await store.flush()
    const found = []
    const snapshot = await store.snapshot()
    for await (const { data } of snapshot.rows('a:b')) found.push(data[0])
    expect(found).toEqual([null, true, -1, 2.5, 3, 'a', '\uff5e', '𐀀'])
    await snapshot.close()
    await store.close()
  })

  test('after close refuses to be read, and closing twice is fine', async () => {
    const store = await openOn(new MemoryDisk())
    const snapshot = await store.snapshot()
    await snapshot.close()
    await snapshot.close()
    await expect(contentsOf(snapshot, 'a:b')).rejects.toMatchObject({ code: 'CLOSED' })
    await store.close()
  })

  test('closes with its store', async () => {
    const store = await openOn(new MemoryDisk())
    await store.commit([put(1)])
    const snapshot = await store.snapshot()
    expect(store.status().snapshots).toBe(1)
    await store.close()
    await expect(snapshot.count('a:b')).rejects.toMatchObject({ code: 'CLOSED' })
    await snapshot.close()
  })

  test('a multiplicity beyond the safe integers is an error and not a rounded number, and loses nothing', async () => {
    const store = await openOn(new MemoryDisk())
    const most = Number.MAX_SAFE_INTEGER
    await store.commit([put(1, most), put(1, most), put(2, 1)])
    for (const step of [async () => {}, () => store.flush(), () => store.compact()]) {
      await step()
      await expect(read(store, 'a:b')).rejects.toMatchObject({
        code: 'DIFF_OVERFLOW',
        details: { shard: 'a:b' },
      })
    }
    await store.commit([put(1, -most)])
    await store.compact()
    expect(await read(store, 'a:b')).toEqual({ '[1]': most, '[2]': 1 })
    await store.close()
  })
})

test('integers and diffs that lie 2^52 and one apart come back from a batch', async () => {
  const store = await openOn(new MemoryDisk())
  await store.commit([
    { shard: 'a:b', data: [1, 1], diff: 1 },
    { shard: 'a:b', data: [2, -(2 ** 52)], diff: -(2 ** 52) },
  ])
  const found = { '[1,1]': 1, [`[2,${-(2 ** 52)}]`]: -(2 ** 52) }
  expect(await read(store, 'a:b')).toEqual(found)
  await store.flush()
  expect(await read(store, 'a:b')).toEqual(found)
  await store.compact()
  expect(await read(store, 'a:b')).toEqual(found)
  await store.close()
})
