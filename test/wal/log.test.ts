import { beforeEach, describe, expect, test } from 'vitest'
import type { Barrier } from '../../src/disk/barrier.ts'
import type { BlockingFile, Disk } from '../../src/disk/disk.ts'
import { MemoryDisk } from '../../src/disk/memory-disk.ts'
import { GrowingColumns } from '../../src/model/columns.ts'
import { commitsOf } from '../../src/wal/commit-run.ts'
import { Log, prepareSegment } from '../../src/wal/log.ts'
import { type LogScan, readLog } from '../../src/wal/reader.ts'
import { encodeHeader, encodeRecord } from '../../src/wal/record.ts'
import { SimulatedDisk } from '../simulation/disk.ts'
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

const scan = async (disk: Disk, walStart = 1, fence = 0): Promise<{ lsns: number[]; log: LogScan }> => {
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

const SEGMENT_BYTES = 1024 * 1024

/** A log on a disk, of which nothing is written yet but a header. */
const empty = async (disk: Disk): Promise<Log> => {
  await disk.makeDirectory('wal')
  await disk.syncDirectory('', 'B13')
  const position = { store: STORE, epoch: 1, generation: 1, nextLsn: 1, upper: 0 }
  await prepareSegment(disk, position)
  return Log.start(disk, position, [])
}

/** Returns whether the thread did it itself. */
const appendDurably = async (log: Log, lsn: number, segmentBytes = SEGMENT_BYTES): Promise<boolean> => {
  const appended = log.appendDurably(line(lsn, log.durableLsn), lsn, lsn + 1, segmentBytes)
  await appended
  return appended === undefined
}

const sizeOf = async (disk: Disk, path = 'wal/current.wal'): Promise<number> => (await disk.stat(path))!.size

describe('space for small commits', () => {
  test('is zeros behind the lines, written now and then and not counted', async () => {
    const disk = new SimulatedDisk()
    const log = await empty(disk)
    await appendDurably(log, 1)
    const first = await sizeOf(disk)
    expect(first).toBe(log.bytes + 16 * 1024)
    const calls = disk.trace.length
    for (let lsn = 2; lsn <= 50; lsn++) await appendDurably(log, lsn)
    expect(await sizeOf(disk)).toBe(first)
    // The size that was asked for is one of the calls.
    expect(disk.trace.slice(calls).filter(call => call.startsWith('write')).length).toBe(49)
    expect(log).toMatchObject({ durableLsn: 50, writtenLsn: 50, syncs: 50, activeBytes: log.bytes })
    const { lsns, log: found } = await scan(disk)
    expect(lsns.length).toBe(50)
    expect(found.current).toMatchObject({ end: log.bytes, size: first, damage: undefined })
  })

  test('grows with what was appended, and ends where the segment will be sealed', async () => {
    const disk = new MemoryDisk()
    const log = await empty(disk)
    const sizes = new Set<number>()
    for (let lsn = 1; lsn <= 1500; lsn++) {
      await appendDurably(log, lsn, 100_000)
      sizes.add(await sizeOf(disk))
    }
    const [first, second, third, last] = sizes
    expect(first).toBeLessThan(17_000)
    expect(second).toBeGreaterThan(1.9 * first!)
    expect(third).toBeGreaterThan(1.9 * second!)
    expect(last).toBe(100_000)
    expect(log.bytes).toBeGreaterThan(100_000)
    expect(await sizeOf(disk)).toBe(log.bytes)
  })

  test('of a segment that follows another is as much at once as that has taken', async () => {
    const disk = new MemoryDisk()
    const log = await empty(disk)
    let lsn = 1
    while (log.bytes < 100_000) await appendDurably(log, lsn++)
    const taken = log.bytes
    await log.seal()
    await appendDurably(log, lsn)
    const zeros = (await sizeOf(disk)) - log.activeBytes
    expect(zeros).toBeGreaterThan(0.99 * taken)
    expect(zeros).toBeLessThanOrEqual(log.bytes)
  })

  test('is made by the thread itself only where it is little', async () => {
    const disk = new MemoryDisk()
    const log = await empty(disk)
    const waited: [zeros: number, boolean][] = []
    let before = await sizeOf(disk)
    for (let lsn = 1; log.bytes < 300_000; lsn++) {
      const hasWaited = await appendDurably(log, lsn, 8_000_000)
      const size = await sizeOf(disk)
      if (size > before) waited.push([size - log.bytes, hasWaited])
      else expect(hasWaited).toBe(true)
      before = size
    }
    expect(waited.map(([zeros]) => Math.round(zeros / 1024))).toEqual([16, 16, 32, 65, 130, 259])
    expect(waited.map(([, hasWaited]) => hasWaited)).toEqual([true, true, true, false, false, false])
  })

  test('is not made for large groups, nor where nothing is synced at once', async () => {
    const disk = new MemoryDisk()
    const log = await empty(disk)
    await log.append(line(1, 0), 1, 2)
    expect(await sizeOf(disk)).toBe(log.bytes)
    const columns = new GrowingColumns(1)
    columns.append(['x'.repeat(40_000)], 2, 1)
    const large = encodeRecord({ lsn: 2, at: 0, updates: new Map([['a:b', columns]]) }, 0)
    const appended = log.appendDurably(large, 2, 3, SEGMENT_BYTES)
    expect(appended).toBeInstanceOf(Promise)
    await appended
    expect(await sizeOf(disk)).toBe(log.bytes)
    expect(log.durableLsn).toBe(2)
  })

  test('that cannot be had is not missed', async () => {
    const disk = new SimulatedDisk()
    const log = await empty(disk)
    disk.inject(label => /\+16384$/.test(label), { kind: 'cut', bytes: 5000, errno: 'ENOSPC' }, 'always')
    for (let lsn = 1; lsn <= 3; lsn++) await appendDurably(log, lsn)
    expect(log).toMatchObject({ durableLsn: 3, poison: undefined })
    expect((await scan(disk.crash('synced'))).lsns).toEqual([1, 2, 3])
  })

  test('is cut off when the segment is sealed (B15), and when the log is closed', async () => {
    const disk = new SimulatedDisk()
    const log = await empty(disk)
    await appendDurably(log, 1)
    const bytes = log.bytes
    await log.seal()
    const cut = disk.trace.indexOf(`truncate wal/current.wal ${bytes}`)
    expect(disk.trace[cut + 1]).toBe('sync wal/current.wal B15')
    expect(disk.trace.findIndex(call => call.startsWith('rename wal/current.wal '))).toBeGreaterThan(cut)
    expect(await sizeOf(disk, segment(1))).toBe(bytes)
    await appendDurably(log, 2)
    const current = log.activeBytes
    expect(await sizeOf(disk)).toBeGreaterThan(current)
    await log.close()
    expect(await sizeOf(disk)).toBe(current)
    expect((await scan(disk)).lsns).toEqual([1, 2])
  })

  test('is given up with what a failed write left, and made again (rules 6)', async () => {
    const disk = new SimulatedDisk()
    const log = await empty(disk)
    await appendDurably(log, 1)
    const bytes = log.bytes
    disk.inject(/^write wal/, { kind: 'cut', bytes: 30, errno: 'EIO' })
    await expect(appendDurably(log, 2)).rejects.toMatchObject({
      code: 'LOG_WRITE_FAILED',
      outcome: 'determinate',
    })
    expect(disk.trace.slice(-2)).toEqual([`truncate wal/current.wal ${bytes}`, 'sync wal/current.wal B18'])
    expect(await sizeOf(disk)).toBe(bytes)
    await appendDurably(log, 2)
    expect(await sizeOf(disk)).toBeGreaterThan(log.bytes)
    expect((await scan(disk.crash('synced'))).lsns).toEqual([1, 2])
  })
})

/** As `disk`, with files that can be written over at once, as `overwrite` says. What it does is noted. */
const overwritable = (
  disk: MemoryDisk,
  overwrite: (write: () => void) => boolean,
): { readonly disk: Disk; readonly calls: string[] } => {
  const calls: string[] = []
  const open = disk.open.bind(disk)
  disk.open = async (path, mode) => {
    const file = await open(path, mode)
    const blocking = file.blocking!
    Object.defineProperty(file, 'blocking', {
      value: {
        write: (offset: number, bytes: Uint8Array) => {
          calls.push('write')
          blocking.write(offset, bytes)
        },
        sync: (barrier: Barrier) => {
          calls.push('sync')
          blocking.sync(barrier)
        },
        overwrite: (offset: number, bytes: Uint8Array) => {
          calls.push('overwrite')
          return overwrite(() => blocking.write(offset, bytes))
        },
      } satisfies BlockingFile,
    })
    return file
  }
  return { disk, calls }
}

describe('lines over zeros', () => {
  test('are written and synced with one call, as far as there is space', async () => {
    const { disk, calls } = overwritable(new MemoryDisk(), write => {
      write()
      return true
    })
    const log = await empty(disk)
    await appendDurably(log, 1)
    let lsn = 2
    do await appendDurably(log, lsn++)
    while (calls.at(-1) === 'overwrite')
    // The first line makes the space; the last is too near its end.
    const overwritten = lsn - 3
    expect(calls).toEqual([
      ...['write', 'write', 'sync'],
      ...Array(overwritten).fill('overwrite'),
      ...['write', 'sync'],
    ])
    expect(overwritten).toBeGreaterThan(50)
    expect(log).toMatchObject({ durableLsn: lsn - 1, syncs: lsn - 1 })
    const { lsns } = await scan(disk)
    expect(lsns.length).toBe(lsn - 1)
  })

  test('go the other way where the disk has no such call', async () => {
    const { disk, calls } = overwritable(new MemoryDisk(), () => false)
    const log = await empty(disk)
    for (let lsn = 1; lsn <= 3; lsn++) await appendDurably(log, lsn)
    expect(calls).toEqual([
      ...['write', 'write', 'sync'],
      ...['overwrite', 'write', 'sync'],
      ...['overwrite', 'write', 'sync'],
    ])
    expect(log.durableLsn).toBe(3)
  })

  test('that fail may be there or not: that poisons, and nothing is tried again', async () => {
    const { disk, calls } = overwritable(new MemoryDisk(), write => {
      write()
      throw new Error('EIO')
    })
    const log = await empty(disk)
    await appendDurably(log, 1)
    await expect(appendDurably(log, 2)).rejects.toMatchObject({
      code: 'LOG_SYNC_FAILED',
      outcome: 'indeterminate',
      details: { durableLsn: 1 },
    })
    const { length } = calls
    await expect(appendDurably(log, 3)).rejects.toMatchObject({ code: 'POISONED', outcome: 'determinate' })
    await log.close()
    expect(calls).toHaveLength(length)
    const { lsns } = await scan(disk)
    expect(lsns.length).toBe(2)
  })
})

describe('who writes and syncs', () => {
  test('is the thread itself for few lines on a quick disk; then nothing else happens between', async () => {
    const log = await empty(new MemoryDisk())
    const done = appendDurably(log, 1)
    expect(log.durableLsn).toBe(1)
    expect(await done).toBe(true)
  })

  test('is another one where the disk holds calls up, or while another sync goes on', async () => {
    const scheduled = await empty(new SimulatedDisk({ schedule: 1 }))
    expect(await appendDurably(scheduled, 1)).toBe(false)
    const disk = new SimulatedDisk()
    const log = await empty(disk)
    await log.append(line(1, 0), 1, 2)
    const stall = disk.stall(/^sync wal/)
    const sync = log.sync('B4')
    await stall.reached
    const appended = appendDurably(log, 2)
    stall.release()
    expect(await appended).toBe(false)
    await sync
    expect(log).toMatchObject({ durableLsn: 2, syncs: 2 })
  })

  test.each(['the thread', 'another'])(
    '%s: a sync that fails poisons, and nothing is tried again',
    async who => {
      const disk = new SimulatedDisk(who === 'another' ? { schedule: 1 } : {})
      const log = await empty(disk)
      await appendDurably(log, 1)
      disk.inject(/^sync wal.* B1$/, { kind: 'drop', errno: 'EIO' })
      const failed = appendDurably(log, 2)
      await expect(failed).rejects.toMatchObject({
        code: 'LOG_SYNC_FAILED',
        outcome: 'indeterminate',
        details: { durableLsn: 1 },
      })
      const calls = disk.trace.length
      await expect(appendDurably(log, 2)).rejects.toMatchObject({ code: 'POISONED', outcome: 'determinate' })
      expect(disk.trace.length).toBe(calls)
    },
  )

  test.each(['the thread', 'another'])('%s: a write and its cut that fail poison', async who => {
    const disk = new SimulatedDisk(who === 'another' ? { schedule: 1 } : {})
    const log = await empty(disk)
    disk.inject(/^write wal/, { kind: 'fail', errno: 'EIO' })
    disk.inject(/ B18$/, { kind: 'fail', errno: 'EIO' })
    await expect(appendDurably(log, 1)).rejects.toMatchObject({ code: 'POISONED', outcome: 'indeterminate' })
    await expect(log.append(line(1, 0), 1, 2)).rejects.toMatchObject({ code: 'POISONED' })
  })
})
