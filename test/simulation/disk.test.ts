import { describe, expect, test } from 'vitest'
import type { Disk } from '../../src/disk/disk.ts'
import { readWhole, replaceFile } from '../../src/disk/replace.ts'
import { testDiskContract } from '../disk/disk-contract.ts'
import type { CrashModel } from './crash-model.ts'
import { SimulatedDisk } from './disk.ts'

testDiskContract('SimulatedDisk', async () => new SimulatedDisk())

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)

/** Everything on a disk: text by path, folders with a trailing `/`. NUL is shown as `.`. */
const contentsOf = async (disk: Disk, folder = ''): Promise<Record<string, string>> => {
  const found: Record<string, string> = {}
  for (const { name, kind } of await disk.list(folder)) {
    const path = folder === '' ? name : `${folder}/${name}`
    if (kind === 'directory') Object.assign(found, { [`${path}/`]: '' }, await contentsOf(disk, path))
    else found[path] = new TextDecoder().decode(await readWhole(disk, path, 1000)).replaceAll('\0', '.')
  }
  return found
}

const left = (disk: SimulatedDisk, model: CrashModel): Promise<Record<string, string>> =>
  contentsOf(disk.crash(model))

/** A disk with a durable file `a` of 8 bytes, and its handle. */
const withDurableFile = async () => {
  const disk = new SimulatedDisk()
  const file = await disk.open('a', 'create')
  await file.write(0, encode('durable-'))
  await file.sync('B1')
  await disk.syncDirectory('', 'B8')
  return { disk, file }
}

describe('a crash', () => {
  test('synced: unsynced bytes are lost, and the size with them', async () => {
    const { disk, file } = await withDurableFile()
    await file.write(4, encode('XXXXXX'))
    await file.truncate(6)
    expect(await contentsOf(disk)).toEqual({ a: 'duraXX' })
    expect(await left(disk, 'synced')).toEqual({ a: 'durable-' })
    await file.sync('B1')
    expect(await left(disk, 'synced')).toEqual({ a: 'duraXX' })
  })

  test('synced: one file does not sync another, and bytes belong to the caller again after a write', async () => {
    const { disk, file } = await withDurableFile()
    const other = await disk.open('b', 'create')
    const bytes = encode('b')
    await other.write(0, bytes)
    bytes.fill(0)
    await file.write(0, encode('D'))
    await disk.makeDirectory('folder')
    await disk.syncDirectory('', 'B8')
    await disk.makeDirectory('folder')
    await other.sync('B1')
    expect(await left(disk, 'synced')).toEqual({ a: 'durable-', b: 'b', 'folder/': '' })
    expect(disk.pending).toBe(1)
  })

  test('synced: a file whose name was not synced is lost, however well its bytes were', async () => {
    const disk = new SimulatedDisk()
    const file = await disk.open('a', 'create')
    await file.write(0, encode('x'))
    await file.sync('B1')
    expect(await left(disk, 'synced')).toEqual({})
    await disk.syncDirectory('', 'B8')
    expect(await left(disk, 'synced')).toEqual({ a: 'x' })
  })

  test('synced: a name that was synced without its bytes is an empty file', async () => {
    const disk = new SimulatedDisk()
    await (await disk.open('a', 'create')).write(0, encode('x'))
    await disk.syncDirectory('', 'B8')
    expect(await left(disk, 'synced')).toEqual({ a: '' })
  })

  test('synced: a rename and a removal are undone until the folder is synced', async () => {
    const { disk } = await withDurableFile()
    await replaceFile(disk, 'b', encode('b'))
    await disk.rename('a', 'b')
    expect(await left(disk, 'synced')).toEqual({ a: 'durable-', b: 'b' })
    await disk.syncDirectory('', 'B8')
    expect(await left(disk, 'synced')).toEqual({ b: 'durable-' })
    await disk.remove('b')
    expect(await left(disk, 'synced')).toEqual({ b: 'durable-' })
    await disk.syncDirectory('', 'B8')
    expect(await left(disk, 'synced')).toEqual({})
  })

  test('synced: a rename between folders needs both syncs and is never half done', async () => {
    const { disk } = await withDurableFile()
    await disk.makeDirectory('folder')
    await disk.syncDirectory('', 'B8')
    await disk.rename('a', 'folder/b')
    await disk.syncDirectory('folder', 'B8')
    expect(await left(disk, 'synced')).toEqual({ a: 'durable-', 'folder/': '' })
    await disk.syncDirectory('', 'B8')
    expect(await left(disk, 'synced')).toEqual({ 'folder/': '', 'folder/b': 'durable-' })
  })

  test('synced: a folder that was not synced into its parent takes what is in it along', async () => {
    const disk = new SimulatedDisk()
    await disk.makeDirectory('folder')
    await replaceFile(disk, 'folder/a', encode('a'))
    expect(await left(disk, 'synced')).toEqual({})
    await disk.syncDirectory('', 'B8')
    expect(await left(disk, 'synced')).toEqual({ 'folder/': '', 'folder/a': 'a' })
  })

  test('all: a killed process loses nothing that the system has', async () => {
    const { disk, file } = await withDurableFile()
    await file.write(8, encode('more'))
    await disk.rename('a', 'b')
    await disk.open('c', 'create')
    expect(await left(disk, 'all')).toEqual({ b: 'durable-more', c: '' })
  })

  test('prefix: what is durable and the first changes after it', async () => {
    const { disk, file } = await withDurableFile()
    await file.write(8, encode('1'))
    await disk.rename('a', 'b')
    await file.write(9, encode('2'))
    expect(disk.pending).toBe(3)
    const prefixes = [0, 1, 2, 3].map(prefix => left(disk, { prefix }))
    expect(await Promise.all(prefixes)).toEqual([
      { a: 'durable-' },
      { a: 'durable-1' },
      { b: 'durable-1' },
      { b: 'durable-12' },
    ])
  })

  test('torn: the last unsynced write ends early, all before it is whole', async () => {
    const { disk, file } = await withDurableFile()
    await file.write(8, encode('one'))
    await file.write(11, encode('two'))
    await disk.open('b', 'create')
    expect(await left(disk, { torn: 2 })).toEqual({ a: 'durable-onetw', b: '' })
    expect(await left(disk, { torn: 0 })).toEqual({ a: 'durable-one', b: '' })
    await file.sync('B1')
    expect(await left(disk, { torn: 0 })).toEqual({ a: 'durable-onetwo', b: '' })
  })

  test('zeros: unsynced writes left their size and none of their bytes', async () => {
    const { disk, file } = await withDurableFile()
    await file.write(6, encode('XXXX'))
    expect(await left(disk, 'zeros')).toEqual({ a: 'durable-..' })
  })

  test('the disk after a crash is a new one: all on it is durable, the old one goes on', async () => {
    const { disk, file } = await withDurableFile()
    const next = disk.crash('all')
    await (await next.open('a', 'write')).write(0, encode('NEW'))
    await file.write(0, encode('OLD'))
    expect(await contentsOf(disk)).toEqual({ a: 'OLDable-' })
    expect(await contentsOf(next)).toEqual({ a: 'NEWable-' })
    expect(await left(next, 'synced')).toEqual({ a: 'durable-' })
  })

  test('a removed file that is still written to does not come back', async () => {
    const { disk, file } = await withDurableFile()
    await disk.remove('a')
    await replaceFile(disk, 'a', encode('new'))
    await file.write(0, encode('lost'))
    await file.sync('B1')
    for (const model of ['synced', 'all'] as const) expect(await left(disk, model)).toEqual({ a: 'new' })
  })
})

