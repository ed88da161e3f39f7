// Dropping shards: IL-48, IL-18; rules 14, 16, 17.
import { describe, expect, test } from 'vitest'
import { type DurabilityMode, type Settings, settingsFrom } from '../../src/config/settings.ts'
import type { Disk } from '../../src/disk/disk.ts'
import { readWhole, replaceFile } from '../../src/disk/replace.ts'
import { GrowingColumns } from '../../src/model/columns.ts'
import { verify } from '../../src/recovery/verify.ts'
import { openEngine } from '../../src/store/open-engine.ts'
import type { Store } from '../../src/store/store.ts'
import { encodeLine } from '../../src/wal/record.ts'
import type { CrashModel } from '../simulation/crash-model.ts'
import { SimulatedDisk } from '../simulation/disk.ts'
import { LONG } from '../support/long.ts'
import { type Contents, contentsOf, openOn, read } from '../support/stores.ts'

const X = 'kg:x'
const Y = 'kg:y'
const OTHER = 'default:kept'

const put = (shard: string, ...data: number[]) => ({ shard, data, diff: 1 })

const namesIn = async (disk: Disk, folder: string): Promise<string[]> =>
  (await disk.list(folder)).map(({ name }) => name).sort()

const json = async (disk: Disk, path: string): Promise<Record<string, unknown>> => {
  const file = await disk.open(path, 'read')
  try {
    return JSON.parse(new TextDecoder().decode(await file.read(0, await file.size())))
  } finally {
    await file.close()
  }
}

const listed = async (disk: Disk): Promise<string[]> =>
  ((await json(disk, 'store.json')).shards as { name: string }[]).map(({ name }) => name)

/** What is there, by shard. */
const contents = async (store: Store): Promise<Record<string, Contents>> => {
  const snapshot = await store.snapshot()
  try {
    const found: Record<string, Contents> = {}
    for (const shard of snapshot.shards) found[shard] = await contentsOf(snapshot, shard)
    return found
  } finally {
    await snapshot.close()
  }
}

/** Resolves when nothing goes on any more. */
const quiet = async (disk: SimulatedDisk): Promise<void> => {
  let calls = -1
  while (calls !== disk.trace.length) {
    calls = disk.trace.length
    for (let turn = 0; turn < 5; turn++) await new Promise(resolve => setImmediate(resolve))
  }
}

const copy = async (disk: Disk, from: string, to: string): Promise<void> =>
  replaceFile(disk, to, await readWhole(disk, from, 100_000), { content: 'B7', name: 'B8' })

const codeOf = (promise: Promise<unknown>): Promise<unknown> => promise.then(undefined, error => error)

