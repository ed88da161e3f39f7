// Owns what a reader asks of a disk that another process writes to. Invariants: nothing is ever written, made, renamed
// or removed; a file that is held stays readable, whatever becomes of its name.
import { assert } from '../errors.ts'
import type { Disk, DiskEntry, DiskFile } from './disk.ts'
import { nameOf } from './path.ts'

const refuse = (): never => {
  assert(false, 'who reads beside a writer changes nothing')
}

/** A file, closed when it is no longer held and its last reader is done. */
class HeldFile {
  readonly file: DiskFile
  #users = 0
  #held = true

  constructor(file: DiskFile) {
    this.file = file
  }

  /** A handle of its own, over the one descriptor. */
  handle(): DiskFile {
    this.#users++
    let closed = false
    return {
      read: (offset, length) => this.file.read(offset, length),
      size: () => this.file.size(),
      write: refuse,
      sync: refuse,
      truncate: refuse,
      close: async () => {
        if (closed) return
        closed = true
        this.#users--
        await this.#closeIfUnused()
      },
    }
  }

  async letGo(): Promise<void> {
    this.#held = false
    await this.#closeIfUnused()
  }

  async #closeIfUnused(): Promise<void> {
    if (!this.#held && this.#users === 0) await this.file.close()
  }
}

/** A disk for reading only. It takes one descriptor for each file that is held. */
export class HeldDisk implements Disk {
  readonly #disk: Disk
  readonly #held = new Map<string, HeldFile>()

  constructor(disk: Disk) {
    this.#disk = disk
  }

  /**
   * Keeps the file at `path` as it is now, also for those who open it later, until {@link letGo}. Holding it twice is
   * holding it once. Calls must not overlap.
   * @throws {DiskError} as {@link Disk.open} does; DISK_FAILED, with errno EMFILE, if too many files are open
   */
  async hold(path: string): Promise<void> {
    if (!this.#held.has(path)) this.#held.set(path, new HeldFile(await this.#disk.open(path, 'read')))
  }

  /** Lets files go; those that are being read are closed by their last reader. */
  async letGo(paths: Iterable<string>): Promise<void> {
    const files = [...paths].map(path => {
      const held = this.#held.get(path)
      this.#held.delete(path)
      return held
    })
    for (const file of files) await file?.letGo()
  }

  /** Lets every file go. */
  async close(): Promise<void> {
    await this.letGo([...this.#held.keys()])
  }

  async open(path: string, mode: 'read' | 'write' | 'create'): Promise<DiskFile> {
    if (mode !== 'read') refuse()
    return this.#held.get(path)?.handle() ?? this.#disk.open(path, 'read')
  }

  list(path: string): Promise<DiskEntry[]> {
    return this.#disk.list(path)
  }

  async stat(path: string): Promise<(DiskEntry & { readonly size: number }) | undefined> {
    const held = this.#held.get(path)
    if (held === undefined) return this.#disk.stat(path)
    return { name: nameOf(path), kind: 'file', size: await held.file.size() }
  }

  async makeDirectory(): Promise<void> {
    refuse()
  }

  async rename(): Promise<void> {
    refuse()
  }

  async remove(): Promise<void> {
    refuse()
  }

  async syncDirectory(): Promise<void> {
    refuse()
  }
}