describe('a crash that the seed decides', () => {
  const seeds = Array.from({ length: 200 }, (_, seed) => seed)

  /** What can be left, over all seeds. */
  const outcomes = async (disk: SimulatedDisk, modelOf: (seed: number) => CrashModel) => {
    const found = new Set<string>()
    for (const seed of seeds) found.add(JSON.stringify(await left(disk, modelOf(seed))))
    return [...found].sort()
  }

  test('sectors: each sector of 512 bytes is written whole or not at all, and the size may be there without them', async () => {
    const disk = new SimulatedDisk()
    const file = await disk.open('a', 'create')
    await file.write(0, new Uint8Array(500).fill(1))
    await file.sync('B1')
    await disk.syncDirectory('', 'B8')
    await file.write(500, new Uint8Array(1000).fill(2)) // 12 bytes of the first sector, all of the second, and more
    const shapes = new Set<string>()
    for (const seed of seeds) {
      const crashed = await disk.crash({ sectors: seed }).open('a', 'read')
      const bytes = await crashed.read(0, await crashed.size())
      expect(bytes.subarray(0, 500)).toEqual(new Uint8Array(500).fill(1))
      const parts = [bytes.subarray(500, 512), bytes.subarray(512, 1024), bytes.subarray(1024)]
      for (const part of parts) expect(new Set(part).size).toBeLessThanOrEqual(1)
      shapes.add(`${parts.map(part => part[0] ?? '-')} ${bytes.length}`)
    }
    expect([...shapes].sort()).toEqual([
      '-,-,- 500',
      '0,0,0 1500',
      '0,0,2 1500',
      '0,2,- 1024',
      '0,2,0 1500',
      '0,2,2 1500',
      '2,-,- 512',
      '2,0,0 1500',
      '2,0,2 1500',
      '2,2,- 1024',
      '2,2,0 1500',
      '2,2,2 1500',
    ])
  })

  test('garbage: what was not synced is something else', async () => {
    const { disk, file } = await withDurableFile()
    await file.write(8, encode('0123456789'))
    const crashed = await disk.crash({ garbage: 1 }).open('a', 'read')
    expect(await crashed.size()).toBe(18)
    expect(await crashed.read(0, 8)).toEqual(encode('durable-'))
    expect(await crashed.read(8, 10)).not.toEqual(encode('0123456789'))
    await file.sync('B1')
    expect(await left(disk, { garbage: 1 })).toEqual({ a: 'durable-0123456789' })
  })

  test('entries: an operation on names survives without an earlier one, and a rename whole or not at all', async () => {
    const { disk } = await withDurableFile()
    const file = await disk.open('b', 'create')
    await file.write(0, encode('new'))
    await file.sync('B1')
    await disk.syncDirectory('', 'B8')
    await disk.rename('a', 'old')
    await disk.rename('b', 'a')
    expect(await outcomes(disk, seed => ({ entries: seed }))).toEqual(
      [
        { a: 'durable-', b: 'new' },
        { a: 'new' }, // the second one alone: it took the name of what was there
        { a: 'new', old: 'durable-' },
        { b: 'new', old: 'durable-' },
      ]
        .map(outcome => JSON.stringify(outcome))
        .sort(),
    )
    await disk.syncDirectory('', 'B8')
    expect(await outcomes(disk, seed => ({ entries: seed }))).toEqual(['{"a":"new","old":"durable-"}'])
  })

  test('prefix and torn count modulo what there is', async () => {
    const { disk, file } = await withDurableFile()
    await file.write(8, encode('1'))
    expect(await left(disk, { prefix: 2 })).toEqual({ a: 'durable-' })
    expect(await left(disk, { prefix: 3 })).toEqual({ a: 'durable-1' })
    expect(await left(disk, { torn: 2 })).toEqual({ a: 'durable-' })
    expect(await left(disk, { torn: 3 })).toEqual({ a: 'durable-1' })
  })
})