describe('a drop', () => {
  test('is one commit: the shards are gone together, the clock stands still, the others stay (IL-48, IL-18)', async () => {
    await using store = await openOn(new SimulatedDisk())
    await store.commit([put(X, 1), put(Y, 2), put(OTHER, 3)])
    const { upper } = store
    expect(await store.drop([X, Y, X])).toMatchObject({ lsn: 2, time: 0 })
    expect(store.upper).toBe(upper)
    expect(store.status().shards.map(({ name }) => name)).toEqual([OTHER])
    const snapshot = await store.snapshot()
    expect(snapshot.shards).toEqual([OTHER])
    // As of a shard that never was.
    expect(await contentsOf(snapshot, X)).toEqual({})
    expect(snapshot.columns(X)).toEqual(snapshot.columns('kg:never'))
    expect(await read(store, OTHER)).toEqual({ '[3]': 1 })
    await snapshot.close()
  })

  test('the name can be used again at once, with other columns and with facts', async () => {
    await using store = await openOn(new SimulatedDisk())
    await store.declare(X, [{ name: 'a', type: 'string' }])
    await store.insert(X, [['one'], ['two']])
    await store.flush()
    await store.drop(X)
    expect(await store.insert(X, [[1, 2]])).toMatchObject({ count: 1, lsn: 4 })
    expect(await store.insert(X, [[1, 2]])).toMatchObject({ count: 0 })
    expect(await contents(store)).toEqual({ [X]: { '[1,2]': 1 } })
    await store.drop(X)
    await store.declare(X, [{ name: 'b', type: 'float64' }])
    await store.commit([put(X, 7)])
    await store.flush()
    expect(await contents(store)).toEqual({ [X]: { '[7]': 1 } })
    expect(store.status().shards).toMatchObject([{ name: X, batches: 1, rows: 1, buffered: 0 }])
  })

  test.each([
    [[], 'UPDATE_INVALID', 'shards'],
    [7, 'UPDATE_INVALID', 'shards'],
    ['', 'SHARD_NAME_INVALID', 'shards[0]'],
    [[X, 3], 'SHARD_NAME_INVALID', 'shards[1]'],
    [[X, 'kg:never'], 'SHARD_UNKNOWN', 'shards[1]'],
    ['__proto__', 'SHARD_UNKNOWN', 'shards[0]'],
  ])('of %j is refused, and nothing happened', async (shards, code, place) => {
    await using store = await openOn(new SimulatedDisk())
    await store.commit([put(X, 1)])
    await expect(store.drop(shards as string[])).rejects.toMatchObject({
      name: 'InputError',
      code,
      details: { place },
    })
    expect(await contents(store)).toEqual({ [X]: { '[1]': 1 } })
    expect(store.status().lsn).toBe(1)
  })

  test('twice: the second finds nothing', async () => {
    await using store = await openOn(new SimulatedDisk())
    await store.commit([put(X, 1)])
    const drops = [store.drop(X), store.drop(X)]
    await drops[0]
    await expect(drops[1]).rejects.toMatchObject({ code: 'SHARD_UNKNOWN', details: { shard: X } })
  })

  test('a group holds commits before and after it, each to its own shard (group commit)', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk)
    await store.insert(X, [[1], [2]])
    const made = [
      store.commit([put(X, 3)]),
      codeOf(store.commit([put(X, 4, 4)])),
      store.drop(X),
      // Looked up before the drop, decided after it: all of it is to be logged.
      store.insert(X, [[1]]),
      store.commit([put(X, 5)]),
      codeOf(store.commit([put(X, 6, 6)])),
    ]
    expect(await Promise.all(made)).toMatchObject([
      { lsn: 2 },
      { code: 'ARITY_MISMATCH' },
      { lsn: 3 },
      { count: 1 },
      { lsn: 4 },
      { code: 'ARITY_MISMATCH' },
    ])
    expect(await contents(store)).toEqual({ [X]: { '[1]': 1, '[5]': 1 } })
    disk.stop()
    const again = await openOn(disk.crash('synced'))
    expect(await contents(again)).toEqual({ [X]: { '[1]': 1, '[5]': 1 } })
    await again.close()
  })

  test('a shard that comes and goes in one group leaves nothing for what follows', async () => {
    const disk = new SimulatedDisk()
    await using store = await openOn(disk)
    const stall = disk.stall(/^sync wal/)
    const first = store.commit([put(OTHER, 0)])
    await stall.reached
    // While one sync runs the next group forms.
    const made = [
      store.commit([put(X, 1)]),
      store.drop(X),
      store.insert(X, [[1]]),
      store.drop(OTHER),
      store.commit([put(OTHER, 1, 1)]),
      store.commit([put(Y, 1)]),
      store.drop(Y),
      store.commit([put(Y, 1, 1)]),
    ]
    await quiet(disk)
    stall.release()
    await first
    expect(await Promise.all(made)).toMatchObject([{ lsn: 2 }, { lsn: 3 }, { count: 1 }, {}, {}, {}, {}, {}])
    expect(await contents(store)).toEqual({
      [X]: { '[1]': 1 },
      [Y]: { '[1,1]': 1 },
      [OTHER]: { '[1,1]': 1 },
    })
  })

  test('facts that were looked up before it are looked up again', async () => {
    const disk = new SimulatedDisk()
    await using store = await openOn(disk)
    await store.insert(X, [[1], [2]])
    await store.flush()
    const stall = disk.stall(/^read batches/)
    const inserted = store.insert(X, [[1]])
    const deleted = store.delete(X, [[2]])
    await stall.reached
    await store.drop(X)
    stall.release()
    expect(await inserted).toMatchObject({ count: 1 })
    expect(await deleted).toMatchObject({ count: 0 })
    expect(await contents(store)).toEqual({ [X]: { '[1]': 1 } })
  })

  test('a failed write takes it back, with what followed in the group', async () => {
    const disk = new SimulatedDisk()
    await using store = await openOn(disk)
    await store.commit([put(X, 1)])
    disk.inject(/^write wal/, { kind: 'fail', errno: 'ENOSPC' })
    const [drop, commit] = [codeOf(store.drop(X)), codeOf(store.commit([put(X, 2, 2)]))]
    expect(await drop).toMatchObject({ code: 'LOG_WRITE_FAILED', outcome: 'determinate' })
    expect(await commit).toMatchObject({ code: 'LOG_WRITE_FAILED', outcome: 'determinate' })
    expect(await contents(store)).toEqual({ [X]: { '[1]': 1 } })
  })
})

