// Rules 23; GB-18, GB-25, IL-35, LD-12, LD-17: reading beside a writer, or where nobody writes.
import { createHash } from 'node:crypto'
import { chmod, cp, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type Settings, settingsFrom } from '../../src/config/settings.ts'
import type { Disk } from '../../src/disk/disk.ts'
import { HeldDisk } from '../../src/disk/held-disk.ts'
import { failure } from '../../src/disk/system-error.ts'
import { openStore } from '../../src/store/open.ts'
import { openReader } from '../../src/store/open-reader.ts'
import { Reader } from '../../src/store/reader.ts'
import type { Store } from '../../src/store/store.ts'
import { SimulatedDisk } from '../simulation/disk.ts'
import { observe } from '../simulation/observation.ts'
import { asOrdinaryUser, scratchFolder } from '../support/scratch.ts'
import { type Contents, contentsOf, openOn } from '../support/stores.ts'

const readOn = async (disk: Disk, settings: Partial<Settings> = {}): Promise<Reader> => {
  const parts = { path: undefined, disk: new HeldDisk(disk), settings: settingsFrom(settings), now: () => 0 }
  const reader = await Reader.over(parts)
  onTestFinished(() => reader.close())
  return reader
}

const put = async (store: Store, ...values: number[]): Promise<void> => {
  for (const value of values)
    await store.commit(['t:a', 't:b'].map(shard => ({ shard, data: [value], diff: 1 })))
}

/** What a reader holds of both shards, which must agree. */
const held = async (reader: Reader, asOf?: number): Promise<Contents> => {
  const snapshot = await reader.snapshot(asOf === undefined ? {} : { asOf })
  try {
    const contents = await contentsOf(snapshot, 't:a')
    expect(await contentsOf(snapshot, 't:b')).toEqual(contents)
    return contents
  } finally {
    await snapshot.close()
  }
}

const ones = (...values: number[]): Contents => Object.fromEntries(values.map(value => [`[${value}]`, 1]))

/** Every file below a folder with what is in it, and when it was written. */
const filesOf = async (folder: string): Promise<Record<string, string>> => {
  const files: Record<string, string> = {}
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name)
    const { mtimeMs, size } = await stat(path)
    const hash = entry.isFile()
      ? createHash('sha1')
          .update(await readFile(path))
          .digest('hex')
      : ''
    files[path] = `${mtimeMs} ${size} ${hash}`
  }
  return files
}

