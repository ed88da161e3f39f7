// What a compaction asks of the disk: nothing of the batches, where they are already as it would make them.
import { expect, test } from 'vitest'
import { settingsFrom } from '../../src/config/settings.ts'
import { openEngine } from '../../src/store/open-engine.ts'
import { Store } from '../../src/store/store.ts'
import { WatchedDisk } from '../batch/watched-disk.ts'

/** A store with two batches of `a:b`, at the times 5 and 6. */
const twoBatches = async (disk: WatchedDisk): Promise<Store> => {
  const place = { path: undefined, disk, release: async () => {} }
  const store = new Store(await openEngine(place, settingsFrom({ autoCompactThreshold: 0 })))
  for (const time of [5, 6]) {
    await store.commit([{ shard: 'a:b', data: [time], diff: 1, time }])
    await store.flush()
  }
  return store
}

/** The calls that `work` makes, but those of the log. */
const callsOf = async (disk: WatchedDisk, work: () => Promise<unknown>): Promise<string[]> => {
  disk.calls.length = 0
  await work()
  return disk.calls.filter(call => !call.includes('wal/'))
}

test('one batch without a time to advance is neither read nor written', async () => {
  const disk = new WatchedDisk()
  const store = await twoBatches(disk)
  const merging = await callsOf(disk, () => store.compact())
  expect(merging).toContain('read batches/1.parquet')
  expect(merging).toContain('create batches/3.parquet.tmp')
  expect(await callsOf(disk, () => store.compact())).toEqual([])
  // Only `since` moves: the document is replaced, and that is all.
  const raising = await callsOf(disk, () => store.compact({ since: 5 }))
  expect(raising.filter(call => call.includes('batches'))).toEqual([])
  expect(raising).toContain('rename shards/a_b.json.tmp shards/a_b.json')
  // A time that is to be advanced is in the batch.
  const advancing = await callsOf(disk, () => store.compact({ since: 6 }))
  expect(advancing).toContain('read batches/3.parquet')
  expect(advancing).toContain('create batches/4.parquet.tmp')
  await store.close()
})