describe('a snapshot from before a drop', () => {
  test('goes on reading, also what is in batches; then the files go, and the tombstone (IL-18)', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk)
    await store.commit([put(X, 1), put(OTHER, 1)])
    await store.flush()
    await store.commit([put(X, 2)])
    const before = await store.snapshot()
    await store.drop(X)
    await store.flush()
    await store.compact()
    expect(await json(disk, 'shards/kg_x.json')).toMatchObject({
      flushedLsn: 3,
      dropped: true,
      upper: 2,
      schema: [],
      batches: [],
      retired: ['1'],
    })
    expect(await contentsOf(before, X)).toEqual({ '[1]': 1, '[2]': 1 })
    expect(await verify(disk, settingsFrom({}), () => 0)).toMatchObject({ problems: [], shards: 1 })
    expect(await namesIn(disk, 'batches')).toEqual(['1.parquet', '2.parquet'])
    await before.close()
    await store.flush()
    await store.close()
    expect(await namesIn(disk, 'batches')).toEqual(['2.parquet'])
    expect(await namesIn(disk, 'shards')).toEqual(['default_kept.json'])
    expect(await listed(disk)).toEqual([OTHER])
    const again = await openOn(disk)
    expect(await contents(again)).toEqual({ [OTHER]: { '[1]': 1 } })
    // The times of the shard that is gone are not given out again.
    expect(again.upper).toBe(2)
    await again.close()
  })
})

