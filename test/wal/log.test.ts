import { beforeEach, describe, expect, test } from 'vitest'
import { MemoryDisk } from '../../src/disk/memory-disk.ts'
import { GrowingColumns } from '../../src/model/columns.ts'
import { commitsOf } from '../../src/wal/commit-run.ts'
import { Log, prepareSegment } from '../../src/wal/log.ts'
import { type LogScan, readLog } from '../../src/wal/reader.ts'
import { encodeHeader, encodeRecord } from '../../src/wal/record.ts'
import { bytesOf, put } from '../support/bytes.ts'

const STORE = 'the store'

const line = (lsn: number, durable: number): Uint8Array => {
  const columns = new GrowingColumns(1)
  columns.append([lsn], lsn, 1)
  return encodeRecord({ lsn, at: 0, updates: new Map([['a:b', columns]]) }, durable)
}

/** A log of `commits` commits, sealed behind each of those that `sealed` names. */
const written = async (disk: MemoryDisk, commits: number, sealed: readonly number[]): Promise<Log> => {
  await disk.makeDirectory('wal')
  const position = { store: STORE, epoch: 1, generation: 1, nextLsn: 1, upper: 0 }
  await prepareSegment(disk, position)
  const log = await Log.start(disk, position, [])
  for (let lsn = 1; lsn <= commits; lsn++) {
    await log.append(line(lsn, log.durableLsn), lsn, lsn + 1)
    if (sealed.includes(lsn)) await log.seal()
  }
  return log
}

const scan = async (disk: MemoryDisk, walStart = 1, fence = 0): Promise<{ lsns: number[]; log: LogScan }> => {
  const lsns: number[] = []
  const expected = { store: STORE, epoch: 1, walStart, fence, fresh: false }
  const log = await readLog(disk, expected, 'refuse', run => {
    for (const { record } of commitsOf(run)) lsns.push(record.lsn)
  })
  return { lsns, log }
}

const segment = (firstLsn: number): string => `wal/${String(firstLsn).padStart(20, '0')}.wal`

