// Owns a disk in RAM, for a store without a directory. It keeps the contract of Disk to the error codes; making
// anything durable does nothing, because nothing outlives the process.
import type { BlockingFile, Disk, DiskEntry, DiskFile } from './disk.ts'
import { type MemoryContent, MemoryTree } from './memory-tree.ts'
import { failure } from './system-error.ts'

class MemoryFile implements DiskFile {
  readonly #path: string
  readonly #writable: boolean
  #content: MemoryContent | undefined
  readonly blocking: BlockingFile = {
    write: (offset, bytes) => this.#open('write', true).write(offset, bytes),
    sync: () => void this.#open('sync'),
  }

  constructor(path: string, content: MemoryContent, writable: boolean) {
    this.#path = path
    this.#content = content
    this.#writable = writable
  }

  async read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    return this.#open('read').read(offset, length)
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    this.#open('write', true).write(offset, bytes)
  }

  async sync(): Promise<void> {
    this.#open('sync')
  }

  async truncate(size: number): Promise<void> {
    this.#open('truncate', true).truncate(size)
  }

  async size(): Promise<number> {
    return this.#open('size').size
  }

  async close(): Promise<void> {
    this.#content = undefined // a removed file is freed with its last handle
  }

  #open(operation: string, toWrite = false): MemoryContent {
    if (this.#content === undefined || (toWrite && !this.#writable))
      throw failure('EBADF', this.#path, operation)
    return this.#content
  }
}

/** A disk in RAM. */
export class MemoryDisk implements Disk {
  readonly #tree = new MemoryTree()

  async open(path: string, mode: 'read' | 'write' | 'create'): Promise<DiskFile> {
    const content = mode === 'create' ? this.#tree.create(path) : this.#tree.file(path, 'open')
    return new MemoryFile(path, content, mode !== 'read')
  }

  async list(path: string): Promise<DiskEntry[]> {
    return this.#tree.list(path)
  }

  async stat(path: string): Promise<(DiskEntry & { readonly size: number }) | undefined> {
    return this.#tree.stat(path)
  }

  async makeDirectory(path: string): Promise<void> {
    this.#tree.makeDirectory(path)
  }

  async rename(from: string, to: string): Promise<void> {
    this.#tree.rename(from, to)
  }

  async remove(path: string): Promise<void> {
    this.#tree.remove(path)
  }

  async syncDirectory(path: string): Promise<void> {
    this.#tree.checkDirectory(path, 'syncDirectory')
  }
}