describe('work that was under way when the drop came', () => {
  test.each([
    [/^write batches\/2/, 'its batch is being written'],
    [/^sync shards\/kg_x/, 'its document is being published'],
  ])('a flush, at %s, brings nothing back', async where => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk)
    await store.commit([put(X, 1)])
    await store.flush()
    await store.commit([put(X, 2)])
    const stall = disk.stall(where)
    const flush = store.flush()
    await stall.reached
    await store.drop(X)
    await store.commit([put(X, 3, 3)])
    expect(await contents(store)).toEqual({ [X]: { '[3,3]': 1 } })
    stall.release()
    await flush
    expect(await contents(store)).toEqual({ [X]: { '[3,3]': 1 } })
    await store.close()
    const again = await openOn(disk)
    expect(await contents(again)).toEqual({ [X]: { '[3,3]': 1 } })
    expect(again.status().recovery).toMatchObject({ quarantined: [] })
    await again.close()
    expect(await namesIn(disk, 'batches')).toHaveLength(1)
  })

  test.each([
    [/^write batches\/3/, 'its batch is being written'],
    [/^sync shards\/kg_x/, 'its document is being published'],
  ])('a compaction, at %s, brings nothing back', async where => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk)
    for (const value of [1, 2]) {
      await store.commit([put(X, value)])
      await store.flush()
    }
    const stall = disk.stall(where)
    const compaction = store.compact()
    await stall.reached
    await store.drop(X)
    await store.commit([put(X, 3, 3)])
    expect(await contents(store)).toEqual({ [X]: { '[3,3]': 1 } })
    stall.release()
    await compaction
    expect(await contents(store)).toEqual({ [X]: { '[3,3]': 1 } })
    await store.close()
    const again = await openOn(disk)
    expect(await contents(again)).toEqual({ [X]: { '[3,3]': 1 } })
    expect(again.status().recovery).toMatchObject({ quarantined: [] })
    await again.close()
    expect(await namesIn(disk, 'batches')).toHaveLength(1)
  })

  test('a flush that the drop overtook is given up: its batch is never published (rules 17)', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk)
    await store.commit([put(X, 1)])
    const stall = disk.stall(/^write batches\/1/)
    const flush = store.flush()
    await stall.reached
    await store.drop(X)
    stall.release()
    await flush
    await quiet(disk)
    await store.close()
    const documents = new Set<string>()
    for (let moment = 1; moment <= disk.trace.length; moment++) {
      const found = disk.crash('all', {}, moment)
      if ((await found.stat('shards/kg_x.json')) === undefined) continue
      const { batches, dropped } = await json(found, 'shards/kg_x.json')
      documents.add(JSON.stringify({ batches, dropped }))
    }
    expect([...documents]).toEqual(['{"batches":[],"dropped":true}'])
  })

  test('a flush that waits for the log does not publish the tombstone in its place before the drop is durable (B4)', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk, { durabilityMode: 'async' })
    await store.commit([put(X, 1)])
    const stall = disk.stall(/^sync wal/)
    const flush = store.flush()
    await stall.reached
    const moment = disk.trace.length
    await store.drop(X)
    stall.release()
    await flush
    await store.close()
    for (let each = moment; each <= disk.trace.length; each++) {
      const again = await openOn(disk.crash('synced', {}, each))
      expect([{}, { [X]: { '[1]': 1 } }]).toContainEqual(await contents(again))
      await again.close()
    }
  })

  test('another shard that is published meanwhile does not carry the times of a drop that is not durable', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk, { durabilityMode: 'async', walSegmentBytes: 200 })
    await store.commit([put(X, 1)])
    await store.flush()
    await store.commit([put(OTHER, 1), put(OTHER, 2), put(OTHER, 3), put(OTHER, 4), put(OTHER, 5)])
    const stall = disk.stall(/^sync shards\/default_kept/)
    const flush = store.flush()
    await stall.reached
    const sync = disk.stall(/^sync wal/)
    await store.commit([{ ...put(X, 2), time: 100 }])
    await store.drop(X)
    await sync.reached
    stall.release()
    await quiet(disk)
    const again = await openOn(disk.crash('synced'))
    expect(await contents(again)).toMatchObject({ [X]: { '[1]': 1 } })
    expect(again.upper).toBe(2)
    await again.close()
    sync.release()
    await flush
    await store.close()
  })

  test('an advance of since publishes no tombstone before the log is durable (B4)', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk, { durabilityMode: 'async' })
    for (const value of [1, 2]) await store.commit([put(X, value)])
    await store.compact()
    const stall = disk.stall(/^sync wal/)
    const drop = store.drop(X)
    await drop
    const compaction = store.compact({ since: 1 })
    await stall.reached
    const again = await openOn(disk.crash('synced'))
    expect(await contents(again)).toEqual({ [X]: { '[1]': 1, '[2]': 1 } })
    stall.release()
    await compaction
    await store.close()
    await again.close()
  })
})

