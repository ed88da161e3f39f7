// Owns a disk in memory that knows what is durable and fails when it is told to. Every call is one entry of `trace`.
import type { Disk, DiskEntry, DiskFile } from '../../src/disk/disk.ts'
import { type MemoryContent, MemoryTree } from '../../src/disk/memory-tree.ts'
import { failure } from '../../src/disk/system-error.ts'
import { Calls, type Effect, type Stall, type Where } from './calls.ts'
import { type CrashModel, DiskHistory } from './disk-history.ts'

export interface FaultyDiskOptions {
  /** The process dies after so many calls: every further one rejects with errno ESTOPPED. @default never */
  readonly stopAfter?: number
}

class FaultyFile implements DiskFile {
  readonly #calls: Calls
  readonly #history: DiskHistory
  readonly #path: string
  readonly #content: MemoryContent
  readonly #writable: boolean
  #closed = false
  constructor(calls: Calls, history: DiskHistory, path: string, content: MemoryContent, writable: boolean) {
    this.#calls = calls
    this.#history = history
    this.#path = path
    this.#content = content
    this.#writable = writable
  }

  async read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    await this.#enter('read', `${offset}+${length}`)
    return this.#content.read(offset, length)
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    const copy = bytes.slice()
    const entered = this.#enter('write', `${offset}+${copy.length}`, true)
    const effect = entered instanceof Promise ? await entered : entered
    const written = effect?.kind === 'cut' ? copy.subarray(0, effect.bytes) : copy
    this.#content.write(offset, written)
    this.#history.add({ kind: 'write', file: this.#content, offset, bytes: written })
    if (effect?.kind === 'cut') throw failure(effect.errno, this.#path, 'write')
  }

  async sync(): Promise<void> {
    const covered = this.#history.length
    const entered = this.#enter('sync')
    const effect = entered instanceof Promise ? await entered : entered
    this.#history.settle(this.#content, covered, effect?.kind === 'drop' ? 'dropped' : 'durable')
    if (effect?.kind === 'drop') throw failure(effect.errno, this.#path, 'sync')
  }

  async truncate(size: number): Promise<void> {
    const entered = this.#enter('truncate', `${size}`, true)
    if (entered instanceof Promise) await entered
    this.#content.truncate(size)
    this.#history.add({ kind: 'truncate', file: this.#content, size })
  }

  async size(): Promise<number> {
    await this.#enter('size')
    return this.#content.size
  }

  async close(): Promise<void> {
    if (this.#closed) return
    await this.#calls.enter({ path: this.#path, operation: 'close' }, `close ${this.#path}`)
    this.#closed = true
  }

  #enter(operation: string, rest = '', toWrite = false): ReturnType<Calls['enter']> {
    const entered = this.#calls.enter(
      { path: this.#path, operation },
      `${operation} ${this.#path} ${rest}`.trim(),
    )
    if (this.#closed || (toWrite && !this.#writable)) throw failure('EBADF', this.#path, operation)
    return entered
  }
}

export class FaultyDisk implements Disk {
  readonly #tree: MemoryTree
  readonly #history: DiskHistory
  readonly #calls: Calls

  /** @param tree what is on the disk, durably; see {@link crash} */
  constructor(
    options: FaultyDiskOptions = {},
    tree: MemoryTree = new MemoryTree(),
    history: DiskHistory = new DiskHistory(tree),
  ) {
    this.#tree = tree
    this.#history = history
    this.#calls = new Calls(options.stopAfter ?? Number.POSITIVE_INFINITY)
  }

  /** One label a call, e.g. `write wal/current.wal 120+87`; call n is `trace[n - 1]`. */
  get trace(): readonly string[] {
    return this.#calls.trace
  }

  /** Whether a call was refused because of `stopAfter` or {@link stop}. */
  get stopped(): boolean {
    return this.#calls.stopped
  }

  /** How many changes are not durable: `crash({ prefix: n })` differs for n from 0 to this. */
  get pending(): number {
    return this.#history.pending
  }

  /** Makes calls fail: the first that fits, or every one. A fault that was injected earlier goes first. */
  inject(where: Where, effect: Exclude<Effect, { kind: 'stall' }>, times: 'once' | 'always' = 'once'): void {
    this.#calls.inject(where, effect, times)
  }

  /** Holds up the first call that fits. It takes effect when it is released; a sync covers what came before it. */
  stall(where: Where): Stall {
    return this.#calls.stall(where)
  }

  /** The process dies here: every further call rejects, stalled ones too. */
  stop(): void {
    this.#calls.stop()
  }

  /**
   * The same disk for the next process: everything can be read, and what was not durable still is not. This process
   * must have stopped.
   */
  restart(options: FaultyDiskOptions = {}): FaultyDisk {
    return new FaultyDisk(options, this.#tree, this.#history)
  }

  /** A new disk with what a crash at this moment leaves. This one is not changed: ask again for another model. */
  crash(model: CrashModel, options: FaultyDiskOptions = {}): FaultyDisk {
    return new FaultyDisk(options, this.#history.survivors(model))
  }

  async open(path: string, mode: 'read' | 'write' | 'create'): Promise<DiskFile> {
    await this.#enter('open', path, `open ${mode} ${path}`)
    const content = mode === 'create' ? this.#tree.create(path) : this.#tree.file(path, 'open')
    if (mode === 'create') this.#history.add({ kind: 'create', path, file: content })
    return new FaultyFile(this.#calls, this.#history, path, content, mode !== 'read')
  }

  async list(path: string): Promise<DiskEntry[]> {
    await this.#enter('list', path)
    return this.#tree.list(path)
  }

  async stat(path: string): Promise<(DiskEntry & { readonly size: number }) | undefined> {
    await this.#enter('stat', path)
    return this.#tree.stat(path)
  }

  async makeDirectory(path: string): Promise<void> {
    await this.#enter('makeDirectory', path)
    const isNew = this.#tree.find(path, 'makeDirectory') === undefined
    this.#tree.makeDirectory(path)
    if (isNew) this.#history.add({ kind: 'makeDirectory', path })
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#enter('rename', from, `rename ${from} ${to}`)
    const file = this.#tree.file(from, 'rename')
    this.#tree.rename(from, to)
    this.#history.add({ kind: 'rename', path: from, to, file })
  }

  async remove(path: string): Promise<void> {
    await this.#enter('remove', path)
    const file = this.#tree.file(path, 'remove')
    this.#tree.remove(path)
    this.#history.add({ kind: 'remove', path, file })
  }

  async syncDirectory(path: string): Promise<void> {
    const covered = this.#history.length
    const effect = await this.#enter('syncDirectory', path)
    this.#tree.checkDirectory(path, 'syncDirectory')
    if (effect?.kind === 'drop') throw failure(effect.errno, path, 'syncDirectory')
    this.#history.settleFolder(path, covered)
  }

  #enter(operation: string, path: string, label = `${operation} ${path}`.trim()): ReturnType<Calls['enter']> {
    return this.#calls.enter({ path, operation }, label)
  }
}
