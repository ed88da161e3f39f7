// Damaged shards are made whole of what is left of them, and what is not left is stated exactly (IL-31, GB-33).
import { describe, expect, test } from 'vitest'
import { settingsFrom } from '../../src/config/settings.ts'
import { MemoryDisk } from '../../src/disk/memory-disk.ts'
import { verify } from '../../src/recovery/verify.ts'
import { encodeDocument } from '../../src/shard/document.ts'
import { type RepairReport, repairStore } from '../../src/store/repair.ts'
import { SimulatedDisk } from '../simulation/disk.ts'
import { bytesOf, copyOnto, everything, flip, leftBy, put } from '../support/bytes.ts'
import { type Contents, openOn, read } from '../support/stores.ts'

const EDGE = 'default:edge'
const NODE = 'default:node'
const DOCUMENT = 'shards/default_edge.json'

const update = (value: number, shard = EDGE) => ({ shard, data: [value], diff: 1 })

const numbers = (...values: number[]): Contents => Object.fromEntries(values.map(value => [`[${value}]`, 1]))

const repairOn = (disk: MemoryDisk, dryRun = false): Promise<RepairReport> =>
  repairStore({ path: undefined, disk, release: async () => {} }, settingsFrom({}), dryRun, () => 0)

const jsonAt = async (disk: MemoryDisk, path: string): Promise<Record<string, unknown>> =>
  JSON.parse((await bytesOf(disk, path)).toString())

const snapshotOf = async (disk: MemoryDisk): Promise<MemoryDisk> => {
  const copy = new MemoryDisk()
  await copyOnto(await leftBy(disk), copy)
  return copy
}

/** Two batches of edges, 1 and 2 and then 3, a node beside each, and 4 in the log alone; killed. */
const store = async (): Promise<MemoryDisk> => {
  const disk = new MemoryDisk()
  const open = await openOn(disk)
  for (let value = 1; value <= 4; value++) {
    await open.commit([update(value), update(value, NODE)])
    if (value === 2 || value === 3) await open.flush()
  }
  const copy = await snapshotOf(disk)
  await open.close()
  return copy
}

/** What a repair says it would do it does, a dry run changes nothing, and the store is sound and serves afterwards. */
const repairs = async (disk: MemoryDisk, left: readonly number[]): Promise<RepairReport> => {
  const before = await everything(disk)
  const planned = await repairOn(disk, true)
  expect(await everything(disk)).toEqual(before)
  const done = await repairOn(disk)
  const { shards, log, loses } = planned
  expect(done).toMatchObject({ shards, log, loses, dryRun: false })
  expect((await verify(disk, settingsFrom({}), () => 0)).problems).toEqual([])
  const open = await openOn(disk, { damagedShard: 'refuse' })
  expect(open.status()).toMatchObject({ state: loses ? 'degraded' : 'serving', losses: done.losses })
  expect(await read(open, EDGE)).toEqual(numbers(...left))
  expect(await read(open, NODE)).toEqual(numbers(1, 2, 3, 4))
  expect(await open.commit([update(9), update(9, NODE)])).toMatchObject({ lsn: 5, time: 4 })
  await open.compact()
  expect(await read(open, EDGE)).toEqual(numbers(...left, 9))
  await open.close()
  // Once more there is nothing to do.
  expect(await repairOn(disk)).toMatchObject({ shards: [], log: undefined, losses: done.losses })
  return done
}

