import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { MemoryDisk } from '../../src/disk/memory-disk.ts'
import { SimulatedDisk } from '../simulation/disk.ts'
import { Model } from '../support/model.ts'
import { openOn, read } from '../support/stores.ts'

const put = (value: number, diff = 1, shard = 'a:b') => ({ shard, data: [value], diff })

describe('a compaction', () => {
  test('leaves one batch, one row for each tuple and time, and no log to replay (IL-21)', async () => {
    const disk = new MemoryDisk()
    const store = await openOn(disk)
    for (let round = 0; round < 4; round++) {
      await store.commit([put(1), put(round + 10)])
      await store.flush()
    }
    await store.commit([put(99)])
    const report = await store.compact()
    expect(report.shards).toMatchObject([
      { shard: 'a:b', batchesBefore: 5, batchesAfter: 1, rowsBefore: 9, rowsAfter: 9, since: 0 },
    ])
    expect(store.status().wal.start).toBe(6)
    expect((await disk.list('batches')).map(({ name }) => name)).toEqual(['6.parquet'])
    await store.close()
    const again = await openOn(disk)
    expect(again.status().recovery).toMatchObject({ total: 0, batches: 1 })
    await again.close()
  })

  test('keeps since unless it is asked to advance it, and then never drops what is old (rules 20, IL-20)', async () => {
    const store = await openOn(new MemoryDisk())
    for (let time = 0; time < 5; time++) await store.commit([put(7, time % 2 === 0 ? 1 : -1), put(time)])
    await store.compact()
    expect(await read(store, 'a:b', 0)).toEqual({ '[0]': 1, '[7]': 1 })
    const report = await store.compact({ since: 4 })
    // Nine updates of which five tuples are left, at one time; the tuple that came and went took its rows along.
    expect(report.shards).toMatchObject([{ rowsBefore: 10, rowsAfter: 6, since: 4 }])
    await expect(read(store, 'a:b', 3)).rejects.toMatchObject({
      code: 'AS_OF_BEFORE_SINCE',
      details: { asOf: 3, since: 4, shard: 'a:b' },
    })
    expect(await read(store, 'a:b', 4)).toEqual({
      '[0]': 1,
      '[1]': 1,
      '[2]': 1,
      '[3]': 1,
      '[4]': 1,
      '[7]': 1,
    })
    // since never goes back.
    expect((await store.compact({ since: 1 })).shards).toEqual([])
    expect(store.status().shards).toMatchObject([{ since: 4, upper: 5 }])
    await store.close()
  })

  test('a snapshot that is opened while since is on its way holds nothing before it, and one from before does', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk, { autoCompactThreshold: 0 })
    for (let time = 0; time < 5; time++) {
      await store.commit([put(time)])
      await store.flush()
    }
    const held = await store.snapshot({ asOf: 2 })
    const stall = disk.stall(/^read batches\/1/)
    const compacting = store.compact({ since: 4 })
    await stall.reached
    // Holds let it go to 2: what could still be read before would be gone a moment later.
    await expect(read(store, 'a:b', 1)).rejects.toMatchObject({
      code: 'AS_OF_BEFORE_SINCE',
      details: { since: 2 },
    })
    const late = await store.snapshot({ asOf: 2 })
    await held.close()
    stall.release()
    expect((await compacting).shards).toMatchObject([{ since: 2 }])
    const now = await store.snapshot()
    const changed: unknown[] = []
    for await (const { data } of now.changes('a:b', { from: late.asOf })) changed.push(data)
    expect(changed).toEqual([[3], [4]])
    await store.close()
  })

  test('goes in rounds where memory does not hold a row group of each batch, and writes each row few times (IL-38)', async () => {
    const disk = new MemoryDisk()
    // A quarter of it is for the inputs of a merge: less than one row group, so two at a time.
    const store = await openOn(disk, { maxBufferBytes: 1, autoCompactThreshold: 0 })
    const all: Record<string, number> = {}
    for (let value = 0; value < 8; value++) {
      await store.commit([put(value)])
      await store.flush()
      all[`[${value}]`] = 1
    }
    const progress = vi.fn()
    const report = await store.compact({ progress })
    expect(report.shards).toEqual([
      expect.objectContaining({ batchesBefore: 8, batchesAfter: 1, rowsBefore: 8, rowsAfter: 8 }),
    ])
    expect(await read(store, 'a:b')).toEqual(all)
    // Four merges of two, two of those, one of these: ids 9 to 15, and nothing is read more than three times.
    expect((await disk.list('batches')).map(({ name }) => name)).toEqual(['15.parquet'])
    expect(progress.mock.calls.length).toBe(8 + 4 + 2)
    expect(progress.mock.calls.every(([done, total]) => done <= total && total === 8)).toBe(true)
    await store.close()
  })

  test('of which only since moves says what the shard has, before and after', async () => {
    const store = await openOn(new MemoryDisk())
    await store.commit([put(1), put(2)], { time: 5 })
    await store.compact()
    const { bytes } = store.status().shards[0]!
    expect((await store.compact({ since: 4 })).shards).toMatchObject([
      {
        since: 4,
        batchesBefore: 1,
        batchesAfter: 1,
        rowsBefore: 2,
        rowsAfter: 2,
        bytesBefore: bytes,
        bytesAfter: bytes,
      },
    ])
    await store.close()
  })

  test('since must lie below upper, and be a time', async () => {
    const store = await openOn(new MemoryDisk())
    await store.commit([put(1)], { time: 5 })
    await expect(store.compact({ since: 6 })).rejects.toMatchObject({
      code: 'SINCE_NOT_BEFORE_UPPER',
      details: { since: 6, upper: 6 },
    })
    await expect(store.compact({ since: -1 })).rejects.toMatchObject({ code: 'TIME_INVALID' })
    expect(store.status().shards).toMatchObject([{ since: 0 }])
    await store.close()
  })

  test('with nothing to do writes nothing', async () => {
    const disk = new MemoryDisk()
    const store = await openOn(disk)
    await store.commit([put(1)])
    await store.compact()
    const before = await disk.list('batches')
    expect((await store.compact()).shards).toEqual([])
    expect(await disk.list('batches')).toEqual(before)
    await store.close()
  })

  test('history that cancels is given back: ten updates of each tuple become one row (IL-34)', async () => {
    const store = await openOn(new MemoryDisk())
    const tuples = 2000
    for (let round = 0; round < 10; round++) {
      const diff = round % 2 === 0 ? 1 : -1
      await store.commit(Array.from({ length: tuples }, (_, value) => put(value, round === 9 ? 1 : diff)))
      await store.flush()
    }
    const { shards } = await store.compact({ since: 9 })
    expect(shards).toMatchObject([{ rowsBefore: 10 * tuples, rowsAfter: tuples }])
    const single = await openOn(new MemoryDisk())
    await single.commit(Array.from({ length: tuples }, (_, value) => put(value, 2)))
    await single.flush()
    expect(shards[0]!.bytesAfter).toBeLessThanOrEqual(single.status().shards[0]!.bytes * 1.2)
    await single.close()
    await store.close()
  })

  test('commits, flushes and reads go on while it runs', async () => {
    const store = await openOn(new MemoryDisk(), { bufferSize: 50 })
    for (let value = 0; value < 500; value++) await store.commit([put(value)])
    const compaction = store.compact({ since: 100 })
    for (let value = 500; value < 700; value++) await store.commit([put(value)])
    await compaction
    expect(Object.keys(await read(store, 'a:b')).length).toBe(700)
    await store.close()
  })
})

