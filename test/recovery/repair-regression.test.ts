// What repair and salvage did wrong, each once: two damages at a time, and ordinary states that they refused.
import { describe, expect, test } from 'vitest'
import { settingsFrom } from '../../src/config/settings.ts'
import { MemoryDisk } from '../../src/disk/memory-disk.ts'
import { verify } from '../../src/recovery/verify.ts'
import { encodeDocument } from '../../src/shard/document.ts'
import { type RepairReport, repairStore } from '../../src/store/repair.ts'
import type { Store } from '../../src/store/store.ts'
import { encodeLine } from '../../src/wal/record.ts'
import { SimulatedDisk } from '../simulation/disk.ts'
import { bytesOf, copyOnto, everything, flip, leftBy, put } from '../support/bytes.ts'
import { openOn, read } from '../support/stores.ts'

const X = 'kg:x'
const Y = 'kg:y'
const CURRENT = 'wal/current.wal'

const update = (shard: string, value: number | string) => ({ shard, data: [value], diff: 1 })

const repairOn = (disk: MemoryDisk, dryRun = false): Promise<RepairReport> =>
  repairStore({ path: undefined, disk, release: async () => {} }, settingsFrom({}), dryRun, () => 0)

/** What a kill leaves of the store on `disk`. */
const killed = async (disk: MemoryDisk): Promise<MemoryDisk> => {
  const copy = new MemoryDisk()
  await copyOnto(await leftBy(disk), copy)
  return copy
}

/** The store on `disk` after `work`, killed. */
const storeAfter = async (
  work: (store: Store, disk: MemoryDisk) => Promise<void>,
  settings = {},
): Promise<MemoryDisk> => {
  const disk = new MemoryDisk()
  const store = await openOn(disk, settings)
  await work(store, disk)
  const copy = await killed(disk)
  await store.close()
  return copy
}

const jsonAt = async (disk: MemoryDisk, path: string): Promise<Record<string, unknown>> =>
  JSON.parse((await bytesOf(disk, path)).toString())

/** Repaired, the store opens strictly, is sound, and has these shards with these values. */
const serves = async (
  disk: MemoryDisk,
  shards: Record<string, readonly (number | string)[]>,
): Promise<void> => {
  const store = await openOn(disk, { damagedShard: 'refuse' })
  const found = store.status().shards.map(({ name }) => name)
  expect(found.sort()).toEqual(Object.keys(shards).sort())
  for (const [shard, values] of Object.entries(shards))
    expect(await read(store, shard)).toEqual(
      Object.fromEntries(values.map(value => [`[${JSON.stringify(value)}]`, 1])),
    )
  await store.close()
  expect((await verify(disk, settingsFrom({}), () => 0)).problems).toEqual([])
  // The close has raised walStart, and what it let go of is missed by nobody.
  await (await openOn(disk, { damagedShard: 'refuse' })).close()
}

