// Owns real disks that become full when a test wants it: a small file system in memory where the system lets us mount
// one, and a limit on the size of files, which every system has that knows prlimit.
import { execFile, spawnSync } from 'node:child_process'
import { mkdir, open, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { onTestFinished } from 'vitest'
import { scratchFolder } from './scratch.ts'

const run = promisify(execFile)

/** A place for one store, and what stands between it and more room. */
interface SmallDisk {
  readonly dataDir: string
  /**
   * Leaves no room to the process that has the store.
   * @param but `line`: a part of the next line of the log still fits, and perhaps files other than the log
   */
  fill(pid: number, but: 'line' | 'nothing'): Promise<void>
  /** Gives room again. */
  free(pid: number): Promise<void>
}

interface DiskKind {
  readonly name: string
  make(): Promise<SmallDisk>
}

/** The log may grow by so much; a write that begins below that is cut short. */
const LINE_PART_BYTES = 50
/** Smaller than any file that a store writes. */
const NOTHING_BYTES = 16

const limited: DiskKind = {
  name: 'a limit on the size of files',
  make: async () => {
    const dataDir = join(await scratchFolder(), 'data')
    const limit = (pid: number, bytes: number | 'unlimited'): Promise<unknown> =>
      run('prlimit', ['--pid', String(pid), `--fsize=${bytes}:unlimited`])
    return {
      dataDir,
      fill: async (pid, but) => {
        const { size } = await stat(join(dataDir, 'persist/wal/current.wal'))
        await limit(pid, but === 'line' ? size + LINE_PART_BYTES : NOTHING_BYTES)
      },
      free: pid => limit(pid, 'unlimited').then(() => {}),
    }
  },
}

const MOUNTED_BYTES = 2 * 1024 * 1024
const BALLAST_BYTES = 4096

const mounted: DiskKind = {
  name: 'a small file system',
  make: async () => {
    const folder = join(await scratchFolder(), 'mounted')
    await mkdir(folder)
    await run('mount', ['-t', 'tmpfs', '-o', `size=${MOUNTED_BYTES}`, 'varve-test', folder])
    onTestFinished(() => run('umount', ['--lazy', folder]).then(() => {}))
    const ballast = join(folder, 'ballast')
    return {
      dataDir: join(folder, 'data'),
      // What is left of the last page of the log is room for a part of a line, or for a few.
      fill: async () => {
        const file = await open(ballast, 'w')
        try {
          for (;;) await file.write(new Uint8Array(BALLAST_BYTES))
        } catch (cause) {
          if ((cause as NodeJS.ErrnoException).code !== 'ENOSPC') throw cause
        } finally {
          await file.close()
        }
      },
      free: () => rm(ballast),
    }
  },
}

const succeeds = (command: string, ...words: string[]): boolean => spawnSync(command, words).status === 0

/** Mounting takes rights that few have; it is tried where nobody else sees it. */
const canMount = (): boolean =>
  process.geteuid?.() === 0 && succeeds('unshare', '--mount', 'mount', '-t', 'tmpfs', 'varve-test', '/tmp')

/** The kinds of disks that this machine can make; at least one. */
export const diskKinds = (): DiskKind[] => (canMount() ? [limited, mounted] : [limited])
