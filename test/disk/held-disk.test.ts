// What a reader relies on: a file that is held is there until it is let go and its last reader is done.
import { expect, test } from 'vitest'
import { HeldDisk } from '../../src/disk/held-disk.ts'
import { MemoryDisk } from '../../src/disk/memory-disk.ts'
import { SimulatedDisk } from '../simulation/disk.ts'

const BYTES = Uint8Array.of(1, 2, 3)

const withFile = async (disk: MemoryDisk | SimulatedDisk): Promise<void> => {
  const file = await disk.open('a', 'create')
  await file.write(0, BYTES)
  await file.close()
}

test('a file that is held can be opened, read and asked for its size after it was removed and replaced', async () => {
  const disk = new MemoryDisk()
  await withFile(disk)
  const held = new HeldDisk(disk)
  await held.hold('a')
  await held.hold('a')
  await disk.remove('a')
  await (await disk.open('a', 'create')).close()
  const file = await held.open('a', 'read')
  expect(await file.read(0, 9)).toEqual(BYTES)
  expect(await file.size()).toBe(3)
  expect(await held.stat('a')).toEqual({ name: 'a', kind: 'file', size: 3 })
  await file.close()
  await held.letGo(['a', 'b'])
  expect(await held.stat('a')).toEqual({ name: 'a', kind: 'file', size: 0 })
})

test('it is closed once: when it is let go and its last reader is done, in either order', async () => {
  const disk = new SimulatedDisk()
  await withFile(disk)
  const held = new HeldDisk(disk)
  const closed = (): number => disk.trace.filter(label => label === 'close a').length
  for (const order of ['reader first', 'reader last']) {
    const before = closed()
    await held.hold('a')
    const [one, two] = [await held.open('a', 'read'), await held.open('a', 'read')]
    await one.close()
    await one.close()
    if (order === 'reader first') await two.close()
    expect(closed()).toBe(before)
    await held.close()
    if (order === 'reader last') {
      expect(closed()).toBe(before)
      expect(await two.read(0, 1)).toEqual(BYTES.slice(0, 1))
      await two.close()
    }
    expect(closed()).toBe(before + 1)
  }
})

test('a file that is held again while it is being let go is held', async () => {
  const disk = new SimulatedDisk()
  await withFile(disk)
  const held = new HeldDisk(disk)
  await held.hold('a')
  const letGo = held.letGo(['a'])
  await held.hold('a')
  await letGo
  await disk.remove('a')
  expect((await held.stat('a'))?.size).toBe(3)
})

test('what is not there is not held', async () => {
  const held = new HeldDisk(new MemoryDisk())
  await expect(held.hold('a')).rejects.toMatchObject({ code: 'DISK_MISSING' })
  expect(await held.stat('a')).toBeUndefined()
})