describe('a dropped shard', () => {
  /** 1 and 2 of X in a batch that somebody reads, then a drop whose tombstone is published, and more of Y. */
  const dropped = async (): Promise<MemoryDisk> => {
    const disk = new MemoryDisk()
    const store = await openOn(disk)
    await store.commit([update(X, 1), update(Y, 1)])
    await store.commit([update(X, 2)])
    await store.flush()
    const snapshot = await store.snapshot()
    await store.drop(X)
    await store.commit([update(Y, 2)])
    await store.flush()
    await store.commit([update(Y, 3)])
    const copy = await killed(disk)
    await snapshot.close()
    await store.close()
    expect(await jsonAt(copy, 'shards/kg_x.json')).toMatchObject({ dropped: true, flushedLsn: 3 })
    return copy
  }

  test.each([
    ['damaged', (disk: MemoryDisk) => flip(disk, 'shards/kg_x.json', 40)],
    ['gone', (disk: MemoryDisk) => disk.remove('shards/kg_x.json')],
  ])('whose tombstone is %s does not come back when its batches are found', async (_, damage) => {
    const disk = await dropped()
    await damage(disk)
    const { shards } = await repairOn(disk)
    expect(shards).toMatchObject([{ shard: X, batches: [] }])
    await serves(disk, { [Y]: [1, 2, 3] })
  })

  test('does not come back either where the tombstone was not there yet, and the drop is lost with the log', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk)
    await store.commit([update(X, 1), update(Y, 1)])
    await store.flush()
    disk.inject(/^open create shards\/kg_x/, { kind: 'fail', errno: 'ENOSPC' }, 'always')
    await store.drop(X)
    await expect(store.flush()).rejects.toMatchObject({ code: 'DISK_FULL' })
    disk.stop()
    const found = new MemoryDisk()
    await copyOnto(await leftBy(disk.crash('all')), found)
    expect((await jsonAt(found, 'store.json')).shards).toMatchObject([{ name: Y }, { name: X, firstLsn: 2 }])
    await flip(found, 'shards/kg_x.json', 40)
    await found.remove(CURRENT)
    await repairOn(found)
    await serves(found, { [Y]: [1] })
  })

  test('is listed for its drop while its next life is in the log alone', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk)
    await store.commit([update(X, 1)])
    await store.flush()
    const snapshot = await store.snapshot()
    const publication = disk.stall(/^open create shards\/kg_x/)
    await store.drop(X)
    await publication.reached
    await store.commit([update(X, 2)])
    publication.release()
    while ((await jsonAt(disk as never, 'shards/kg_x.json')).dropped !== true)
      await new Promise(resolve => setImmediate(resolve))
    // The log is durable through the drop, and nobody has said that it is through what follows.
    expect((await jsonAt(disk as never, 'store.json')).shards).toMatchObject([{ name: X, firstLsn: 2 }])
    await snapshot.close()
    await store.close()
  })
})

describe('a drop in the log, of a shard', () => {
  test('of which nothing else is left: the store goes on without it', async () => {
    const disk = await storeAfter(async store => {
      await store.commit([update(X, 1)])
      await store.commit([update(Y, 1)])
      await store.flush()
      await store.commit([update(Y, 2)])
    })
    await put(
      disk,
      CURRENT,
      Buffer.concat([
        await bytesOf(disk, CURRENT),
        encodeLine('{"lsn":4,"durable":3,"at":0,"drop":["kg:x"]}'),
      ]),
    )
    await disk.remove('shards/kg_x.json')
    await disk.remove('batches/1.parquet')
    const done = await repairOn(disk)
    expect(done).toMatchObject({
      log: undefined,
      shards: [{ shard: X, lost: [{ lsnLower: 1, lsnUpper: 2 }] }],
    })
    await serves(disk, { [Y]: [1, 2] })
  })

  test('that store.json does not know any more, as it was made anew', async () => {
    const disk = await storeAfter(async (store, live) => {
      await store.commit([update(X, 1)])
      await store.flush()
      await store.commit([update(Y, 'kept')])
      await store.drop(X)
      while ((await live.stat('batches/1.parquet')) !== undefined)
        await new Promise(resolve => setImmediate(resolve))
    })
    await disk.remove('shards/kg_x.json')
    await disk.remove('store.json')
    await repairOn(disk)
    await serves(disk, { [Y]: ['kept'] })
  })
})

test('a shard that was listed, and whose only commits are lost, is no damage at the open after', async () => {
  const disk = new SimulatedDisk()
  const store = await openOn(disk)
  await store.commit([update(Y, 1)])
  await store.commit([update(X, 2)])
  await store.commit([update(Y, 3)])
  disk.inject(/^open create shards\/kg_x/, { kind: 'fail', errno: 'ENOSPC' }, 'always')
  await expect(store.flush()).rejects.toMatchObject({ code: 'DISK_FULL' })
  await store.commit([update(Y, 4)])
  disk.stop()
  const found = new MemoryDisk()
  await copyOnto(await leftBy(disk.crash('all')), found)
  await flip(found, CURRENT, (await bytesOf(found, CURRENT)).indexOf('{"lsn":2,') + 12)
  const salvaged = await openOn(found, { recovery: 'salvage' })
  expect(salvaged.status().recovery.lost).toBe(1)
  await salvaged.close()
  await serves(found, { [Y]: [1, 3, 4] })
})

