import { expect, test } from 'vitest'
import { settingsFrom } from '../../src/config/settings.ts'
import { MemoryDisk } from '../../src/disk/memory-disk.ts'
import { verify } from '../../src/recovery/verify.ts'
import { openOn } from '../support/stores.ts'

test('verify tells how far it is, in rows of all batches', async () => {
  const disk = new MemoryDisk()
  const store = await openOn(disk)
  for (const [shard, rows] of [
    ['a:a', 30],
    ['a:b', 20],
    ['a:a', 10],
  ] as const) {
    await store.commit(Array.from({ length: rows }, (_, row) => ({ shard, data: [row], diff: 1 })))
    await store.flush()
  }
  await store.close()
  const told: [number, number][] = []
  const report = await verify(
    disk,
    settingsFrom({}),
    () => 0,
    (...at) => told.push(at),
  )
  expect(report).toMatchObject({ problems: [], shards: 2, batches: 3, rows: 60 })
  expect(told).toEqual([
    [30, 60],
    [40, 60],
    [60, 60],
  ])
})