describe('a batch', () => {
  test('that is gone, and the log with it: the commits, times and rows that are lost', async () => {
    const disk = await store()
    await disk.remove('batches/1.parquet')
    const lost = [{ file: 'batches/1.parquet', lsnLower: 1, lsnUpper: 2, lower: 0, upper: 2, rows: 2 }]
    const { shards, losses } = await repairs(disk, [3, 4])
    expect(shards).toEqual([
      {
        shard: EDGE,
        batches: [
          {
            file: 'batches/1.parquet',
            action: 'give up',
            problem: 'a batch is not there. file=batches/1.parquet',
          },
        ],
        lost,
      },
    ])
    expect(losses).toEqual(['quarantine/batches-1.parquet.json'])
    expect(await jsonAt(disk, losses[0]!)).toMatchObject({ from: 'batches/1.parquet', shard: EDGE, lost })
  })

  test('that the log still has is written again, whole', async () => {
    const disk = new MemoryDisk()
    const open = await openOn(disk, { bufferSize: 4 })
    await open.commit([update(1), update(1, NODE), update(2, NODE)])
    await open.commit([update(2)])
    await open.commit([update(3), update(4), update(3, NODE)])
    while ((await disk.stat(DOCUMENT)) === undefined) await Promise.resolve()
    await open.commit([update(4, NODE)])
    const killed = await snapshotOf(disk)
    await open.close()
    await flip(killed, 'batches/1.parquet', 20)
    await flip(killed, 'batches/1.parquet', -20)
    const moved = await bytesOf(killed, 'batches/1.parquet')
    const done = await repairs(killed, [1, 2, 3, 4])
    expect(done).toMatchObject({
      loses: false,
      losses: [],
      shards: [{ lost: [], batches: [{ action: 'replay' }] }],
    })
    expect(done.quarantined).toEqual(['quarantine/batches-1.parquet'])
    expect(await bytesOf(killed, 'quarantine/batches-1.parquet')).toEqual(moved)
  })

  test('of which one row group is damaged: the others are kept', async () => {
    const disk = new MemoryDisk()
    const open = await openOn(disk, { bufferSize: 1_000_000 })
    const values = Array.from({ length: 140_000 }, (_, value) => value)
    await open.commit(values.map(value => update(value)))
    await open.close()
    const { batches } = (await jsonAt(disk, DOCUMENT)) as {
      batches: { rowGroups: { offset: number; len: number }[] }[]
    }
    const { rowGroups } = batches[0]!
    expect(rowGroups.length).toBe(3)
    await flip(disk, 'batches/1.parquet', rowGroups[1]!.offset + 100)
    const done = await repairOn(disk)
    const lost = {
      file: 'batches/1.parquet',
      lsnLower: 1,
      lsnUpper: 1,
      lower: 0,
      upper: 1,
      rows: rowGroups[1]!.len,
    }
    expect(done.shards).toMatchObject([{ batches: [{ action: 'rewrite', kept: 2, of: 3 }], lost: [lost] }])
    const again = await openOn(disk)
    const snapshot = await again.snapshot()
    expect(await snapshot.count(EDGE)).toMatchObject({ distinct: 140_000 - rowGroups[1]!.len })
    await snapshot.close()
    expect(await again.acknowledge()).toEqual(['quarantine/batches-1.parquet.json'])
    await again.close()
    expect((await verify(disk, settingsFrom({}), () => 0)).problems).toEqual([])
  })

  test('whose footer is damaged, with the log gone', async () => {
    const disk = await store()
    await flip(disk, 'batches/1.parquet', -20)
    const done = await repairs(disk, [3, 4])
    expect(done).toMatchObject({ loses: true, quarantined: ['quarantine/batches-1.parquet'] })
    expect(await jsonAt(disk, 'quarantine/batches-1.parquet.json')).toMatchObject({ lost: [{ rows: 2 }] })
  })

  test('in a place where the disk cannot read', async () => {
    const disk = new SimulatedDisk()
    await copyOnto(await leftBy(await store()), disk)
    disk.inject(/^read batches\/1\.parquet/, { kind: 'fail', errno: 'EIO' }, 'always')
    const done = await repairStore(
      { path: undefined, disk, release: async () => {} },
      settingsFrom({}),
      false,
      () => 0,
    )
    expect(done.shards).toMatchObject([
      { shard: EDGE, batches: [{ action: 'give up' }], lost: [{ lsnLower: 1, lsnUpper: 2, rows: 2 }] },
    ])
    // Not before a document is there that does without it: a crash in between would take its sound row groups away.
    const published = disk.trace.indexOf(`rename ${DOCUMENT}.tmp ${DOCUMENT}`)
    const moved = disk.trace.indexOf('rename batches/1.parquet quarantine/batches-1.parquet')
    expect(published).toBeGreaterThan(0)
    expect(moved).toBeGreaterThan(published)
    const open = await openOn(disk)
    expect(await read(open, EDGE)).toEqual(numbers(3, 4))
    await open.close()
  })

  test('two of them, in two shards', async () => {
    const disk = await store()
    await disk.remove('batches/1.parquet')
    await put(disk, 'batches/4.parquet', '')
    const { shards } = await repairOn(disk)
    expect(
      shards.map(({ shard, lost }) => [shard, lost.map(({ lsnLower, lsnUpper }) => [lsnLower, lsnUpper])]),
    ).toEqual([
      [EDGE, [[1, 2]]],
      [NODE, [[3, 3]]],
    ])
    const open = await openOn(disk)
    expect(await read(open, EDGE)).toEqual(numbers(3, 4))
    expect(await read(open, NODE)).toEqual(numbers(1, 2, 4))
    await open.close()
  })
})

