// The law of the merge, against a model that is a Map: nothing lost, nothing doubled, at every time.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { merge } from '../../src/batch/merge.ts'
import { OrderCheck } from '../../src/batch/order.ts'
import { type Columns, GrowingColumns, slice } from '../../src/model/columns.ts'
import { consolidate } from '../../src/model/consolidate.ts'
import { float, timestamp, type Value } from '../../src/model/value.ts'
import { valueText } from '../../src/model/value-json.ts'
import { collect, columnsOf, type Row, rowsOf, streamed } from './columns-of.ts'

/** Multiplicities as of a time, exact; tuples that cancel out are left out. */
const accumulate = (chunks: readonly Columns[], asOf: number): Map<string, bigint> => {
  const sums = new Map<string, bigint>()
  for (const [data, time, diff] of chunks.flatMap(rowsOf)) {
    if (time > asOf) continue
    const key = data.map(valueText).join()
    sums.set(key, (sums.get(key) ?? 0n) + BigInt(diff))
  }
  for (const [key, sum] of sums) if (sum === 0n) sums.delete(key)
  return sums
}

/** Few values, so that most rows meet an equal one. */
const value: fc.Arbitrary<Value> = fc.constantFrom<Value[]>(
  null,
  false,
  1,
  float(1),
  2n ** 60n,
  Number.NaN,
  timestamp(1),
  'a',
  '😀',
  '\uffff',
  Uint8Array.of(1),
  Float32Array.of(1),
)
const MOST = Number.MAX_SAFE_INTEGER
const row: fc.Arbitrary<Row> = fc.tuple(
  fc.tuple(value, fc.constantFrom<Value[]>(0, 1)),
  fc.nat(6),
  fc.constantFrom(1, -1, 1, -1, 2, -2, MOST, -MOST),
)
/** Sorted runs; in chunks of 1 to 4 rows, some of them empty. */
const run: fc.Arbitrary<Columns[]> = fc
  .tuple(fc.array(row, { maxLength: 25 }), fc.array(fc.nat(4), { maxLength: 30 }))
  .map(([rows, sizes]) => {
    const sorted = consolidate(columnsOf(rows, 2))
    const chunks: Columns[] = []
    let from = 0
    for (const size of [...sizes, sorted.length]) {
      const own = new GrowingColumns(2)
      own.appendRange(sorted, from, Math.min(sorted.length, from + size))
      chunks.push(own.view())
      from = Math.min(sorted.length, from + size)
    }
    return chunks
  })

const checkOrder = (chunks: readonly Columns[]): void => {
  const order = new OrderCheck()
  for (const chunk of chunks) {
    expect(chunk.length).toBeGreaterThan(0)
    expect(order.firstWrong(chunk)).toBe(-1)
  }
}

test('for every asOf >= since a merge answers as its inputs do, sorted and consolidated', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(run, { maxLength: 5 }), fc.nat(8), async (runs, since) => {
      const merged = await collect(merge(runs.map(streamed), 2, { since }))
      checkOrder(merged)
      for (const chunk of merged)
        for (let at = 0; at < chunk.length; at++) expect(chunk.time[at]).toBeGreaterThanOrEqual(since)
      for (let asOf = since; asOf <= 9; asOf++)
        expect(accumulate(merged, asOf)).toEqual(accumulate(runs.flat(), asOf))
    }),
    { numRuns: 600 },
  )
})

test('with since = until = asOf every tuple has one sum, of what was until then', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(run, { maxLength: 5 }), fc.nat(8), async (runs, asOf) => {
      const merged = await collect(merge(runs.map(streamed), 2, { since: asOf, until: asOf }))
      checkOrder(merged)
      expect(accumulate(merged, asOf)).toEqual(accumulate(runs.flat(), asOf))
      expect(
        merged.flatMap(chunk => Array.from(chunk.time.subarray(0, chunk.length))).every(at => at === asOf),
      ).toBe(true)
    }),
    { numRuns: 400 },
  )
})

test('equal updates on both sides of a chunk border become one', async () => {
  const single = (diff: number) => columnsOf([[['x'], 1, diff]])
  const runs = [[single(1), single(2)], [single(-1)], [single(4), single(-6)]].map(chunks => streamed(chunks))
  expect(await collect(merge(runs, 1, { since: 0 }))).toEqual([])
})

test('one group that spans many chunks is held back until it is complete, also where it overflows', async () => {
  const chunks = [MOST, MOST, 5].map(diff => columnsOf([[['x'], 1, diff]]))
  const other = [columnsOf([[['x'], 1, -MOST]]), columnsOf([[['y'], 1, 1]])]
  const merged = await collect(merge([streamed(chunks), streamed(other)], 1, { since: 0 }))
  expect(merged.flatMap(rowsOf)).toEqual([
    [['x'], 1, MOST],
    [['x'], 1, 5],
    [['y'], 1, 1],
  ])
})

