// A lookup finds what a Map of all updates holds: in batches and buffers, at every time, before and after the view was summed.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BatchCache } from '../../src/batch/cache.ts'
import { columnsAt } from '../../src/batch/sum-parts.ts'
import { writeBatch } from '../../src/batch/writer.ts'
import { MemoryDisk } from '../../src/disk/memory-disk.ts'
import { consolidate } from '../../src/model/consolidate.ts'
import { type Schema, untyped, widen } from '../../src/model/schema.ts'
import { compareValues, float, timestamp, type Value } from '../../src/model/value.ts'
import { valueText } from '../../src/model/value-json.ts'
import { BufferView } from '../../src/shard/buffer-view.ts'
import { type BatchEntry, batchPath } from '../../src/shard/metadata.ts'
import type { ShardView } from '../../src/shard/shard.ts'
import { BatchLookup } from '../../src/store/batch-lookup.ts'
import { Lookup } from '../../src/store/lookup.ts'
import { Lookups } from '../../src/store/lookups.ts'
import type { Snapshot } from '../../src/store/snapshot.ts'
import { Turns } from '../../src/turns.ts'
import { rowsOf } from '../batch/columns-of.ts'
import { WatchedDisk } from '../batch/watched-disk.ts'
import { SimulatedDisk } from '../simulation/disk.ts'
import { openOn } from '../support/stores.ts'
import { columnsFrom, type PlainUpdate } from '../support/values.ts'

const SHARD = 'a:b'
const FORMAT = { profile: 'tuned', compression: 'none' } as const

/** A view of these updates: each list is a batch, but the last ones, which are buffers. */
const viewOf = async (
  disk: MemoryDisk,
  parts: readonly PlainUpdate[][],
  arity: number,
  buffers = 1,
): Promise<ShardView> => {
  await disk.makeDirectory('batches')
  const columns = parts.map(part => columnsFrom(arity, part))
  const schema = columns.reduce<Schema>((joined, each) => widen(joined, each), untyped(arity))
  const batches: BatchEntry[] = []
  for (const [index, part] of columns.slice(0, columns.length - buffers).entries()) {
    const id = String(index + 1)
    const entry = await writeBatch(disk, batchPath(id), { ...FORMAT, shard: SHARD, schema }, [
      consolidate(part),
    ])
    if (entry !== undefined) batches.push({ ...entry, id, lsnLower: index + 1, lsnUpper: index + 1 })
  }
  return {
    name: SHARD,
    since: 0,
    schema,
    batches,
    buffers: columns.slice(columns.length - buffers).map(each => new BufferView(each)),
  }
}

/** Texts of what begins with `prefix`, with the sums as of a time, in order: from all updates, by a Map. */
const expected = (parts: readonly PlainUpdate[][], prefix: readonly Value[], asOf: number): string[] => {
  const sums = new Map<string, { data: readonly Value[]; sum: number }>()
  for (const { data, time, diff } of parts.flat()) {
    if (time > asOf || prefix.some((value, index) => compareValues(value, data[index]!) !== 0)) continue
    const text = data.map(valueText).join()
    sums.set(text, { data, sum: (sums.get(text)?.sum ?? 0) + diff })
  }
  return [...sums.values()]
    .filter(({ sum }) => sum !== 0)
    .sort((a, b) => compareValues(a.data[0]!, b.data[0]!) || compareValues(a.data[1]!, b.data[1]!))
    .map(({ data, sum }) => `${data.map(valueText).join()} ${sum}`)
}

const VALUES: readonly Value[] = [
  null,
  true,
  -1,
  1,
  float(1),
  1.5,
  2n ** 60n,
  Number.NaN,
  timestamp(1),
  '',
  'a',
  '😀',
  Uint8Array.of(1),
  Float32Array.of(1),
]

/** Few values of a column: of one kind or of several. */
const someValues: fc.Arbitrary<Value[]> = fc.oneof(
  fc.constant<Value[]>([0, 1, 2, 3]),
  fc.constant<Value[]>(['', 'a', 'b', '😀', '\uffff']),
  fc.subarray([...VALUES], { minLength: 1 }),
)

