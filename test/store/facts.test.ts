import { describe, expect, test } from 'vitest'
import type { DurabilityMode } from '../../src/config/settings.ts'
import type { Disk } from '../../src/disk/disk.ts'
import { MemoryDisk } from '../../src/disk/memory-disk.ts'
import { float, type Value } from '../../src/model/value.ts'
import type { Store } from '../../src/store/store.ts'
import { SimulatedDisk } from '../simulation/disk.ts'
import { openOn, read } from '../support/stores.ts'

const EDGE = 'default:edge'

/** Opens a store on a fresh disk, works with it, closes it. */
const inStore = async (work: (store: Store, disk: Disk) => Promise<void>): Promise<void> => {
  const disk = new MemoryDisk()
  const store = await openOn(disk)
  await work(store, disk)
  await store.close()
}

describe('facts are sets (rules 10)', () => {
  test('an insert counts and logs only what was absent, a delete only what was present', () =>
    inStore(async store => {
      expect(
        await store.insert(EDGE, [
          [1, 2],
          [2, 3],
          [1, 2],
        ]),
      ).toMatchObject({ count: 2, time: 0, lsn: 1 })
      expect(
        await store.insert(EDGE, [
          [2, 3],
          [3, 4],
        ]),
      ).toMatchObject({ count: 1, time: 1, lsn: 2 })
      expect(
        await store.delete(EDGE, [
          [1, 2],
          [9, 9],
          [1, 2],
        ]),
      ).toMatchObject({ count: 1, time: 2, lsn: 3 })
      expect(await read(store, EDGE)).toEqual({ '[2,3]': 1, '[3,4]': 1 })
      expect(await read(store, EDGE, 1)).toEqual({ '[1,2]': 1, '[2,3]': 1, '[3,4]': 1 })
    }))

  test('a change without effect is not logged', () =>
    inStore(async store => {
      expect(await store.delete(EDGE, [[1]])).toMatchObject({ count: 0, time: -1, lsn: 0 })
      expect(store.status()).toMatchObject({ lsn: 0, shards: [] })
      await store.insert(EDGE, [[1]])
      const { bytes } = store.status().wal
      expect(await store.insert(EDGE, [[1]])).toMatchObject({ count: 0, time: 0, lsn: 1 })
      expect(await store.delete(EDGE, [[2]])).toMatchObject({ count: 0, time: 0, lsn: 1 })
      expect(store.status()).toMatchObject({ lsn: 1, upper: 1, wal: { bytes } })
      await (await store.insert(EDGE, [[1]])).durable
    }))

  test('any multiplicity that a commit left is brought to 1 or 0', () =>
    inStore(async store => {
      await store.commit([
        { shard: EDGE, data: ['many'], diff: 5 },
        { shard: EDGE, data: ['negative'], diff: -3 },
        { shard: EDGE, data: ['none'], diff: 2 },
        { shard: EDGE, data: ['none'], diff: -2 },
      ])
      expect((await store.insert(EDGE, [['many'], ['negative'], ['none']])).count).toBe(2)
      expect(await read(store, EDGE)).toEqual({ '["many"]': 5, '["negative"]': 1, '["none"]': 1 })
      await store.flush()
      expect((await store.delete(EDGE, [['many'], ['negative']])).count).toBe(2)
      expect(await read(store, EDGE)).toEqual({ '["none"]': 1 })
    }))

  test('a multiplicity that is no safe integer is not guessed at', () =>
    inStore(async store => {
      const most = Number.MAX_SAFE_INTEGER
      await store.commit([{ shard: EDGE, data: [1], diff: most }])
      await store.commit([{ shard: EDGE, data: [1], diff: most }])
      await expect(store.delete(EDGE, [[1]])).rejects.toMatchObject({
        code: 'DIFF_OVERFLOW',
        details: { shard: EDGE, data: '1' },
      })
    }))

  test('equality is that of values: 1 is not 1.0, except in a column declared float64', () =>
    inStore(async store => {
      expect((await store.insert(EDGE, [[1], [float(1)], [1n], [-0], [0]])).count).toBe(3)
      await store.declare('default:score', [{ name: 'score', type: 'float64' }])
      expect((await store.insert('default:score', [[1], [float(1)], [0.5], [1]])).count).toBe(2)
      await store.flush()
      expect((await store.insert('default:score', [[float(1)], [1]])).count).toBe(0)
      expect((await store.delete('default:score', [[1]])).count).toBe(1)
    }))

  test('a fact is found wherever it is: in the buffer, a frozen buffer, a batch, several batches', () =>
    inStore(async store => {
      const values: Value[] = [
        null,
        true,
        7,
        2n ** 60n,
        0.5,
        Number.NaN,
        'text',
        new Uint8Array([1]),
        new Float32Array([2]),
      ]
      const tuples = values.map(value => [value, 'x'])
      for (const step of [async () => {}, () => store.flush(), () => store.compact()]) {
        expect((await store.insert(EDGE, tuples)).count).toBe(tuples.length)
        await step()
        expect((await store.insert(EDGE, tuples)).count).toBe(0)
        expect((await store.delete(EDGE, tuples)).count).toBe(tuples.length)
        await step()
        expect((await store.delete(EDGE, tuples)).count).toBe(0)
      }
    }))

  test('a fact is found beside NaN, which the statistics of a file leave out', () =>
    inStore(async store => {
      await store.insert(EDGE, [[0.5], [Number.NaN], [2.5]])
      await store.flush()
      expect((await store.insert(EDGE, [[Number.NaN]])).count).toBe(0)
      expect((await store.delete(EDGE, [[Number.NaN], [float(2)]])).count).toBe(1)
    }))

  test('a file that was looked into and then replaced is closed', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk)
    await store.insert(EDGE, [[1]])
    await store.flush()
    await store.insert(EDGE, [[1], [2]])
    await store.compact()
    const calls = (label: RegExp) => disk.trace.filter(each => label.test(each)).length
    expect(calls(/^open read batches\/1\.parquet/)).toBeGreaterThan(1)
    expect(calls(/^close batches\/1\.parquet$/)).toBe(calls(/^open read batches\/1\.parquet/))
    expect(calls(/^remove batches\/1\.parquet/)).toBe(1)
    await store.close()
  })

  test('a fact is found in a large batch, among many at once and alone', () =>
    inStore(async store => {
      const tuples = Array.from({ length: 150_000 }, (_, row) => [row * 2, `n${row % 100}`])
      expect((await store.insert(EDGE, tuples)).count).toBe(150_000)
      await store.flush()
      const asked = Array.from({ length: 3000 }, (_, row) => [row * 100, `n${(row * 50) % 100}`])
      expect((await store.insert(EDGE, [...asked, [1, 'n0'], [300_001, 'n0'], [-1, 'n0']])).count).toBe(3)
      expect((await store.delete(EDGE, [[299_998, 'n99']])).count).toBe(1)
      expect((await store.delete(EDGE, [[299_998, 'n99']])).count).toBe(0)
    }))
})