describe('for every time from since on the answer stays the same', () => {
  // IL-01, IL-20, IL-35: random histories, through flushes, compactions and restarts, against a list of updates.
  test('random histories', async () => {
    const step = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({
          do: fc.constant('commit' as const),
          values: fc.array(
            fc.tuple(fc.nat(5), fc.constantFrom(-2, -1, 1, 3), fc.constantFrom('a:b', 'c:d'), fc.nat(2)),
            { minLength: 1, maxLength: 6 },
          ),
        }),
      },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('flush' as const) }) },
      {
        weight: 2,
        arbitrary: fc.record({ do: fc.constant('compact' as const), back: fc.option(fc.nat(4)) }),
      },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('reopen' as const) }) },
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 14 }),
        fc.integer({ min: 1, max: 8 }),
        async (steps, bufferSize) => {
          const disk = new MemoryDisk()
          const model = new Model()
          let store = await openOn(disk, { bufferSize })
          const since: Record<string, number> = { 'a:b': 0, 'c:d': 0 }
          for (const each of steps) {
            if (each.do === 'commit') {
              const updates = each.values.map(([value, diff, shard, later]) => ({
                ...put(value, diff, shard),
                time: model.upper + later,
              }))
              await store.commit(updates)
              model.commit(updates, 0)
            } else if (each.do === 'flush') await store.flush()
            else if (each.do === 'reopen') {
              await store.close()
              store = await openOn(disk, { bufferSize })
            } else {
              const to = each.back === null ? undefined : model.upper - 1 - each.back
              if (to !== undefined && to < 0) continue
              await store.compact(to === undefined ? {} : { since: to })
              for (const { name, since: now } of store.status().shards) {
                expect(now).toBe(Math.max(since[name]!, to ?? 0))
                since[name] = now
              }
            }
          }
          for (const shard of ['a:b', 'c:d'])
            for (let asOf = since[shard]!; asOf < model.upper; asOf++)
              expect(await read(store, shard, asOf), `${shard} as of ${asOf}`).toEqual(
                model.read(shard, asOf),
              )
          await store.close()
        },
      ),
      { numRuns: 150 },
    )
  })
})