describe('a document', () => {
  /** The facts of both batches and of the log. */
  const rebuilds = async (disk: MemoryDisk): Promise<RepairReport> => {
    const done = await repairs(disk, [1, 2, 3, 4])
    expect(done).toMatchObject({ loses: false, losses: [] })
    return done
  }

  test('that is gone is made anew of the batches that are left, and the log', async () => {
    const disk = await store()
    await disk.remove(DOCUMENT)
    expect((await rebuilds(disk)).shards).toEqual([
      {
        shard: EDGE,
        document: { file: DOCUMENT, problem: 'the metadata of a shard is missing. shard=default:edge' },
        batches: [
          { file: 'batches/1.parquet', action: 'adopt' },
          { file: 'batches/3.parquet', action: 'adopt' },
        ],
        lost: [],
      },
    ])
  })

  test('that is damaged is kept, with a report', async () => {
    const disk = await store()
    await flip(disk, DOCUMENT, 40)
    const damaged = await bytesOf(disk, DOCUMENT)
    expect((await rebuilds(disk)).quarantined).toEqual(['quarantine/shards-default_edge.json'])
    expect(await bytesOf(disk, 'quarantine/shards-default_edge.json')).toEqual(damaged)
    expect(await jsonAt(disk, 'quarantine/shards-default_edge.json.json')).toMatchObject({ from: DOCUMENT })
  })

  test('that is gone after a compaction: what went into it is not counted twice', async () => {
    const disk = await store()
    const inputs = await everything(disk)
    const open = await openOn(disk)
    await open.compact({ since: 2 })
    await open.close()
    for (const path of ['batches/1.parquet', 'batches/3.parquet'])
      await put(disk, path, Buffer.from(inputs[path]!, 'latin1'))
    await disk.remove(DOCUMENT)
    const done = await repairOn(disk)
    expect(done).toMatchObject({ loses: false, shards: [{ batches: [{ action: 'adopt' }] }] })
    const again = await openOn(disk)
    expect(again.status().shards[0]).toMatchObject({ name: EDGE, since: 2, batches: 1 })
    expect(await read(again, EDGE)).toEqual(numbers(1, 2, 3, 4))
    await again.close()
    expect(Object.keys(await everything(disk)).filter(path => /quarantine.*parquet$/.test(path))).toEqual([
      'quarantine/batches-1.parquet',
      'quarantine/batches-3.parquet',
    ])
  })

  test('with declared columns of other types', async () => {
    const disk = new MemoryDisk()
    const open = await openOn(disk)
    await open.declare(EDGE, [
      { name: 'name', type: 'string' },
      { name: 'weight', type: 'float64' },
    ])
    await open.commit([{ shard: EDGE, data: ['a', null], diff: 1 }])
    await open.close()
    await disk.remove(DOCUMENT)
    expect(await repairOn(disk)).toMatchObject({ loses: false })
    const again = await openOn(disk)
    const snapshot = await again.snapshot()
    expect(snapshot.columns(EDGE)).toEqual([
      { name: 'name', type: 'string', declared: true },
      { name: 'weight', type: 'float64', declared: true },
    ])
    await snapshot.close()
    await expect(again.commit([{ shard: EDGE, data: [1, 2], diff: 1 }])).rejects.toMatchObject({
      code: 'TYPE_MISMATCH',
    })
    await again.close()
  })

  test('that is an older copy is noticed, and made anew without loss', async () => {
    const disk = new MemoryDisk()
    const open = await openOn(disk)
    let older: Buffer | undefined
    for (let value = 1; value <= 4; value++) {
      await open.commit([update(value), update(value, NODE)])
      if (value === 1 || value === 3) await open.flush()
      if (value === 1) older = await bytesOf(disk, DOCUMENT)
    }
    const copy = await snapshotOf(disk)
    await open.close()
    await put(copy, DOCUMENT, older!)
    const damaged = await openOn(copy)
    expect(damaged.status()).toMatchObject({ state: 'degraded', reason: `${EDGE}: METADATA_CORRUPT` })
    await expect(read(damaged, EDGE)).rejects.toMatchObject({
      code: 'SHARD_DAMAGED',
      cause: { details: { file: DOCUMENT, shard: EDGE, flushedLsn: 1, expected: 3 } },
    })
    await damaged.close()
    const { shards, loses } = await repairs(copy, [1, 2, 3, 4])
    expect(loses).toBe(false)
    expect(shards).toMatchObject([{ shard: EDGE, lost: [], document: { file: DOCUMENT } }])
  })

  test('that is gone after a drop: nothing of the life before comes back', async () => {
    const disk = new MemoryDisk()
    const open = await openOn(disk)
    await open.commit([update(77), update(1, NODE)])
    await open.flush()
    const old = await bytesOf(disk, 'batches/1.parquet')
    // Somebody reads the old life, so its file stays.
    const snapshot = await open.snapshot()
    await open.drop(EDGE)
    await open.commit([update(1), update(2), update(2, NODE), update(3, NODE), update(4, NODE)])
    await open.flush()
    const copy = await snapshotOf(disk)
    await snapshot.close()
    await open.close()
    expect((await copy.list('batches')).length).toBe(4)
    // Another process goes on with the new life, and knows which it is.
    const next = await openOn(copy)
    await next.commit([update(3)])
    await next.close()
    await put(copy, 'batches/1.parquet', old)
    await copy.remove(DOCUMENT)
    const done = await repairOn(copy)
    expect(done).toMatchObject({ loses: false, shards: [{ shard: EDGE, lost: [] }] })
    const again = await openOn(copy)
    expect(await read(again, EDGE)).toEqual(numbers(1, 2, 3))
    await again.close()
  })

  test('and a batch that are gone: nobody knows what the shard had between the others', async () => {
    const disk = await store()
    await disk.remove(DOCUMENT)
    await disk.remove('batches/1.parquet')
    const { shards, losses } = await repairs(disk, [3, 4])
    expect(shards[0]!.lost).toEqual([{ lsnLower: 1, lsnUpper: 2 }])
    expect(losses).toEqual(['quarantine/shards-default_edge.json-1-2.json'])
  })

  test('and everything else of the shard that are gone: it begins anew', async () => {
    const disk = await store()
    for (const path of [DOCUMENT, 'batches/1.parquet', 'batches/3.parquet']) await disk.remove(path)
    const { shards } = await repairs(disk, [4])
    expect(shards[0]!.lost).toEqual([{ lsnLower: 1, lsnUpper: 3 }])
  })

  test('that is gone, and a batch that says damaged things', async () => {
    const disk = await store()
    await disk.remove(DOCUMENT)
    const bytes = await bytesOf(disk, 'batches/3.parquet')
    bytes.fill(0xff, 6, 30)
    await put(disk, 'batches/3.parquet', bytes)
    const { shards } = await repairs(disk, [1, 2, 4])
    expect(shards[0]!.lost).toEqual([{ lsnLower: 3, lsnUpper: 3 }])
  })
})

