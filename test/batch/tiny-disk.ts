// A disk in memory, as little of one as the tests of batches need.
import type { Disk, DiskEntry, DiskFile } from '../../src/disk/disk.ts'
import { DiskError } from '../../src/errors.ts'

type Content = { bytes: Uint8Array<ArrayBuffer> }

export class TinyDisk implements Disk {
  readonly files = new Map<string, Content>()
  /** What was asked of it, for tests of order; and a hook that can refuse. */
  readonly calls: string[] = []
  refuse: (call: string) => boolean = () => false

  #call(call: string): void {
    this.calls.push(call)
    if (this.refuse(call)) throw new DiskError('DISK_FAILED', 'refused by the test', { call })
  }

  async open(path: string, mode: 'read' | 'write' | 'create'): Promise<DiskFile> {
    this.#call(`open ${mode} ${path}`)
    let content = this.files.get(path)
    if (mode === 'create') {
      if (content !== undefined) throw new DiskError('DISK_FAILED', 'it is there already', { path })
      content = { bytes: new Uint8Array() }
      this.files.set(path, content)
    }
    if (content === undefined) throw new DiskError('DISK_MISSING', 'it is not there', { path })
    const inode = content
    return {
      read: async (offset, length) => {
        this.#call(`read ${path} ${offset} ${length}`)
        return inode.bytes.slice(offset, offset + length)
      },
      write: async (offset, bytes) => {
        this.#call(`write ${path}`)
        const next = new Uint8Array(Math.max(inode.bytes.length, offset + bytes.length))
        next.set(inode.bytes)
        next.set(bytes, offset)
        inode.bytes = next
      },
      sync: async () => this.#call(`sync ${path}`),
      truncate: async size => {
        const next = new Uint8Array(size)
        next.set(inode.bytes.subarray(0, size))
        inode.bytes = next
      },
      size: async () => inode.bytes.length,
      close: async () => this.#call(`close ${path}`),
    }
  }

  async list(): Promise<DiskEntry[]> {
    return [...this.files.keys()].sort().map(name => ({ name, kind: 'file' }))
  }

  async stat(path: string): Promise<(DiskEntry & { size: number }) | undefined> {
    const content = this.files.get(path)
    return content === undefined ? undefined : { name: path, kind: 'file', size: content.bytes.length }
  }

  async makeDirectory(): Promise<void> {}

  async rename(from: string, to: string): Promise<void> {
    this.#call(`rename ${from} ${to}`)
    this.files.set(to, this.files.get(from)!)
    this.files.delete(from)
  }

  async remove(path: string): Promise<void> {
    this.#call(`remove ${path}`)
    this.files.delete(path)
  }

  async syncDirectory(path: string): Promise<void> {
    this.#call(`syncDirectory ${path}`)
  }
}