describe('the tombstone', () => {
  test('is published and gone with an ordinary flush; a crash before that replays the drop', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk)
    await store.commit([put(X, 1)])
    await store.flush()
    const stall = disk.stall(/^open create shards\/kg_x/)
    await store.drop(X)
    await stall.reached
    expect(await json(disk, 'shards/kg_x.json')).toMatchObject({ flushedLsn: 1 })
    disk.stop()
    const again = await openOn(disk.crash('synced'))
    expect(await contents(again)).toEqual({})
    expect(again.status().recovery).toMatchObject({ applied: 1, skipped: 0 })
    await again.close()
  })

  test('is a fence: replay with it skips the drop and what was before (rules 17)', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk)
    await store.commit([put(X, 1), put(OTHER, 1)])
    const stall = disk.stall(/^open create store.json/)
    await store.drop(X)
    await stall.reached
    stall.release()
    // Whatever the log still holds of the shard, its tombstone is there first.
    const sync = disk.stall(/^syncDirectory shards/)
    await sync.reached
    sync.release()
    disk.stop()
    const again = await openOn(disk.crash('all'))
    expect(await contents(again)).toEqual({ [OTHER]: { '[1]': 1 } })
    await again.close()
  })

  test('that is listed no more is removed by the next open; any other document that is not listed is refused', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk)
    await store.commit([put(X, 1), put(OTHER, 1)])
    await store.flush()
    await copy(disk, 'shards/kg_x.json', 'saved')
    disk.inject(/^remove shards\/kg_x.json/, { kind: 'fail', errno: 'EIO' }, 'always')
    await store.drop(X)
    await codeOf(store.flush())
    await codeOf(store.close())
    expect(await listed(disk)).toEqual([OTHER])
    expect(await namesIn(disk, 'shards')).toEqual(['default_kept.json', 'kg_x.json'])
    const found = disk.crash('all')
    const again = await openOn(found)
    expect(await contents(again)).toEqual({ [OTHER]: { '[1]': 1 } })
    expect(await namesIn(found, 'shards')).toEqual(['default_kept.json'])
    await again.commit([put(X, 5)])
    await again.close()
    expect(await namesIn(found, 'shards')).toEqual(['default_kept.json', 'kg_x.json'])
    const last = await openOn(found)
    expect(await contents(last)).toEqual({ [OTHER]: { '[1]': 1 }, [X]: { '[5]': 1 } })
    await last.drop(X)
    await last.flush()
    await last.close()
    expect(await namesIn(found, 'shards')).toEqual(['default_kept.json'])
    await copy(found, 'saved', 'shards/kg_x.json')
    await expect(openOn(found)).rejects.toMatchObject({
      code: 'LAYOUT_INVALID',
      details: { file: 'shards/kg_x.json' },
    })
  })

  test('is published before the files of the shard go', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk)
    await store.commit([put(X, 1)])
    await store.flush()
    const before = await store.snapshot()
    disk.inject(/^open create shards\/kg_x/, { kind: 'fail', errno: 'ENOSPC' }, 'always')
    await store.drop(X)
    await codeOf(store.flush())
    await before.close()
    await quiet(disk)
    expect(await namesIn(disk, 'batches')).toEqual(['1.parquet'])
    disk.stop()
    const again = await openOn(disk.crash('all'), { damagedShard: 'refuse' })
    expect(await contents(again)).toEqual({})
    await again.close()
  })

  test('is published by the open that replays the drop, and what came after it is flushed: the next replays nothing', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk)
    await store.commit([put(X, 1), put(Y, 1)])
    await store.flush()
    disk.inject(/^open create shards/, { kind: 'fail', errno: 'ENOSPC' }, 'always')
    await store.drop([X, Y])
    await store.commit([put(X, 2, 2)])
    await quiet(disk)
    disk.stop()
    const next = disk.restart()
    const again = await openOn(next)
    expect(again.status().recovery).toMatchObject({ total: 2, applied: 2, quarantined: [] })
    next.stop()
    const found = next.crash('synced')
    const last = await openOn(found)
    expect(last.status().recovery).toMatchObject({ total: 0 })
    expect(await contents(last)).toEqual({ [X]: { '[2,2]': 1 } })
    await last.close()
    expect(await namesIn(found, 'shards')).toEqual(['kg_x.json'])
    expect(await namesIn(found, 'batches')).toEqual(['1025.parquet'])
  })

  test('is kept while the log is read from before it', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk)
    await store.commit([put(X, 1)])
    await store.flush()
    await store.commit([put(OTHER, 1)])
    await store.drop(X)
    await quiet(disk)
    expect(await json(disk, 'shards/kg_x.json')).toMatchObject({ flushedLsn: 3, dropped: true, retired: [] })
    expect(await listed(disk)).toEqual([X])
    disk.stop()
    const again = await openOn(disk.crash('all'))
    expect(await contents(again)).toEqual({ [OTHER]: { '[1]': 1 } })
    await again.close()
  })

  test('that is being removed when the name is used and dropped again is not the last one', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk)
    await store.commit([put(X, 1)])
    await store.flush()
    const stall = disk.stall(/^remove shards\/kg_x/)
    await store.drop(X)
    await stall.reached
    await store.commit([put(X, 2, 2)])
    await store.drop(X)
    stall.release()
    await store.flush()
    await store.close()
    expect(await namesIn(disk, 'shards')).toEqual([])
    expect(await listed(disk)).toEqual([])
  })

  test('that is being removed when the name is used again: what follows is a new shard', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk)
    await store.commit([put(X, 1)])
    await store.flush()
    const removal = disk.stall(/^remove shards\/kg_x/)
    await store.drop(X)
    await removal.reached
    await store.commit([put(X, 2, 2)])
    removal.release()
    await quiet(disk)
    const publication = disk.stall(/^open create shards\/kg_x/)
    const flush = codeOf(store.flush())
    await publication.reached
    // Listed, and no document yet.
    expect(await listed(disk)).toEqual([X])
    expect(await namesIn(disk, 'shards')).toEqual([])
    disk.stop()
    publication.release()
    await flush
    const again = await openOn(disk.crash('all'), { damagedShard: 'refuse' })
    expect(await contents(again)).toEqual({ [X]: { '[2,2]': 1 } })
    await again.close()
  })

  test('of a shard whose first flush failed: the log is kept as if it had not been dropped', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk, { walSegmentBytes: 200 })
    await store.commit([put(X, 1)])
    disk.inject(/^open create shards\/kg_x/, { kind: 'fail', errno: 'ENOSPC' }, 'always')
    await codeOf(store.flush())
    await store.commit([put(OTHER, 1), put(OTHER, 2), put(OTHER, 3), put(OTHER, 4), put(OTHER, 5)])
    await store.drop(X)
    await codeOf(store.flush())
    await quiet(disk)
    disk.stop()
    const again = await openOn(disk.crash('all'), { damagedShard: 'refuse' })
    expect(Object.keys(await contents(again))).toEqual([OTHER])
    await again.close()
  })

  test('and the document over it are the fence of replay: nothing of the log is taken in twice', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk, { bufferSize: 2 })
    await store.commit([put(X, 1)])
    await store.commit([put(OTHER, 1)])
    await store.drop(X)
    await store.commit([put(X, 2, 2), put(X, 3, 3)])
    await quiet(disk)
    expect(await json(disk, 'shards/kg_x.json')).toMatchObject({ flushedLsn: 4 })
    disk.stop()
    const again = await openOn(disk.crash('all'))
    expect(again.status().recovery).toMatchObject({ total: 4, applied: 1, skipped: 3 })
    expect(await contents(again)).toEqual({ [X]: { '[2,2]': 1, '[3,3]': 1 }, [OTHER]: { '[1]': 1 } })
    await again.close()
  })

  test('a drop of what is not there, which only a hand or a repair leaves in a log, does nothing', async () => {
    const disk = new SimulatedDisk()
    await disk.makeDirectory('wal')
    const file = await disk.open('wal/current.wal', 'create')
    const lines = [
      '{"shard":"kg:x","update":{"data":[1],"time":1,"diff":1}}',
      '{"drop":["kg:x","kg:y"]}',
      '{"drop":["kg:x"]}',
      '{"shard":"kg:x","update":{"data":[2,2],"time":3,"diff":1}}',
    ]
    await file.write(0, Buffer.concat(lines.map(encodeLine)))
    await file.close()
    const store = await openOn(disk)
    expect(store.status()).toMatchObject({ lsn: 4, recovery: { total: 4, applied: 3, skipped: 1 } })
    await store.close()
    const again = await openOn(disk, { damagedShard: 'refuse' })
    expect(await contents(again)).toEqual({ [X]: { '[2,2]': 1 } })
    await again.close()
  })

  test('goes on into the next life of the name: a crash, and the old one stays gone', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk)
    await store.commit([put(X, 1), put(OTHER, 1)])
    await store.flush()
    const before = await store.snapshot()
    await store.drop(X)
    await store.flush()
    await store.commit([put(X, 2, 2)])
    await store.flush()
    expect(await json(disk, 'shards/kg_x.json')).toMatchObject({ flushedLsn: 3, retired: ['1'] })
    expect((await json(disk, 'shards/kg_x.json')).dropped).toBeUndefined()
    disk.stop()
    await codeOf(before.close())
    for (const model of ['synced', 'all'] as const) {
      const again = await openOn(disk.crash(model))
      expect(await contents(again)).toEqual({ [OTHER]: { '[1]': 1 }, [X]: { '[2,2]': 1 } })
      await again.close()
    }
  })
})

