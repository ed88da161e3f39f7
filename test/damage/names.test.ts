// Hostile names of shards through commit, crash, flush, close and reopen (IL-42, IL-05, IL-18).
import { readdir } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import type { Disk } from '../../src/disk/disk.ts'
import { openFolder } from '../../src/disk/folder.ts'
import { MemoryDisk } from '../../src/disk/memory-disk.ts'
import { valueAt } from '../../src/model/columns.ts'
import { decodeLine, decodeRecord, encodeRecord } from '../../src/wal/record.ts'
import { copyOnto, leftBy } from '../support/bytes.ts'
import { LONG } from '../support/long.ts'
import { nastyNames, randomNames } from '../support/names.ts'
import { scratchFolder } from '../support/scratch.ts'
import { contentsOf, openOn } from '../support/stores.ts'
import { columnsFrom } from '../support/values.ts'

/** Every name holds its own number, and nothing else. */
const expectEach = async (disk: Disk, names: readonly string[]): Promise<void> => {
  const store = await openOn(disk)
  expect(
    store
      .status()
      .shards.map(({ name }) => name)
      .sort(),
  ).toEqual([...names].sort())
  const snapshot = await store.snapshot()
  for (const [index, name] of names.entries())
    expect(await contentsOf(snapshot, name), JSON.stringify(name)).toEqual({ [`[${index}]`]: 1 })
  await snapshot.close()
  await store.close()
}

const commitEach = async (disk: Disk, names: readonly string[]): Promise<Record<string, string>> => {
  const store = await openOn(disk)
  await store.commit(names.map((shard, index) => ({ shard, data: [index], diff: 1 })))
  const killed = await leftBy(disk)
  await store.close()
  return killed
}

describe('400 nasty names are so many shards', () => {
  test('in memory: from the log, and from batches', async () => {
    const names = nastyNames()
    const disk = new MemoryDisk()
    const killed = await commitEach(disk, names)
    expect((await disk.list('shards')).length).toBe(names.length)
    await expectEach(disk, names)
    const copy = new MemoryDisk()
    await copyOnto(killed, copy)
    await expectEach(copy, names)
  })

  test('on a real disk, and nothing outside its folder', async () => {
    const names = LONG ? nastyNames() : nastyNames().slice(0, 120)
    const folder = await scratchFolder()
    const { disk } = await openFolder(`${folder}/a/b/c`, { create: true })
    await commitEach(disk, names)
    await expectEach(disk, names)
    for (const [path, inside] of [
      ['', ['a']],
      ['a', ['b']],
      ['a/b', ['c']],
      ['a/b/c', ['persist']],
    ] as const)
      expect(await readdir(`${folder}/${path}`)).toEqual(inside)
  })
})

describe('5,000 random names are so many shards', () => {
  const names = randomNames(5000)

  test('in a line of the log', () => {
    const updates = new Map(
      names.map((name, index) => [name, columnsFrom(1, [{ data: [index], time: 0, diff: 1 }])]),
    )
    const line = encodeRecord({ lsn: 1, at: 0, updates }, undefined)
    const read = decodeRecord(decodeLine(line.subarray(0, -1)), 1)
    // JSON does not keep the order of keys.
    expect(read.updates.size).toBe(names.length)
    for (const [index, name] of names.entries()) {
      const { data, length } = read.updates.get(name)!
      expect(length === 1 && valueAt(data[0]!, 0), JSON.stringify(name)).toBe(index)
    }
  })

  test('in memory: from batches', async () => {
    const some = LONG ? names : names.slice(0, 500)
    const disk = new MemoryDisk()
    await commitEach(disk, some)
    await expectEach(disk, some)
  })
})