describe('what is seen', () => {
  test('is what a later line, a flush or a clean close proves durable; status says how much is behind it', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk)
    const reader = await readOn(disk)
    expect(reader.status()).toMatchObject({ access: 'read', state: 'serving', epoch: 1, lsn: 0, unproven: 0 })
    expect(reader.upper).toBe(0)
    await put(store, 1, 2)
    expect(reader.upper).toBe(0)
    await reader.refresh()
    expect(reader.status()).toMatchObject({ lsn: 1, durableLsn: 1, unproven: 1, upper: 1 })
    expect(await held(reader)).toEqual(ones(1))
    await store.flush()
    await reader.refresh()
    expect(reader.status()).toMatchObject({ lsn: 2, unproven: 0, upper: 2, buffer: { updates: 0 } })
    expect(await held(reader)).toEqual(ones(1, 2))
    await put(store, 3)
    await store.close()
    await reader.refresh()
    expect(reader.status()).toMatchObject({ lsn: 3, unproven: 0 })
    expect(await held(reader)).toEqual(ones(1, 2, 3))
    expect(await held(reader, 0)).toEqual(ones(1))
  })

  test('in mode batched is nothing that only the operating system has', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk, { durabilityMode: 'batched', syncIntervalMs: 1_000_000_000 })
    await put(store, 1, 2, 3)
    const reader = await readOn(disk)
    expect(reader.status()).toMatchObject({ lsn: 0, unproven: 3 })
    await store.sync()
    await put(store, 4)
    await reader.refresh()
    expect(reader.status()).toMatchObject({ lsn: 3, unproven: 1 })
    await store.close()
  })

  test('after a kill lacks the end that nothing proves, until an open makes it durable', async () => {
    const disk = new SimulatedDisk()
    await put(await openOn(disk), 1, 2)
    disk.stop()
    const killed = disk.restart()
    const reader = await readOn(killed)
    expect(await held(reader)).toEqual(ones(1))
    expect(reader.status()).toMatchObject({ unproven: 1, recovery: { total: 1, applied: 1 } })
    const store = await openOn(killed)
    await reader.refresh()
    expect(reader.status()).toMatchObject({ epoch: 2, lsn: 2, unproven: 0 })
    expect(await held(reader)).toEqual(ones(1, 2))
    await store.close()
  })

  test.each([
    ['incomplete', '0000', 0],
    ['complete, and ambiguous for who opens the store', '00000000:{"lsn":3}\n', 0],
    ['zeros', '\0\0\0', 0],
  ])('does not depend on an end of the log that is %s', async (_, tail) => {
    const disk = new SimulatedDisk()
    await put(await openOn(disk), 1, 2)
    const file = await disk.open('wal/current.wal', 'write')
    await file.write(await file.size(), Buffer.from(tail))
    const reader = await readOn(disk)
    expect(await held(reader)).toEqual(ones(1))
  })

  test('a snapshot stays, whatever is flushed, compacted and dropped; its files are let go with it', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk)
    await put(store, 1, 2)
    await store.flush()
    const reader = await readOn(disk)
    const snapshot = await reader.snapshot()
    const opened = (): number =>
      disk.trace.filter(label => /^open \w+ batches/.test(label)).length -
      disk.trace.filter(label => /^close batches/.test(label)).length
    await put(store, 3)
    const before = opened()
    await store.compact({ since: 2 })
    await store.drop('t:b')
    await store.flush()
    expect(disk.trace.filter(label => label.startsWith('remove batches/')).length).toBeGreaterThan(3)
    await reader.refresh()
    expect(reader.status().shards).toMatchObject([{ name: 't:a', since: 2 }])
    expect(await contentsOf(snapshot, 't:a')).toEqual(ones(1, 2))
    expect(await contentsOf(snapshot, 't:b')).toEqual(ones(1, 2))
    // A point read goes through the cache, and finds what is gone from the folder as well.
    const found: unknown[] = []
    for await (const { data } of snapshot.rows('t:b', { where: { col0: 2 } })) found.push(data)
    expect(found).toEqual([[2]])
    expect(opened()).toBeGreaterThanOrEqual(before)
    await snapshot.close()
    await reader.close()
    await store.close()
    expect(opened()).toBe(0)
  })

  test('as of every time it is what the store itself answers (IL-35)', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk, { walSegmentBytes: 512 })
    for (let value = 0; value < 20; value++) {
      await put(store, value)
      await store.insert('t:facts', [[value % 3]])
      if (value % 3 === 2) await store.delete('t:facts', [[1], [2]])
      if (value % 7 === 3) await store.flush()
      if (value === 12) await store.compact({ since: 9 })
      if (value % 5 !== 4) continue
      await store.sync()
      await put(store, -value)
      const reader = await readOn(disk)
      const { shards, upper, lsn } = await observe(reader)
      // All but the last commit, unless a new segment proves that one too.
      expect(store.status().lsn - lsn).toBeLessThanOrEqual(1)
      const times = (since: number): number[] =>
        Array.from({ length: upper - since }, (_, index) => since + index)
      expect(shards).toEqual((await observe(store, times)).shards)
      await reader.close()
    }
    await store.close()
  })

  test('a compaction by itself does not raise since to a time whose commits a reader does not see yet', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk, { bufferSize: 2, autoCompactThreshold: 1, compactionWindow: 0 })
    await put(store, 1, 2)
    await store.flush()
    const flush = disk.stall(/^open create batches/)
    await put(store, 3, 4)
    // In the log while the second batch is made and merged with the first.
    await put(store, 5)
    flush.release()
    while (store.status().shards.some(({ since }) => since === 0)) await new Promise(setImmediate)
    const reader = await readOn(disk)
    expect(reader.status()).toMatchObject({ lsn: 4, unproven: 1, upper: 4 })
    expect(await held(reader)).toEqual(ones(1, 2, 3, 4))
    for (const { since } of reader.status().shards) expect(since).toBe(3)
    await store.close()
  })

  test('the four ways in which a store can begin (LD-17): nothing, log alone, batches alone, both', async () => {
    const folder = await scratchFolder()
    const dataDir = join(folder, 'data')
    await expect(openReader({ dataDir })).rejects.toMatchObject({ code: 'DISK_MISSING' })
    const states: [string, Contents][] = []
    const look = async (name: string, keep: boolean): Promise<void> => {
      const copy = join(folder, name)
      await cp(dataDir, copy, { recursive: true })
      const reader = await openReader({ dataDir: copy })
      states.push([name, await held(reader)])
      await reader.close()
      if (!keep) return
      await rm(join(copy, 'persist/LOCK'), { force: true })
      await using store = await openStore({ dataDir: copy })
      await using snapshot = await store.snapshot()
      states.push([`${name}, opened`, await contentsOf(snapshot, 't:a')])
    }
    const store = await openStore({ dataDir })
    await look('nothing', true)
    await put(store, 1, 2)
    await look('log', true)
    await store.flush()
    await look('batches', true)
    await put(store, 3, 4)
    await look('both', true)
    await store.close()
    expect(states).toEqual([
      ['nothing', {}],
      ['nothing, opened', {}],
      ['log', ones(1)],
      ['log, opened', ones(1, 2)],
      ['batches', ones(1, 2)],
      ['batches, opened', ones(1, 2)],
      ['both', ones(1, 2, 3)],
      ['both, opened', ones(1, 2, 3, 4)],
    ])
  })
})