describe('a damaged shard', () => {
  const damaged = async (): Promise<SimulatedDisk> => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk)
    await store.commit([put(X, 1), put(OTHER, 1)])
    await store.flush()
    await store.commit([put(X, 2)])
    await store.close()
    return disk
  }

  test.each(['batches/1.parquet', 'shards/kg_x.json'])(
    'that lacks %s can be dropped, and used again; who pinned it goes on being told',
    async file => {
      const disk = await damaged()
      await disk.remove(file)
      const store = await openOn(disk)
      expect(store.status()).toMatchObject({ state: 'degraded' })
      const before = await store.snapshot()
      await expect(store.commit([put(X, 3)])).rejects.toMatchObject({ code: 'SHARD_DAMAGED' })
      await store.drop(X)
      expect(store.status()).toMatchObject({ state: 'serving' })
      await store.commit([put(X, 4, 4)])
      await expect(contentsOf(before, X)).rejects.toMatchObject({ code: 'SHARD_DAMAGED' })
      await before.close()
      await store.flush()
      expect(store.status().wal.keptBytes).toBe(0)
      await store.close()
      const again = await openOn(disk, { damagedShard: 'refuse' })
      expect(await contents(again)).toEqual({ [OTHER]: { '[1]': 1 }, [X]: { '[4,4]': 1 } })
      await again.close()
    },
  )
})