describe('the clock does not go back', () => {
  test('after the open behind a salvage, where the header knows the time of what is lost', async () => {
    const disk = await storeAfter(
      async store => {
        await store.commit([update(Y, 1)], { time: 5 })
        await store.commit([update(Y, 'x'.repeat(200))], { time: 2000 })
        await store.sync()
      },
      { walSegmentBytes: 200 },
    )
    const sealed = (await disk.list('wal')).map(({ name }) => `wal/${name}`).filter(path => path !== CURRENT)
    const last = sealed.at(-1)!
    await flip(disk, last, (await bytesOf(disk, last)).indexOf('{"lsn":2,') + 60)
    const salvaged = await openOn(disk, { recovery: 'salvage' })
    expect(salvaged.upper).toBe(2001)
    await salvaged.close()
    for (let open = 0; open < 2; open++) {
      const again = await openOn(disk)
      expect(again.upper).toBe(2001)
      await again.close()
    }
  })

  test('when store.json is made anew, and a dropped shard had the latest times', async () => {
    const disk = await storeAfter(async store => {
      await store.commit([update(Y, 1)], { time: 5 })
      await store.commit([update(X, 1)], { time: 1000 })
      await store.flush()
      await store.drop(X)
      await store.flush()
    })
    expect(await disk.stat('shards/kg_x.json')).toBeUndefined()
    await disk.remove('store.json')
    await repairOn(disk)
    for (let open = 0; open < 2; open++) {
      const store = await openOn(disk)
      expect(store.upper).toBe(1001)
      await store.close()
    }
  })
})

describe('one shard was published further than another has begun: the log has times below the upper of store.json', () => {
  /** Y waits in its buffer since LSN 2; X was flushed through LSN 4, and the log let go of what is before 2. */
  const ordinary = async (): Promise<MemoryDisk> => {
    const disk = await storeAfter(
      async (store, live) => {
        await store.commit([update(X, 'x'.repeat(400))])
        await store.commit([update(Y, 'waits')])
        await store.commit([update(X, 3)])
        await store.commit([update(X, 4)])
        while (((await jsonAt(live, 'store.json')) as { walStart: number }).walStart !== 2)
          await new Promise(resolve => setImmediate(resolve))
        await store.commit([update(Y, 'two')])
        await store.commit([update(Y, 'proves that two is durable')])
      },
      { bufferSize: 3, walSegmentBytes: 300 },
    )
    expect(await jsonAt(disk, 'store.json')).toMatchObject({ walStart: 2, upper: 4 })
    return disk
  }

  test('which is no reason not to repair', async () => {
    const disk = await ordinary()
    await disk.remove('batches/1.parquet')
    expect(await repairOn(disk)).toMatchObject({
      log: undefined,
      shards: [{ shard: X, lost: [{ rows: 1 }] }],
    })
    await serves(disk, { [X]: [3, 4], [Y]: ['waits', 'two', 'proves that two is durable'] })
  })

  test.each([
    ['waits', 'two', 2, { lower: 1, upper: 2 }],
    ['two', 'waits', 5, { lower: 4, upper: 5 }],
  ])('nor not to salvage, where %s is lost', async (lost, left, lsn, times) => {
    const disk = await ordinary()
    for (const { name } of await disk.list('wal')) {
      const at = (await bytesOf(disk, `wal/${name}`)).indexOf(`"${lost}"`)
      if (at !== -1) await flip(disk, `wal/${name}`, at + 1)
    }
    const salvaged = await openOn(disk, { recovery: 'salvage' })
    const [path] = salvaged.status().losses
    expect((await jsonAt(disk, path!)).lost).toEqual([
      { lsnLower: lsn, lsnUpper: lsn, openEnded: false, ...times },
    ])
    expect(salvaged.upper).toBe(6)
    await salvaged.close()
    await serves(disk, { [X]: ['x'.repeat(400), 3, 4], [Y]: [left, 'proves that two is durable'] })
  })
})

