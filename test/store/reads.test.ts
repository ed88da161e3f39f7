import { tableToIPC } from 'apache-arrow'
import { describe, expect, test } from 'vitest'
import { MemoryDisk } from '../../src/disk/memory-disk.ts'
import type { Where } from '../../src/model/predicate.ts'
import type { Update } from '../../src/model/update.ts'
import { float, timestamp, type Value } from '../../src/model/value.ts'
import type { ReadOptions } from '../../src/store/read-options.ts'
import type { ChangesOptions, Snapshot } from '../../src/store/snapshot.ts'
import type { Store } from '../../src/store/store.ts'
import { SimulatedDisk } from '../simulation/disk.ts'
import { openOn, tupleText } from '../support/stores.ts'

const SHARD = 'a:b'

const at = async <T>(
  store: Store,
  asOf: number | undefined,
  work: (snapshot: Snapshot) => Promise<T>,
): Promise<T> => {
  const snapshot = await store.snapshot(asOf === undefined ? {} : { asOf })
  try {
    return await work(snapshot)
  } finally {
    await snapshot.close()
  }
}

const rows = (store: Store, options?: ReadOptions, asOf?: number): Promise<string[]> =>
  at(store, asOf, async snapshot => {
    const found: string[] = []
    for await (const { data, diff } of snapshot.rows(SHARD, options)) found.push(`${tupleText(data)} ${diff}`)
    return found
  })

const changes = (store: Store, options: ChangesOptions, asOf?: number): Promise<string[]> =>
  at(store, asOf, async snapshot => {
    const found: string[] = []
    for await (const { data, diff } of snapshot.changes(SHARD, options))
      found.push(`${tupleText(data)} ${diff}`)
    return found
  })

const put = (data: readonly Value[], diff = 1): Update => ({ shard: SHARD, data, diff })

/** A store with the tuples, one in the buffer, the others in a batch. */
const holding = async (tuples: readonly (readonly Value[])[]): Promise<Store> => {
  const store = await openOn(new MemoryDisk())
  await store.commit(tuples.slice(1).map(tuple => put(tuple)))
  await store.flush()
  await store.commit([put(tuples[0]!)])
  return store
}

