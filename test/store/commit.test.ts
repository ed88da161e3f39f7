import { describe, expect, test } from 'vitest'
import { MemoryDisk } from '../../src/disk/memory-disk.ts'
import { float, timestamp, type Value } from '../../src/model/value.ts'
import { openOn, read } from '../support/stores.ts'

const edge = (data: Value[], diff = 1, time?: number) => ({
  shard: 'default:edge',
  data,
  diff,
  ...(time === undefined ? {} : { time }),
})

describe('a commit', () => {
  test('gets the next LSN and, unless it says otherwise, the time upper (IL-11)', async () => {
    const store = await openOn(new MemoryDisk())
    expect(await store.commit([edge([1, 2])])).toMatchObject({ lsn: 1, time: 0 })
    expect(await store.commit([edge([2, 3])], { time: 10 })).toMatchObject({ lsn: 2, time: 10 })
    expect(await store.commit([edge([3, 4])])).toMatchObject({ lsn: 3, time: 11 })
    expect(store.status()).toMatchObject({ lsn: 3, durableLsn: 3, upper: 12 })
    await store.close()
  })

  test('may hold several times, all at least upper (rules 9)', async () => {
    const store = await openOn(new MemoryDisk())
    expect(await store.commit([edge([1], 1, 5), edge([1], 1, 7), edge([2])], { time: 6 })).toMatchObject({
      time: 7,
    })
    expect(await read(store, 'default:edge', 5)).toEqual({ '[1]': 1 })
    expect(await read(store, 'default:edge', 6)).toEqual({ '[1]': 1, '[2]': 1 })
    expect(await read(store, 'default:edge')).toEqual({ '[1]': 2, '[2]': 1 })
    await store.close()
  })

  test('adds up equal updates: a commit is a multiset (rules 10, IL-33)', async () => {
    const store = await openOn(new MemoryDisk())
    await store.commit([
      edge(['a']),
      edge(['a']),
      edge(['b']),
      edge(['b'], -1),
      edge(['c']),
      edge(['c'], -1),
      edge(['c']),
    ])
    expect(await read(store, 'default:edge')).toEqual({ '["a"]': 2, '["c"]': 1 })
    await store.close()
  })

  test('keeps every kind of value, before and after a flush and a restart', async () => {
    const disk = new MemoryDisk()
    const tuple: Value[] = [
      null,
      true,
      7,
      2n ** 63n - 1n,
      -(2n ** 63n),
      2.5,
      float(2),
      Number.NaN,
      Number.NEGATIVE_INFINITY,
      timestamp(-1),
      '𐀀\u0000"',
      new Uint8Array([0, 255]),
      new Float32Array([1, -2.5]),
    ]
    const store = await openOn(disk)
    await store.commit([edge(tuple)])
    const rows = async (from: typeof store): Promise<unknown[]> => {
      const found: unknown[] = []
      const snapshot = await from.snapshot()
      for await (const row of snapshot.rows('default:edge')) found.push(row)
      await snapshot.close()
      return found
    }
    expect(await rows(store)).toEqual([{ data: tuple, diff: 1 }])
    await store.flush()
    expect(await rows(store)).toEqual([{ data: tuple, diff: 1 }])
    await store.close()
    const again = await openOn(disk)
    expect(await rows(again)).toEqual([{ data: tuple, diff: 1 }])
    await again.close()
  })

  test('an integer is not the float of equal value, and -0 is 0 (rules 11)', async () => {
    const store = await openOn(new MemoryDisk())
    await store.commit([edge([1]), edge([float(1)]), edge([-0]), edge([0])])
    expect(await read(store, 'default:edge')).toEqual({ '[0]': 2, '[1]': 1, '[{"f":1}]': 1 })
    await store.close()
  })

  test('with an id is committed once, also after flush and restart', async () => {
    const disk = new MemoryDisk()
    const store = await openOn(disk)
    const first = await store.commit([edge([1])], { id: 'retry', time: 4 })
    expect(await store.commit([edge([1])], { id: 'retry', time: 9 })).toMatchObject({
      lsn: first.lsn,
      time: 4,
    })
    const both = await Promise.all([
      store.commit([edge([2])], { id: 'b' }),
      store.commit([edge([2])], { id: 'b' }),
    ])
    expect(both[0]!.lsn).toBe(both[1]!.lsn)
    await store.close()
    const again = await openOn(disk)
    expect(await again.commit([edge([1])], { id: 'retry' })).toMatchObject({ lsn: first.lsn, time: 4 })
    expect(await read(again, 'default:edge')).toEqual({ '[1]': 1, '[2]': 1 })
    await again.close()
  })

  test('commits made together share syncs, in order (LD-18)', async () => {
    const store = await openOn(new MemoryDisk())
    const results = await Promise.all(
      Array.from({ length: 100 }, (_, index) => store.commit([edge([index])])),
    )
    expect(results.map(({ lsn }) => lsn)).toEqual(Array.from({ length: 100 }, (_, index) => index + 1))
    expect(store.status().wal.syncs).toBeLessThan(10)
    await store.close()
  })

  test('of 10,000 updates is one sync (OX-17)', async () => {
    const store = await openOn(new MemoryDisk(), { bufferSize: 100_000 })
    await store.commit(Array.from({ length: 10_000 }, (_, index) => edge([index])))
    expect(store.status().wal.syncs).toBe(1)
    await store.close()
  })
})

