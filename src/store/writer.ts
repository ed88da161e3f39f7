// Owns the one writer loop: the only place that appends to the log and applies commits.
// Invariants: commits are admitted, logged and applied in LSN order; in `immediate` and `batched` nothing is visible
// before it is in the log; in `async` and `none` what was acknowledged is written later, in the same order, or the
// store is poisoned. While one sync runs the next group forms: group commit needs no timer.

import type { Settings } from '../config/settings.ts'
import { CommitError, DiskError, InputError } from '../errors.ts'
import type { State } from '../shard/state.ts'
import type { Log } from '../wal/log.ts'
import { type CommitRecord, encodeRecord, LINE_BYTES_MAX } from '../wal/record.ts'
import { type CommitRequest, type Committed, Draft } from './admission.ts'

/** Commits that are written at once; more wait for the next write. */
const GROUP_COMMITS_MAX = 4096
/** Bytes after which a group is closed. */
const GROUP_BYTES_MAX = 16 * 1024 * 1024
/** Bytes that `async` may hold in memory before commits wait. */
const QUEUE_BYTES_MAX = 16 * 1024 * 1024
/** How long a full disk is left alone before it is tried again, in ms. */
const FULL_DISK_RETRY_MS = 200

interface Waiting {
  readonly request: CommitRequest
  readonly resolve: (committed: Committed) => void
  readonly reject: (error: unknown) => void
}

interface Task {
  readonly run: () => Promise<void>
}

/** Lines that are acknowledged and not yet in the log. */
interface Unwritten {
  readonly lines: Uint8Array
  readonly lastLsn: number
  readonly upper: number
}

/** A segment is to be sealed behind the lines before it. */
interface Seal {
  readonly run: () => Promise<void>
}

/** What the writer needs from the rest of the store. */
export interface WriterHooks {
  /**
   * Waits until there is room for more commits, or rejects with BUSY.
   * @param seal seals the active segment, which nothing else does meanwhile
   */
  readonly room: (seal: () => Promise<void>) => Promise<void>
  /** Commits were applied to these shards. */
  readonly applied: (shards: ReadonlySet<string>) => void
  /** The wall clock in ms. */
  readonly now: () => number
}

export class Writer {
  readonly #state: State
  readonly #log: Log
  readonly #settings: Settings
  readonly #hooks: WriterHooks
  #queue: (Waiting | Task)[] = []
  #looping: Promise<void> | undefined
  #unwritten: (Unwritten | Seal)[] = []
  #unwrittenBytes = 0
  #draining: Promise<void> | undefined
  /** Why acknowledged commits cannot be written at the moment. */
  #blocked: Error | undefined
  #syncTimer: NodeJS.Timeout | undefined
  #retryTimer: NodeJS.Timeout | undefined
  #backgroundFailure: Error | undefined
  #closed = false

  constructor(state: State, log: Log, settings: Settings, hooks: WriterHooks) {
    this.#state = state
    this.#log = log
    this.#settings = settings
    this.#hooks = hooks
  }

  /** What went wrong in the background since the store was opened, last. */
  get backgroundFailure(): Error | undefined {
    return this.#backgroundFailure
  }