describe('from one run', () => {
  test('a crash after each call is what a process that died there would have left', async () => {
    const live = async (disk: SimulatedDisk): Promise<void> => {
      const file = await disk.open('a', 'create')
      await file.write(0, encode('one'))
      await file.sync('B1')
      await replaceFile(disk, 'b', encode('two'))
      await disk.rename('a', 'c')
      await file.write(3, encode('three'))
      await disk.remove('b')
      await disk.syncDirectory('', 'B8')
    }
    const models: CrashModel[] = ['synced', 'all', 'zeros', { torn: 1 }, { prefix: 2 }, { entries: 7 }]
    const whole = new SimulatedDisk()
    await live(whole)
    expect(whole.trace).toHaveLength(13)
    for (let moment = 0; moment <= whole.trace.length; moment++) {
      const dying = new SimulatedDisk({ stopAfter: moment })
      await live(dying).catch(() => undefined)
      for (const model of models) {
        expect(await contentsOf(whole.crash(model, {}, moment))).toEqual(await left(dying, model))
        // The page cache outlives a process, and the power fails under the next one.
        expect(await contentsOf(whole.restart({}, moment))).toEqual(await left(dying, 'all'))
        expect(await left(whole.restart({}, moment), model)).toEqual(await left(dying, model))
      }
    }
  })

  test('the next process makes durable what the one before left in the page cache', async () => {
    const { disk, file } = await withDurableFile()
    await file.write(8, encode('more'))
    await disk.rename('a', 'b')
    const next = disk.restart()
    await (await next.open('b', 'write')).sync('B10')
    expect(await left(next, 'synced')).toEqual({ a: 'durable-more' })
    await next.syncDirectory('', 'B19')
    expect(await left(next, 'synced')).toEqual({ b: 'durable-more' })
    expect(await left(disk, 'synced')).toEqual({ a: 'durable-' })
  })

  test('equal files have equal digests, whatever is durable', async () => {
    const { disk, file } = await withDurableFile()
    const before = disk.digest()
    await file.write(8, encode('more'))
    expect(disk.digest()).not.toBe(before)
    expect(disk.crash('synced').digest()).toBe(before)
    expect(disk.crash('all').digest()).toBe(disk.digest())
  })
})