test('a batch by an id that was never reserved is not taken over: its id may be given yet', async () => {
  const disk = await storeAfter(async store => {
    await store.commit([update(X, 1)])
    await store.flush()
    await store.commit([update(X, 2)])
    await store.flush()
  })
  await put(disk, 'batches/9999999999999999.parquet', await bytesOf(disk, 'batches/2.parquet'))
  await disk.remove('batches/2.parquet')
  await disk.remove('shards/kg_x.json')
  const { shards, quarantined } = await repairOn(disk)
  expect(shards).toMatchObject([
    { batches: [{ file: 'batches/1.parquet' }], lost: [{ lsnLower: 2, lsnUpper: 2 }] },
  ])
  expect(quarantined).toContain('quarantine/batches-9999999999999999.parquet')
  await serves(disk, { [X]: [1] })
})

test('what is written after store.json was made anew is of the same life as what was before', async () => {
  const disk = await storeAfter(async store => {
    await store.commit([update(Y, 1)])
    await store.commit([update(X, 1)])
    await store.flush()
  })
  await disk.remove('store.json')
  await repairOn(disk)
  const store = await openOn(disk)
  await store.commit([update(X, 2)])
  await store.flush()
  const copy = await killed(disk)
  await store.close()
  await copy.remove('shards/kg_x.json')
  expect(await repairOn(copy)).toMatchObject({ shards: [{ shard: X, lost: [] }] })
  await serves(copy, { [X]: [1, 2], [Y]: [1] })
})

describe('a store that is still being made has nothing to repair, and repair makes it as an open does', () => {
  const beingMade = async (): Promise<MemoryDisk> => {
    const disk = new MemoryDisk()
    const fields = { format: 1, id: '2f550923-feac-4b9b-ba17-4fdff836a480', created: '', epoch: 0 }
    const empty = { unsynced: false, requires: [], walStart: 1, upper: 0, nextBatch: 1, shards: [] }
    await put(disk, 'store.json', encodeDocument({ ...fields, ...empty, ids: [], imports: [], losses: [] }))
    return disk
  }
  const NOTHING = {
    catalog: undefined,
    shards: [],
    log: undefined,
    loses: false,
    losses: [],
    quarantined: [],
  }

  test('without a log', async () => {
    const disk = await beingMade()
    expect(await repairOn(disk, true)).toMatchObject(NOTHING)
    expect(await repairOn(disk)).toMatchObject(NOTHING)
    await serves(disk, {})
  })

  test('with one that somebody wrote', async () => {
    const disk = await beingMade()
    await disk.makeDirectory('wal')
    const line = encodeLine('{"shard":"kg:x","update":{"data":[7],"time":1,"diff":1}}')
    await put(disk, CURRENT, line)
    expect(await repairOn(disk)).toMatchObject(NOTHING)
    await serves(disk, { [X]: [7] })
  })

  test.each([true, false])(
    'with one that is wrong, which its author can mend (dry run: %s)',
    async dryRun => {
      const disk = await beingMade()
      await disk.makeDirectory('wal')
      await put(disk, CURRENT, '00000000:{}\n')
      const before = await everything(disk)
      await expect(repairOn(disk, dryRun)).rejects.toMatchObject({ code: 'WAL_CORRUPT' })
      expect(await everything(disk)).toEqual(before)
    },
  )
})