describe('an import', () => {
  test('into a shard that was dropped begins at its first row again, unless the drop was lost', async () => {
    const disk = new SimulatedDisk()
    const open = (on: Disk) =>
      openEngine({ path: undefined, disk: on, release: async () => {} }, settingsFrom({}))
    const engine = await open(disk)
    const columns = new GrowingColumns(1)
    columns.append([1], 0, 1)
    await engine.commit({ updates: new Map([[X, columns]]), import: { id: 'f', rows: 1, complete: true } })
    await engine.flush()
    expect(engine.importProgress('f')).toEqual({ id: 'f', rows: 1, complete: true })
    const dropped = engine.commit({ updates: new Map(), drop: [X] })
    const stall = disk.stall(/^sync wal/)
    await stall.reached
    // The power fails before it is durable.
    const lost = await open(disk.crash('synced'))
    expect(lost.importProgress('f')).toEqual({ id: 'f', rows: 1, complete: true })
    await lost.close()
    stall.release()
    await dropped
    expect(engine.importProgress('f')).toMatchObject({ rows: 0, complete: false })
    await engine.close()
    const again = await open(disk)
    expect(again.importProgress('f') ?? { rows: 0 }).toMatchObject({ rows: 0 })
    await again.close()
  })
})

/** What the store holds after each step of a life, and how many calls were made when it was acknowledged. */
interface Step {
  readonly issuedAt: number
  acknowledgedAt: number
  readonly after: Record<string, Contents>
}

const SETTINGS: Partial<Settings> = { bufferSize: 3, walSegmentBytes: 300, maxWalSizeBytes: 4000 }

class Life {
  readonly disk: SimulatedDisk
  readonly steps: Step[] = []
  #now: Record<string, Contents> = {}
  constructor(disk: SimulatedDisk) {
    this.disk = disk
  }