describe('a schedule', () => {
  const run = async (schedule: number): Promise<string> => {
    const disk = new SimulatedDisk({ schedule })
    const file = await disk.open('a', 'create')
    await Promise.all([...'abc'].map(letter => file.write(0, encode(letter))))
    const bytes = await file.read(0, 1)
    return new TextDecoder().decode(bytes)
  }

  test('calls under way at the same time complete in the order of the seed: every order, and each again', async () => {
    const last = await Promise.all(Array.from({ length: 30 }, (_, seed) => run(seed)))
    expect(new Set(last)).toEqual(new Set(['a', 'b', 'c']))
    expect(await Promise.all(Array.from({ length: 30 }, (_, seed) => run(seed)))).toEqual(last)
  })

  test('a sync covers what was there when it began', async () => {
    const disk = new SimulatedDisk({ schedule: 1 })
    const file = await disk.open('a', 'create')
    await disk.syncDirectory('', 'B8')
    await Promise.all([file.write(0, encode('x')), file.sync('B1')])
    expect(await left(disk, 'synced')).toEqual({ a: '' })
    await file.sync('B1')
    expect(await left(disk, 'synced')).toEqual({ a: 'x' })
  })

  test('a process that dies completes nothing more', async () => {
    const disk = new SimulatedDisk({ schedule: 1, stopAfter: 2 })
    const file = await disk.open('a', 'create')
    const calls = [file.write(0, encode('x')), file.write(1, encode('y'))]
    for (const result of await Promise.allSettled(calls))
      expect(result).toMatchObject({ reason: { details: { errno: 'ESTOPPED' } } })
    expect(await left(disk, 'all')).toEqual({ a: '' })
  })
})

describe('without a barrier', () => {
  test('its syncs succeed and hold nothing; the others do', async () => {
    const disk = new SimulatedDisk({ without: / B5$/ })
    const file = await disk.open('a', 'create')
    await file.write(0, encode('x'))
    await file.sync('B5')
    await disk.syncDirectory('', 'B6')
    expect(await left(disk, 'synced')).toEqual({ a: '' })
    await file.sync('B1')
    expect(await left(disk, 'synced')).toEqual({ a: 'x' })
  })
})

