// What a log that strict recovery refuses still gives, and that what it does not give is stated (IL-32, IL-47, ND-28,
// OX-29, OX-38, GB-33, GB-35).
import { describe, expect, test } from 'vitest'
import type { Settings } from '../../src/config/settings.ts'
import { MemoryDisk } from '../../src/disk/memory-disk.ts'
import { encodeLine } from '../../src/wal/record.ts'
import { bytesOf, copyOnto, everything, flip, leftBy, put } from '../support/bytes.ts'
import { type Contents, openOn, read } from '../support/stores.ts'

const EDGE = 'default:edge'
const NODE = 'default:node'
const CURRENT = 'wal/current.wal'
const SALVAGE = { recovery: 'salvage' } as const

const update = (value: number, shard = EDGE) => ({ shard, data: [value], diff: 1 })

/** What a process that was killed leaves after commits 1 to `commits`, each of its number to both shards at time LSN-1. */
const killed = async (
  commits: number,
  settings: Partial<Settings> = {},
  flushed = 0,
): Promise<MemoryDisk> => {
  const disk = new MemoryDisk()
  const store = await openOn(disk, settings)
  for (let value = 1; value <= commits; value++) {
    await store.commit([update(value), update(value, NODE)])
    if (value === flushed) await store.flush()
  }
  // Not in the middle of sealing a segment.
  await store.sync()
  const copy = new MemoryDisk()
  await copyOnto(await leftBy(disk), copy)
  await store.close()
  return copy
}

const numbers = (...values: number[]): Contents => Object.fromEntries(values.map(value => [`[${value}]`, 1]))

const jsonAt = async (disk: MemoryDisk, path: string): Promise<Record<string, unknown>> =>
  JSON.parse((await bytesOf(disk, path)).toString())

/** Flips a bit within the line of the commit `lsn`. */
const spoil = async (disk: MemoryDisk, lsn: number, path = CURRENT): Promise<void> =>
  flip(disk, path, (await bytesOf(disk, path)).indexOf(`{"lsn":${lsn},`) + 12)

/** Refused strictly with `code`; salvaged, it holds `left` in both shards, and opens strictly from then on. */
const salvages = async (
  disk: MemoryDisk,
  code: string,
  left: readonly number[],
  lost: readonly object[],
): Promise<void> => {
  const before = await everything(disk)
  await expect(openOn(disk)).rejects.toMatchObject({ code })
  expect(await everything(disk)).toEqual(before)
  const store = await openOn(disk, SALVAGE)
  const { recovery, losses, state, reason } = store.status()
  for (const shard of [EDGE, NODE]) expect(await read(store, shard)).toEqual(numbers(...left))
  const count = (lost as { lsnLower: number; lsnUpper: number }[]).reduce(
    (sum, { lsnLower, lsnUpper }) => sum + lsnUpper - lsnLower + 1,
    0,
  )
  expect(recovery.lost).toBe(count)
  expect(losses.length).toBe(lost.length === 0 ? 0 : 1)
  if (lost.length > 0) {
    expect(state).toBe('degraded')
    expect(reason).toContain(losses[0])
    expect((await jsonAt(disk, losses[0]!)).lost).toEqual(lost)
  }
  // What was lost is no reason to use its place again.
  const { lsn } = await store.commit([update(99), update(99, NODE)])
  expect(lsn).toBeGreaterThan(Math.max(0, ...left))
  for (const { lsnUpper } of lost as { lsnUpper: number }[]) expect(lsn).toBeGreaterThan(lsnUpper)
  await store.close()
  const again = await openOn(disk)
  expect(await read(again, EDGE)).toEqual(numbers(...left, 99))
  expect(await read(again, NODE)).toEqual(numbers(...left, 99))
  expect(again.status()).toMatchObject({ losses, recovery: { total: 0, lost: 0 } })
  await again.close()
}