describe('where', () => {
  const tuples: Value[][] = [
    [null, 'a'],
    [true, 'b'],
    [1, 'c'],
    [float(1), 'd'],
    [1.5, 'e'],
    [2n ** 60n, 'f'],
    [Number.NaN, 'g'],
    [timestamp(5), 'h'],
    ['text', 'i'],
    [new Uint8Array([1, 2]), 'j'],
    [new Float32Array([1]), 'k'],
  ]
  test.each<[string, Where, string]>([
    ['null', { col0: null }, 'a'],
    ['a boolean', { col0: true }, 'b'],
    ['an integer is not the float of equal value', { col0: 1 }, 'c'],
    ['a float', { col0: float(1) }, 'd'],
    ['a bigint that fits a number', { col0: 1n }, 'c'],
    ['a wide integer', { col0: 2n ** 60n }, 'f'],
    ['NaN is equal to itself', { col0: Number.NaN }, 'g'],
    ['a timestamp', { col0: timestamp(5) }, 'h'],
    ['a date', { col0: new Date(5) as never }, 'h'],
    ['a string', { col0: 'text' }, 'i'],
    ['bytes', { col0: new Uint8Array([1, 2]) }, 'j'],
    ['a vector', { col0: new Float32Array([1]) }, 'k'],
    ['what is nowhere', { col0: 'none' }, ''],
    ['numbers in a range, integers and floats alike', { col0: { gte: 1 } }, 'cdef'],
    ['strictly', { col0: { gt: float(1) } }, 'ef'],
    ['up to', { col0: { lte: 1.5 } }, 'cde'],
    ['below', { col0: { lt: 1.5 } }, 'cd'],
    ['between', { col0: { gt: 1, lt: 2n ** 60n } }, 'e'],
    ['only strings in a range of strings', { col0: { gte: '' } }, 'i'],
    ['only timestamps in one of timestamps', { col0: { gte: timestamp(0), lt: timestamp(6) } }, 'h'],
    ['only booleans', { col0: { gte: false } }, 'b'],
    ['only bytes', { col0: { gte: new Uint8Array(0) } }, 'j'],
    ['only vectors', { col0: { gte: new Float32Array(0) } }, 'k'],
    ['all conditions', { col0: { gte: 1 }, col1: { gt: 'd' } }, 'ef'],
    ['nothing asked', {}, 'abcdefghijk'],
  ])('%s', async (_, where, expected) => {
    const store = await holding(tuples)
    expect((await rows(store, { where })).map(text => text.at(-5)).join('')).toBe(expected)
    expect(await at(store, undefined, snapshot => snapshot.count(SHARD, { where }))).toMatchObject({
      distinct: expected.length,
      total: expected.length,
    })
    await store.close()
  })

  test('an integer asks for the float in a column declared float64', async () => {
    const store = await openOn(new MemoryDisk())
    await store.declare(SHARD, [{ name: 'score', type: 'float64' }])
    await store.insert(SHARD, [[1], [1.5], [2]])
    await store.flush()
    expect(await rows(store, { where: { score: 1 } })).toEqual(['[1] 1'])
    expect(await rows(store, { where: { score: 2 } })).toEqual(['[2] 1'])
    expect(await at(store, undefined, async snapshot => snapshot.columns(SHARD))).toEqual([
      { name: 'score', type: 'float64', declared: true },
    ])
    await store.close()
  })

  test.each<[string, unknown, object]>([
    [
      'an unknown column',
      { col7: 1 },
      { code: 'COLUMN_UNKNOWN', details: { place: 'where.col7', columns: 'col0, col1' } },
    ],
    ['no object', 7, { code: 'WHERE_INVALID', details: { place: 'where' } }],
    ['an empty range', { col0: {} }, { code: 'WHERE_INVALID', details: { place: 'where.col0' } }],
    [
      'an unknown bound',
      { col0: { from: 1 } },
      { code: 'WHERE_INVALID', details: { place: 'where.col0.from' } },
    ],
    [
      'two lower bounds',
      { col0: { gt: 1, gte: 1 } },
      { code: 'WHERE_INVALID', details: { place: 'where.col0' } },
    ],
    [
      'two upper bounds',
      { col0: { lt: 1, lte: 1 } },
      { code: 'WHERE_INVALID', details: { place: 'where.col0' } },
    ],
    [
      'bounds of two kinds',
      { col0: { gt: 1, lt: 'z' } },
      { code: 'WHERE_INVALID', details: { place: 'where.col0' } },
    ],
    [
      'null as a bound',
      { col0: { gt: null } },
      { code: 'WHERE_INVALID', details: { place: 'where.col0.gt' } },
    ],
    [
      'NaN as a bound',
      { col0: { lt: Number.NaN } },
      { code: 'WHERE_INVALID', details: { place: 'where.col0.lt' } },
    ],
    ['no value', { col0: undefined }, { code: 'VALUE_INVALID', details: { place: 'where.col0' } }],
    ['a list', { col0: [1] }, { code: 'VALUE_INVALID', details: { place: 'where.col0' } }],
  ])('%s is refused by its place', async (_, where, error) => {
    const store = await holding(tuples)
    await expect(rows(store, { where: where as Where })).rejects.toMatchObject(error)
    await store.close()
  })
})

test('a string that begins with a byte order mark is found by the statistics of its row group', async () => {
  const store = await openOn(new MemoryDisk())
  // Longer than what the description of the batch keeps, so that the row group decides.
  const text = `\ufeff${'z'.repeat(70)}`
  await store.commit([put([text])])
  await store.flush()
  expect(await rows(store, { where: { col0: text } })).toHaveLength(1)
  expect((await store.insert(SHARD, [[text]])).count).toBe(0)
  await store.close()
})