const history: fc.Arbitrary<{ parts: PlainUpdate[][]; first: Value[]; second: Value[] }> = fc
  .tuple(someValues, someValues)
  .chain(([first, second]) => {
    const update = fc.record({
      data: fc.tuple(fc.constantFrom(...first), fc.constantFrom(...second)),
      time: fc.nat({ max: 5 }),
      diff: fc.constantFrom(1, 1, -1, 2),
    })
    return fc
      .array(fc.array(update, { maxLength: 30 }), { minLength: 1, maxLength: 4 })
      .map(parts => ({ parts, first, second }))
  })

describe('a lookup finds what a Map of all updates holds', () => {
  test.each([
    ['where everything is kept, and soon summed', 1_000_000],
    ['where nothing is kept', 0],
  ])('%s', async (_, bytesMax) => {
    await fc.assert(
      fc.asyncProperty(
        history,
        fc.nat({ max: 5 }),
        fc.nat({ max: 2 }),
        async ({ parts, first, second }, asOf, some) => {
          const disk = new MemoryDisk()
          const view = await viewOf(disk, parts, 2, Math.min(some, parts.length))
          const cache = new BatchCache(disk, bytesMax)
          const sums = new Turns()
          const batches = new BatchLookup(cache, view, asOf, 'the sum', sums)
          const lookup = new Lookup(batches, view, asOf)
          const prefixes: Value[][] = [
            [],
            ...first.map(a => [a]),
            ...first.flatMap(a => second.map(b => [a, b])),
            ['nowhere'],
            [7, 7],
          ]
          const askAll = async (): Promise<void> => {
            for (const prefix of prefixes) {
              const texts: string[] = []
              for (const part of await lookup.find(prefix)) {
                expect(part.from).toBeLessThan(part.to)
                for (const [data, time, diff] of rowsOf(columnsAt(part, asOf))) {
                  expect(time).toBe(asOf)
                  texts.push(`${data.map(valueText).join()} ${diff}`)
                }
              }
              expect(texts).toEqual(expected(parts, prefix, asOf))
            }
          }
          await askAll()
          await sums.settled()
          // By now buffers are sorted as well.
          for (let times = 0; times < 3; times++) await askAll()
          const { isSum, parts: found } = await batches.find([])
          if (bytesMax > 0) expect(isSum).toBe(view.batches.some(({ lower }) => lower <= asOf))
          // A sum of nothing takes no room.
          else expect(isSum && found.length > 0).toBe(false)
          await cache.close()
        },
      ),
      { numRuns: 60 },
    )
  })
})

const commitOf = (data: Value[], time: number, diff = 1) => ({ shard: SHARD, data, time, diff })

test('through flushes and compactions every snapshot goes on finding what a Map holds', async () => {
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.array(
        fc.tuple(fc.tuple(fc.nat({ max: 3 }), fc.nat({ max: 5 })), fc.constantFrom(1, 1, -1)),
        {
          minLength: 1,
          maxLength: 6,
        },
      ),
    },
    { weight: 2, arbitrary: fc.constantFrom('flush', 'compact', 'snapshot', 'snapshot', 'close') },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40, size: 'max' }), async steps => {
      const store = await openOn(new MemoryDisk(), { autoCompactThreshold: 0 })
      const updates: PlainUpdate[] = []
      const snapshots: Snapshot[] = []
      const check = async (snapshot: Snapshot): Promise<void> => {
        for (const prefix of [[0], [1], [2, 1], [3], []]) {
          const found = await snapshot.lookup(SHARD, prefix)
          const texts = found.map(({ data, diff }) => `${data.map(valueText).join()} ${diff}`)
          expect(texts).toEqual(expected([updates], prefix, snapshot.asOf))
        }
      }
      for (const [time, step] of steps.entries()) {
        if (step === 'flush') await store.flush()
        else if (step === 'compact') await store.compact()
        else if (step === 'snapshot') {
          const { upper } = store
          if (upper > 0) snapshots.push(await store.snapshot({ asOf: Math.floor((upper * 3) / 4) }))
          snapshots.push(await store.snapshot())
        } else if (step === 'close') await snapshots.shift()?.close()
        else {
          await store.commit(step.map(([data, diff]) => commitOf(data, time, diff)))
          updates.push(...step.map(([data, diff]) => ({ data, time, diff })))
        }
        for (const snapshot of snapshots) await check(snapshot)
      }
      await store.close()
    }),
    { numRuns: 40 },
  )
})