describe('a damaged log', () => {
  test('one line in the middle: the lines behind it are applied, and what it was is stated', async () => {
    const disk = await killed(5)
    const log = await bytesOf(disk, CURRENT)
    await spoil(disk, 3)
    const damaged = await bytesOf(disk, CURRENT)
    await salvages(
      disk,
      'WAL_CORRUPT',
      [1, 2, 4, 5],
      [{ lsnLower: 3, lsnUpper: 3, openEnded: false, lower: 2, upper: 3 }],
    )
    expect(await bytesOf(disk, 'quarantine/damaged-1.wal')).toEqual(damaged)
    const offset = log.indexOf('{"lsn":3,') - 9
    expect(await jsonAt(disk, 'quarantine/damaged-1.wal.json')).toMatchObject({
      from: CURRENT,
      reason: 'the checksum does not match',
      offset,
      lsn: 1,
      bytes: damaged.length,
      at: '2023-11-14T22:13:20.000Z',
      bad: [{ offset, end: log.indexOf('{"lsn":4,') - 9 }],
      lost: [{ lsnLower: 3, lsnUpper: 3 }],
    })
    expect(await jsonAt(disk, 'quarantine/lost-commits-3-3.json')).toMatchObject({
      from: 'wal',
      lsn: 3,
      shards: [EDGE, NODE],
    })
  })

  test('a newline that is damaged costs neither of its neighbours', async () => {
    const disk = await killed(4)
    await flip(disk, CURRENT, (await bytesOf(disk, CURRENT)).indexOf('{"lsn":3,') - 10, 3)
    await salvages(disk, 'WAL_CORRUPT', [1, 2, 3, 4], [])
    expect((await jsonAt(disk, 'quarantine/damaged-1.wal.json')).lost).toEqual([])
  })

  test('the last line, complete and damaged: there may have been more', async () => {
    const disk = await killed(3)
    await flip(disk, CURRENT, -4)
    await salvages(
      disk,
      'WAL_AMBIGUOUS_TAIL',
      [1, 2],
      [{ lsnLower: 3, lsnUpper: 3, openEnded: true, lower: 2 }],
    )
  })

  test('the last line, with space behind it: as if there were none', async () => {
    const disk = await killed(3)
    await spoil(disk, 3)
    const log = await bytesOf(disk, CURRENT)
    await put(disk, CURRENT, Buffer.concat([log, Buffer.alloc(1000)]))
    await salvages(
      disk,
      'WAL_AMBIGUOUS_TAIL',
      [1, 2],
      [{ lsnLower: 3, lsnUpper: 3, openEnded: true, lower: 2 }],
    )
  })

  test('a torn end is cut as ever: it is not lost, for nobody was told that it was there', async () => {
    const disk = await killed(4)
    await spoil(disk, 2)
    await put(disk, CURRENT, (await bytesOf(disk, CURRENT)).subarray(0, -9))
    await salvages(
      disk,
      'WAL_CORRUPT',
      [1, 3],
      [{ lsnLower: 2, lsnUpper: 2, openEnded: false, lower: 1, upper: 2 }],
    )
  })

  test('the header', async () => {
    const disk = await killed(3)
    await flip(disk, CURRENT, 20)
    await salvages(disk, 'WAL_CORRUPT', [1, 2, 3], [])
  })

  test('the header and the first line', async () => {
    const disk = await killed(3)
    await flip(disk, CURRENT, 20)
    await spoil(disk, 1)
    await salvages(
      disk,
      'WAL_CORRUPT',
      [2, 3],
      [{ lsnLower: 1, lsnUpper: 1, openEnded: false, lower: 0, upper: 1 }],
    )
  })

  test('a log that is gone', async () => {
    const disk = await killed(5, {}, 3)
    await disk.remove(CURRENT)
    await salvages(disk, 'WAL_MISSING', [1, 2, 3], [{ lsnLower: 4, lsnUpper: 3, openEnded: true, lower: 3 }])
    expect(await disk.stat('quarantine/lost-commits-4-on.json')).toBeDefined()
  })

  test('a log that ends before a fence', async () => {
    const disk = await killed(5)
    const early = await bytesOf(disk, CURRENT)
    const closed = await openOn(disk)
    await closed.close()
    // The batches have everything, and an old copy of the log is put back.
    await disk.remove('wal/current.wal')
    await put(disk, CURRENT, early.subarray(0, early.indexOf('{"lsn":5,') - 9))
    await salvages(
      disk,
      'WAL_MISSING',
      [1, 2, 3, 4, 5],
      [{ lsnLower: 6, lsnUpper: 5, openEnded: true, lower: 5 }],
    )
  })
})

