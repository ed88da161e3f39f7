// Owns the files of one folder of the operating system. Invariants: no path and no link leads out of that folder;
// positions are always explicit; every failure is a DiskError with path, operation and errno.
// Node has no `openat`: the folders on the way are looked at before each call, not held. That stops what lies in the
// folder from leading elsewhere; it does not stop someone who may write to the folder and swaps links while we run.
import { constants, type Dirent, fdatasyncSync, type Stats, writeSync } from 'node:fs'
import { type FileHandle, lstat, mkdir, open, readdir, rename, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { assert, DiskError } from '../errors.ts'
import type { Barrier } from './barrier.ts'
import { DirectWriter } from './direct-writer.ts'
import type { BlockingFile, Disk, DiskEntry, DiskFile } from './disk.ts'
import type { DiskLocation } from './location.ts'
import { Pace } from './pace.ts'
import { nameOf, namesOf } from './path.ts'
import { diskError, errnoOf } from './system-error.ts'

const MAX_TRANSFER_BYTES = 2 ** 30 // one read(2) or write(2) moves less than 2 GiB

// O_NONBLOCK: opening a FIFO must not wait for its other end. Windows has neither flag.
const SAFELY = (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
const FLAGS = {
  read: constants.O_RDONLY | SAFELY,
  write: constants.O_RDWR | SAFELY,
  create: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | SAFELY,
}

const kindOf = (found: Dirent | Stats): DiskEntry['kind'] =>
  found.isFile() ? 'file' : found.isDirectory() ? 'directory' : 'other'

const notAFile = (path: string, operation: string): DiskError =>
  new DiskError('DISK_NOT_A_FILE', 'this is not a regular file', { path, operation })

const nothingWritten = (): Error => new Error('the system wrote nothing and gave no reason')

class NodeFile implements DiskFile {
  readonly #handle: FileHandle
  readonly #path: string
  readonly #pace = new Pace()
  readonly #blocking: BlockingFile = {
    write: (offset, bytes) => this.#writeNow(offset, bytes),
    sync: barrier => this.#syncNow(barrier),
    overwrite: (offset, bytes, barrier) => this.#overwriteNow(offset, bytes, barrier),
  }
  /** Undefined before it is needed; null once it is known that there is none. */
  #direct: DirectWriter | null | undefined

  constructor(handle: FileHandle, path: string, isWritable: boolean) {
    this.#handle = handle
    this.#path = path
    if (!isWritable) this.#direct = null
  }

  /** While syncs of this file are quick. */
  get blocking(): BlockingFile | undefined {
    return this.#pace.isQuick ? this.#blocking : undefined
  }

  async #attempt<T>(operation: string, body: () => Promise<T>, barrier?: Barrier): Promise<T> {
    try {
      return await body()
    } catch (cause) {
      throw diskError(cause, this.#path, operation, barrier)
    }
  }

  async read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    // Node takes a negative position for "wherever the descriptor stands".
    assert(Number.isSafeInteger(offset) && offset >= 0, 'a read has a position')
    return this.#attempt('read', async () => {
      const bytes = new Uint8Array(length)
      let done = 0
      while (done < length) {
        const wanted = Math.min(length - done, MAX_TRANSFER_BYTES)
        const { bytesRead } = await this.#handle.read(bytes, done, wanted, offset + done)
        if (bytesRead === 0) break
        done += bytesRead
      }
      return done === length ? bytes : bytes.slice(0, done)
    })
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    assert(Number.isSafeInteger(offset) && offset >= 0, 'a write has a position')
    await this.#attempt('write', async () => {
      let done = 0
      while (done < bytes.length) {
        const wanted = Math.min(bytes.length - done, MAX_TRANSFER_BYTES)
        const { bytesWritten } = await this.#handle.write(bytes, done, wanted, offset + done)
        if (bytesWritten === 0) throw nothingWritten()
        done += bytesWritten
      }
    })
  }

  /** fdatasync: covers the data and a size that changed, not the times. */
  async sync(barrier: Barrier): Promise<void> {
    const started = performance.now()
    await this.#attempt('sync', () => this.#handle.datasync(), barrier)
    this.#pace.took(performance.now() - started)
  }

  #attemptNow(operation: string, body: () => void, barrier?: Barrier): void {
    try {
      body()
    } catch (cause) {
      throw diskError(cause, this.#path, operation, barrier)
    }
  }

  #writeNow(offset: number, bytes: Uint8Array): void {
    assert(Number.isSafeInteger(offset) && offset >= 0, 'a write has a position')
    this.#attemptNow('write', () => {
      for (let done = 0; done < bytes.length; ) {
        const written = writeSync(this.#handle.fd, bytes, done, bytes.length - done, offset + done)
        if (written === 0) throw nothingWritten()
        done += written
      }
    })
  }

  #syncNow(barrier: Barrier): void {
    const started = performance.now()
    this.#attemptNow('sync', () => fdatasyncSync(this.#handle.fd), barrier)
    this.#pace.took(performance.now() - started)
  }

  #overwriteNow(offset: number, bytes: Uint8Array, barrier: Barrier): boolean {
    assert(Number.isSafeInteger(offset) && offset >= 0, 'a write has a position')
    if (this.#direct === undefined) this.#direct = DirectWriter.of(this.#handle.fd) ?? null
    const direct = this.#direct
    if (direct === null) return false
    const started = performance.now()
    let isDone = false
    this.#attemptNow(
      'overwrite',
      () => {
        isDone = direct.write(offset, bytes)
      },
      barrier,
    )
    if (isDone) this.#pace.took(performance.now() - started)
    else this.#closeDirect()
    return isDone
  }

  #closeDirect(): void {
    const direct = this.#direct
    this.#direct = null
    direct?.close()
  }

  async truncate(size: number): Promise<void> {
    assert(Number.isSafeInteger(size) && size >= 0, 'a size is a whole number')
    await this.#attempt('truncate', () => this.#handle.truncate(size))
  }

  async size(): Promise<number> {
    return this.#attempt('size', async () => (await this.#handle.stat()).size)
  }

  async close(): Promise<void> {
    await this.#attempt('close', async () => {
      try {
        this.#closeDirect()
      } finally {
        await this.#handle.close()
      }
    })
  }
}