describe('nothing is written', () => {
  test('a reader only opens, lists and reads', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk)
    await put(store, 1, 2)
    await store.compact()
    await store.close()
    const calls = disk.trace.length
    const reader = await readOn(disk)
    await held(reader)
    await reader.refresh()
    await reader.close()
    const kinds = disk.trace.slice(calls).map(label => label.split(' ', 1)[0])
    expect(new Set(kinds)).toEqual(new Set(['open', 'read', 'size', 'close', 'stat', 'list']))
    expect(disk.trace.slice(calls).filter(label => /^open (write|create)/.test(label))).toEqual([])
  })

  test('a held disk refuses to write, for whoever forgets', async () => {
    const disk = new HeldDisk(new SimulatedDisk())
    for (const call of [
      () => disk.open('a', 'create'),
      () => disk.open('a', 'write'),
      () => disk.makeDirectory(),
      () => disk.rename(),
      () => disk.remove(),
      () => disk.syncDirectory(),
    ])
      await expect(call()).rejects.toThrow('changes nothing')
  })

  test('ten thousand queries leave every byte and every time of writing as they were, without LOCK (LD-12)', async () => {
    const folder = await scratchFolder()
    const store = await openStore({ dataDir: folder })
    await put(store, 1, 2)
    await store.flush()
    await put(store, 3, 4)
    const before = await filesOf(folder)
    const { syncs } = store.status().wal
    const reader = await openReader({ dataDir: folder })
    const snapshot = await reader.snapshot()
    const own = await store.snapshot()
    for (let query = 0; query < 5000; query++) {
      const where = { where: { col0: 1 + (query % 4) } }
      expect((await snapshot.count('t:a', where)).present).toBe(query % 4 < 3 ? 1 : 0)
      expect((await own.count('t:a', where)).present).toBe(1)
    }
    await reader.close()
    await own.close()
    expect(await filesOf(folder)).toEqual(before)
    expect(store.status().wal.syncs).toBe(syncs)
    await store.close()
  })

  test('it works on a folder that cannot be written, and makes nothing there', async () => {
    const folder = await scratchFolder()
    const store = await openStore({ dataDir: folder })
    await put(store, 1)
    await store.close()
    const before = await filesOf(folder)
    const folders = [folder, ...Object.keys(before)]
    for (const path of folders) if ((await stat(path)).isDirectory()) await chmod(path, 0o555)
    onTestFinished(async () => {
      for (const path of folders) await chmod(path, 0o755)
    })
    await asOrdinaryUser(async () => {
      await expect(openStore({ dataDir: folder })).rejects.toMatchObject({ code: 'DISK_DENIED' })
      const reader = await openReader({ dataDir: folder })
      expect(await held(reader)).toEqual(ones(1))
      await reader.close()
    })
    expect(await filesOf(folder)).toEqual(before)
  })

  test('a store in memory cannot be read by anybody else', async () => {
    await expect(openReader({})).rejects.toMatchObject({
      code: 'SETTING_INVALID',
      details: { setting: 'dataDir' },
    })
  })

  test('what is not there is not made', async () => {
    const folder = await scratchFolder()
    await expect(openReader({ dataDir: join(folder, 'a') })).rejects.toMatchObject({ code: 'DISK_MISSING' })
    expect(await readdir(folder)).toEqual([])
    await mkdir(join(folder, 'persist'))
    await expect(openReader({ dataDir: folder })).rejects.toMatchObject({
      code: 'DISK_MISSING',
      details: { path: 'store.json' },
    })
    expect(await readdir(join(folder, 'persist'))).toEqual([])
  })
})

