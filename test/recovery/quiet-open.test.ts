// What an open asks of the disk where there is nothing to mend: each call is one that somebody waits for.
import { expect, test } from 'vitest'
import { SimulatedDisk } from '../simulation/disk.ts'
import { openOn } from '../support/stores.ts'

/** The calls of an open behind three commits, each of which is in a batch of its own, and a clean end. */
const traced = async (): Promise<string[]> => {
  const disk = new SimulatedDisk()
  const store = await openOn(disk, { autoCompactThreshold: 0 })
  for (let value = 0; value < 3; value++) {
    await store.commit([{ shard: 'a', data: [value], diff: 1 }])
    await store.flush()
  }
  await store.close()
  const from = disk.trace.length
  await openOn(disk)
  return disk.trace.slice(from)
}

/** Without where and how much. */
const kindsOf = (trace: readonly string[]): string[] => trace.map(label => label.replace(/ \d+\+\d+$/, ''))

const reading = (path: string): string[] =>
  ['open read', 'size', 'read', 'close'].map(call => `${call} ${path}`)

const replacing = (path: string, content: string): string[] => [
  `open create ${path}.tmp`,
  `write ${path}.tmp`,
  `sync ${path}.tmp ${content}`,
  `close ${path}.tmp`,
]

test('it reads documents and log, takes the epoch, begins a segment, and looks for leftovers', async () => {
  expect(kindsOf(await traced())).toEqual([
    ...reading('store.json'),
    ...['stat wal', 'stat shards', 'stat batches', 'stat quarantine'],
    ...reading('shards/a.json'),
    ...['stat batches/1.parquet', 'stat batches/2.parquet', 'stat batches/3.parquet'],
    ...['stat shards', 'list shards'],
    ...reading('wal/current.wal'),
    ...['stat wal', 'list wal'],
    'makeDirectory quarantine',
    ...['', ' wal', ' shards', ' batches', ' quarantine'].map(folder => `syncDirectory${folder} B19`),
    // The lock may have been broken meanwhile.
    ...reading('store.json'),
    ...replacing('store.json', 'B12'),
    ...['rename store.json.tmp store.json', 'syncDirectory B12'],
    // The segment before has no commits: it is replaced as it is.
    ...replacing('wal/current.wal', 'B2'),
    'syncDirectory wal B2',
    ...['rename wal/current.wal.tmp wal/current.wal', 'syncDirectory wal B3'],
    ...['open write wal/current.wal', 'size wal/current.wal'],
    ...['list', 'list wal', 'list shards', 'list batches', 'list quarantine'],
  ])
})
