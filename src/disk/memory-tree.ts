// Owns the shape of a disk in RAM: folders, files by path, and what a file holds. Pure and synchronous; fails with
// the codes of the operating system's disk. A content lives as long as someone holds it, whatever its name becomes.
import { assert } from '../errors.ts'
import type { DiskEntry } from './disk.ts'
import { nameOf, namesOf } from './path.ts'
import { folderOf } from './replace.ts'
import { failure } from './system-error.ts'

const FIRST_CAPACITY_BYTES = 256 // then doubled, so that appending costs a constant per byte

/** The bytes of one file. */
export class MemoryContent {
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(0)
  #size = 0

  get size(): number {
    return this.#size
  }

  read(offset: number, length: number): Uint8Array<ArrayBuffer> {
    assert(Number.isSafeInteger(offset) && offset >= 0, 'a read has a position')
    return this.#bytes.slice(Math.min(offset, this.#size), Math.min(offset + length, this.#size))
  }

  write(offset: number, bytes: Uint8Array): void {
    assert(Number.isSafeInteger(offset) && offset >= 0, 'a write has a position')
    const end = offset + bytes.length
    if (end > this.#size) this.truncate(end)
    this.#bytes.set(bytes, offset)
  }

  truncate(size: number): void {
    assert(Number.isSafeInteger(size) && size >= 0, 'a size is a whole number')
    if (size > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(size, this.#bytes.length * 2, FIRST_CAPACITY_BYTES))
      grown.set(this.#bytes.subarray(0, this.#size))
      this.#bytes = grown
    }
    // What lies behind the end is zeros, so that extending needs no filling.
    if (size < this.#size) this.#bytes.fill(0, size, this.#size)
    this.#size = size
  }
}

/** Folders, and files by path. */
export class MemoryTree {
  readonly #nodes = new Map<string, MemoryContent | 'directory'>([['', 'directory']])

  /** The file at `path`. */
  file(path: string, operation: string): MemoryContent {
    const found = this.find(path, operation)
    if (found === undefined) throw failure('ENOENT', path, operation)
    if (found === 'directory') throw failure('EISDIR', path, operation)
    return found
  }

  /** What is at `path`, in a folder that may itself be missing. */
  find(path: string, operation: string): MemoryContent | 'directory' | undefined {
    let way = ''
    for (const name of namesOf(path, operation)) {
      if (this.#nodes.get(way) instanceof MemoryContent) throw failure('ENOTDIR', path, operation)
      way = way === '' ? name : `${way}/${name}`
    }
    return this.#nodes.get(path)
  }

  /** Puts an empty file where there is nothing. */
  create(path: string): MemoryContent {
    if (this.find(path, 'open') !== undefined) throw failure('EEXIST', path, 'open')
    const content = new MemoryContent()
    this.put(path, content, 'open')
    return content
  }

  /** Puts `content` at `path`, in place of what was there. */
  put(path: string, content: MemoryContent, operation: string): void {
    if (this.find(path, operation) === 'directory') throw failure('EISDIR', path, operation)
    this.#parent(path, operation)
    this.#nodes.set(path, content)
  }

  makeDirectory(path: string): void {
    const found = this.find(path, 'makeDirectory')
    if (found === 'directory') return
    if (found !== undefined) throw failure('ENOTDIR', path, 'makeDirectory')
    this.#parent(path, 'makeDirectory')
    this.#nodes.set(path, 'directory')
  }

  rename(from: string, to: string): void {
    const content = this.file(from, 'rename')
    this.put(to, content, 'rename')
    if (from !== to) this.#nodes.delete(from)
  }

  remove(path: string): void {
    this.file(path, 'remove')
    this.#nodes.delete(path)
  }

  /** Refuses what is not a folder. */
  checkDirectory(path: string, operation: string): void {
    const found = this.find(path, operation)
    if (found === undefined) throw failure('ENOENT', path, operation)
    if (found !== 'directory') throw failure('ENOTDIR', path, operation)
  }

  list(path: string): DiskEntry[] {
    this.checkDirectory(path, 'list')
    const found: DiskEntry[] = []
    for (const [other, node] of this.#nodes) {
      if (other !== '' && folderOf(other) === path)
        found.push({ name: nameOf(other), kind: node === 'directory' ? 'directory' : 'file' })
    }
    return found.sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  stat(path: string): (DiskEntry & { readonly size: number }) | undefined {
    const found = this.find(path, 'stat')
    if (found === undefined) return undefined
    return found === 'directory'
      ? { name: nameOf(path), kind: 'directory', size: 0 }
      : { name: nameOf(path), kind: 'file', size: found.size }
  }

  #parent(path: string, operation: string): void {
    if (this.#nodes.get(folderOf(path)) !== 'directory') throw failure('ENOENT', path, operation)
  }
}