describe('a log of several segments', () => {
  /** Two commits or so a segment. */
  const SMALL = { walSegmentBytes: 300 } as const
  const sealedOf = async (disk: MemoryDisk): Promise<string[]> =>
    (await disk.list('wal')).map(({ name }) => `wal/${name}`).filter(path => path !== CURRENT)

  test('a sealed one with a bad line', async () => {
    const disk = await killed(6, SMALL)
    const [, second] = await sealedOf(disk)
    await spoil(disk, 3, second)
    await salvages(
      disk,
      'WAL_CORRUPT',
      [1, 2, 4, 5, 6],
      [{ lsnLower: 3, lsnUpper: 3, openEnded: false, lower: 2, upper: 3 }],
    )
    expect(await sealedOf(disk)).toEqual([])
  })

  test('one that is missing: the next header says how far its times went', async () => {
    const disk = await killed(6, SMALL)
    const [, second] = await sealedOf(disk)
    await disk.remove(second!)
    await salvages(
      disk,
      'WAL_FOREIGN',
      [1, 2, 5, 6],
      [{ lsnLower: 3, lsnUpper: 4, openEnded: false, lower: 2, upper: 4 }],
    )
    expect((await disk.list('quarantine')).map(({ name }) => name)).toEqual(['lost-commits-3-4.json'])
  })

  test('the first one missing', async () => {
    const disk = await killed(6, SMALL)
    const [first] = await sealedOf(disk)
    await disk.remove(first!)
    await salvages(
      disk,
      'WAL_MISSING',
      [3, 4, 5, 6],
      [{ lsnLower: 1, lsnUpper: 2, openEnded: false, lower: 0, upper: 2 }],
    )
  })

  test('one that is there twice', async () => {
    const disk = await killed(6, SMALL)
    const [, second] = await sealedOf(disk)
    await put(disk, 'wal/00000000000000000077.wal', await bytesOf(disk, second!))
    await salvages(disk, 'WAL_INVALID', [1, 2, 3, 4, 5, 6], [])
    expect(await sealedOf(disk)).toEqual([])
    expect((await jsonAt(disk, 'quarantine/damaged-3.wal.json')).from).toBe('wal/00000000000000000077.wal')
  })

  test('two that changed places', async () => {
    const disk = await killed(6, SMALL)
    const [first, second] = await sealedOf(disk)
    const bytes = await bytesOf(disk, first!)
    await put(disk, first!, await bytesOf(disk, second!))
    await put(disk, second!, bytes)
    await salvages(disk, 'WAL_INVALID', [1, 2, 3, 4, 5, 6], [])
  })

  test('the last sealed one, at its end, with the one that was written to gone', async () => {
    const disk = await killed(6, SMALL)
    const last = (await sealedOf(disk)).at(-1)!
    await disk.remove(CURRENT)
    const first = Number(/(\d+)\.wal/.exec(last)![1])
    const log = await bytesOf(disk, last)
    // It had two commits, and its second line is cut in the middle.
    await put(disk, last, log.subarray(0, log.indexOf(`{"lsn":${first + 1},`) + 20))
    await salvages(
      disk,
      'WAL_CORRUPT',
      [1, 2, 3, 4, 5].filter(lsn => lsn <= first),
      [{ lsnLower: first + 1, lsnUpper: first + 1, openEnded: true, lower: first }],
    )
  })

  test('a header that is torn', async () => {
    const disk = await killed(6, SMALL)
    const [, second] = await sealedOf(disk)
    const bytes = await bytesOf(disk, second!)
    bytes.fill(0, 10, 40)
    await put(disk, second!, bytes)
    await salvages(disk, 'WAL_CORRUPT', [1, 2, 3, 4, 5, 6], [])
  })

  test('what lies below walStart matters no more', async () => {
    const disk = await killed(6, SMALL)
    const [first, second] = await sealedOf(disk)
    const stale = await bytesOf(disk, first!)
    const store = await openOn(disk)
    await store.close()
    stale.fill(7, 100, 200)
    await put(disk, first!, stale)
    await disk.remove(second!).catch(() => {})
    const again = await openOn(disk, SALVAGE)
    expect(again.status()).toMatchObject({ state: 'serving', recovery: { lost: 0, corrupted: 0 } })
    await again.close()
  })
})

