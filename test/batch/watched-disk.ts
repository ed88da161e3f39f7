// A disk in memory that notes what is asked of it, and can be told to refuse.
import type { Barrier } from '../../src/disk/barrier.ts'
import type { Disk, DiskEntry, DiskFile } from '../../src/disk/disk.ts'
import { MemoryDisk } from '../../src/disk/memory-disk.ts'
import { DiskError } from '../../src/errors.ts'

export class WatchedDisk implements Disk {
  readonly #inner: Disk = new MemoryDisk()
  /** `operation path`, in order. */
  readonly calls: string[] = []
  refuse: (call: string) => boolean = () => false

  #call(call: string): void {
    this.calls.push(call)
    if (this.refuse(call)) throw new DiskError('DISK_FAILED', 'refused by the test', { call })
  }

  async open(path: string, mode: 'read' | 'write' | 'create'): Promise<DiskFile> {
    this.#call(`${mode} ${path}`)
    const file = await this.#inner.open(path, mode)
    return {
      read: (offset, length) => file.read(offset, length),
      write: async (offset, bytes) => {
        this.#call(`write ${path}`)
        await file.write(offset, bytes)
      },
      sync: async barrier => {
        this.#call(`sync ${path}`)
        await file.sync(barrier)
      },
      truncate: size => file.truncate(size),
      size: () => file.size(),
      close: async () => {
        this.#call(`close ${path}`)
        await file.close()
      },
    }
  }

  list(path: string): Promise<DiskEntry[]> {
    return this.#inner.list(path)
  }

  stat(path: string): Promise<(DiskEntry & { readonly size: number }) | undefined> {
    return this.#inner.stat(path)
  }

  makeDirectory(path: string): Promise<void> {
    return this.#inner.makeDirectory(path)
  }

  async rename(from: string, to: string): Promise<void> {
    this.#call(`rename ${from} ${to}`)
    await this.#inner.rename(from, to)
  }

  async remove(path: string): Promise<void> {
    this.#call(`remove ${path}`)
    await this.#inner.remove(path)
  }

  async syncDirectory(path: string, barrier: Barrier): Promise<void> {
    this.#call(`syncDirectory ${path}`)
    await this.#inner.syncDirectory(path, barrier)
  }

  /** All bytes of a file. */
  async bytes(path: string): Promise<Uint8Array<ArrayBuffer>> {
    const file = await this.#inner.open(path, 'read')
    return file.read(0, await file.size())
  }

  /** Puts `bytes` at `path`, whatever was there. */
  async put(path: string, bytes: Uint8Array): Promise<void> {
    if ((await this.#inner.stat(path)) !== undefined) await this.#inner.remove(path)
    const file = await this.#inner.open(path, 'create')
    await file.write(0, bytes)
  }
}
