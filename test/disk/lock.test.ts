// Rules 22, GB-05, LD-26. The holders are real processes; only those started here are ended, by their own id.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Disk } from '../../src/disk/disk.ts'
import { acquireLock, type DirectoryLock } from '../../src/disk/lock.ts'
import {
  describeSelf,
  isProvablyDead,
  type LockHolder,
  parseProcessStat,
} from '../../src/disk/lock-holder.ts'
import { NodeDisk } from '../../src/disk/node-disk.ts'
import { failure } from '../../src/disk/system-error.ts'
import { LockedError } from '../../src/errors.ts'
import { WatchedDisk } from '../batch/watched-disk.ts'
import { scratchFolder } from '../support/scratch.ts'

const HOLDER = fileURLToPath(new URL('./holder.js', import.meta.url))

const acquire = async (
  folder: string,
  options: { breakLock?: boolean } = {},
  disk: Disk = new NodeDisk(folder),
): Promise<DirectoryLock> => {
  const lock = await acquireLock(disk, folder, options)
  onTestFinished(() => lock.release())
  return lock
}

const startHolder = async (
  folder: string,
  means: 'socket' | 'no-socket',
): Promise<ChildProcess & { pid: number }> => {
  const child = spawn(process.execPath, [HOLDER, folder, means], { stdio: ['ignore', 'pipe', 'inherit'] })
  // Waited for: while it dies it still has the lock, and the next folder may be given the same inode.
  onTestFinished(() => killed(child))
  await once(child.stdout!, 'data')
  return child as ChildProcess & { pid: number }
}

const killed = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
}

const readLock = async (folder: string): Promise<LockHolder> =>
  JSON.parse(await readFile(join(folder, 'LOCK'), 'utf8'))

const writeLock = (folder: string, holder: Partial<LockHolder>): Promise<void> =>
  writeFile(join(folder, 'LOCK'), `${JSON.stringify(holder)}\n`)

const self = describeSelf('2026-01-02T03:04:05.678Z', undefined)
const refused = (holder: Partial<LockHolder> | undefined): object => ({
  code: 'LOCKED',
  details: { holder, advice: expect.any(String) },
})

describe('one process has a directory', () => {
  test('LOCK is one line of JSON that names the process; releasing leaves nothing', async () => {
    const folder = await scratchFolder()
    const lock = await acquire(folder)
    const text = await readFile(join(folder, 'LOCK'), 'utf8')
    expect(text).toBe(`${JSON.stringify(lock.holder)}\n`)
    const { since, kernelLock } = lock.holder
    expect(lock.holder).toEqual({ ...self, since, kernelLock })
    expect(new Date(lock.holder.since).toISOString()).toBe(lock.holder.since)
    expect(lock.holder).toMatchObject({ pid: process.pid, host: hostname() })
    expect(lock.holder.startTicks).toBeGreaterThan(0)
    await lock.release()
    await lock.release()
    expect(await readdir(folder)).toEqual([])
  })

  test('what LOCK says is durable before it is called so, or it would refuse after a power loss; its name need not be', async () => {
    const disk = new WatchedDisk()
    await acquire(await scratchFolder(), {}, disk)
    expect(disk.calls.filter(call => !call.startsWith('close'))).toEqual([
      'read LOCK',
      'create LOCK.tmp',
      'write LOCK.tmp',
      'sync LOCK.tmp',
      'rename LOCK.tmp LOCK',
    ])
  })

  test('a second open in the same process is refused and leaves the first intact (GB-05)', async () => {
    const folder = await scratchFolder()
    const lock = await acquire(folder)
    for (const breakLock of [false, true]) {
      const error: unknown = await acquireLock(new NodeDisk(folder), folder, { breakLock }).catch(
        (cause: unknown) => cause,
      )
      expect(error).toBeInstanceOf(LockedError)
      expect(error).toMatchObject(refused(lock.holder))
      const { pid, host, since } = lock.holder
      const who = `process ${pid} on ${host} has had the directory since ${since}`
      expect((error as Error).message).toMatch(`${who}. path=${folder}, advice=close`)
    }
    expect(await readLock(folder)).toEqual(lock.holder)
  })

  test('reopening right after release works, a hundred times (LD-26)', async () => {
    const folder = await scratchFolder()
    for (let round = 0; round < 100; round++) {
      const lock = await acquireLock(new NodeDisk(folder), folder)
      await lock.release()
    }
    expect(await readdir(folder)).toEqual([])
  })

  test('of eight opens at once one has it, and it can still be released', async () => {
    const folder = await scratchFolder()
    const opens = await Promise.allSettled(Array.from({ length: 8 }, () => acquire(folder)))
    expect(opens.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const open of opens)
      if (open.status === 'rejected') expect(open.reason).toMatchObject({ code: 'LOCKED' })
  })

  test('two directories do not know of each other', async () => {
    const folder = await scratchFolder()
    await mkdir(join(folder, 'a'))
    await mkdir(join(folder, 'b'))
    const locks = [await acquire(join(folder, 'a')), await acquire(join(folder, 'b'))]
    expect(locks).toHaveLength(2)
  })

  test('a release does not remove the LOCK of whoever broke it', async () => {
    const folder = await scratchFolder()
    const lock = await acquire(folder)
    const other = { ...self, pid: 1, pidNamespace: 'pid:[1]' }
    await writeLock(folder, other)
    await lock.release()
    expect(await readLock(folder)).toEqual(other)
  })

  test.each(['open create LOCK.tmp', 'write LOCK.tmp', 'rename LOCK.tmp'])(
    'when LOCK cannot be written (%s), nothing stays behind and the directory is free',
    async call => {
      const folder = await scratchFolder()
      await expect(acquire(folder, {}, refusing(folder, call))).rejects.toMatchObject({ code: 'DISK_FULL' })
      expect(await readdir(folder)).toEqual([])
      await acquire(folder)
    },
  )
})