describe('columns', () => {
  test('rows that are equal in the columns wanted are one, in the order of what is wanted', async () => {
    const store = await holding([
      [1, 'x', 3],
      [1, 'y', 1],
      [2, 'x', 3],
      [2, 'x', 4],
    ])
    expect(await rows(store, { columns: ['col0'] })).toEqual(['[1] 2', '[2] 2'])
    expect(await rows(store, { columns: ['col2', 'col1'] })).toEqual(['[1,"y"] 1', '[3,"x"] 2', '[4,"x"] 1'])
    expect(await rows(store, { columns: ['col1'], where: { col2: { gt: 1 } } })).toEqual(['["x"] 3'])
    expect(await rows(store, { columns: [] })).toEqual(['[] 4'])
    await store.close()
  })

  test.each<[string, unknown, object]>([
    [
      'an unknown one',
      ['col0', 'name'],
      { code: 'COLUMN_UNKNOWN', details: { place: 'columns[1]', column: 'name' } },
    ],
    [
      'one twice',
      ['col0', 'col0'],
      { code: 'COLUMN_UNKNOWN', details: { place: 'columns[1]', column: 'col0' } },
    ],
    ['no list', 'col0', { code: 'COLUMN_UNKNOWN', details: { place: 'columns' } }],
  ])('%s is refused', async (_, columns, error) => {
    const store = await holding([
      [1, 2],
      [3, 4],
    ])
    await expect(rows(store, { columns: columns as string[] })).rejects.toMatchObject(error)
    await store.close()
  })
})

describe('changes', () => {
  test('are what differs between two times, however it came about', async () => {
    const store = await openOn(new MemoryDisk())
    await store.commit([put(['stays']), put(['goes']), put(['doubles'])])
    await store.commit([put(['flickers']), put(['goes'], -1)])
    await store.flush()
    await store.commit([put(['flickers'], -1), put(['comes']), put(['doubles'])])
    expect(await changes(store, { from: 0 })).toEqual(['["comes"] 1', '["doubles"] 1', '["goes"] -1'])
    expect(await changes(store, { from: 0 }, 1)).toEqual(['["flickers"] 1', '["goes"] -1'])
    expect(await changes(store, { from: 2 })).toEqual([])
    expect(await changes(store, { from: 0, where: { col0: { gte: 'd' } } })).toEqual([
      '["doubles"] 1',
      '["goes"] -1',
    ])
    expect(await changes(store, { from: 0, columns: [] })).toEqual(['[] 1'])
    await store.compact({ since: 1 })
    await expect(changes(store, { from: 0 })).rejects.toMatchObject({
      code: 'AS_OF_BEFORE_SINCE',
      details: { asOf: 0, since: 1, shard: SHARD },
    })
    expect(await changes(store, { from: 1 })).toEqual(['["comes"] 1', '["doubles"] 1', '["flickers"] -1'])
    await expect(changes(store, { from: 2 }, 1)).rejects.toMatchObject({ code: 'AS_OF_NOT_BEFORE_UPPER' })
    await expect(changes(store, {} as ChangesOptions)).rejects.toMatchObject({
      code: 'TIME_INVALID',
      details: { place: 'options.from' },
    })
    await store.close()
  })
})