  async #step(after: Record<string, Contents>, work: () => Promise<unknown>): Promise<void> {
    const step = { issuedAt: this.disk.trace.length, acknowledgedAt: Number.POSITIVE_INFINITY, after }
    this.steps.push(step)
    this.#now = after
    await work()
    step.acknowledgedAt = this.disk.trace.length
  }

  put(store: Store, tuple: number[], ...shards: string[]): Promise<void> {
    const after = { ...this.#now }
    for (const shard of shards) after[shard] = { ...after[shard], [`[${tuple}]`]: 1 }
    return this.#step(after, () => store.commit(shards.map(shard => put(shard, ...tuple))))
  }

  drop(store: Store, ...shards: string[]): Promise<void> {
    const after = { ...this.#now }
    for (const shard of shards) delete after[shard]
    return this.#step(after, () => store.drop(shards))
  }
}

const live = async (life: Life, durabilityMode: DurabilityMode): Promise<void> => {
  const store = await openOn(life.disk, { ...SETTINGS, durabilityMode })
  await life.put(store, [1], X, Y, OTHER)
  await life.put(store, [2], X, Y)
  await store.flush()
  await life.put(store, [3], X, OTHER)
  await life.drop(store, X, Y)
  await life.put(store, [4, 4], X)
  await store.flush()
  await life.put(store, [5, 5], X)
  const pinned = await store.snapshot()
  await life.drop(store, X)
  await life.put(store, [6], X)
  await life.drop(store, X)
  await store.compact()
  await life.put(store, [7, 7, 7], X, Y)
  await pinned.close()
  await store.compact({ since: 1 })
  await life.put(store, [8], OTHER)
  await life.drop(store, Y)
  await store.flush()
  await store.close()
}

/** The same for the same contents, whatever the order of names. */
const textOf = (contents: Record<string, Contents>): string =>
  JSON.stringify(Object.entries(contents).sort(([left], [right]) => (left < right ? -1 : 1)))

describe('a crash at every call to the disk of a life with drops', () => {
  const MODELS: readonly CrashModel[] = ['all', 'zeros', { torn: 7 }, { entries: 1 }, { entries: 2 }]

  /** What is tried at a call: everything in the long run, else what is lost most easily and one of the others. */
  const modelsAt = (moment: number): readonly CrashModel[] =>
    LONG ? ['synced', ...MODELS] : ['synced', MODELS[moment % MODELS.length]!]

  const continues = async (disk: SimulatedDisk, store: Store, place: string): Promise<void> => {
    const names = store.status().shards.map(({ name }) => name)
    if (names.length > 0) await store.drop(names)
    await store.commit([put(X, 1, 2, 3, 4), put(Y, 9)])
    await store.close()
    const again = await openOn(disk, SETTINGS)
    expect(await contents(again), place).toEqual({ [X]: { '[1,2,3,4]': 1 }, [Y]: { '[9]': 1 } })
    expect(again.status().recovery, place).toMatchObject({ total: 0, quarantined: [] })
    await again.close()
    expect((await listed(disk)).sort(), place).toEqual([X, Y])
    expect(await namesIn(disk, 'shards'), place).toEqual(['kg_x.json', 'kg_y.json'])
    expect(await namesIn(disk, 'batches'), place).toHaveLength(2)
  }

  /** A life that was lived to its end, and what may be there after a crash at one of its calls. */
  const lived = async (mode: DurabilityMode) => {
    const life = new Life(new SimulatedDisk())
    await live(life, mode)
    const { disk, steps } = life
    const possibleAt = (moment: number): string[] => {
      const issued = steps.filter(({ issuedAt }) => issuedAt <= moment).length
      const acknowledged = steps.filter(({ acknowledgedAt }) => acknowledgedAt <= moment).length
      const all = [{}, ...steps.slice(0, issued).map(({ after }) => after)]
      return all.slice(mode === 'immediate' ? acknowledged : 0).map(textOf)
    }
    const placeAt = (moment: number, model: CrashModel): string =>
      `after call ${moment} of ${disk.trace.length} (${disk.trace[moment - 1]}), ${JSON.stringify(model)}`
    return { disk, calls: disk.trace.length, possibleAt, placeAt }
  }

  const reopened = (disk: SimulatedDisk, place: string): Promise<Store> =>
    openOn(disk, SETTINGS).catch(error => {
      throw new Error(`${place}: ${error.message}`, { cause: error })
    })

  test.each(['immediate', 'async'] as const)(
    'mode %s: each drop is whole or absent, and nothing comes back (IL-48, IL-18, rules 17)',
    async mode => {
      const { disk, calls, possibleAt, placeAt } = await lived(mode)
      // What many calls leave alike is tried once.
      const tried = new Set<string>()
      for (let moment = 1; moment <= calls; moment++) {
        const possible = possibleAt(moment)
        for (const model of modelsAt(moment)) {
          const found = disk.crash(model, {}, moment)
          const left = `${found.digest()} ${possible.length} ${possible[0]}`
          if (tried.has(left)) continue
          tried.add(left)
          const place = placeAt(moment, model)
          const store = await reopened(found, place)
          expect(possible, place).toContain(textOf(await contents(store)))
          await continues(found, store, place)
        }
      }
      expect(tried.size).toBeGreaterThan(250)
    },
    600_000,
  )

  test('and at any call of the open that follows', async () => {
    const { disk, calls, possibleAt, placeAt } = await lived('immediate')
    let recoveries = 0
    for (let moment = 40; moment <= calls; moment += LONG ? 3 : 37) {
      for (let step = 4 + (moment % 7); ; step += LONG ? 2 : 13) {
        const found = disk.restart({ stopAfter: step }, moment)
        await codeOf(openOn(found, SETTINGS))
        if (!found.stopped) break
        const place = `${placeAt(moment, 'all')}, then after call ${step} of the open (${found.trace.at(-1)})`
        for (const model of ['synced', { entries: step }] as const) {
          const store = await reopened(found.crash(model), place)
          expect(possibleAt(moment), place).toContain(textOf(await contents(store)))
          await store.close()
          recoveries++
        }
      }
    }
    expect(recoveries).toBeGreaterThan(150)
  }, 600_000)
})