describe('what salvage does not override', () => {
  const refuses = async (disk: MemoryDisk, error: object): Promise<void> => {
    const before = await everything(disk)
    await expect(openOn(disk, SALVAGE)).rejects.toMatchObject(error)
    expect(await everything(disk)).toEqual(before)
  }
  const line = (json: string): Uint8Array => encodeLine(json)
  const append = async (disk: MemoryDisk, bytes: Uint8Array): Promise<number> => {
    const log = await bytesOf(disk, CURRENT)
    await put(disk, CURRENT, Buffer.concat([log, bytes]))
    return log.length
  }

  test('the log of another store', async () => {
    const disk = await killed(2)
    await put(disk, CURRENT, await bytesOf(await killed(2), CURRENT))
    await refuses(disk, { code: 'WAL_FOREIGN', details: { file: CURRENT } })
  })

  test('a log without a header', async () => {
    const disk = await killed(2)
    await put(disk, CURRENT, line('{"shard":"a:b","update":{"data":[1],"time":1,"diff":1}}'))
    await refuses(disk, { code: 'WAL_FOREIGN', details: { file: CURRENT } })
  })

  test('a newer format', async () => {
    const disk = await killed(2)
    await put(disk, CURRENT, line('{"varve":2}'))
    await refuses(disk, { code: 'WAL_INVALID', details: { file: CURRENT, offset: 0 } })
  })

  test('a valid checksum with content that no Varve wrote: no disk did this', async () => {
    const disk = await killed(2)
    const offset = await append(
      disk,
      line('{"lsn":3,"at":0,"shard":"default:edge","update":{"data":[1,2],"time":9,"diff":1}}'),
    )
    await refuses(disk, { code: 'WAL_INVALID', details: { offset, lsn: 3, shard: EDGE } })
  })

  test('a time that goes back', async () => {
    const disk = await killed(3)
    const offset = await append(
      disk,
      line('{"lsn":4,"at":0,"shard":"default:edge","update":{"data":[1],"time":1,"diff":1}}'),
    )
    await refuses(disk, { code: 'WAL_INVALID', details: { offset, lsn: 4 } })
  })

  test('two different commits in one place', async () => {
    const disk = await killed(3)
    await spoil(disk, 2)
    const offset = await append(
      disk,
      line('{"lsn":3,"at":0,"shard":"default:edge","update":{"data":[7],"time":9,"diff":1}}'),
    )
    await refuses(disk, { code: 'WAL_INVALID', details: { offset, lsn: 3, other: CURRENT } })
  })

  test('a log that somebody wrote by hand, wrongly', async () => {
    const disk = new MemoryDisk()
    await disk.makeDirectory('wal')
    await put(disk, CURRENT, '00000000:{}\n')
    await refuses(disk, { code: 'WAL_CORRUPT' })
  })

  test('a damaged shard, which may still need the log', async () => {
    const disk = await killed(4, {}, 2)
    await disk.remove('batches/1.parquet')
    await spoil(disk, 3)
    await refuses(disk, {
      code: 'WAL_CORRUPT',
      details: { shard: EDGE, advice: 'varve repair mends the shard first, and then the log' },
      cause: { code: 'BATCH_MISSING' },
    })
  })
})

test('shards that have what is lost in their batches are not named (IL-32: batches are never affected)', async () => {
  const disk = new MemoryDisk()
  const store = await openOn(disk, { bufferSize: 3 })
  await store.commit([update(1), update(1, NODE)])
  await store.commit([update(2), update(2, NODE)])
  await store.commit([update(3), update(4)])
  while ((await disk.stat('shards/default_edge.json')) === undefined) await Promise.resolve()
  const copy = new MemoryDisk()
  await copyOnto(await leftBy(disk), copy)
  await store.close()
  await spoil(copy, 2)
  const again = await openOn(copy, SALVAGE)
  expect(await read(again, EDGE)).toEqual(numbers(1, 2, 3, 4))
  expect(await read(again, NODE)).toEqual(numbers(1))
  expect(await jsonAt(copy, 'quarantine/lost-commits-2-2.json')).toMatchObject({ shards: [NODE] })
  await again.close()
})