describe('a sum', () => {
  const numbered = (from: number, to: number, time = 1): PlainUpdate[] =>
    Array.from({ length: to - from }, (_, index) => ({ data: [from + index, 0], time, diff: 1 }))

  /** Asks until a sum is being made, and until it is made. */
  const untilSummed = async (lookup: Lookup, sums: Lookups): Promise<void> => {
    for (let times = 0; times < 10; times++) await lookup.find([1])
    await sums.settled()
  }

  test('serves all views with the same batches, at every time that is one for them', async () => {
    const disk = new MemoryDisk()
    const view = await viewOf(disk, [numbered(0, 10), numbered(5, 20, 2), []], 2)
    const cache = new BatchCache(disk)
    const lookups = new Lookups(cache)
    await untilSummed(lookups.in(view, 3), lookups)
    for (const { id } of view.batches) cache.kept.deleteAll(`${batchPath(id)}:0`)
    const buffers = [new BufferView(columnsFrom(2, [{ data: [7, 0], time: 4, diff: 3 }]))]
    const later = lookups.in({ ...view, buffers }, 4).find([7])
    expect(later).not.toBeInstanceOf(Promise)
    const [part] = await later
    expect(rowsOf(columnsAt(part!, 4))).toEqual([[[7, 0], 4, 5]])
    // As of an earlier time there is another sum.
    const before = lookups.in(view, 1).find([7])
    expect(before).toBeInstanceOf(Promise)
    const [early] = await before
    expect(rowsOf(columnsAt(early!, 1))).toEqual([[[7, 0], 1, 1]])
    await cache.close()
  })

  test('is made anew when it is gone, and goes with its batches', async () => {
    const disk = new MemoryDisk()
    const view = await viewOf(disk, [numbered(0, 10), numbered(5, 20), []], 2)
    const cache = new BatchCache(disk)
    const lookups = new Lookups(cache)
    const lookup = lookups.in(view, 1)
    for (let times = 0; times < 3; times++) {
      await untilSummed(lookup, lookups)
      expect(lookup.find([7])).not.toBeInstanceOf(Promise)
      for (const { id } of view.batches) await cache.drop(batchPath(id))
      // Not at once, but when as much was spent again.
      for (let times = 0; times < 2; times++) {
        const read = lookup.find([7])
        expect(read).toBeInstanceOf(Promise)
        expect(await read).toHaveLength(1)
        await lookups.settled()
        for (const { id } of view.batches) cache.kept.delete(`${batchPath(id)}:0`)
      }
    }
    await cache.close()
  })

  test('is that of views whose batches are the same, also if they were read out of another document', async () => {
    const disk = new MemoryDisk()
    const view = await viewOf(disk, [numbered(0, 1000), []], 2)
    const cache = new BatchCache(disk)
    const lookups = new Lookups(cache)
    await lookups.in(view, 1).find([1])
    for (let times = 0; times < 1000; times++) await lookups.in(view, 1).find([times])
    await lookups.settled()
    const again = { ...view, batches: structuredClone(view.batches) }
    const kept = cache.kept
    for (const { id } of view.batches) kept.delete(`${batchPath(id)}:0`)
    // Found without reading: in the sum.
    expect(lookups.in(again, 1).find([7])).not.toBeInstanceOf(Promise)
    await cache.close()
  })

  test('is made while others have their turns', async () => {
    const disk = new MemoryDisk()
    const view = await viewOf(disk, [numbered(0, 200_000), []], 2)
    const cache = new BatchCache(disk)
    const lookups = new Lookups(cache)
    const lookup = lookups.in(view, 1)
    // Everything is kept: from here on nothing waits for the disk.
    for (const batch of view.batches)
      for await (const _ of cache.rowGroups(batchPath(batch.id), batch, SHARD, []));
    for (let times = 0; times < 30_000; times++) expect(lookup.find([1])).not.toBeInstanceOf(Promise)
    let isMade = false
    const made = lookups.settled().then(() => {
      isMade = true
    })
    let turns = 0
    for (; !isMade; turns++) await new Promise(resolve => setImmediate(resolve))
    expect(turns).toBeGreaterThan(2)
    await made
    // What is found now is a row of the sum, which has no need of what it was made of.
    for (const { id } of view.batches)
      for (let group = 0; group < 4; group++) cache.kept.delete(`${batchPath(id)}:${group}`)
    const [part] = await lookup.find([199_999])
    expect(part!.to - part!.from).toBe(1)
    await cache.close()
  })
})

