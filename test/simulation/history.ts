// Owns what a crash leaves: every change of a disk in the order it was made, and since when it is durable. A crash at
// any moment replays a choice of the changes over what was there before. Moments are numbers of calls: at moment n, n
// calls were made. Follows POSIX where file systems are kinder: syncing a file does not make its name durable, syncing
// a folder does not make the content of its files durable, and unsynced operations on names survive one without another.
import { type MemoryContent, MemoryTree } from '../../src/disk/memory-tree.ts'
import { folderOf } from '../../src/disk/replace.ts'
import { type CrashModel, type PendingPlace, survivingChange, survivingWrite } from './crash-model.ts'

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

const NEVER = Number.POSITIVE_INFINITY

/** What has to be synced before a change is durable: its file, or the folders of its names. */
type Target = MemoryContent | string

interface Step {
  readonly change: Change
  /** The moment at which it was made. */
  readonly at: number
  /** When each of its targets was synced. */
  readonly syncedAt: Map<Target, number>
  /** A sync failed then and the system forgot the change: it can be read until the power fails, and never syncs. */
  droppedAt: number
}

const stateOf = (step: Step, moment: number): 'unmade' | 'durable' | 'dropped' | 'pending' => {
  if (step.at > moment) return 'unmade'
  if (Math.max(...step.syncedAt.values()) <= moment) return 'durable'
  return step.droppedAt <= moment ? 'dropped' : 'pending'
}

/** A file or folder that was there at moment 0, durably. */
interface Origin {
  readonly path: string
  readonly file: MemoryContent | undefined
  readonly bytes: Uint8Array
}

const isData = (change: Change): change is DataChange => change.kind === 'write' || change.kind === 'truncate'

const walk = (tree: MemoryTree, folder: string, visit: (path: string, kind: string) => void): void => {
  for (const { name, kind } of tree.list(folder)) {
    const path = folder === '' ? name : `${folder}/${name}`
    visit(path, kind)
    if (kind === 'directory') walk(tree, path, visit)
  }
}

/** What is in a tree. */
export const originsOf = (tree: MemoryTree): Origin[] => {
  const origins: Origin[] = []
  walk(tree, '', (path, kind) => {
    const file = kind === 'file' ? tree.file(path, 'walk') : undefined
    origins.push({ path, file, bytes: file?.read(0, file.size) ?? new Uint8Array() })
  })
  return origins
}

/** A disk that is being put together from what was there and changes. */
class Replay {
  readonly tree: MemoryTree = new MemoryTree()
  /** A file of the old disk and what it is on this one. */
  readonly #copies = new Map<MemoryContent, MemoryContent>()

  constructor(origins: readonly Origin[]) {
    for (const { path, file, bytes } of origins) {
      if (file === undefined) this.tree.makeDirectory(path)
      else {
        const copy = this.copyOf(file)
        copy.write(0, bytes)
        this.tree.put(path, copy, 'crash')
      }
    }
  }

  copyOf(file: MemoryContent): MemoryContent {
    let copy = this.#copies.get(file)
    if (copy === undefined) {
      copy = new MemoryTree().create('copy')
      this.#copies.set(file, copy)
    }
    return copy
  }