describe('declared columns', () => {
  test('name the columns, make floats of integers, and survive a restart', async () => {
    const disk = new MemoryDisk()
    const store = await openOn(disk)
    await store.declare('default:price', [
      { name: 'item', type: 'string' },
      { name: 'price', type: 'float64' },
    ])
    await store.commit([{ shard: 'default:price', data: ['tea', 3], diff: 1 }])
    await store.close()
    const again = await openOn(disk)
    await again.commit([{ shard: 'default:price', data: ['tea', 3], diff: 1 }])
    const snapshot = await again.snapshot()
    const rows = []
    for await (const row of snapshot.rows('default:price')) rows.push(row)
    expect(rows).toEqual([{ data: ['tea', 3], diff: 2 }])
    await snapshot.close()
    await expect(
      again.commit([{ shard: 'default:price', data: [null, 'x'], diff: 1 }]),
    ).rejects.toMatchObject({
      code: 'TYPE_MISMATCH',
      details: { place: 'updates[0].data[1]', column: 'price', type: 'float64' },
    })
    await again.close()
  })

  test('are declared before the first update, once', async () => {
    const store = await openOn(new MemoryDisk())
    await store.commit([edge([1])])
    await expect(store.declare('default:edge', [{ name: 'a', type: 'int64' }])).rejects.toMatchObject({
      code: 'SCHEMA_INVALID',
      details: { shard: 'default:edge' },
    })
    await store.declare('default:x', [{ name: 'a', type: 'int64' }])
    await expect(store.declare('default:x', [{ name: 'a', type: 'int64' }])).rejects.toMatchObject({
      code: 'SCHEMA_INVALID',
    })
    await store.close()
  })
})