/** A disk that is full for one call. */
const refusing = (folder: string, refusedCall: string): Disk => {
  const disk = new NodeDisk(folder)
  const call = (label: string): void => {
    if (label.startsWith(refusedCall)) throw failure('ENOSPC', label, 'write')
  }
  return {
    open: async (path, mode) => {
      call(`open ${mode} ${path}`)
      const file = await disk.open(path, mode)
      const write = async (offset: number, bytes: Uint8Array): Promise<void> => {
        call(`write ${path}`)
        await file.write(offset, bytes)
      }
      return {
        write,
        read: (offset, length) => file.read(offset, length),
        sync: barrier => file.sync(barrier),
        truncate: size => file.truncate(size),
        size: () => file.size(),
        close: () => file.close(),
      }
    },
    list: path => disk.list(path),
    stat: path => disk.stat(path),
    makeDirectory: path => disk.makeDirectory(path),
    rename: async (from, to) => {
      call(`rename ${from}`)
      await disk.rename(from, to)
    },
    remove: path => disk.remove(path),
    syncDirectory: async (path, barrier) => {
      call('syncDirectory')
      await disk.syncDirectory(path, barrier)
    },
  }
}

describe('another process has the directory', () => {
  test('it is named, also with breakLock: the kernel knows that it lives', async () => {
    const folder = await scratchFolder()
    const child = await startHolder(folder, 'socket')
    const holder = await readLock(folder)
    expect(holder.pid).toBe(child.pid)
    await expect(acquire(folder)).rejects.toMatchObject(refused(holder))
    await expect(acquire(folder, { breakLock: true })).rejects.toMatchObject(refused(holder))
    expect(await readLock(folder)).toEqual(holder)
  })

  test('a stopped holder is not robbed; a killed one is replaced at once', async () => {
    const folder = await scratchFolder()
    const child = await startHolder(folder, 'socket')
    child.kill('SIGSTOP')
    await expect(acquire(folder)).rejects.toMatchObject(refused({ pid: child.pid }))
    await killed(child)
    const lock = await acquire(folder)
    expect((await readLock(folder)).pid).toBe(process.pid)
    expect(lock.holder.pid).toBe(process.pid)
  })

  test('one in another network namespace is found by its LOCK alone; breakLock takes it over', async () => {
    const folder = await scratchFolder()
    const child = await startHolder(folder, 'no-socket')
    const before = await readFile(join(folder, 'LOCK'))
    await expect(acquire(folder)).rejects.toMatchObject(refused({ pid: child.pid }))
    child.kill('SIGSTOP')
    await expect(acquire(folder)).rejects.toMatchObject(refused({ pid: child.pid }))
    expect(await readFile(join(folder, 'LOCK'))).toEqual(before)
    expect(await readdir(folder)).toEqual(['LOCK'])
    await acquire(folder, { breakLock: true })
    expect((await readLock(folder)).pid).toBe(process.pid)
  })

  test('one in another network namespace that was killed is replaced', async () => {
    const folder = await scratchFolder()
    await killed(await startHolder(folder, 'no-socket'))
    await acquire(folder)
    expect((await readLock(folder)).pid).toBe(process.pid)
  })

  test('a LOCK of one that is gone does not name who has the kernel lock now', async () => {
    const folder = await scratchFolder()
    await startHolder(folder, 'socket')
    await writeLock(folder, { ...self, pid: 999_999_999 })
    await expect(acquire(folder)).rejects.toMatchObject({
      code: 'LOCKED',
      message: expect.stringMatching(/^a process on this machine has the directory\. /),
      details: { holder: undefined },
    })
  })

  test('a kernel lock without a LOCK refuses too', async () => {
    const folder = await scratchFolder()
    await startHolder(folder, 'socket')
    await new NodeDisk(folder).remove('LOCK')
    await expect(acquire(folder)).rejects.toMatchObject(refused(undefined))
    expect(await readdir(folder)).toEqual([])
  })
})