/**
 * Makes the entries of the folder at an absolute path durable. Windows cannot open a folder and has no such call: its
 * file system journals folder operations in order, and there this does nothing.
 */
const syncFolder = async (absolute: string): Promise<void> => {
  let handle: FileHandle
  try {
    handle = await open(absolute, constants.O_RDONLY | (constants.O_DIRECTORY ?? 0))
  } catch (cause) {
    const errno = errnoOf(cause)
    if (process.platform === 'win32' && (errno === 'EPERM' || errno === 'EISDIR')) return
    throw cause
  }
  try {
    await handle.sync()
  } catch (cause) {
    if (process.platform === 'win32' && errnoOf(cause) === 'EPERM') return
    throw cause
  } finally {
    await handle.close()
  }
}

/** The files below one folder of the operating system. */
export class NodeDisk implements Disk {
  /** Absolute, and resolved when the disk was made: a later `chdir` changes nothing. */
  readonly root: string

  /** @param root an absolute path without links; see openFolder */
  constructor(root: string) {
    this.root = root
  }

  get location(): DiskLocation {
    return { root: this.root, syncs: 'synced' }
  }

  async open(path: string, mode: 'read' | 'write' | 'create'): Promise<DiskFile> {
    return this.#attempt(path, 'open', async absolute => {
      // Looked at before it is opened, because opening a device can do something; and once more afterwards.
      if (mode !== 'create' && !(await lstat(absolute)).isFile()) throw notAFile(path, 'open')
      const handle = await open(absolute, FLAGS[mode])
      try {
        if (!(await handle.stat()).isFile()) throw notAFile(path, 'open')
      } catch (cause) {
        await handle.close()
        throw cause
      }
      return new NodeFile(handle, path, mode !== 'read')
    })
  }

  async list(path: string): Promise<DiskEntry[]> {
    return this.#attempt(path, 'list', async absolute => {
      await this.#checkFolder(absolute, path, 'list')
      const found = await readdir(absolute, { withFileTypes: true })
      return found
        .map(entry => ({ name: entry.name, kind: kindOf(entry) }))
        .sort((a, b) => (a.name < b.name ? -1 : 1))
    })
  }

  async stat(path: string): Promise<(DiskEntry & { readonly size: number }) | undefined> {
    try {
      return await this.#attempt(path, 'stat', async absolute => {
        const found = await lstat(absolute)
        return { name: nameOf(path), kind: kindOf(found), size: found.isFile() ? found.size : 0 }
      })
    } catch (cause) {
      if (cause instanceof DiskError && cause.code === 'DISK_MISSING') return undefined
      throw cause
    }
  }

  async makeDirectory(path: string): Promise<void> {
    await this.#attempt(path, 'makeDirectory', async absolute => {
      try {
        await mkdir(absolute)
      } catch (cause) {
        if (errnoOf(cause) !== 'EEXIST') throw cause
        await this.#checkFolder(absolute, path, 'makeDirectory')
      }
    })
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#attempt(from, 'rename', async absoluteFrom => {
      if ((await lstat(absoluteFrom)).isDirectory()) throw notAFile(from, 'rename')
      await this.#attempt(to, 'rename', absoluteTo => rename(absoluteFrom, absoluteTo))
    })
  }

  async remove(path: string): Promise<void> {
    await this.#attempt(path, 'remove', async absolute => {
      // Not left to unlink: what it says about a folder differs between systems.
      if ((await lstat(absolute)).isDirectory()) throw notAFile(path, 'remove')
      await unlink(absolute)
    })
  }

  async syncDirectory(path: string, barrier: Barrier): Promise<void> {
    const sync = async (absolute: string): Promise<void> => {
      await this.#checkFolder(absolute, path, 'syncDirectory')
      await syncFolder(absolute)
    }
    await this.#attempt(path, 'syncDirectory', sync, barrier)
  }

  /** Runs `body` on the absolute form of `path`, after every folder on the way was seen to be one. */
  async #attempt<T>(
    path: string,
    operation: string,
    body: (absolute: string) => Promise<T>,
    barrier?: Barrier,
  ): Promise<T> {
    try {
      let absolute = this.root
      for (const name of namesOf(path, operation)) {
        if (absolute !== this.root) await this.#checkFolder(absolute, path, operation)
        absolute = join(absolute, name)
      }
      return await body(absolute)
    } catch (cause) {
      throw diskError(cause, path, operation, barrier)
    }
  }

  async #checkFolder(absolute: string, path: string, operation: string): Promise<void> {
    const found = await lstat(absolute)
    if (found.isSymbolicLink())
      throw new DiskError('DISK_OUTSIDE', 'a folder on the way is a link', { path, operation })
    if (!found.isDirectory())
      throw new DiskError('DISK_NOT_A_DIRECTORY', 'this is not a folder', { path, operation })
  }
}