describe('a wrong fact', () => {
  test.each<[string, readonly unknown[], object]>([
    ['no list', 1 as never, { code: 'UPDATE_INVALID', details: { place: 'tuples' } }],
    ['no fact', [], { code: 'UPDATE_INVALID', details: { place: 'tuples' } }],
    ['no tuple', [[1], 2], { code: 'UPDATE_INVALID', details: { place: 'tuples[1]' } }],
    [
      'of another arity',
      [[1], [1, 2]],
      { code: 'ARITY_MISMATCH', details: { place: 'tuples[1]', arity: 1, found: 2 } },
    ],
    ['with no value', [[1], [undefined]], { code: 'VALUE_INVALID', details: { place: 'tuples[1][0]' } }],
  ])('%s is refused by its place, and nothing happened', (_, tuples, error) =>
    inStore(async store => {
      await expect(store.insert(EDGE, tuples as never)).rejects.toMatchObject(error)
      await expect(store.delete(EDGE, tuples as never)).rejects.toMatchObject(error)
      expect(store.status().lsn).toBe(0)
    }),
  )

  test('of another arity or type than its shard is refused by its place', () =>
    inStore(async store => {
      await store.declare(EDGE, [{ name: 'from', type: 'int64' }])
      await expect(store.insert(EDGE, [[3], [1], ['two']])).rejects.toMatchObject({
        code: 'TYPE_MISMATCH',
        details: { place: 'tuples[2][0]', column: 'from', value: '"two"' },
      })
      await expect(store.delete(EDGE, [[1, 2]])).rejects.toMatchObject({
        code: 'ARITY_MISMATCH',
        details: { place: 'tuples[0]', arity: 1, found: 2 },
      })
      await expect(store.insert('', [[1]])).rejects.toMatchObject({ code: 'SHARD_NAME_INVALID' })
      await store.insert(EDGE, [[3]], { time: 7 })
      await expect(store.insert(EDGE, [[4]], { time: 7 })).rejects.toMatchObject({
        code: 'TIME_BEFORE_UPPER',
        details: { time: 7, upper: 8 },
      })
      await expect(store.insert(EDGE, [[4]], { time: -1 })).rejects.toMatchObject({ code: 'TIME_INVALID' })
      // What has no effect needs no time.
      expect(await store.insert(EDGE, [[3]], { time: 2 })).toMatchObject({ count: 0, time: 7 })
    }))
})