  /** What lies in a folder that did not survive is lost with it. */
  #has(path: string): boolean {
    return this.tree.find(folderOf(path), 'crash') === 'directory'
  }

  /** The last operation on a name decides what it is. */
  #drop(path: string): void {
    if (this.tree.find(path, 'crash') !== undefined) this.tree.remove(path)
  }

  apply(change: Change): void {
    switch (change.kind) {
      case 'write':
        if (change.bytes.length > 0) this.copyOf(change.file).write(change.offset, change.bytes)
        break
      case 'truncate':
        this.copyOf(change.file).truncate(change.size)
        break
      case 'create':
        if (this.#has(change.path)) this.tree.put(change.path, this.copyOf(change.file), 'crash')
        break
      case 'makeDirectory':
        if (this.#has(change.path)) this.tree.makeDirectory(change.path)
        break
      case 'remove':
        this.#drop(change.path)
        break
      case 'rename':
        this.#drop(change.path)
        if (this.#has(change.to)) this.tree.put(change.to, this.copyOf(change.file), 'crash')
        break
      default:
        change satisfies never
    }
  }

  /** Applies what a crash leaves of a change that was not durable. */
  applyRemains(model: CrashModel, place: PendingPlace, change: Change): void {
    if (change.kind !== 'write') {
      if (survivingChange(model, place, isData(change) ? 'data' : 'name')) this.apply(change)
      return
    }
    const { file, offset, bytes } = change
    const copy = this.copyOf(file)
    const { pieces, size } = survivingWrite(model, place, offset, bytes, copy.size)
    for (const piece of pieces) this.apply({ kind: 'write', file, ...piece })
    if (copy.size < size) copy.truncate(size)
  }
}

/** The changes of one disk since it was made. */
export class DiskHistory {
  readonly #origins: readonly Origin[]
  readonly #steps: Step[] = []

  constructor(origins: readonly Origin[]) {
    this.#origins = origins
  }

  /** How many changes there are: what a sync that begins now covers. */
  get length(): number {
    return this.#steps.length
  }

  /** How many changes were neither durable nor given up at a moment. */
  pendingAt(moment: number): number {
    return this.#steps.filter(step => stateOf(step, moment) === 'pending').length
  }

  add(change: Change, at: number): void {
    const targets: Target[] = isData(change) ? [change.file] : [folderOf(change.path)]
    if (change.kind === 'rename') targets.push(folderOf(change.to))
    const syncedAt = new Map(targets.map(target => [target, NEVER]))
    this.#steps.push({ change, at, syncedAt, droppedAt: NEVER })
  }

  /** Makes durable what the first `length` changes did to `target`. */
  settle(target: Target, length: number, at: number): void {
    for (const step of this.#unsynced(target, length)) step.syncedAt.set(target, at)
  }

  /** The system forgets what the first `length` changes did to `file`. */
  drop(file: MemoryContent, length: number, at: number): void {
    for (const step of this.#unsynced(file, length)) step.droppedAt = at
  }

  #unsynced(target: Target, length: number): Step[] {
    return this.#steps
      .slice(0, length)
      .filter(({ syncedAt, droppedAt }) => droppedAt === NEVER && syncedAt.get(target) === NEVER)
  }

  /** What is there after a crash at a moment. */
  survivors(model: CrashModel, moment: number = NEVER): MemoryTree {
    const replay = new Replay(this.#origins)
    const states = this.#steps.map(step => stateOf(step, moment))
    const count = states.filter(state => state === 'pending').length
    const lastWrite = this.#steps.findLastIndex(
      ({ change }, index) => change.kind === 'write' && states[index] === 'pending',
    )
    let number = 0
    for (const [index, { change }] of this.#steps.entries()) {
      const state = states[index]!
      if (state === 'durable' || (model === 'all' && state !== 'unmade')) replay.apply(change)
      else if (state === 'pending')
        replay.applyRemains(model, { number: number++, count, isLastWrite: index === lastWrite }, change)
    }
    return replay.tree
  }

  /**
   * The disk as the next process finds it after this one was killed at a moment: everything can be read, and what was
   * not durable still is not. For that process it is moment 0.
   */
  fork(moment: number): { readonly tree: MemoryTree; readonly history: DiskHistory } {
    const replay = new Replay(this.#origins)
    const history = new DiskHistory(
      this.#origins.map(origin => ({ ...origin, file: origin.file && replay.copyOf(origin.file) })),
    )
    const targetOf = (target: Target): Target => (typeof target === 'string' ? target : replay.copyOf(target))
    const past = (when: number): number => (when <= moment ? 0 : NEVER)
    for (const { change, at, syncedAt, droppedAt } of this.#steps) {
      if (at > moment) continue
      replay.apply(change)
      history.#steps.push({
        change: 'file' in change ? { ...change, file: replay.copyOf(change.file) } : change,
        at: 0,
        syncedAt: new Map([...syncedAt].map(([target, when]) => [targetOf(target), past(when)])),
        droppedAt: past(droppedAt),
      })
    }
    return { tree: replay.tree, history }
  }
}