  /** Commits that wait to be admitted, and bytes that wait to be written. */
  get pending(): { commits: number; bytes: number } {
    return { commits: this.#queue.length, bytes: this.#unwrittenBytes }
  }

  /** Enters a commit. Resolves as the durability mode says. */
  submit(request: CommitRequest): Promise<Committed> {
    return new Promise((resolve, reject) => {
      const refusal = this.#refusal()
      if (refusal !== undefined) return reject(refusal)
      this.#queue.push({ request, resolve, reject })
      this.#start()
    })
  }

  /** Resolves when every commit entered so far is settled. */
  settled(): Promise<void> {
    return new Promise(resolve => {
      this.#queue.push({ run: async () => resolve() })
      this.#start()
    })
  }

  /** Seals the active segment behind what was entered so far, and starts the next. */
  seal(): Promise<void> {
    return new Promise((resolve, reject) => {
      const task = { run: () => this.#log.seal().then(resolve, reject) }
      // Only whoever appends may seal: the loop, or where it acknowledges first the drain.
      if (this.#acknowledgesFirst) {
        this.#unwritten.push(task)
        this.#startDraining()
      } else {
        this.#queue.push(task)
        this.#start()
      }
    })
  }

  /** Whether commits are acknowledged before they are in the log. */
  get #acknowledgesFirst(): boolean {
    return this.#settings.durabilityMode === 'async' || this.#settings.durabilityMode === 'none'
  }

  #refusal(): CommitError | undefined {
    if (this.#closed) return new CommitError('CLOSED', 'the store is closed', 'determinate')
    if (this.#log.poison !== undefined) return this.#log.poisoned()
    if (this.#blocked !== undefined)
      return new CommitError(
        'BUSY',
        'earlier commits wait for room on the disk; they are kept, new ones are not taken',
        'determinate',
        {},
        this.#blocked,
      )
    return undefined
  }

  #start(): void {
    this.#looping ??= this.#loop().finally(() => {
      this.#looping = undefined
      if (this.#queue.length > 0) this.#start()
    })
  }

  async #loop(): Promise<void> {
    // One turn of the event loop, so that commits made together form one group.
    await Promise.resolve()
    while (this.#queue.length > 0) {
      const next = this.#queue[0]!
      if ('run' in next) {
        this.#queue.shift()
        await next.run()
        continue
      }
      try {
        await this.#hooks.room(() => (this.#acknowledgesFirst ? this.seal() : this.#log.seal()))
      } catch (cause) {
        this.#rejectQueued(cause)
        continue
      }
      if (this.#acknowledgesFirst) await this.#applyThenQueue()
      else await this.#writeThenApply()
    }
  }

  /** The next commit in the queue, unless a task comes first. */
  #take(): Waiting | undefined {
    const next = this.#queue[0]
    if (next === undefined || 'run' in next) return undefined
    this.#queue.shift()
    return next
  }

  #rejectQueued(error: unknown): void {
    for (let next = this.#take(); next !== undefined; next = this.#take()) next.reject(error)
  }

