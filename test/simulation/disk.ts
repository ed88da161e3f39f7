// Owns the simulated disk: it holds its files in memory, knows what of them is durable and since which call, and fails
// when it is told to. Every call is one entry of `trace`, and a crash can be had after each of them, from one run.
import { createHash } from 'node:crypto'
import type { Barrier } from '../../src/disk/barrier.ts'
import type { BlockingFile, Disk, DiskEntry, DiskFile } from '../../src/disk/disk.ts'
import { type MemoryContent, MemoryTree } from '../../src/disk/memory-tree.ts'
import { failure } from '../../src/disk/system-error.ts'
import { type CallOptions, Calls, type Effect, type Stall, type Where } from './calls.ts'
import type { CrashModel } from './crash-model.ts'
import { DiskHistory, originsOf } from './history.ts'

export interface SimulatedDiskOptions extends CallOptions {
  /** Syncs whose label fits succeed and make nothing durable; the label ends in the barrier. @default none */
  readonly without?: RegExp | undefined
}

interface Sync {
  readonly operation: string
  readonly path: string
  readonly label: string
  readonly target: MemoryContent | string
  /** How many changes it covers. */
  readonly covered: number
}

/** What the files of a disk have in common with it. */
class Machine {
  readonly calls: Calls
  readonly history: DiskHistory
  readonly #without: RegExp | undefined

  constructor(options: SimulatedDiskOptions, history: DiskHistory) {
    this.calls = new Calls(options)
    this.history = history
    this.#without = options.without
  }

  /** How many calls were made. */
  get moment(): number {
    return this.calls.trace.length
  }

  /** A sync of a file or of a folder: it covers what was there when it began. */
  async sync(
    operation: string,
    path: string,
    barrier: Barrier,
    target: MemoryContent | string,
  ): Promise<void> {
    const covered = this.history.length
    const label = `${`${operation} ${path}`.trim()} ${barrier}`
    const entered = this.calls.enter({ path, operation }, label)
    const effect = entered instanceof Promise ? await entered : entered
    this.#settle({ operation, path, label, target, covered }, effect)
  }

  /** As {@link sync} of a file, while the thread waits. */
  syncNow(path: string, barrier: Barrier, target: MemoryContent): void {
    const operation = 'sync'
    const label = `${operation} ${path} ${barrier}`
    const effect = this.calls.enterNow({ path, operation }, label)
    this.#settle({ operation, path, label, target, covered: this.history.length }, effect)
  }

  #settle(sync: Sync, effect: Effect | undefined): void {
    const { operation, path, label, target, covered } = sync
    if (effect?.kind === 'drop') {
      // A file system that could not write its own entries takes no more syncs; only data is forgotten.
      if (typeof target !== 'string') this.history.drop(target, covered, this.moment)
      throw failure(effect.errno, path, operation)
    }
    if (this.#without?.test(label) !== true) this.history.settle(target, covered, this.moment)
  }
}

class SimulatedFile implements DiskFile {
  readonly #machine: Machine
  readonly #path: string
  readonly #content: MemoryContent
  readonly #isWritable: boolean
  readonly #blocking: BlockingFile = {
    write: (offset, bytes) => this.#writeNow(offset, bytes),
    sync: barrier => this.#syncNow(barrier),
  }

  #isClosed = false

  constructor(machine: Machine, path: string, content: MemoryContent, isWritable: boolean) {
    this.#machine = machine
    this.#path = path
    this.#content = content
    this.#isWritable = isWritable
  }

  async read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const effect = await this.#enter('read', `${offset}+${length}`)
    const bytes = this.#content.read(offset, length)
    if (effect?.kind === 'flip' && bytes.length > 0) bytes[0]! ^= 1 << effect.bit
    return bytes
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    const copy = bytes.slice()
    const entered = this.#enter('write', `${offset}+${copy.length}`, true)
    this.#wrote(offset, copy, entered instanceof Promise ? await entered : entered)
  }

  /** A disk that holds calls up takes them only where they can be. */
  get blocking(): BlockingFile | undefined {
    return this.#machine.calls.canBlock ? this.#blocking : undefined
  }

  #writeNow(offset: number, bytes: Uint8Array): void {
    const label = this.#label('write', `${offset}+${bytes.length}`, true)
    const effect = this.#machine.calls.enterNow({ path: this.#path, operation: 'write' }, label)
    this.#wrote(offset, bytes.slice(), effect)
  }

  #syncNow(barrier: Barrier): void {
    this.#requireOpen('sync')
    this.#machine.syncNow(this.#path, barrier, this.#content)
  }

  #wrote(offset: number, copy: Uint8Array, effect: Effect | undefined): void {
    const written = effect?.kind === 'cut' ? copy.subarray(0, effect.bytes) : copy
    this.#content.write(offset, written)
    const change = { kind: 'write', file: this.#content, offset, bytes: written } as const
    this.#machine.history.add(change, this.#machine.moment)
    if (effect?.kind === 'cut') throw failure(effect.errno, this.#path, 'write')
  }

  async sync(barrier: Barrier): Promise<void> {
    this.#requireOpen('sync')
    await this.#machine.sync('sync', this.#path, barrier, this.#content)
  }

  async truncate(size: number): Promise<void> {
    const entered = this.#enter('truncate', `${size}`, true)
    if (entered instanceof Promise) await entered
    this.#content.truncate(size)
    this.#machine.history.add({ kind: 'truncate', file: this.#content, size }, this.#machine.moment)
  }

  async size(): Promise<number> {
    await this.#enter('size')
    return this.#content.size
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    await this.#machine.calls.enter({ path: this.#path, operation: 'close' }, `close ${this.#path}`)
    this.#isClosed = true
  }

  #requireOpen(operation: string): void {
    if (this.#isClosed) throw failure('EBADF', this.#path, operation)
  }

  #label(operation: string, rest: string, toWrite: boolean): string {
    this.#requireOpen(operation)
    if (toWrite && !this.#isWritable) throw failure('EBADF', this.#path, operation)
    return `${operation} ${this.#path} ${rest}`.trim()
  }

  #enter(operation: string, rest = '', toWrite = false): Effect | undefined | Promise<Effect | undefined> {
    const label = this.#label(operation, rest, toWrite)
    return this.#machine.calls.enter({ path: this.#path, operation }, label)
  }
}