describe('a fault', () => {
  test('every call is numbered and says what it was', async () => {
    const disk = new SimulatedDisk()
    await disk.makeDirectory('wal')
    const file = await disk.open('wal/current.wal', 'create')
    await file.write(120, new Uint8Array(87))
    await file.sync('B1')
    await file.read(0, 5)
    await file.truncate(3)
    await file.size()
    await file.close()
    await disk.rename('wal/current.wal', 'wal/1.wal')
    await disk.syncDirectory('wal', 'B8')
    await disk.stat('none')
    await disk.list('')
    await disk.remove('wal/1.wal')
    expect(disk.trace).toEqual([
      'makeDirectory wal',
      'open create wal/current.wal',
      'write wal/current.wal 120+87',
      'sync wal/current.wal B1',
      'read wal/current.wal 0+5',
      'truncate wal/current.wal 3',
      'size wal/current.wal',
      'close wal/current.wal',
      'rename wal/current.wal wal/1.wal',
      'syncDirectory wal B8',
      'stat none',
      'list',
      'remove wal/1.wal',
    ])
  })

  test('by number, once: the call did nothing, the next one works', async () => {
    const { disk, file } = await withDurableFile()
    disk.inject(disk.trace.length + 1, { kind: 'fail', errno: 'ENOSPC' })
    await expect(file.write(0, encode('X'))).rejects.toMatchObject({
      code: 'DISK_FULL',
      details: { path: 'a', operation: 'write', errno: 'ENOSPC' },
    })
    expect(await contentsOf(disk)).toEqual({ a: 'durable-' })
    await file.write(0, encode('X'))
    expect(await contentsOf(disk)).toEqual({ a: 'Xurable-' })
  })

  test('by label, always', async () => {
    const { disk, file } = await withDurableFile()
    disk.inject(/^sync /, { kind: 'fail', errno: 'EIO' }, 'always')
    disk.inject(label => label.startsWith('rename a'), { kind: 'fail', errno: 'EACCES' })
    for (let attempt = 0; attempt < 3; attempt++)
      await expect(file.sync('B1')).rejects.toMatchObject({ code: 'DISK_FAILED' })
    await expect(disk.rename('a', 'b')).rejects.toMatchObject({ code: 'DISK_DENIED' })
    await disk.rename('a', 'b')
    expect(await contentsOf(disk)).toEqual({ b: 'durable-' })
  })

  test('a write that is cut short leaves its first bytes', async () => {
    const { disk, file } = await withDurableFile()
    disk.inject(/^write/, { kind: 'cut', bytes: 2, errno: 'ENOSPC' })
    await expect(file.write(8, encode('more'))).rejects.toMatchObject({ code: 'DISK_FULL' })
    expect(await contentsOf(disk)).toEqual({ a: 'durable-mo' })
    expect(await left(disk, 'synced')).toEqual({ a: 'durable-' })
  })

  test('a sync that fails and keeps the data: the next one makes it durable', async () => {
    const { disk, file } = await withDurableFile()
    await file.write(8, encode('more'))
    disk.inject(/^sync/, { kind: 'fail', errno: 'EIO' })
    await expect(file.sync('B1')).rejects.toMatchObject({ code: 'DISK_FAILED', details: { errno: 'EIO' } })
    expect(await left(disk, 'synced')).toEqual({ a: 'durable-' })
    await file.sync('B1')
    expect(await left(disk, 'synced')).toEqual({ a: 'durable-more' })
  })

  test('a sync that fails and drops the data: it can be read, later syncs succeed, a power cut shows the lie', async () => {
    const { disk, file } = await withDurableFile()
    await file.write(8, encode('more'))
    disk.inject(/^sync/, { kind: 'drop', errno: 'EIO' })
    await expect(file.sync('B1')).rejects.toMatchObject({ code: 'DISK_FAILED' })
    await file.write(12, encode('!'))
    await file.sync('B1')
    expect(await contentsOf(disk)).toEqual({ a: 'durable-more!' })
    expect(await left(disk, 'all')).toEqual({ a: 'durable-more!' })
    expect(await left(disk, 'synced')).toEqual({ a: 'durable-....!' })
    expect(await left(disk, { torn: 0 })).toEqual({ a: 'durable-....!' })
    expect(disk.pending).toBe(0)
  })

  test('a read with a wrong bit: what is on the disk is right', async () => {
    const { disk, file } = await withDurableFile()
    disk.inject(/^read/, { kind: 'flip', bit: 0 })
    expect(new TextDecoder().decode(await file.read(0, 3))).toBe('eur')
    expect(new TextDecoder().decode(await file.read(0, 3))).toBe('dur')
  })

  test('a stalled sync covers what came before it, not what was written meanwhile', async () => {
    const { disk, file } = await withDurableFile()
    await file.write(8, encode('1'))
    const stall = disk.stall(/^sync/)
    let settled = false
    const syncing = file.sync('B1').then(() => {
      settled = true
    })
    await stall.reached
    await file.write(9, encode('2'))
    expect(settled).toBe(false)
    expect(await left(disk, 'synced')).toEqual({ a: 'durable-' })
    stall.release()
    await syncing
    expect(await left(disk, 'synced')).toEqual({ a: 'durable-1' })
  })

  test('after `stopAfter` calls the process is dead: every call rejects and nothing changes', async () => {
    const disk = new SimulatedDisk({ stopAfter: 2 })
    const file = await disk.open('a', 'create')
    await file.write(0, encode('x'))
    expect(disk.stopped).toBe(false)
    for (const call of [() => file.write(1, encode('y')), () => file.sync('B1'), () => disk.remove('a')])
      await expect(call()).rejects.toMatchObject({ code: 'DISK_FAILED', details: { errno: 'ESTOPPED' } })
    expect(disk.stopped).toBe(true)
    expect(disk.trace).toHaveLength(2)
    expect(await left(disk, 'all')).toEqual({ a: 'x' })
    expect(await left(disk, 'synced')).toEqual({})
  })

  test('a process that dies while a call is stalled does not finish it', async () => {
    const { disk, file } = await withDurableFile()
    const stall = disk.stall(/^write/)
    const writing = file.write(0, encode('X'))
    await stall.reached
    disk.stop()
    stall.release()
    await expect(writing).rejects.toMatchObject({ details: { errno: 'ESTOPPED' } })
    expect(await left(disk, 'all')).toEqual({ a: 'durable-' })
  })

  test('replaceFile, crashed after every call under every model, leaves the old bytes or the new (S1)', async () => {
    const outcomes = new Set<string>()
    for (let stopAfter = 0; stopAfter < 8; stopAfter++) {
      const { disk } = await withDurableFile()
      const dying = disk.crash('synced', { stopAfter })
      await replaceFile(dying, 'a', encode('new')).catch(() => undefined)
      const models: CrashModel[] = ['synced', 'all', 'zeros', { torn: 1 }, { prefix: 1 }, { prefix: 2 }]
      for (const model of models) outcomes.add((await left(dying, model)).a ?? 'missing')
    }
    expect([...outcomes].sort()).toEqual(['durable-', 'new'])
  })
})