  /** Admits commits from the head of the queue; those that are refused are told so at once. */
  #admitGroup(draft: Draft): Group {
    const group: Group = { members: [], repeats: [], chunks: [], bytes: 0 }
    while (group.members.length < GROUP_COMMITS_MAX && group.bytes < GROUP_BYTES_MAX) {
      const waiting = this.#take()
      if (waiting === undefined) break
      try {
        this.#admit(draft, waiting, group)
      } catch (cause) {
        waiting.reject(cause)
      }
    }
    return group
  }

  #admit(draft: Draft, waiting: Waiting, group: Group): void {
    const { request } = waiting
    const before = request.id === undefined ? undefined : draft.committed(request.id)
    if (before !== undefined) {
      group.repeats.push({ waiting, committed: { time: before.time, lsn: before.lsn } })
      return
    }
    const record = draft.admit(request, this.#hooks.now())
    const line = encodeRecord(record, group.chunks.length === 0 ? this.#log.durableLsn : undefined)
    if (line.length > LINE_BYTES_MAX)
      throw new InputError(
        'COMMIT_TOO_LARGE',
        'the commit is too large for one line of the log; make several',
        {
          bytes: line.length,
          most: LINE_BYTES_MAX,
        },
      )
    group.members.push({ waiting, record, committed: draft.accept(record) })
    group.chunks.push(line)
    group.bytes += line.length
  }

  async #writeThenApply(): Promise<void> {
    const draft = new Draft(this.#state)
    const group = this.#admitGroup(draft)
    const last = group.members.at(-1)
    if (last !== undefined) {
      try {
        const refusal = this.#refusal()
        if (refusal !== undefined) throw refusal
        await this.#log.append(joined(group.chunks), last.committed.lsn, draft.upper)
        if (this.#settings.durabilityMode === 'immediate') await this.#log.sync()
      } catch (cause) {
        for (const { waiting } of [...group.members, ...group.repeats]) waiting.reject(cause)
        return
      }
    }
    this.#apply(group)
    await this.#afterAppend()
  }

  async #applyThenQueue(): Promise<void> {
    while (this.#unwrittenBytes >= QUEUE_BYTES_MAX && this.#refusal() === undefined) await this.#draining
    const refusal = this.#refusal()
    if (refusal !== undefined) {
      this.#rejectQueued(refusal)
      return
    }
    const draft = new Draft(this.#state)
    const group = this.#admitGroup(draft)
    const last = group.members.at(-1)
    if (last !== undefined) {
      this.#unwritten.push({ lines: joined(group.chunks), lastLsn: last.committed.lsn, upper: draft.upper })
      this.#unwrittenBytes += group.bytes
      this.#startDraining()
    }
    this.#apply(group)
  }

  /** Makes a group visible and acknowledges it. */
  #apply(group: Group): void {
    try {
      for (const { record } of group.members) this.#state.apply(record)
    } catch (cause) {
      // In the log and not in memory: only reading the log again can tell what the state is.
      this.#log.poisonWith(cause)
      const error = new CommitError(
        'POISONED',
        'a logged commit could not be applied',
        'indeterminate',
        {},
        cause,
      )
      for (const { waiting } of [...group.members, ...group.repeats]) waiting.reject(error)
      return
    }
    for (const { waiting, committed } of [...group.members, ...group.repeats]) waiting.resolve(committed)
    this.#hooks.applied(shardsOf(group))
  }

  #startDraining(): void {
    this.#draining ??= this.#drain().finally(() => {
      this.#draining = undefined
    })
  }

  /** Writes what `async` has acknowledged, in order. */
  async #drain(): Promise<void> {
    while (this.#unwritten.length > 0) {
      const next = this.#unwritten[0]!
      if ('run' in next) {
        this.#unwritten.shift()
        await next.run()
        continue
      }
      if (this.#log.poison !== undefined) {
        // Never written, as whoever syncs, flushes or closes is told; what waits behind it must not wait for ever.
        this.#unwritten = this.#unwritten.filter(each => 'run' in each)
        continue
      }
      try {
        await this.#log.append(next.lines, next.lastLsn, next.upper)
      } catch (cause) {
        this.#backgroundFailure = cause as Error
        if (!isFullDisk(cause)) {
          // It was acknowledged and cannot be written: nothing may follow it.
          this.#log.poisonWith(cause)
          continue
        }
        this.#blocked = cause as Error
        this.#retryTimer ??= setTimeout(() => {
          this.#retryTimer = undefined
          this.#startDraining()
        }, FULL_DISK_RETRY_MS).unref()
        return
      }
      this.#blocked = undefined
      this.#unwritten.shift()
      this.#unwrittenBytes -= next.lines.length
      await this.#afterAppend()
    }
  }

  /** Seals a full segment, and sees to it that what was written is synced within the interval. */
  async #afterAppend(): Promise<void> {
    if (this.#log.activeBytes >= this.#settings.walSegmentBytes) {
      try {
        await this.#log.seal()
      } catch (cause) {
        this.#backgroundFailure = cause as Error
      }
    }
    if (this.#settings.durabilityMode === 'immediate' || this.#syncTimer !== undefined) return
    if (this.#log.durableLsn === this.#log.writtenLsn) return
    this.#syncTimer = setTimeout(() => {
      this.#syncTimer = undefined
      this.#log.sync().catch(cause => {
        this.#backgroundFailure = cause
      })
    }, this.#settings.syncIntervalMs).unref()
  }

  /** Makes every applied commit up to `lsn` durable (barrier B4). */
  async durableThrough(lsn: number): Promise<void> {
    while (this.#log.writtenLsn < lsn) {
      if (this.#log.poison !== undefined) throw this.#log.poisoned()
      if (this.#blocked !== undefined && this.#draining === undefined) this.#startDraining()
      await this.#draining
      if (this.#blocked !== undefined) throw this.#refusal()
    }
    if (this.#log.durableLsn < lsn) await this.#log.sync()
  }

  /** Takes no more commits; resolves when those entered are settled. */
  async close(): Promise<void> {
    this.#closed = true
    while (this.#looping !== undefined) await this.#looping
    await this.#draining
    clearTimeout(this.#syncTimer)
    clearTimeout(this.#retryTimer)
  }
}

interface Group {
  readonly members: { waiting: Waiting; record: CommitRecord; committed: Committed }[]
  /** Commits whose id was committed before: they get that answer. */
  readonly repeats: { waiting: Waiting; committed: Committed }[]
  readonly chunks: Uint8Array[]
  bytes: number
}

const shardsOf = ({ members }: Group): Set<string> => {
  const shards = new Set<string>()
  for (const { record } of members) for (const shard of record.updates.keys()) shards.add(shard)
  return shards
}

const joined = (chunks: readonly Uint8Array[]): Uint8Array =>
  chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)

const isFullDisk = (error: unknown): boolean =>
  error instanceof CommitError &&
  error.code === 'LOG_WRITE_FAILED' &&
  error.cause instanceof DiskError &&
  error.cause.code === 'DISK_FULL'