export class SimulatedDisk implements Disk {
  readonly #tree: MemoryTree
  readonly #machine: Machine

  /**
   * @param tree what is on the disk
   * @param history what of it is durable. @default everything
   */
  constructor(
    options: SimulatedDiskOptions = {},
    tree: MemoryTree = new MemoryTree(),
    history: DiskHistory = new DiskHistory(originsOf(tree)),
  ) {
    this.#tree = tree
    this.#machine = new Machine(options, history)
  }

  /** One label a call, e.g. `write wal/current.wal 120+87` or `sync wal/current.wal B1`; call n is `trace[n - 1]`. */
  get trace(): readonly string[] {
    return this.#machine.calls.trace
  }

  /** Whether the process is dead, because of `stopAfter` or {@link stop}. */
  get stopped(): boolean {
    return this.#machine.calls.stopped
  }

  /** How many changes are not durable and could still become it. */
  get pending(): number {
    return this.#machine.history.pendingAt(this.#machine.moment)
  }

  /** Makes calls fail: the first that fits, or every one. A fault that was injected earlier goes first. */
  inject(where: Where, effect: Effect, times: 'once' | 'always' = 'once'): void {
    this.#machine.calls.inject(where, effect, times)
  }

  /** Holds up the first call that fits. It takes effect when it is released; a sync covers what came before it. */
  stall(where: Where): Stall {
    return this.#machine.calls.stall(where)
  }

  /** The process dies here: every further call rejects, those under way too. */
  stop(): void {
    this.#machine.calls.stop()
  }

  /**
   * The disk as the next process finds it if this one was killed after call `moment`: everything can be read, and what
   * was not durable still is not. This one is not changed.
   */
  restart(options: SimulatedDiskOptions = {}, moment: number = this.trace.length): SimulatedDisk {
    const { tree, history } = this.#machine.history.fork(moment)
    return new SimulatedDisk(options, tree, history)
  }

  /**
   * A disk with what a power failure after call `moment` leaves, all of it durable. This one is not changed: ask again
   * for another model or moment.
   */
  crash(
    model: CrashModel,
    options: SimulatedDiskOptions = {},
    moment: number = this.trace.length,
  ): SimulatedDisk {
    return new SimulatedDisk(options, this.#machine.history.survivors(model, moment))
  }

  /** The same for disks with the same files, whatever of them is durable. */
  digest(): string {
    const hash = createHash('sha1')
    for (const { path, file, bytes } of originsOf(this.#tree))
      hash.update(`${path}\0${file === undefined ? '/' : bytes.length}\0`).update(bytes)
    return hash.digest('base64')
  }

  async open(path: string, mode: 'read' | 'write' | 'create'): Promise<DiskFile> {
    await this.#enter('open', path, `open ${mode} ${path}`)
    const content = mode === 'create' ? this.#tree.create(path) : this.#tree.file(path, 'open')
    if (mode === 'create')
      this.#machine.history.add({ kind: 'create', path, file: content }, this.#machine.moment)
    return new SimulatedFile(this.#machine, path, content, mode !== 'read')
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
    if (isNew) this.#machine.history.add({ kind: 'makeDirectory', path }, this.#machine.moment)
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#enter('rename', from, `rename ${from} ${to}`)
    const file = this.#tree.file(from, 'rename')
    this.#tree.rename(from, to)
    this.#machine.history.add({ kind: 'rename', path: from, to, file }, this.#machine.moment)
  }

  async remove(path: string): Promise<void> {
    await this.#enter('remove', path)
    const file = this.#tree.file(path, 'remove')
    this.#tree.remove(path)
    this.#machine.history.add({ kind: 'remove', path, file }, this.#machine.moment)
  }

  async syncDirectory(path: string, barrier: Barrier): Promise<void> {
    this.#tree.checkDirectory(path, 'syncDirectory')
    await this.#machine.sync('syncDirectory', path, barrier, path)
  }

  #enter(
    operation: string,
    path: string,
    label = `${operation} ${path}`.trim(),
  ): Effect | undefined | Promise<Effect | undefined> {
    return this.#machine.calls.enter({ path, operation }, label)
  }
}