test('a run that is one large chunk is merged in pieces', async () => {
  const large = columnsOf(Array.from({ length: 200_000 }, (_, index): Row => [[index], 1, 1]))
  const minus = columnsOf(Array.from({ length: 100_000 }, (_, index): Row => [[index * 2], 1, -1]))
  const merged = await collect(merge([streamed([large]), streamed([minus])], 1, { since: 0 }))
  expect(merged.length).toBeGreaterThan(2)
  expect(Math.max(...merged.map(({ length }) => length))).toBeLessThanOrEqual(65_536 * 2)
  expect(merged.flatMap(rowsOf).map(([[number]]) => number)).toEqual(
    Array.from({ length: 100_000 }, (_, index) => index * 2 + 1),
  )
})

test('rows that become equal are not parted, however many they are', async () => {
  const often = (value: Value, length: number): Columns =>
    columnsOf(Array.from({ length }, (_, time): Row => [[value], time, 1]))
  for (const value of [1, 'x'] as const) {
    const runs = [often(value, 150_000), often(value, 70_000)]
    const merged = await collect(
      merge(
        runs.map(chunk => streamed([chunk])),
        1,
        { since: 160_000, until: 160_000 },
      ),
    )
    expect(merged.flatMap(rowsOf)).toEqual([[[value], 160_000, 220_000]])
  }
})

test.each([
  ['integers', (random: () => number): Value => Math.floor(random() * 5000)],
  [
    'strings and few nulls',
    (random: () => number): Value => (random() < 0.01 ? null : `n${(random() * 3000) | 0}`),
  ],
  ['floats', (random: () => number): Value => float(Math.floor(random() * 5000) / 8)],
])('many runs over many windows give what all rows give at once: %s', async (_, value) => {
  let state = 5
  const random = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
  const updates = Array.from({ length: 12 }, () =>
    Array.from(
      { length: 15_000 },
      (): Row => [
        [value(random), Math.floor(random() * 3)],
        Math.floor(random() * 4),
        random() < 0.5 ? 1 : -1,
      ],
    ),
  )
  const runs = updates.map(rows => {
    const sorted = consolidate(columnsOf(rows, 2))
    return [0, 1, 2].map(part => {
      const own = new GrowingColumns(2)
      own.appendRange(sorted, part * 5000, Math.min(sorted.length, (part + 1) * 5000))
      return own.view()
    })
  })
  for (const range of [
    { since: 0 },
    { since: 2 },
    { since: 1, until: 1 },
    { since: 3, until: 3, after: 1 },
  ]) {
    const merged = await collect(merge(runs.map(streamed), 2, range))
    checkOrder(merged)
    const inRange = updates
      .flat()
      .filter(([, time]) => time <= (range.until ?? 9) && time > (range.after ?? -1))
      .map(([data, time, diff]): Row => [data, Math.max(time, range.since), diff])
    expect(merged.flatMap(rowsOf)).toEqual(rowsOf(consolidate(columnsOf(inRange, 2))))
  }
})

test('a run is read one chunk at a time, and closed also when the merge is left early', async () => {
  const log: string[] = []
  const watched = async function* (name: string, base: number) {
    try {
      for (let index = 0; index < 10; index++) {
        log.push(`${name}${index}`)
        yield columnsOf([[[base + index * 2], 1, 1]])
      }
    } finally {
      log.push(`${name} closed`)
    }
  }
  for await (const chunk of merge([watched('a', 0), watched('b', 1)], 1, { since: 0 })) {
    expect(slice(chunk, 0, 1).length).toBe(1)
    break
  }
  expect(log).toEqual(['a0', 'b0', 'a1', 'a closed', 'b closed'])
})

test('an error in a run ends the merge with it and closes the other runs', async () => {
  const failure = new Error('damaged')
  let closed = false
  const bad = async function* () {
    yield columnsOf([[[1], 1, 1]])
    throw failure
  }
  const good = async function* () {
    try {
      for (let index = 0; index < 5; index++) yield columnsOf([[[index], 1, 1]])
    } finally {
      closed = true
    }
  }
  await expect(collect(merge([bad(), good()], 1, { since: 0 }))).rejects.toBe(failure)
  expect(closed).toBe(true)
})

test('who merges is told of all rows that come in, also where nothing comes of them, and is waited for', async () => {
  const rows = (diff: number): Columns =>
    columnsOf(Array.from({ length: 1000 }, (_, row): Row => [[row], 0, diff]))
  const windows: number[] = []
  let turns = 0
  const merged = async (count: number): Promise<void> => {
    await Promise.resolve()
    windows.push(count)
    turns++
  }
  for await (const _ of merge(
    [streamed([rows(1)]), streamed([rows(-1)])],
    1,
    { since: 0 },
    { windowRows: 300, merged },
  ))
    throw new Error('everything cancels out')
  expect(turns).toBeGreaterThan(5)
  expect(windows.reduce((sum, count) => sum + count, 0)).toBe(2000)
})