describe('snapshot.lookup', () => {
  test('gives what begins with the values, with multiplicities, from batches and buffers', async () => {
    const store = await openOn(new MemoryDisk())
    await store.commit([
      { shard: SHARD, data: [1, 'b'], diff: 2 },
      { shard: SHARD, data: [2, 'a'], diff: 1 },
      { shard: SHARD, data: [1, 'gone'], diff: 1 },
    ])
    await store.flush()
    await store.commit([
      { shard: SHARD, data: [1, 'a'], diff: 1 },
      { shard: SHARD, data: [1, 'gone'], diff: -1 },
    ])
    const now = await store.snapshot()
    const before = await store.snapshot({ asOf: 0 })
    for (let round = 0; round < 5; round++) {
      expect(await now.lookup(SHARD, [1])).toEqual([
        { data: [1, 'a'], diff: 1 },
        { data: [1, 'b'], diff: 2 },
      ])
      expect(await before.lookup(SHARD, [1])).toEqual([
        { data: [1, 'b'], diff: 2 },
        { data: [1, 'gone'], diff: 1 },
      ])
      expect(await now.lookup(SHARD, [2, 'a'])).toEqual([{ data: [2, 'a'], diff: 1 }])
      expect(await now.lookup(SHARD, [2, 'b'])).toEqual([])
      expect(await now.lookup(SHARD, [])).toHaveLength(3)
    }
    expect(await now.lookup('no:such', [1])).toEqual([])
    await store.close()
  })

  test('a shard of tuples without values has one tuple', async () => {
    const store = await openOn(new MemoryDisk())
    await store.insert(SHARD, [[]])
    await store.flush()
    await store.commit([{ shard: SHARD, data: [], diff: 2 }])
    const snapshot = await store.snapshot()
    expect(await snapshot.lookup(SHARD, [])).toEqual([{ data: [], diff: 3 }])
    await store.close()
  })

  test('reads only the row groups that may have some, and keeps those that are read often', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk, { autoCompactThreshold: 0 })
    for (const base of [0, 1])
      await store
        .insert(
          SHARD,
          Array.from({ length: 100_000 }, (_, row) => [2 * row + base, row]),
        )
        .then(() => store.flush())
    const snapshot = await store.snapshot()
    const reads = (): number => disk.trace.filter(label => /^read batches/.test(label)).length
    const before = reads()
    expect(await snapshot.lookup(SHARD, [-1])).toEqual([])
    expect(reads()).toBe(before)
    expect(await snapshot.lookup(SHARD, [2001])).toEqual([{ data: [2001, 1000], diff: 1 }])
    expect(reads()).toBeGreaterThan(before)
    for (let node = 0; node < 10; node++) expect(await snapshot.lookup(SHARD, [node])).toHaveLength(1)
    const kept = reads()
    for (let node = 0; node < 100; node++) expect(await snapshot.lookup(SHARD, [node])).toHaveLength(1)
    expect(reads()).toBe(kept)
    expect(await snapshot.lookup(SHARD, [199_999])).toEqual([{ data: [199_999, 99_999], diff: 1 }])
    expect(reads()).toBeGreaterThan(kept)
    await store.close()
  })

  test('every number is a float in a column declared float64', async () => {
    const store = await openOn(new MemoryDisk())
    await store.declare(SHARD, [{ name: 'score', type: 'float64' }])
    await store.insert(SHARD, [[1], [1.5]])
    const snapshot = await store.snapshot()
    expect(await snapshot.lookup(SHARD, [1])).toEqual([{ data: [1], diff: 1 }])
    expect(await snapshot.lookup(SHARD, [float(1)])).toEqual([{ data: [1], diff: 1 }])
    await store.close()
  })

  test.each([
    [[1, 2, 3], { code: 'ARITY_MISMATCH', details: { place: 'prefix', columns: 2 } }],
    [7, { code: 'ARITY_MISMATCH', details: { place: 'prefix' } }],
    [[1, undefined], { code: 'VALUE_INVALID', details: { place: 'prefix[1]' } }],
  ])('%j is refused by its place', async (prefix, error) => {
    const store = await openOn(new MemoryDisk())
    await store.insert(SHARD, [[1, 2]])
    const snapshot = await store.snapshot()
    await expect(snapshot.lookup(SHARD, prefix as Value[])).rejects.toMatchObject(error)
    await store.close()
    await expect(snapshot.lookup(SHARD, [1])).rejects.toMatchObject({ code: 'CLOSED' })
  })

  test('a multiplicity beyond the safe integers is refused', async () => {
    const store = await openOn(new MemoryDisk())
    for (const data of [[1], [1], [2]]) await store.commit([{ shard: SHARD, data, diff: 2 ** 53 - 1 }])
    const snapshot = await store.snapshot()
    const check = async (snapshot: Snapshot): Promise<void> => {
      await expect(snapshot.lookup(SHARD, [1])).rejects.toMatchObject({ code: 'DIFF_OVERFLOW' })
      expect(await snapshot.lookup(SHARD, [2])).toEqual([{ data: [2], diff: 2 ** 53 - 1 }])
      await expect(snapshot.lookup(SHARD, [])).rejects.toMatchObject({ code: 'DIFF_OVERFLOW' })
    }
    await check(snapshot)
    await store.flush()
    // First as they are in the batch, then in its sum.
    const flushed = await store.snapshot()
    for (let times = 0; times < 5; times++) await check(flushed)
    await store.close()
  })

  test('the store is closed when a sum that is being made has come to its end', async () => {
    const disk = new WatchedDisk()
    const { open } = disk
    let release = (): void => {}
    let held: Promise<void> | undefined
    disk.open = async (path, mode) => {
      const file = await open.call(disk, path, mode)
      if (!path.startsWith('batches')) return file
      return {
        ...file,
        read: async (...at) => {
          await held
          return file.read(...at)
        },
      }
    }
    const store = await openOn(disk, { autoCompactThreshold: 0 })
    for (const base of [0, 1]) {
      await store.insert(
        SHARD,
        Array.from({ length: 1000 }, (_, row) => [2 * row + base, row]),
      )
      await store.flush()
    }
    const snapshot = await store.snapshot()
    // Files are open from here on, and can be read only later.
    await snapshot.lookup(SHARD, [1])
    held = new Promise(resolve => {
      release = resolve
    })
    const lookups = Array.from({ length: 3000 }, (_, node) => snapshot.lookup(SHARD, [node]))
    const isRefused = Promise.allSettled(lookups)
    let isClosed = false
    const closing = store.close().then(() => {
      isClosed = true
    })
    for (let turns = 0; turns < 100; turns++) await new Promise(resolve => setImmediate(resolve))
    expect(isClosed).toBe(false)
    release()
    await closing
    await isRefused
    const calls = disk.calls.length
    for (let turns = 0; turns < 100; turns++) await new Promise(resolve => setImmediate(resolve))
    expect(disk.calls.length).toBe(calls)
  })

  test('damage elsewhere keeps nothing from being found', async () => {
    const disk = new MemoryDisk()
    const store = await openOn(disk, { autoCompactThreshold: 0 })
    await store.insert(SHARD, [[1, 'one']])
    await store.flush()
    await store.insert(SHARD, [[2, 'two']])
    await store.flush()
    const [, second] = (await disk.list('batches')).map(({ name }) => `batches/${name}`).sort()
    const file = await disk.open(second!, 'write')
    const place = Buffer.from(await file.read(0, await file.size())).indexOf('two')
    expect(place).toBeGreaterThan(0)
    await file.write(place, Buffer.from('own'))
    await file.close()
    const snapshot = await store.snapshot()
    for (let round = 0; round < 10; round++) {
      expect(await snapshot.lookup(SHARD, [1])).toEqual([{ data: [1, 'one'], diff: 1 }])
      await expect(snapshot.lookup(SHARD, [2])).rejects.toMatchObject({ code: 'BATCH_CORRUPT' })
    }
    await store.close()
  })
})

test('reads of what is kept, in a loop, let others have their turns', async () => {
  const store = await openOn(new MemoryDisk())
  await store.commit([{ shard: 'a:b', data: [1], diff: 1 }])
  const snapshot = await store.snapshot()
  const reads: (() => Promise<unknown>)[] = [
    () => snapshot.lookup('a:b', [1]),
    () => snapshot.count('a:b'),
    () => snapshot.count('a:b', { where: { col0: 1 } }),
  ]
  for (const read of reads) {
    let hadTurn = false
    setImmediate(() => {
      hadTurn = true
    })
    for (let times = 0; times < 1000 && !hadTurn; times++) await read()
    expect(hadTurn).toBe(true)
  }
  await snapshot.close()
  await store.close()
})
