// A disk that is opened once more, as another thread does it: the same files, and the same promises.
import { expect, test } from 'vitest'
import { diskAt } from '../../src/disk/location.ts'
import { MemoryDisk } from '../../src/disk/memory-disk.ts'
import { NodeDisk } from '../../src/disk/node-disk.ts'
import { unsyncedDisk } from '../../src/disk/unsynced-disk.ts'
import { scratchFolder } from '../support/scratch.ts'

test('what one writes the other reads; one without syncs stays so', async () => {
  const root = await scratchFolder()
  const disk = new NodeDisk(root)
  const file = await disk.open('a', 'create')
  await file.write(0, Uint8Array.of(1, 2))
  await file.close()
  expect(disk.location).toEqual({ root, syncs: 'synced' })
  expect(unsyncedDisk(disk).location).toEqual({ root, syncs: 'unsynced' })
  for (const location of [disk.location, unsyncedDisk(disk).location!]) {
    const other = diskAt(structuredClone(location))
    expect(await other.stat('a')).toMatchObject({ size: 2 })
    expect(other.location).toEqual(location)
  }
})

test('a disk in memory has no place where another thread finds it', () => {
  expect(new MemoryDisk()).not.toHaveProperty('location')
  expect(unsyncedDisk(new MemoryDisk()).location).toBeUndefined()
})