describe('what a LOCK proves', () => {
  const other = { ...self, pid: process.ppid, startTicks: 1 }
  test.each<[string, Partial<LockHolder>, 'taken' | 'refused']>([
    ['another boot of this host', { ...self, bootId: 'another', pidNamespace: 'pid:[1]' }, 'taken'],
    ['another boot of another host', { ...self, bootId: 'another', host: 'elsewhere' }, 'refused'],
    ['a boot that is not known', { ...self, bootId: null, pid: 999_999_999 }, 'refused'],
    ['a process of another namespace', { ...self, pid: 999_999_999, pidNamespace: 'pid:[1]' }, 'refused'],
    ['a process of an unknown namespace', { ...self, pid: 999_999_999, pidNamespace: null }, 'refused'],
    ['a pid that no process has', { ...self, pid: 999_999_999 }, 'taken'],
    ['the same under another host name', { ...self, pid: 999_999_999, host: 'renamed' }, 'taken'],
    ['a pid that another process has now', other, 'taken'],
    ['a live process whose start is not known', { ...other, startTicks: null }, 'refused'],
    ['this very process, without the kernel', self, 'refused'],
  ])('%s: %j is %3$s', async (_, holder, outcome) => {
    const folder = await scratchFolder()
    await writeLock(folder, holder)
    const before = await readFile(join(folder, 'LOCK'), 'utf8')
    if (outcome === 'refused') {
      await expect(acquire(folder)).rejects.toMatchObject(refused(holder))
      expect(await readFile(join(folder, 'LOCK'), 'utf8')).toBe(before)
      await acquire(folder, { breakLock: true })
    } else await acquire(folder)
    expect((await readLock(folder)).pid).toBe(process.pid)
    expect((await readLock(folder)).since).not.toBe(self.since)
  })

  test.each([
    ['nothing', ''],
    ['no JSON', 'pid 7\n'],
    ['another shape', '[]'],
    ['a pid that is none', JSON.stringify({ ...self, pid: -1 })],
    ['a missing field', JSON.stringify({ pid: 7 })],
    ['too much', ' '.repeat(5000)],
    ['a deep one', '['.repeat(4000)],
  ])('a LOCK that says %s is refused, and broken with breakLock', async (_, text) => {
    const folder = await scratchFolder()
    await writeFile(join(folder, 'LOCK'), text)
    await expect(acquire(folder)).rejects.toMatchObject(refused(undefined))
    expect(await readFile(join(folder, 'LOCK'), 'utf8')).toBe(text)
    await acquire(folder, { breakLock: true })
    expect((await readLock(folder)).pid).toBe(process.pid)
  })

  test('the kernel lock that we have now proves that its earlier holder is gone, in whatever process namespace', async () => {
    const folder = await scratchFolder()
    const lock = await acquire(folder)
    const holder = await readLock(folder)
    expect(holder.kernelLock).toMatch(/^net:\[\d+\] \d+-\d+$/)
    await lock.release()
    // A container that was killed, and its successor in the same network namespace.
    const before = { ...holder, pidNamespace: 'pid:[1]' }
    await writeLock(folder, before)
    await acquire(folder)
  })

  test.each([
    ['of another folder', { kernelLock: 'net:[1] 1-1' }],
    ['of another boot that nobody knows', { bootId: null }],
    ['of another host', { bootId: 'another', host: 'elsewhere' }],
  ])('a kernel lock %s proves nothing', async (_, difference) => {
    const folder = await scratchFolder()
    const lock = await acquire(folder)
    const holder = await readLock(folder)
    await lock.release()
    await writeLock(folder, { ...holder, pidNamespace: 'pid:[1]', ...difference })
    await expect(acquire(folder)).rejects.toMatchObject({ code: 'LOCKED' })
  })

  test('a process that ended and that its parent has not asked about is gone', async () => {
    const line = (state: string, threads: number): string =>
      `7 (a) ${state} 1 7 7 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 ${threads} 0 4242 0 0`
    expect(parseProcessStat(line('Z', 1))).toEqual({ startTicks: 4242, exited: true })
    expect(parseProcessStat(line('Z', 2))).toEqual({ startTicks: 4242, exited: false })
    expect(parseProcessStat(line('T', 1))).toEqual({ startTicks: 4242, exited: false })
  })

  test('a command name with spaces and parentheses does not shift the fields', () => {
    const text = '7 (a) S (b)) T 1 7 7 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 3 0 4242 0 0'
    expect(parseProcessStat(text)).toEqual({ startTicks: 4242, exited: false })
    expect(parseProcessStat('nonsense')).toBeUndefined()
  })

  test('this process is alive', async () => {
    expect(isProvablyDead(self, self)).toBe(false)
  })

  test('two that know no namespace need not share one', async () => {
    const gone = { ...self, pid: 999_999_999 }
    expect(isProvablyDead(gone, self)).toBe(true)
    expect(isProvablyDead({ ...gone, pidNamespace: null }, { ...self, pidNamespace: null })).toBe(false)
  })
})