describe('damage', () => {
  /** A store with two batches and a log behind them, each commit proven but the last. */
  const damaged = async (path: string, change: (bytes: Buffer) => Buffer): Promise<SimulatedDisk> => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk)
    await put(store, 1)
    await store.flush()
    await put(store, 2, 3, 4)
    const found = await disk.open(path, 'write')
    const bytes = change(Buffer.from(await found.read(0, await found.size())))
    await found.truncate(0)
    await found.write(0, bytes)
    return disk.restart()
  }

  const flip = (bytes: Buffer, at: number): Buffer => {
    bytes[at]! ^= 1
    return bytes
  }

  test('of the log is refused, with its place, and changes nothing (GB-18, GB-25)', async () => {
    const disk = await damaged('wal/current.wal', bytes => flip(bytes, bytes.indexOf('"lsn":3')))
    const before = disk.digest()
    await expect(readOn(disk)).rejects.toMatchObject({
      code: 'WAL_CORRUPT',
      details: { file: 'wal/current.wal', lsn: 3 },
    })
    expect(disk.digest()).toBe(before)
  })

  test('of store.json is refused', async () => {
    const disk = await damaged('store.json', bytes => flip(bytes, 20))
    await expect(readOn(disk)).rejects.toMatchObject({
      code: 'STORE_CORRUPT',
      details: { file: 'store.json' },
    })
  })

  test('of one shard leaves the others, or refuses, as the setting says', async () => {
    const disk = await damaged('shards/t_a.json', bytes => flip(bytes, 20))
    const reader = await readOn(disk)
    expect(reader.status()).toMatchObject({
      state: 'degraded',
      reason: 't:a: METADATA_CORRUPT',
      shards: [{ name: 't:a', damage: 'METADATA_CORRUPT' }, { name: 't:b' }],
    })
    const snapshot = await reader.snapshot()
    expect(await contentsOf(snapshot, 't:b')).toEqual(ones(1, 2, 3))
    await expect(contentsOf(snapshot, 't:a')).rejects.toMatchObject({ code: 'SHARD_DAMAGED' })
    await expect(readOn(disk, { damagedShard: 'refuse' })).rejects.toMatchObject({ code: 'METADATA_CORRUPT' })
  })

  test('a batch that is missing damages its shard, and is looked for twice', async () => {
    const disk = await damaged('batches/1.parquet', bytes => bytes)
    await disk.remove('batches/1.parquet')
    const calls = disk.trace.length
    const reader = await readOn(disk)
    expect(reader.status().shards).toMatchObject([{ damage: 'BATCH_MISSING' }, { name: 't:b' }])
    expect(disk.trace.slice(calls).filter(label => label === 'open read batches/1.parquet')).toHaveLength(2)
  })

  test('a batch of another size is found before anybody reads it', async () => {
    const disk = await damaged('batches/1.parquet', bytes => bytes.subarray(1))
    const reader = await readOn(disk)
    expect(reader.status().shards).toMatchObject([{ damage: 'BATCH_CORRUPT' }, { name: 't:b' }])
  })
})