describe('toArrow', () => {
  test('is a table with the columns by name and the multiplicities', async () => {
    const store = await openOn(new MemoryDisk())
    await store.declare(SHARD, [
      { name: 'n', type: 'int64' },
      { name: 's', type: 'string' },
      { name: 'f', type: 'float64' },
      { name: 't', type: 'timestamp' },
      { name: 'v', type: 'vector' },
    ])
    await store.commit([
      put([2n ** 60n, 'b', 1, timestamp(1000), new Float32Array([0.5, 2])]),
      put([1, null, null, null, null], 3),
    ])
    const table = await at(store, undefined, snapshot => snapshot.toArrow(SHARD))
    expect(table.schema.fields.map(({ name, type }) => `${name}: ${type}`)).toEqual([
      'n: Int64',
      's: Utf8',
      'f: Float64',
      't: Timestamp<MILLISECOND, UTC>',
      'v: List<Float32>',
      'diff: Int64',
    ])
    expect(
      [...table].map(row =>
        JSON.parse(JSON.stringify(row, (_, value) => (typeof value === 'bigint' ? String(value) : value))),
      ),
    ).toEqual([
      { n: '1', s: null, f: null, t: null, v: null, diff: '3' },
      { n: String(2n ** 60n), s: 'b', f: 1, t: 1000, v: [0.5, 2], diff: '1' },
    ])
    const some = await at(store, undefined, snapshot =>
      snapshot.toArrow(SHARD, { columns: ['s'], where: { n: 1 } }),
    )
    expect(String(some)).toBe('[\n  {"s": null, "diff": 3}\n]')
    expect(tableToIPC(table).length).toBeGreaterThan(100)
    await store.close()
  })

  test('of an empty shard, of one that is not there, and of many chunks', async () => {
    const store = await openOn(new MemoryDisk())
    await store.insert(SHARD, [[1]])
    await store.delete(SHARD, [[1]])
    const empty = await at(store, undefined, snapshot => snapshot.toArrow(SHARD))
    expect([empty.numRows, empty.schema.fields.map(({ name }) => name)]).toEqual([0, ['col0', 'diff']])
    const none = await at(store, undefined, snapshot => snapshot.toArrow('no:such'))
    expect([none.numRows, none.schema.fields.map(({ name }) => name)]).toEqual([0, ['diff']])
    await store.insert(
      SHARD,
      Array.from({ length: 70_000 }, (_, row) => [row]),
    )
    await store.flush()
    const many = await at(store, undefined, snapshot => snapshot.toArrow(SHARD))
    expect(many.numRows).toBe(70_000)
    expect(many.batches.length).toBeGreaterThan(1)
    await at(store, undefined, async snapshot => {
      const lengths: number[] = []
      for await (const table of snapshot.tables(SHARD, { where: { col0: { gte: 10 } } })) {
        expect(table.schema.fields.map(({ name }) => name)).toEqual(['col0', 'diff'])
        expect(table.getChild('col0')!.get(0)).toBe(10 + lengths.reduce((sum, length) => sum + length, 0))
        lengths.push(table.numRows)
      }
      expect(lengths.length).toBeGreaterThan(1)
      expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(69_990)
      for await (const _ of snapshot.tables('no:such')) expect.unreachable()
      for await (const _ of snapshot.tables(SHARD, { where: { col0: -1 } })) expect.unreachable()
    })
    expect(many.getChild('col0')!.get(69_999)).toBe(69_999)
    await store.close()
  })
})

