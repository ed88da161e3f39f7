// Owns a disk in RAM, for a store without a directory.
import { DiskError } from '../errors.ts'
import type { Disk, DiskEntry, DiskFile } from './disk.ts'

class Inode {
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(0)
  size = 0
  reserve(size: number): void {
    if (size <= this.bytes.length) return
    const next = new Uint8Array(Math.max(size, this.bytes.length * 2, 256))
    next.set(this.bytes.subarray(0, this.size))
    this.bytes = next
  }
}

class MemoryFile implements DiskFile {
  readonly #inode: Inode
  constructor(inode: Inode) {
    this.#inode = inode
  }
  async read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    return this.#inode.bytes.slice(offset, Math.min(this.#inode.size, offset + length))
  }
  async write(offset: number, bytes: Uint8Array): Promise<void> {
    const end = offset + bytes.length
    this.#inode.reserve(end)
    this.#inode.bytes.set(bytes, offset)
    this.#inode.size = Math.max(this.#inode.size, end)
  }
  async sync(): Promise<void> {}
  async truncate(size: number): Promise<void> {
    this.#inode.reserve(size)
    this.#inode.bytes.fill(0, Math.min(size, this.#inode.size))
    this.#inode.size = size
  }
  async size(): Promise<number> {
    return this.#inode.size
  }
  async close(): Promise<void> {}
}

export class MemoryDisk implements Disk {
  readonly #nodes = new Map<string, Inode | 'directory'>([['', 'directory']])
  #missing(path: string, operation: string): DiskError {
    return new DiskError('DISK_MISSING', 'there is no such file', { path, operation, errno: 'ENOENT' })
  }
  async open(path: string, mode: 'read' | 'write' | 'create'): Promise<DiskFile> {
    let node = this.#nodes.get(path)
    if (node === 'directory') throw new DiskError('DISK_NOT_A_FILE', 'not a file', { path, operation: 'open' })
    if (mode === 'create') {
      if (node !== undefined) throw new DiskError('DISK_FAILED', 'the file exists', { path, operation: 'open', errno: 'EEXIST' })
      node = new Inode()
      this.#nodes.set(path, node)
    }
    if (node === undefined) throw this.#missing(path, 'open')
    return new MemoryFile(node)
  }
  async list(path: string): Promise<DiskEntry[]> {
    if (this.#nodes.get(path) !== 'directory') throw this.#missing(path, 'list')
    const prefix = path === '' ? '' : `${path}/`
    const found: DiskEntry[] = []
    for (const [name, node] of this.#nodes) {
      const rest = name.slice(prefix.length)
      if (name.startsWith(prefix) && rest !== '' && !rest.includes('/'))
        found.push({ name: rest, kind: node === 'directory' ? 'directory' : 'file' })
    }
    return found.sort((a, b) => (a.name < b.name ? -1 : 1))
  }
  async stat(path: string): Promise<(DiskEntry & { readonly size: number }) | undefined> {
    const node = this.#nodes.get(path)
    if (node === undefined) return undefined
    const name = path.slice(path.lastIndexOf('/') + 1)
    return node === 'directory' ? { name, kind: 'directory', size: 0 } : { name, kind: 'file', size: node.size }
  }
  async makeDirectory(path: string): Promise<void> {
    this.#nodes.set(path, 'directory')
  }
  async rename(from: string, to: string): Promise<void> {
    const node = this.#nodes.get(from)
    if (node === undefined) throw this.#missing(from, 'rename')
    this.#nodes.delete(from)
    this.#nodes.set(to, node)
  }
  async remove(path: string): Promise<void> {
    if (!this.#nodes.delete(path)) throw this.#missing(path, 'remove')
  }
  async syncDirectory(): Promise<void> {}
}