describe('store.json', () => {
  test.each([
    ['damaged', (disk: MemoryDisk) => flip(disk, 'store.json', 40)],
    ['gone', (disk: MemoryDisk) => disk.remove('store.json')],
  ])('that is %s is made anew of documents and log', async (_, damage) => {
    const disk = await store()
    const before = await jsonAt(disk, 'store.json')
    await damage(disk)
    const done = await repairs(disk, [1, 2, 3, 4])
    expect(done).toMatchObject({ catalog: expect.stringContaining('store.json'), loses: true, shards: [] })
    expect(done.losses).toEqual([expect.stringMatching(/^quarantine\/store-\d+\.json\.json$/)])
    const after = await jsonAt(disk, 'store.json')
    const { id, walStart, epoch } = before as { id: string; walStart: number; epoch: number }
    expect(after.id).toBe(id)
    expect(after.walStart).toBeGreaterThan(walStart)
    expect(after.epoch).toBeGreaterThan(epoch)
    expect(after.nextBatch).toBeGreaterThan(before.nextBatch as number)
  })

  test('and a document, that are gone', async () => {
    const disk = await store()
    await disk.remove('store.json')
    await disk.remove(DOCUMENT)
    expect(await repairs(disk, [1, 2, 3, 4])).toMatchObject({ shards: [{ shard: EDGE, lost: [] }] })
  })

  test('and the log, that are gone', async () => {
    const disk = await store()
    await disk.remove('store.json')
    await disk.remove('wal/current.wal')
    await repairOn(disk)
    const open = await openOn(disk)
    expect(await read(open, EDGE)).toEqual(numbers(1, 2, 3))
    expect(await open.commit([update(5)])).toMatchObject({ lsn: 4, time: 3 })
    await open.close()
  })

  test('that was put back from an older copy, and would give ids of batches again', async () => {
    const disk = await store()
    const { checksum: _, ...fields } = await jsonAt(disk, 'store.json')
    await put(disk, 'store.json', encodeDocument({ ...fields, nextBatch: 1 }))
    await expect(openOn(disk)).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
    expect(await repairs(disk, [1, 2, 3, 4])).toMatchObject({ catalog: expect.stringContaining('reserved') })
    expect((await jsonAt(disk, 'store.json')).nextBatch).toBeGreaterThan(4)
  })

  test('that lists a document of nobody: it is moved', async () => {
    const disk = await store()
    await put(disk, 'shards/other.json', 'x')
    const done = await repairs(disk, [1, 2, 3, 4])
    expect(done).toMatchObject({
      unlisted: ['shards/other.json'],
      losses: ['quarantine/shards-other.json.json'],
    })
    expect((await bytesOf(disk, 'quarantine/shards-other.json')).toString()).toBe('x')
  })

  test('where there is no store, there is nothing to repair', async () => {
    await expect(repairOn(new MemoryDisk())).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
  })

  test('with files of several stores: nobody can say which is meant', async () => {
    const disk = await store()
    await put(disk, 'wal/current.wal', await bytesOf(await store(), 'wal/current.wal'))
    await disk.remove('store.json')
    const before = await everything(disk)
    await expect(repairOn(disk)).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
    expect(await everything(disk)).toEqual(before)
  })
})

test('shards and the log at once', async () => {
  const disk = await store()
  await disk.remove('batches/1.parquet')
  const log = await bytesOf(disk, 'wal/current.wal')
  await put(disk, 'wal/current.wal', log.subarray(0, -1))
  await flip(disk, 'wal/current.wal', 20)
  const done = await repairs(disk, [3, 4])
  expect(done.log).toMatchObject({ lost: [], segments: [{ path: 'wal/current.wal', bad: [{ offset: 0 }] }] })
})

test('a sound store has nothing to repair, and is not changed but by opening it', async () => {
  const disk = await store()
  expect(await repairs(disk, [1, 2, 3, 4])).toMatchObject({
    shards: [],
    log: undefined,
    loses: false,
    quarantined: [],
  })
})
