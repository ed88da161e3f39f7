// A tombstone is ordinary metadata, and no less checked: rules 17.
import { describe, expect, test } from 'vitest'
import { MemoryDisk } from '../../src/disk/memory-disk.ts'
import { writeDocument } from '../../src/shard/document.ts'
import {
  type BatchEntry,
  isSpentTombstone,
  metadataFields,
  metadataPath,
  newMetadata,
  readMetadata,
  withCompaction,
  withDrop,
  withRetired,
} from '../../src/shard/metadata.ts'

const NAME = 'kg:x'
const FILE = metadataPath(NAME)

const live = {
  ...newMetadata(NAME, [{ name: 'a', type: 'int32', declared: true }]),
  since: 3,
  upper: 9,
  flushedLsn: 5,
  batches: [{ id: '4' } as BatchEntry, { id: '7' } as BatchEntry],
  retired: ['2'],
}

const tombstone = withDrop(live, 8, 12)

const written = async (change: Record<string, unknown> = {}, store = 'store'): Promise<MemoryDisk> => {
  const disk = new MemoryDisk()
  await disk.makeDirectory('shards')
  await writeDocument(disk, FILE, { ...metadataFields(tombstone, store), ...change })
  return disk
}

describe('a tombstone', () => {
  test('has nothing but its fence, the upper of the store, and the files that are to go', () => {
    expect(tombstone).toEqual({
      name: NAME,
      since: 0,
      upper: 12,
      flushedLsn: 8,
      schema: [],
      batches: [],
      retired: ['2', '4', '7'],
      dropped: true,
    })
  })

  test('retires what was on its way when the shard was dropped, once', () => {
    const late = {
      ...live,
      batches: [{ id: '7' } as BatchEntry, { id: '9' } as BatchEntry],
      retired: ['2', '4'],
    }
    expect(withRetired(tombstone, late)).toEqual({ ...tombstone, retired: ['2', '4', '7', '9'] })
  })

  test('cannot be compacted, not even its since advanced', () => {
    expect(withCompaction(tombstone, [], undefined, 4)).toBeUndefined()
    expect(withCompaction(live, [], undefined, 4)).toMatchObject({ since: 4 })
  })

  test('comes back from its document', async () => {
    expect(await readMetadata(await written(), NAME, 'store')).toEqual(tombstone)
  })

  test.each([
    [{ dropped: 1 }],
    [{ dropped: null }],
    [{ schema: [{ name: 'a', type: 'int32', declared: true }] }],
  ])('with %j is refused', async change => {
    await expect(readMetadata(await written(change), NAME, 'store')).rejects.toMatchObject({
      code: 'METADATA_CORRUPT',
      details: { file: FILE, place: 'dropped' },
    })
  })

  test('that is not listed is known by its store, its file, its sum and its fence', async () => {
    expect(await isSpentTombstone(await written(), FILE, 'store', 9)).toBe(true)
    expect(await isSpentTombstone(await written(), FILE, 'store', 8)).toBe(false)
    expect(await isSpentTombstone(await written({}, 'other'), FILE, 'store', 9)).toBe(false)
    expect(await isSpentTombstone(await written({ name: 'kg:y' }), FILE, 'store', 9)).toBe(false)
    expect(await isSpentTombstone(await written({ name: 7 }), FILE, 'store', 9)).toBe(false)
    expect(await isSpentTombstone(await written({ dropped: false }), FILE, 'store', 9)).toBe(false)
    const disk = await written()
    const file = await disk.open(FILE, 'write')
    await file.write(20, new Uint8Array([0]))
    await file.close()
    expect(await isSpentTombstone(disk, FILE, 'store', 9)).toBe(false)
    await disk.makeDirectory('shards/folder.json')
    expect(await isSpentTombstone(disk, 'shards/folder.json', 'store', 9)).toBe(false)
  })
})
