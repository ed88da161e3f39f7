// A large file is synced as it grows; what is in it is what was written.
import { expect, test } from 'vitest'
import { MemoryDisk } from '../../src/disk/memory-disk.ts'
import { pacedDisk } from '../../src/disk/paced-disk.ts'
import { WatchedDisk } from '../batch/watched-disk.ts'
import { testDiskContract } from './disk-contract.ts'

testDiskContract('pacedDisk', async () => pacedDisk(new MemoryDisk()))

const MIB = 1024 * 1024

test('a file is synced for every megabyte, and when its owner says so', async () => {
  const inner = new WatchedDisk()
  const file = await pacedDisk(inner).open('b', 'create')
  inner.calls.length = 0
  const piece = new Uint8Array(MIB / 2).fill(3)
  for (let at = 0; at < 5; at++) await file.write(at * piece.length, piece)
  await file.sync('B5')
  await file.close()
  const [write, sync] = ['write b', 'sync b']
  expect(inner.calls).toEqual([write, write, sync, write, write, sync, write, sync, 'close b'])
  expect((await inner.bytes('b')).every(byte => byte === 3)).toBe(true)
})

test('a sync that fails while the file grows fails the write', async () => {
  const inner = new WatchedDisk()
  inner.refuse = call => call === 'sync b'
  const file = await pacedDisk(inner).open('b', 'create')
  await expect(file.write(0, new Uint8Array(MIB))).rejects.toMatchObject({ code: 'DISK_FAILED' })
})