describe('a store that changes under the reader', () => {
  /** A disk on which something is amiss so many times, in another place each time. */
  const restless = (disk: Disk, times: number): Disk & { looks: number } => {
    const found = {
      looks: 0,
      open: (path: string, mode: 'read' | 'write' | 'create') => disk.open(path, mode),
      list: async (path: string) => {
        if (path === 'shards' && found.looks++ < times)
          throw failure('ENOENT', `shards/${found.looks}.json`, 'list')
        return disk.list(path)
      },
      stat: (path: string) => disk.stat(path),
      makeDirectory: (path: string) => disk.makeDirectory(path),
      rename: (from: string, to: string) => disk.rename(from, to),
      remove: (path: string) => disk.remove(path),
      syncDirectory: (path: string, barrier: Parameters<Disk['syncDirectory']>[1]) =>
        disk.syncDirectory(path, barrier),
    }
    return found
  }

  const sound = async (): Promise<SimulatedDisk> => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk)
    await put(store, 1)
    await store.close()
    return disk
  }

  test('is looked at again, as long as something else is amiss', async () => {
    const disk = restless(await sound(), 99)
    expect(await held(await readOn(disk))).toEqual(ones(1))
    expect(disk.looks).toBe(100)
  })

  test('and never rests is given up', async () => {
    const disk = restless(await sound(), Number.POSITIVE_INFINITY)
    await expect(readOn(disk)).rejects.toMatchObject({ code: 'OPEN_OVERTAKEN', details: { looks: 100 } })
  })

  test('a refresh that fails leaves what was seen before', async () => {
    const disk = await sound()
    const reader = await readOn(disk)
    await disk.rename('store.json', 'gone')
    await expect(reader.refresh()).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
    expect(await held(reader)).toEqual(ones(1))
    await disk.rename('gone', 'store.json')
    await reader.refresh()
    expect(await held(reader)).toEqual(ones(1))
  })

  test('another store, or an older copy, in its place is refused', async () => {
    const folder = await scratchFolder()
    const [dataDir, older, other] = ['data', 'older', 'other'].map(name => join(folder, name)) as [
      string,
      string,
      string,
    ]
    const store = await openStore({ dataDir })
    await put(store, 1, 2)
    await cp(dataDir, older, { recursive: true })
    await put(store, 3, 4)
    await store.close()
    await (await openStore({ dataDir: other })).close()
    const reader = await openReader({ dataDir })
    onTestFinished(() => reader.close())
    await rename(dataDir, join(folder, 'away'))
    await rename(older, dataDir)
    await expect(reader.refresh()).rejects.toMatchObject({
      code: 'STORE_CORRUPT',
      details: { lsn: 1, before: 4 },
    })
    await rm(dataDir, { recursive: true })
    await rename(other, dataDir)
    await expect(reader.refresh()).rejects.toMatchObject({
      code: 'STORE_CORRUPT',
      details: { expected: expect.any(String), found: expect.any(String) },
    })
    expect(await held(reader)).toEqual(ones(1, 2, 3, 4))
  })

  test('a store that was repaired is seen as sound by the next refresh', async () => {
    const folder = await scratchFolder()
    const store = await openStore({ dataDir: folder })
    await put(store, 1)
    await store.close()
    const file = join(folder, 'persist/shards/t_a.json')
    const good = await readFile(file)
    await writeFile(file, 'no document')
    const reader = await openReader({ dataDir: folder })
    onTestFinished(() => reader.close())
    expect(reader.status()).toMatchObject({ state: 'degraded' })
    await writeFile(file, good)
    await reader.refresh()
    expect(reader.status()).toMatchObject({ state: 'serving', reason: undefined })
    expect(await held(reader)).toEqual(ones(1))
  })
})

describe('the end', () => {
  test('closing ends snapshots and refuses everything else; twice is fine', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk)
    await put(store, 1, 2)
    const reader = await readOn(disk)
    const snapshot = await reader.snapshot()
    expect(reader.status().snapshots).toBe(1)
    await reader.close()
    await reader.close()
    await expect(contentsOf(snapshot, 't:a')).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(reader.snapshot()).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(reader.refresh()).rejects.toMatchObject({ code: 'CLOSED' })
    expect(reader.status()).toMatchObject({ state: 'closed', snapshots: 0 })
    await store.close()
  })

  test('a wrong time or option is refused', async () => {
    const disk = new SimulatedDisk()
    const store = await openOn(disk)
    await put(store, 1, 2)
    const reader = await readOn(disk)
    await expect(reader.snapshot({ asOf: 1 })).rejects.toMatchObject({
      code: 'AS_OF_NOT_BEFORE_UPPER',
      details: { asOf: 1, upper: 1 },
    })
    await expect(reader.snapshot({ asof: 0 } as never)).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    await store.close()
  })
})