describe('calls at the same time', () => {
  test.each(['immediate', 'batched', 'async', 'none'] as const)(
    'agree on who inserted a fact and who deleted it, in mode %s',
    async durabilityMode => {
      const store = await openOn(new MemoryDisk(), { durabilityMode, bufferSize: 7 })
      for (let round = 0; round < 20; round++) {
        const inserts = await Promise.all(
          Array.from({ length: 60 }, (_, call) => store.insert(EDGE, [[call % 6], [round]])),
        )
        const facts = new Set([0, 1, 2, 3, 4, 5, round]).size
        expect(inserts.reduce((sum, { count }) => sum + count, 0)).toBe(facts)
        const deletes = await Promise.all(
          Array.from({ length: 60 }, (_, call) => store.delete(EDGE, [[call % 6], [round]])),
        )
        expect(deletes.reduce((sum, { count }) => sum + count, 0)).toBe(facts)
      }
      expect(await read(store, EDGE)).toEqual({})
      await store.close()
    },
  )

  test('see one another also where commits come between', () =>
    inStore(async store => {
      const [first, , second] = await Promise.all([
        store.insert(EDGE, [[1]]),
        store.commit([{ shard: EDGE, data: [2], diff: 1 }]),
        store.insert(EDGE, [[1], [2], [3]]),
      ])
      expect(first.count).toBe(1)
      // The lookup of a shard that was not there is repeated once it is.
      expect(second.count).toBe(1)
      expect(await read(store, EDGE)).toEqual({ '[1]': 1, '[2]': 1, '[3]': 1 })
    }))

  test('look a fact up again in the columns that another call has just declared', () =>
    inStore(async store => {
      const [, inserted] = await Promise.all([
        store.declare(EDGE, [{ name: 'x', type: 'float64' }]),
        store.insert(EDGE, [[1], [float(1)], [2]]),
      ])
      expect(inserted.count).toBe(2)
      expect(await read(store, EDGE)).toEqual({ '[1]': 1, '[2]': 1 })
    }))

  test('a buffer may be frozen, flushed and merged between lookup and decision', () =>
    inStore(async store => {
      let inserted = 0
      const writing = (async () => {
        for (let call = 0; call < 300; call++)
          inserted += (
            await store.insert(
              EDGE,
              Array.from({ length: 5 }, (_, row) => [(call + row) % 150]),
            )
          ).count
      })()
      for (let round = 0; round < 15; round++) {
        await store.flush()
        await store.compact()
      }
      await writing
      expect(inserted).toBe(150)
      expect(Object.values(await read(store, EDGE))).toEqual(Array(150).fill(1))
    }))
})

test('a call without effect shares the fate of the one that it rests on', async () => {
  const disk = new SimulatedDisk()
  const store = await openOn(disk)
  await store.insert(EDGE, [[0]])
  disk.inject(/^write wal\/current\.wal/, { kind: 'fail', errno: 'EIO' })
  const [first, second] = await Promise.allSettled([store.insert(EDGE, [[1]]), store.insert(EDGE, [[1]])])
  for (const { status, reason } of [first, second] as PromiseRejectedResult[]) {
    expect(status).toBe('rejected')
    expect(reason).toMatchObject({ code: 'LOG_WRITE_FAILED', outcome: 'determinate' })
  }
  expect((await store.insert(EDGE, [[1]])).count).toBe(1)
  await store.close()
})

test('what comes in while a fact is looked up counts, also in buffers that follow the one of that moment', async () => {
  const before = new SimulatedDisk()
  const first = await openOn(before)
  await first.insert(EDGE, [[5], [6]])
  await first.delete(EDGE, [[5]])
  await first.close()
  const disk = before.restart()
  const store = await openOn(disk)
  const stall = disk.stall(/^read batches/)
  const inserting = store.insert(EDGE, [[5], [6], [7]])
  await stall.reached
  await store.commit([{ shard: EDGE, data: [0], diff: 1 }])
  await store.flush()
  await store.commit([{ shard: EDGE, data: [5], diff: 1 }])
  await store.flush()
  await store.commit([{ shard: EDGE, data: [6], diff: -1 }])
  stall.release()
  // 5 came, 6 went, 7 was never there.
  expect((await inserting).count).toBe(2)
  expect(await read(store, EDGE)).toEqual({ '[0]': 1, '[5]': 1, '[6]': 1, '[7]': 1 })
  await store.close()
})