describe('segments', () => {
  let disk: MemoryDisk
  beforeEach(() => {
    disk = new MemoryDisk()
  })

  test('are sealed, named by their first LSN, and read back in order (ND-27)', async () => {
    const log = await written(disk, 7, [2, 5])
    expect((await disk.list('wal')).map(({ name }) => name)).toEqual([
      '00000000000000000001.wal',
      '00000000000000000003.wal',
      'current.wal',
    ])
    expect(log).toMatchObject({ segments: 3, writtenLsn: 7, durableLsn: 5, hasCommits: true })
    const { lsns, log: found } = await scan(disk)
    expect(lsns).toEqual([1, 2, 3, 4, 5, 6, 7])
    expect(found).toMatchObject({ lastLsn: 7, generation: 3 })
    const sealedBytes = found.sealed.reduce((sum, { bytes }) => sum + bytes, 0)
    expect(sealedBytes + found.current!.end).toBe(log.bytes)
    expect(found.sealed.map(({ firstLsn }) => firstLsn)).toEqual([1, 3])
  })

  test('are removed from the front alone, once walStart has passed all of them', async () => {
    const log = await written(disk, 7, [2, 5])
    expect(log.canRetire(2)).toBe(false)
    expect(log.canRetire(3)).toBe(true)
    await log.retire(5)
    expect((await disk.list('wal')).map(({ name }) => name)).toEqual([
      '00000000000000000003.wal',
      'current.wal',
    ])
    expect((await scan(disk, 5)).lsns).toEqual([5, 6, 7])
    await log.retire(100)
    expect((await scan(disk, 6)).lsns).toEqual([6, 7])
  })

  test('below walStart that a crash kept are ignored, also where one of them is gone', async () => {
    await written(disk, 7, [2, 4, 5])
    await disk.remove(segment(3))
    const { lsns, log } = await scan(disk, 6)
    expect(lsns).toEqual([6, 7])
    expect(log.stale.map(({ firstLsn }) => firstLsn)).toEqual([1, 5])
  })

  test('that are missing at or above walStart are noticed', async () => {
    await written(disk, 7, [2, 5])
    await disk.remove(segment(3))
    await expect(scan(disk)).rejects.toMatchObject({ code: 'WAL_FOREIGN', details: { generation: 3 } })
    await disk.remove(segment(1))
    await expect(scan(disk)).rejects.toMatchObject({ code: 'WAL_MISSING', details: { lsn: 1, firstLsn: 6 } })
    await disk.remove('wal/current.wal')
    await expect(scan(disk)).rejects.toMatchObject({ code: 'WAL_MISSING', details: { lsn: 1 } })
  })

  test('that end before what was flushed from them are noticed', async () => {
    await written(disk, 4, [2])
    await expect(scan(disk, 1, 5)).rejects.toMatchObject({
      code: 'WAL_MISSING',
      details: { lsn: 5, fence: 5 },
    })
    expect((await scan(disk, 1, 4)).lsns).toEqual([1, 2, 3, 4])
  })

  test('doubled or swapped ones are refused', async () => {
    await written(disk, 7, [2, 5])
    const first = await bytesOf(disk, segment(1))
    const second = await bytesOf(disk, segment(3))
    await put(disk, segment(3), first)
    await expect(scan(disk)).rejects.toMatchObject({
      code: 'WAL_INVALID',
      details: { file: segment(3), offset: 0 },
    })
    await put(disk, segment(1), second)
    await expect(scan(disk)).rejects.toMatchObject({
      code: 'WAL_INVALID',
      details: { file: segment(1), offset: 0 },
    })
  })

  test('a sealed one with a torn end is damage, not a torn write (LD-15)', async () => {
    await written(disk, 7, [2, 5])
    const bytes = await bytesOf(disk, segment(3))
    await put(disk, segment(3), bytes.subarray(0, -1))
    await expect(scan(disk)).rejects.toMatchObject({
      code: 'WAL_CORRUPT',
      details: { file: segment(3), lsn: 5 },
    })
  })

  test('one that was prepared takes the place of the newest: a crash between the two (rules 3)', async () => {
    await written(disk, 5, [2, 5])
    await disk.rename('wal/current.wal', 'wal/current.wal.tmp')
    const { lsns, log } = await scan(disk)
    expect(lsns).toEqual([1, 2, 3, 4, 5])
    expect(log).toMatchObject({ current: { path: 'wal/current.wal.tmp' }, lastLsn: 5, generation: 3 })
  })

  test('the newest that is gone is noticed, also behind sealed ones (GB-22)', async () => {
    await written(disk, 7, [2, 5])
    await disk.remove('wal/current.wal')
    const missing = { code: 'WAL_MISSING', details: { file: 'wal/current.wal', lsn: 6 } }
    await expect(scan(disk)).rejects.toMatchObject(missing)
    // Of what was prepared and is not whole nothing follows.
    await put(disk, 'wal/current.wal.tmp', '0badc0de:{"varve":1')
    await expect(scan(disk)).rejects.toMatchObject(missing)
  })

  // It was whole and durable before it got its name, so no crash leaves it like this: what was in it is gone.
  test.each([0, 1, 30])('a newest one of which %i bytes are left is damaged', async bytes => {
    await written(disk, 5, [2, 5])
    await put(disk, 'wal/current.wal', (await bytesOf(disk, 'wal/current.wal')).subarray(0, bytes))
    await expect(scan(disk)).rejects.toMatchObject({
      code: 'WAL_CORRUPT',
      details: { file: 'wal/current.wal', offset: 0 },
    })
  })

  test('an epoch from the future is refused', async () => {
    await written(disk, 2, [])
    const expected = { store: STORE, epoch: 0, walStart: 1, fence: 0, fresh: false }
    await expect(readLog(disk, expected, 'refuse', () => {})).rejects.toMatchObject({
      code: 'WAL_FOREIGN',
      details: { epoch: 1 },
    })
  })

  test('an upper below times before it is refused', async () => {
    await written(disk, 3, [3])
    const header = encodeHeader({ store: STORE, epoch: 1, generation: 2, firstLsn: 4, upper: 3 })
    await put(disk, 'wal/current.wal', header)
    await expect(scan(disk)).rejects.toMatchObject({ code: 'WAL_INVALID', details: { lsn: 4, upper: 3 } })
  })

  test('other files in the folder are left alone', async () => {
    await written(disk, 2, [])
    await put(disk, 'wal/notes.txt', 'mine')
    expect((await scan(disk)).lsns).toEqual([1, 2])
  })
})

describe('appending', () => {
  test('costs one write, whatever the size of the log (IL-09)', async () => {
    const disk = new MemoryDisk()
    const log = await written(disk, 3, [])
    const before = log.bytes
    const bytes = line(4, 3)
    await log.append(bytes, 4, 5)
    expect(log.bytes).toBe(before + bytes.length)
    expect(log.activeBytes).toBe(before + bytes.length)
  })

  test('a sync that is asked for twice is made once', async () => {
    const log = await written(new MemoryDisk(), 3, [])
    await Promise.all([log.sync('B1'), log.sync('B1'), log.sync('B1')])
    expect(log).toMatchObject({ syncs: 1, durableLsn: 3 })
  })
})