describe('closing', () => {
  test('waits for a compaction that was asked for: nothing is done to a directory that is let go', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk, { autoCompactThreshold: 0 })
    const both = (value: number) => [put(value), put(value, 1, 'c:d')]
    for (let value = 0; value < 3; value++) {
      await store.commit(both(value))
      await store.flush()
    }
    const snapshot = await store.snapshot()
    await store.compact()
    await store.commit(both(9))
    const written = disk.stall(/^write batches/)
    const removed = disk.stall(/^remove batches/)
    const ends: string[] = []
    const compacted = store.compact().then(() => ends.push('compacted'))
    await written.reached
    // What it replaced before can go: behind the flush, and before what the flush looks for once more.
    await snapshot.close()
    written.release()
    await removed.reached
    const closed = store.close().then(() => ends.push(`closed, ${disk.trace.length} calls`))
    for (let turns = 0; turns < 20; turns++) await new Promise(resolve => setImmediate(resolve))
    removed.release()
    await Promise.all([compacted, closed])
    for (let turns = 0; turns < 50; turns++) await new Promise(resolve => setImmediate(resolve))
    expect(ends).toEqual(['compacted', `closed, ${disk.trace.length} calls`])
  })
})

test('a compaction that fails gives up no history', async () => {
  const disk = new SimulatedDisk()
  const store = await openOn(disk)
  for (let time = 0; time < 5; time++) await store.commit([put(time)])
  await store.flush()
  disk.inject(/^write batches/, { kind: 'fail', errno: 'ENOSPC' })
  await expect(store.compact({ since: 3 })).rejects.toMatchObject({ code: 'DISK_FULL' })
  expect(store.status().shards).toMatchObject([{ since: 0 }])
  expect(await read(store, 'a:b', 1)).toEqual({ '[0]': 1, '[1]': 1 })
  await store.compact({ since: 3 })
  await expect(read(store, 'a:b', 1)).rejects.toMatchObject({ code: 'AS_OF_BEFORE_SINCE' })
  await store.close()
})