describe('a wrong commit changes nothing and says where it is wrong', () => {
  const wrong: [string, unknown, unknown, Record<string, unknown>][] = [
    ['no list', undefined, {}, { code: 'UPDATE_INVALID', details: { place: 'updates' } }],
    ['no updates', [], {}, { code: 'UPDATE_INVALID' }],
    ['a hole', [edge([1]), undefined], {}, { code: 'UPDATE_INVALID', details: { place: 'updates[1]' } }],
    [
      'no data',
      [{ shard: 'a:b', diff: 1 }],
      {},
      { code: 'UPDATE_INVALID', details: { place: 'updates[0].data' } },
    ],
    ['an empty shard name', [{ shard: '', data: [1], diff: 1 }], {}, { code: 'SHARD_NAME_INVALID' }],
    ['a number as shard', [{ shard: 3, data: [1], diff: 1 }], {}, { code: 'SHARD_NAME_INVALID' }],
    [
      'undefined',
      [edge([1]), edge([undefined as never])],
      {},
      { code: 'VALUE_INVALID', details: { place: 'updates[1].data[0]' } },
    ],
    [
      'an object',
      [edge([1, {} as never])],
      {},
      { code: 'VALUE_INVALID', details: { place: 'updates[0].data[1]' } },
    ],
    [
      'a lone surrogate',
      [edge(['\ud800'])],
      {},
      { code: 'VALUE_INVALID', details: { place: 'updates[0].data[0]' } },
    ],
    ['an integer beyond 64 bits', [edge([2n ** 63n])], {}, { code: 'VALUE_INVALID' }],
    ['a rounded integer', [edge([2 ** 53])], {}, { code: 'VALUE_INVALID' }],
    ['a zero diff', [edge([1], 0)], {}, { code: 'DIFF_INVALID', details: { place: 'updates[0].diff' } }],
    ['half a diff', [edge([1], 0.5)], {}, { code: 'DIFF_INVALID' }],
    [
      'a negative time',
      [edge([1], 1, -1)],
      {},
      { code: 'TIME_INVALID', details: { place: 'updates[0].time' } },
    ],
    ['the time after the last', [edge([1])], { time: Number.MAX_SAFE_INTEGER }, { code: 'TIME_INVALID' }],
    [
      'a time below upper',
      [edge([1], 1, 9), edge([1], 1, 2)],
      {},
      { code: 'TIME_BEFORE_UPPER', details: { place: 'updates[1]', time: 2, upper: 4 } },
    ],
    [
      'two arities in one commit',
      [edge([1]), edge([1, 2])],
      {},
      { code: 'ARITY_MISMATCH', details: { place: 'updates[1].data' } },
    ],
    [
      'another arity than the shard',
      [{ shard: 'x:y', data: [], diff: 1 }, edge([1, 2])],
      {},
      { code: 'ARITY_MISMATCH', details: { place: 'updates[1]', arity: 1, found: 2 } },
    ],
    ['an empty id', [edge([1])], { id: '' }, { code: 'COMMIT_ID_INVALID' }],
  ]

  test.each(wrong)('%s', async (_, updates, options, error) => {
    const disk = new MemoryDisk()
    const store = await openOn(disk)
    await store.commit([edge([7])], { time: 3 })
    const before = store.status()
    await expect(store.commit(updates as never, options as never)).rejects.toMatchObject(error)
    expect(store.status()).toEqual(before)
    expect(await read(store, 'default:edge')).toEqual({ '[7]': 1 })
    await store.close()
  })

  test('the commits beside a wrong one in its group are not touched by it', async () => {
    const store = await openOn(new MemoryDisk())
    const results = await Promise.allSettled([
      store.commit([edge([1])]),
      store.commit([edge([1, 2])]),
      store.commit([edge([3])]),
    ])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(store.status().lsn).toBe(2)
    expect(await read(store, 'default:edge')).toEqual({ '[1]': 1, '[3]': 1 })
    await store.close()
  })

  test('too large for one line of the log', async () => {
    const store = await openOn(new MemoryDisk())
    await expect(store.commit([edge(['x'.repeat(64 * 1024 * 1024)])])).rejects.toMatchObject({
      code: 'COMMIT_TOO_LARGE',
      details: { most: 64 * 1024 * 1024 },
    })
    expect(await store.commit([edge(['x'])])).toMatchObject({ lsn: 1, time: 0 })
    await store.close()
  })

  test('after the last time there is none', async () => {
    const store = await openOn(new MemoryDisk())
    const last = Number.MAX_SAFE_INTEGER - 1
    await store.commit([edge([1])], { time: last })
    await expect(store.commit([edge([2])])).rejects.toMatchObject({
      code: 'TIME_EXHAUSTED',
      details: { upper: last + 1 },
    })
    await store.compact({ since: last })
    expect(await read(store, 'default:edge')).toEqual({ '[1]': 1 })
    await store.close()
  })

  // In `immediate` the thread may wait for the disk itself: rules 25.
  test('whoever commits in a loop leaves everybody else a turn', async () => {
    const store = await openOn(new MemoryDisk())
    let turns = 0
    let goesOn = true
    const turn = (): void => {
      turns++
      if (goesOn) setImmediate(turn)
    }
    setImmediate(turn)
    for (let value = 0; value < 100; value++) await store.commit([edge([value])])
    goesOn = false
    expect(turns).toBeGreaterThan(20)
    await store.close()
  })

  test('after close nothing is taken', async () => {
    const store = await openOn(new MemoryDisk())
    await store.close()
    await expect(store.commit([edge([1])])).rejects.toMatchObject({ code: 'CLOSED', outcome: 'determinate' })
    await expect(store.snapshot()).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(store.flush()).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(store.compact()).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(store.sync()).rejects.toMatchObject({ code: 'CLOSED' })
    await store.close()
  })
})
