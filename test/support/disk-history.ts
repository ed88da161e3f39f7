// Owns what a crash leaves: every change in the order it was made, and which of them are durable. A crash replays a
// choice of them over what was there. Follows POSIX where file systems are kinder: syncing a file does not make its
// name durable, syncing a folder does not make the content of its files durable.
import { type MemoryContent, MemoryTree } from '../../src/disk/memory-tree.ts'
import { folderOf } from '../../src/disk/replace.ts'

/** A change of a file's content; a file is who holds it, whatever its name becomes. */
type DataChange =
  | {
      readonly kind: 'write'
      readonly file: MemoryContent
      readonly offset: number
      readonly bytes: Uint8Array
    }
  | { readonly kind: 'truncate'; readonly file: MemoryContent; readonly size: number }

/** A change of the entries of a folder, or of two at once. */
type EntryChange =
  | { readonly kind: 'create'; readonly path: string; readonly file: MemoryContent }
  | { readonly kind: 'makeDirectory'; readonly path: string }
  | { readonly kind: 'rename'; readonly path: string; readonly to: string; readonly file: MemoryContent }
  | { readonly kind: 'remove'; readonly path: string; readonly file: MemoryContent }

type Change = DataChange | EntryChange

/** `dropped`: its sync failed and the system forgot it; it can be read until the power fails, and never syncs. */
type State = 'pending' | 'durable' | 'dropped'

interface Step {
  readonly change: Change
  /** Folders that must be synced before the change is durable; none for data. */
  readonly unsynced: Set<string>
  state: State
}

/**
 * What survives. `synced`: only what was made durable. `all`: everything, as when the process is killed. `prefix`: what
 * is durable, and the first so many of the other changes. `torn`: everything, but the last unsynced write ends
 * after so many bytes. `zeros`: everything, but unsynced writes left only the size they gave the file.
 */
export type CrashModel = 'synced' | 'all' | 'zeros' | { readonly prefix: number } | { readonly torn: number }

const walk = (tree: MemoryTree, folder: string, visit: (path: string, kind: string) => void): void => {
  for (const { name, kind } of tree.list(folder)) {
    const path = folder === '' ? name : `${folder}/${name}`
    visit(path, kind)
    if (kind === 'directory') walk(tree, path, visit)
  }
}

/** What `change` leaves of itself if it was not synced, under a model that keeps it. */
const damaged = (change: Change, model: CrashModel, isLastWrite: boolean): Change => {
  if (change.kind !== 'write') return change
  if (model === 'zeros') return { ...change, bytes: change.bytes.subarray(0, 0) }
  if (typeof model === 'object' && 'torn' in model && isLastWrite)
    return { ...change, bytes: change.bytes.subarray(0, model.torn) }
  return change
}

/** The changes of one disk since it was made. */
export class DiskHistory {
  readonly #base: {
    readonly path: string
    readonly file: MemoryContent | undefined
    readonly bytes: Uint8Array
  }[] = []
  readonly #steps: Step[] = []

  /** Starts from what `tree` holds now, all of it durable. */
  constructor(tree: MemoryTree) {
    walk(tree, '', (path, kind) => {
      const file = kind === 'file' ? tree.file(path, 'walk') : undefined
      this.#base.push({ path, file, bytes: file?.read(0, file.size) ?? new Uint8Array() })
    })
  }

  /** A point in the history, for syncs that cover what was there when they began. */
  get length(): number {
    return this.#steps.length
  }

  /** How many changes are not durable and could still become it. */
  get pending(): number {
    return this.#steps.filter(({ state }) => state === 'pending').length
  }

  add(change: Change): void {
    const folders = 'path' in change ? [folderOf(change.path)] : []
    if (change.kind === 'rename') folders.push(folderOf(change.to))
    this.#steps.push({ change, unsynced: new Set(folders), state: 'pending' })
  }

  /** Settles the data of `file` up to `length`. */
  settle(file: MemoryContent, length: number, state: 'durable' | 'dropped'): void {
    for (const step of this.#steps.slice(0, length)) {
      const { change } = step
      const isData = change.kind === 'write' || change.kind === 'truncate'
      if (isData && change.file === file && step.state === 'pending') step.state = state
    }
  }

  /** Makes the entries of `folder` durable up to `length`; a rename between two folders needs both. */
  settleFolder(folder: string, length: number): void {
    for (const step of this.#steps.slice(0, length)) {
      if (step.unsynced.delete(folder) && step.unsynced.size === 0) step.state = 'durable'
    }
  }

  /** What is there after a crash. */
  survivors(model: CrashModel): MemoryTree {
    const tree = new MemoryTree()
    const copies = new Map<MemoryContent, MemoryContent>()
    for (const { path, file, bytes } of this.#base) {
      if (file === undefined) tree.makeDirectory(path)
      else {
        const copy = tree.create(path)
        copy.write(0, bytes)
        copies.set(file, copy)
      }
    }
    const lastWrite = this.#steps.findLast(
      ({ change, state }) => change.kind === 'write' && state === 'pending',
    )
    let passed = 0
    for (const step of this.#steps) {
      if (step.state === 'pending') passed++
      if (step.state === 'durable') replay(tree, copies, step.change)
      else if (this.#keeps(model, step.state, passed)) {
        const change = damaged(step.change, model, step === lastWrite)
        replay(tree, copies, change)
        if (model === 'zeros' && step.change.kind === 'write')
          extend(copies, step.change.file, step.change.offset + step.change.bytes.length)
      }
    }
    return tree
  }

  #keeps(model: CrashModel, state: State, passed: number): boolean {
    if (model === 'all') return true
    if (model === 'synced' || state === 'dropped') return false
    return typeof model === 'object' && 'prefix' in model ? passed <= model.prefix : true
  }
}

const copyOf = (copies: Map<MemoryContent, MemoryContent>, file: MemoryContent): MemoryContent => {
  let copy = copies.get(file)
  if (copy === undefined) {
    copy = new MemoryTree().create('copy')
    copies.set(file, copy)
  }
  return copy
}

const extend = (copies: Map<MemoryContent, MemoryContent>, file: MemoryContent, size: number): void => {
  const copy = copyOf(copies, file)
  if (copy.size < size) copy.truncate(size)
}

const replay = (tree: MemoryTree, copies: Map<MemoryContent, MemoryContent>, change: Change): void => {
  // What lies in a folder that did not survive is lost with it.
  const has = (path: string): boolean => tree.find(folderOf(path), 'crash') === 'directory'
  const copy = 'file' in change ? copyOf(copies, change.file) : undefined
  const drop = (path: string): void => {
    if (tree.find(path, 'crash') === copy && copy !== undefined) tree.remove(path)
  }
  switch (change.kind) {
    case 'write':
      if (change.bytes.length > 0) copy!.write(change.offset, change.bytes)
      break
    case 'truncate':
      copy!.truncate(change.size)
      break
    case 'create':
      if (has(change.path)) tree.put(change.path, copy!, 'crash')
      break
    case 'makeDirectory':
      if (has(change.path)) tree.makeDirectory(change.path)
      break
    case 'remove':
      drop(change.path)
      break
    case 'rename':
      drop(change.path)
      if (has(change.to)) tree.put(change.to, copy!, 'crash')
      break
    default:
      change satisfies never
  }
}
