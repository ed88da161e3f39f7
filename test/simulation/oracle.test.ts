// The oracle has to see what it is there for: each test tells it of a store that broke a promise.
import { describe, expect, test } from 'vitest'
import { MemoryDisk } from '../../src/disk/memory-disk.ts'
import type { Store } from '../../src/store/store.ts'
import { openOn } from '../support/stores.ts'
import type { Operation } from './ledger.ts'
import { allTimes, type Observation, observe } from './observation.ts'
import { keeps, Oracle } from './oracle.ts'

const put = (value: number, ...shards: string[]): Operation => ({
  kind: 'commit',
  updates: shards.map(shard => ({ shard, data: [value], diff: 1 })),
})

const open = (): Promise<Store> => openOn(new MemoryDisk())

/** What a store shows after some operations that the oracle does not hear of. */
const shownAfter = async (...operations: readonly Operation[]): Promise<Observation> => {
  const store = await open()
  const silent = new Oracle()
  for (const operation of operations) await silent.run(store, operation)
  return observe(store, allTimes)
}

describe('of two commits to two shards, both acknowledged', () => {
  const told = async (): Promise<Oracle> => {
    const oracle = new Oracle()
    const store = await open()
    await oracle.run(store, put(1, 'a', 'b'))
    await oracle.run(store, put(2, 'a', 'b'))
    return oracle
  }

  test('a store that holds them is explained, and so is a prefix where nothing more was promised', async () => {
    const oracle = await told()
    const both = [put(1, 'a', 'b'), put(2, 'a', 'b')]
    expect(oracle.explain(await shownAfter(...both), 'acknowledged', 'here')).toEqual(both)
    expect(oracle.explain(await shownAfter(both[0]!), 'synced', 'here')).toEqual(both.slice(0, 1))
    expect(oracle.explain(await shownAfter(), 'nothing', 'here')).toEqual([])
  })

  test.each<[string, readonly Operation[], RegExp]>([
    ['the last one is lost', [put(1, 'a', 'b')], /^here: .* is lost, LSN 2 of 1$/],
    ['the first one is lost', [put(2, 'a', 'b')], /^here: /],
    ['one is there in half', [put(1, 'a', 'b'), put(2, 'a')], /^here: b as of 1 holds \{"\[1\]":1\}, not /],
    [
      'one is doubled',
      [put(1, 'a', 'a', 'b'), put(2, 'a', 'b')],
      /^here: a as of 0 holds \{"\[1\]":2\}, not /,
    ],
    [
      'something was never issued',
      [put(1, 'a', 'b'), put(2, 'a', 'b'), put(3, 'a')],
      /^here: commit 3 was never issued$/,
    ],
    ['a shard is gone', [put(1, 'a'), put(2, 'a')], /^here: the shards are a, not a,b$/],
    [
      'times differ',
      [{ ...put(1, 'a', 'b'), time: 1 } as Operation, put(2, 'a', 'b')],
      /^here: upper is 3, not 2$/,
    ],
  ])('%s', async (_, operations, complaint) => {
    const oracle = await told()
    const shown = await shownAfter(...operations)
    expect(() => oracle.explain(shown, 'acknowledged', 'here')).toThrow(complaint)
  })
})

test('what was refused must not be there', async () => {
  const oracle = new Oracle()
  const store = await open()
  await oracle.run(store, put(1, 'a'))
  await expect(oracle.run(store, { ...put(2, 'a'), time: 0 } as Operation)).rejects.toMatchObject({
    code: 'TIME_BEFORE_UPPER',
  })
  expect(oracle.explain(await shownAfter(put(1, 'a')), 'acknowledged', 'here')).toHaveLength(1)
  const shown = await shownAfter(put(1, 'a'), put(2, 'a'))
  expect(() => oracle.explain(shown, 'acknowledged', 'here')).toThrow('here: commit 2 was never issued')
})

test('facts are logged if they have an effect, and an answer that says otherwise is seen', async () => {
  const oracle = new Oracle()
  const store = await open()
  const insert: Operation = { kind: 'insert', shard: 'a', tuples: [[1], [1], [2]] }
  await oracle.run(store, insert)
  await oracle.run(store, insert)
  expect(oracle.explain(await observe(store), 'acknowledged', 'here')).toEqual([insert])
  // It is there, so a delete has something to do.
  const liar = { delete: async () => ({ count: 0, lsn: 1, time: 0 }) } as unknown as Store
  await oracle.run(liar, { kind: 'delete', shard: 'a', tuples: [[2]] })
  const seen = await observe(store)
  expect(() => oracle.explain(seen, 'acknowledged', 'here')).toThrow(/would have had an effect at LSN 1$/)
})

test('at an earlier moment less was promised', async () => {
  let now = 0
  const oracle = new Oracle(() => now)
  const store = await open()
  await oracle.run(store, put(1, 'a'))
  now = 1
  await oracle.run(store, put(2, 'a'))
  now = 2
  await oracle.sync(store)
  const first = await shownAfter(put(1, 'a'))
  expect(oracle.at(0).explain(first, 'acknowledged', 'here')).toHaveLength(1)
  expect(() => oracle.at(1).explain(first, 'acknowledged', 'here')).toThrow('is lost')
  expect(oracle.at(1).explain(first, 'synced', 'here')).toHaveLength(1)
  expect(() => oracle.at(2).explain(first, 'synced', 'here')).toThrow('is lost')
})

test('since neither goes back nor further than anybody asked', async () => {
  const oracle = new Oracle()
  const store = await open()
  for (let value = 0; value < 4; value++) await oracle.run(store, put(value, 'a'))
  await oracle.compact(store, 2)
  const seen = await observe(store)
  expect(oracle.explain(seen, 'acknowledged', 'here')).toHaveLength(4)
  const shifted = (since: number): Observation => ({
    ...seen,
    shards: new Map([['a', { since, contents: new Map() }]]),
  })
  for (const since of [1, 3])
    expect(() => oracle.explain(shifted(since), 'acknowledged', 'here')).toThrow(
      `here: since of a is ${since}`,
    )
  // A compaction by itself may have gone on to the latest time but one.
  expect(oracle.explain(shifted(3), 'acknowledged', 'here', 0)).toHaveLength(4)
})

test.each([
  ['immediate', 'power', 'acknowledged'],
  ['batched', 'kill', 'acknowledged'],
  ['batched', 'power', 'synced'],
  ['async', 'kill', 'synced'],
  ['async', 'power', 'synced'],
  ['none', 'kill', 'synced'],
  ['none', 'power', 'nothing'],
] as const)('mode %s promises after a %s failure that what is %s stays', (mode, crash, kept) => {
  expect(keeps(mode, crash)).toBe(kept)
})