describe('what cannot matter is not read', () => {
  const READS = /^read (batches\/\S+) (\d+)\+(\d+)$/

  /** Bytes of batches that were read since `from` calls, and of how many. */
  const read = (disk: SimulatedDisk, from: number): { bytes: number; files: number } => {
    const calls = disk.trace
      .slice(from)
      .map(label => READS.exec(label))
      .filter(match => match !== null)
    return {
      bytes: calls.reduce((sum, [, , , length]) => sum + Number(length), 0),
      files: new Set(calls.map(([, path]) => path)).size,
    }
  }

  test('batches and row groups by their statistics, columns by their names, batches by their times', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk, { autoCompactThreshold: 0, bufferSize: 1_000_000 })
    for (let batch = 0; batch < 3; batch++) {
      const base = batch * 200_000
      await store.insert(
        SHARD,
        Array.from({ length: 150_000 }, (_, row) => [base + row, `name ${(row * 7919) % 100_003}`]),
      )
      await store.flush()
    }
    await store.close()
    /** Of a store that has read nothing yet. */
    const cost = async (work: (store: Store) => Promise<unknown>) => {
      const opened = await openOn(disk)
      const from = disk.trace.length
      await work(opened)
      const found = read(disk, from)
      await opened.close()
      return found
    }
    const all = await cost(opened => rows(opened))
    expect(all.files).toBe(3)
    const one = await cost(async opened =>
      expect(await rows(opened, { where: { col0: 200_001 } })).toEqual(['[200001,"name 7919"] 1']),
    )
    expect(one.files).toBe(1)
    // One of three row groups of one of three batches.
    expect(one.bytes).toBeLessThan(all.bytes / 6)
    const range = await cost(async opened =>
      expect(await rows(opened, { where: { col0: { gte: 149_999, lt: 200_000 } } })).toHaveLength(1),
    )
    expect(range.files).toBe(1)
    const numbers = await cost(opened => rows(opened, { columns: ['col0'] }))
    expect(numbers.files).toBe(3)
    expect(numbers.bytes).toBeLessThan(all.bytes / 3)
    const late = await cost(async opened => expect(await changes(opened, { from: 1 })).toHaveLength(150_000))
    expect(late.files).toBe(1)
    const none = await cost(opened => rows(opened, { where: { col0: -1 } }))
    expect(none).toEqual({ bytes: 0, files: 0 })
    // What is scanned again is kept.
    const twice = await cost(async opened => {
      await rows(opened)
      await rows(opened)
    })
    expect(twice.bytes).toBeGreaterThan(all.bytes * 1.9)
    const often = await cost(async opened => {
      await rows(opened)
      await rows(opened)
      await rows(opened)
      await rows(opened, { columns: ['col1'] })
    })
    expect(often).toEqual(twice)
  })

  test('a damaged column that nobody asks for does not keep the others from being read', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk)
    await store.insert(SHARD, [
      [1, 'one'],
      [2, 'two'],
    ])
    await store.flush()
    const [batch] = (await disk.list('batches')).map(({ name }) => `batches/${name}`)
    const file = await disk.open(batch!, 'write')
    const bytes = await file.read(0, await file.size())
    const place = Buffer.from(bytes).indexOf('one')
    expect(place).toBeGreaterThan(0)
    await file.write(place, Buffer.from('own'))
    await file.close()
    expect(await rows(store, { columns: ['col0'] })).toEqual(['[1] 1', '[2] 1'])
    await expect(rows(store)).rejects.toMatchObject({
      code: 'BATCH_CORRUPT',
      details: { column: 'col1', file: batch },
    })
    // A fact is not looked up in what is damaged.
    await expect(store.insert(SHARD, [[1, 'one']])).rejects.toMatchObject({ code: 'BATCH_CORRUPT' })
    await store.close()
  })
})

test('many readers see one whole state each while commits, flushes and compactions go on (IL-35)', async () => {
  const store = await openOn(new MemoryDisk(), { bufferSize: 20, autoCompactThreshold: 3 })
  // Money is moved between ten accounts: at every time there are a hundred coins.
  await store.commit(Array.from({ length: 10 }, (_, account) => put([account], 10)))
  let writing = true
  const writer = (async () => {
    for (let step = 0; step < 400; step++) {
      const from = step % 10
      await store.commit([put([from], -1), put([(from + 1 + (step % 8)) % 10])])
    }
    writing = false
  })()
  let seen = 0
  const reader = async (): Promise<void> => {
    while (writing) {
      const { total } = await at(store, undefined, snapshot =>
        snapshot.count(SHARD, { where: { col0: { lt: 100 } } }),
      )
      expect(total).toBe(100)
      seen++
    }
  }
  await Promise.all([writer, ...Array.from({ length: 8 }, reader)])
  expect(seen).toBeGreaterThan(8)
  await store.close()
})