test('a commit that only fits what is lost is lost with it', async () => {
  const copy = await killed(1)
  const lines = [
    '{"lsn":2,"at":0,"drop":["default:edge"]}',
    '{"lsn":3,"at":0,"shard":"default:edge","update":{"data":[1,2],"time":1,"diff":1}}',
    '{"lsn":4,"durable":3,"at":0,"shard":"default:node","update":{"data":[4],"time":2,"diff":1}}',
  ].map(encodeLine)
  await put(copy, CURRENT, Buffer.concat([await bytesOf(copy, CURRENT), ...lines]))
  await spoil(copy, 2)
  const again = await openOn(copy, SALVAGE)
  expect(await read(again, EDGE)).toEqual(numbers(1))
  expect(await read(again, NODE)).toEqual(numbers(1, 4))
  expect(again.status().recovery.lost).toBe(2)
  expect((await jsonAt(copy, 'quarantine/lost-commits-2-3.json')).lost).toEqual([
    { lsnLower: 2, lsnUpper: 2, openEnded: false, lower: 1, upper: 1 },
    { lsnLower: 3, lsnUpper: 3, openEnded: false, lower: 1, upper: 2 },
  ])
  await again.close()
})

test('a store is degraded until the loss is acknowledged (ND-28)', async () => {
  const disk = await killed(3)
  await spoil(disk, 2)
  const store = await openOn(disk, SALVAGE)
  const { losses } = store.status()
  expect(losses).toEqual(['quarantine/lost-commits-2-2.json'])
  await store.close()
  const degraded = await openOn(disk)
  expect(degraded.status().state).toBe('degraded')
  expect(await degraded.acknowledge()).toEqual(losses)
  expect(degraded.status()).toMatchObject({ state: 'serving', losses: [] })
  await degraded.close()
  const sound = await openOn(disk)
  expect(sound.status().state).toBe('serving')
  expect(await sound.acknowledge()).toEqual([])
  await sound.close()
})

describe('whatever the damage', () => {
  /** The numbers of both shards; they have to agree: a commit is there whole or not at all. */
  const survivors = async (disk: MemoryDisk): Promise<{ left: number[]; lost: number[] }> => {
    const store = await openOn(disk, SALVAGE)
    const edges = await read(store, EDGE)
    expect(await read(store, NODE)).toEqual(edges)
    const lost: number[] = []
    for (const path of store.status().losses)
      for (const { lsnLower, lsnUpper } of (await jsonAt(disk, path)).lost as {
        lsnLower: number
        lsnUpper: number
      }[])
        for (let lsn = lsnLower; lsn <= lsnUpper; lsn++) lost.push(lsn)
    await store.close()
    const left = Object.keys(edges).map(text => Number(text.slice(1, -1)))
    return { left: left.sort((a, b) => a - b), lost }
  }

  test('to any one byte of the log: what is there and what is stated as lost are together what there was', async () => {
    const whole = await everything(await killed(5))
    const log = Buffer.from(whole[CURRENT]!, 'latin1')
    for (let offset = 0; offset < log.length; offset += 3) {
      const damaged = Buffer.from(log)
      damaged[offset]! ^= 1 << (offset % 8)
      const disk = new MemoryDisk()
      await copyOnto({ ...whole, [CURRENT]: damaged.toString('latin1') }, disk)
      const { left, lost } = await survivors(disk)
      // A torn end was never acknowledged: the one byte behind the last line is where it looks so.
      const all = [...left, ...lost].sort((a, b) => a - b)
      expect(all, `byte ${offset}`).toEqual([1, 2, 3, 4, 5].slice(0, Math.max(all.length, 4)))
      expect(lost.length, `byte ${offset}`).toBeLessThanOrEqual(1)
    }
  })

  test('to several lines at once', async () => {
    const whole = await everything(await killed(8))
    const log = Buffer.from(whole[CURRENT]!, 'latin1')
    for (let mask = 1; mask < 128; mask += 2) {
      const damaged = Buffer.from(log)
      const lost: number[] = []
      for (let lsn = 1; lsn <= 7; lsn++) {
        if ((mask & (1 << (lsn - 1))) === 0) continue
        damaged[log.indexOf(`{"lsn":${lsn},`) + 20]! ^= 4
        lost.push(lsn)
      }
      const disk = new MemoryDisk()
      await copyOnto({ ...whole, [CURRENT]: damaged.toString('latin1') }, disk)
      const left = [1, 2, 3, 4, 5, 6, 7, 8].filter(lsn => !lost.includes(lsn))
      expect(await survivors(disk)).toEqual({ left, lost })
    }
  })
})