/** A small generator of numbers (mulberry32), so that a failing history can be lived again. */
const random = (seed: number): ((below: number) => number) => {
  let state = seed
  return below => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

const HISTORIES = 250
const STEPS = 8
const SHARDS = 5

/** Histories share few shards, for speed; the first value of each fact says whose it is. */
const shardOf = (history: number): string => `g:r${history % SHARDS}`

/** What every history holds after each commit: index is LSN. The model is a set; it shares nothing with the engine. */
type Past = ReadonlyMap<number, ReadonlySet<string>>[]

/** Lives {@link HISTORIES} histories at once, duplicates and absent facts included. */
const live = async (store: Store, seed: number): Promise<Past> => {
  const next = random(seed)
  const present = new Map<number, Set<string>>()
  const past: Map<number, ReadonlySet<string>>[] = [new Map()]
  for (let step = 0; step < HISTORIES * STEPS; step++) {
    const history = next(HISTORIES)
    const tuples = Array.from({ length: 1 + next(3) }, () => [history, next(4), ['a', 'b'][next(2)]!])
    const isInsert = next(5) < 3
    const facts = present.get(history) ?? new Set()
    const effective = new Set(
      tuples.map(tuple => JSON.stringify(tuple)).filter(fact => facts.has(fact) !== isInsert),
    )
    const { count, lsn } = await (isInsert
      ? store.insert(shardOf(history), tuples)
      : store.delete(shardOf(history), tuples))
    expect(count, `seed ${seed}, step ${step}`).toBe(effective.size)
    for (const fact of effective) isInsert ? facts.add(fact) : facts.delete(fact)
    present.set(history, facts)
    if (count === 0) continue
    expect(lsn).toBe(past.length)
    past.push(new Map([...past.at(-1)!, [history, new Set(facts)]]))
    const other = next(400)
    if (other === 0) await store.flush()
    if (other === 1) await store.compact()
  }
  return past
}

const check = async (store: Store, expected: Past[number], where: string): Promise<void> => {
  const contents: Record<string, number>[] = Array.from({ length: SHARDS }, () => ({}))
  for (const [history, facts] of expected) for (const fact of facts) contents[history % SHARDS]![fact] = 1
  for (let shard = 0; shard < SHARDS; shard++)
    expect(await read(store, shardOf(shard)), `${where}, shard ${shard}`).toEqual(contents[shard])
}

describe('10,000 random histories of inserts and deletes', () => {
  const modes: readonly DurabilityMode[] = ['immediate', 'batched', 'async', 'none']
  const lives = modes.flatMap((mode, index) =>
    Array.from({ length: 10 }, (_, run) => [mode, index * 10 + run + 1] as const),
  )

  test.each(lives)(
    'in mode %s with seed %i: the same before close, after kill, power loss and reopen',
    async (durabilityMode, seed) => {
      const disk = new SimulatedDisk()
      const settings = { durabilityMode, bufferSize: [20, 150, 1000][seed % 3]!, walSegmentBytes: 20_000 }
      const store = await openOn(disk, settings)
      const past = await live(store, seed)
      await check(store, past.at(-1)!, 'before close')

      // A kill: the system still has what it was given; async and none may not have given it everything.
      disk.stop()
      await store.close().catch(() => {})
      // A power loss on top of it: only what was synced is left. In mode none that may be anything.
      if (durabilityMode !== 'none') {
        const afterLoss = await openOn(disk.crash('synced'), settings)
        const { lsn: left } = afterLoss.status()
        if (durabilityMode === 'immediate') expect(left).toBe(past.length - 1)
        expect(left).toBeLessThan(past.length)
        await check(afterLoss, past[left]!, 'after power loss')
        await afterLoss.close()
      }
      const killed = disk.restart()
      const afterKill = await openOn(killed, settings)
      const { lsn } = afterKill.status()
      if (durabilityMode === 'immediate' || durabilityMode === 'batched') expect(lsn).toBe(past.length - 1)
      expect(lsn).toBeLessThan(past.length)
      await check(afterKill, past[lsn]!, 'after kill')
      await afterKill.close()

      const reopened = await openOn(killed.restart(), settings)
      expect(reopened.status().recovery.total).toBe(0)
      await check(reopened, past[lsn]!, 'after close and reopen')
      await reopened.close()
    },
  )
})
