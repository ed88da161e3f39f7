// Owns the one writer loop: the only place that admits commits, appends them to the log and applies them.
// Invariants: commits are admitted, logged and applied in LSN order; in `immediate` and `batched` nothing is visible
// before it is in the log; in `async` and `none` what was acknowledged is written later, in the same order, or the
// store is poisoned. While one sync runs the next group forms: group commit needs no timer.

import type { Settings } from '../config/settings.ts'
import type { Barrier } from '../disk/barrier.ts'
import { CommitError } from '../errors.ts'
import type { State } from '../shard/state.ts'
import { LineBuffer } from '../wal/line-buffer.ts'
import type { Log } from '../wal/log.ts'
import { bytesOfRequest, type CommitRequest, type Committed, Draft } from './admission.ts'
import { Backlog } from './backlog.ts'
import { Group, type Waiting } from './group.ts'

/** Groups in a row for which the thread may wait itself, each for less than a millisecond, before others have a turn. */
const WAITS_IN_A_ROW = 4

interface Task {
  readonly run: () => Promise<void>
}

/** What the writer needs from the rest of the store. */
interface WriterHooks {
  /**
   * Waits until there is room for more commits, if there is not, or rejects with BUSY.
   * @param seal seals the active segment, which nothing else does meanwhile
   */
  readonly room: (seal: () => Promise<void>) => Promise<void> | undefined
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
  readonly #backlog: Backlog
  /** Commits are acknowledged before they are in the log. */
  readonly #acknowledgesFirst: boolean
  /** Those of the group that is formed or written. */
  readonly #lines = new LineBuffer()
  readonly #queue: (Waiting | Task)[] = []
  /** About how much memory the commits in the queue take. */
  #queuedBytes = 0
  /** Commits wait until some of what was acknowledged is written. */
  #isWaiting = false
  #looping: Promise<void> | undefined
  /** How often the thread has waited for the disk. */
  #waits = 0
  /** Resolves when the event loop has gone round since the thread last waited so often. */
  #othersTurn: Promise<void> | undefined
  #syncTimer: NodeJS.Timeout | undefined
  readonly #sealForRoom = (): Promise<void> => (this.#acknowledgesFirst ? this.seal() : this.#log.seal())
  #failure: Error | undefined
  #closed = false

  constructor(state: State, log: Log, settings: Settings, hooks: WriterHooks) {
    this.#state = state
    this.#log = log
    this.#settings = settings
    this.#hooks = hooks
    this.#acknowledgesFirst = settings.durabilityMode === 'async' || settings.durabilityMode === 'none'
    this.#backlog = new Backlog(log, async () => this.#afterAppend())
  }

  /** What went wrong in the background since the store was opened, last. */
  get backgroundFailure(): Error | undefined {
    return this.#failure ?? this.#backlog.failure
  }

  /** Whether commits wait because too much is acknowledged and not yet written. */
  get isWaiting(): boolean {
    return this.#isWaiting
  }

  /** Bytes that are acknowledged and wait to be written. */
  get pendingBytes(): number {
    return this.#backlog.bytes
  }

  /** Enters a commit. Resolves as the durability mode says. */
  submit(request: CommitRequest): Promise<Committed> {
    return new Promise((resolve, reject) => {
      const bytes = bytesOfRequest(request)
      const refusal = this.#refusal() ?? this.#crowded(bytes)
      if (refusal !== undefined) return reject(refusal)
      this.#queuedBytes += bytes
      this.#enter({ request, bytes, resolve, reject })
    })
  }

  /** Resolves when every commit entered so far is settled. */
  settled(): Promise<void> {
    return new Promise(resolve => this.#enter({ run: async () => resolve() }))
  }

  /** Seals the active segment behind what was entered so far, and starts the next. Only whoever appends may do it. */
  seal(): Promise<void> {
    if (this.#acknowledgesFirst) return this.#backlog.after(() => this.#log.seal())
    return new Promise((resolve, reject) =>
      this.#enter({ run: () => this.#log.seal().then(resolve, reject) }),
    )
  }

  /** Makes every applied commit up to `lsn` durable. @param barrier what rests on it */
  async durableThrough(lsn: number, barrier: Barrier): Promise<void> {
    while (this.#log.writtenLsn < lsn) {
      if (this.#log.poison !== undefined) throw this.#log.poisoned('indeterminate')
      await this.#backlog.settled()
      if (this.#backlog.blocked !== undefined) throw this.#busy(this.#backlog.blocked)
    }
    if (this.#log.durableLsn < lsn) await this.#log.sync(barrier)
  }

  /** Takes no more commits; resolves when those entered are settled. */
  async close(): Promise<void> {
    this.#closed = true
    while (this.#looping !== undefined) await this.#looping
    await this.#backlog.settled()
    this.#backlog.close()
    clearTimeout(this.#syncTimer)
  }

  #busy(cause: Error): CommitError {
    const why = 'earlier commits wait for room on the disk; they are kept, new ones are not taken'
    return new CommitError('BUSY', why, 'determinate', {}, cause)
  }

  #refusal(): CommitError | undefined {
    return this.#closed ? new CommitError('CLOSED', 'the store is closed', 'determinate') : this.#failing()
  }

  /** Why nothing can be logged at the moment, if so. */
  #failing(): CommitError | undefined {
    if (this.#log.poison !== undefined) return this.#log.poisoned()
    return this.#backlog.blocked === undefined ? undefined : this.#busy(this.#backlog.blocked)
  }

  /** Why one more commit does not fit in beside those that nobody waited for, if so. */
  #crowded(bytes: number): CommitError | undefined {
    const most = this.#settings.maxBufferBytes
    if (this.#queuedBytes === 0 || this.#queuedBytes + bytes <= most) return undefined
    const why = 'too many commits wait in memory; await some of them before making more'
    return new CommitError('BUSY', why, 'determinate', {
      bound: 'maxBufferBytes',
      queuedBytes: this.#queuedBytes,
    })
  }

  #enter(next: Waiting | Task): void {
    this.#queue.push(next)
    this.#looping ??= this.#loop()
  }

  async #loop(): Promise<void> {
    // One turn, so that commits made together form one group.
    await Promise.resolve()
    // What is done at once is not waited for: a lone commit would spend more on that than on its own work.
    while (this.#queue.length > 0) {
      if (this.#othersTurn !== undefined) await this.#othersTurn
      this.#othersTurn = undefined
      const next = this.#queue[0]!
      if ('run' in next) {
        this.#queue.shift()
        await next.run()
        continue
      }
      try {
        const room = this.#hooks.room(this.#sealForRoom)
        if (room !== undefined) await room
        const done = this.#acknowledgesFirst ? this.#applyThenWrite() : this.#writeThenApply()
        if (done !== undefined) await done
      } catch (cause) {
        // No commit that waits can do better now than the one in front.
        for (let each = this.#take(); each !== undefined; each = this.#take()) each.reject(cause)
      }
    }
    this.#looping = undefined
  }

  /** The next commit in the queue, unless a task comes first. */
  #take(): Waiting | undefined {
    const next = this.#queue[0]
    if (next === undefined || 'run' in next) return undefined
    this.#queue.shift()
    this.#queuedBytes -= next.bytes
    return next
  }

  #form(draft: Draft): Group {
    this.#lines.clear()
    const group = new Group(this.#lines)
    // In mode `none` nothing is, and a line that said so would make a power loss look like damage.
    const durableLsn = this.#settings.durabilityMode === 'none' ? undefined : this.#log.durableLsn
    while (!group.isFull) {
      const waiting = this.#take()
      if (waiting === undefined) break
      group.admit(waiting, draft, durableLsn, this.#hooks.now())
    }
    return group
  }

  #writeThenApply(): Promise<void> | undefined {
    const draft = new Draft(this.#state)
    const group = this.#form(draft)
    if (group.lastLsn === undefined) {
      this.#apply(group)
      return undefined
    }
    try {
      const written = this.#write(this.#lines.lines, group.lastLsn, draft.upper)
      if (written !== undefined) return this.#applyWritten(group, written)
    } catch (cause) {
      group.reject(cause)
      return undefined
    }
    this.#apply(group)
    return this.#afterAppend()
  }

  async #applyWritten(group: Group, written: Promise<void>): Promise<void> {
    try {
      await written
    } catch (cause) {
      // The draft is dropped with the group: times, LSNs and ids are free again.
      group.reject(cause)
      return
    }
    this.#apply(group)
    await this.#afterAppend()
  }

  /** Undefined if it is done. */
  #write(lines: Uint8Array, lastLsn: number, upper: number): Promise<void> | undefined {
    if (this.#settings.durabilityMode !== 'immediate') return this.#log.append(lines, lastLsn, upper)
    const written = this.#log.appendDurably(lines, lastLsn, upper, this.#segmentBytes)
    // Whoever commits in a loop would otherwise keep everybody else from ever having a turn.
    if (written === undefined && ++this.#waits % WAITS_IN_A_ROW === 0)
      this.#othersTurn = new Promise(resolve => setImmediate(resolve))
    return written
  }

  async #applyThenWrite(): Promise<void> {
    this.#isWaiting = true
    while (this.#backlog.isFull && this.#failing() === undefined) await this.#backlog.settled()
    this.#isWaiting = false
    const failing = this.#failing()
    if (failing !== undefined) throw failing
    const draft = new Draft(this.#state)
    const group = this.#form(draft)
    const { lastLsn } = group
    // A copy: the next group is formed before this one is written.
    const lines = this.#lines.lines.slice()
    if (lastLsn !== undefined) this.#backlog.add({ lines, lastLsn, upper: draft.upper })
    this.#apply(group)
  }

  /** Makes a group visible and acknowledges it. */
  #apply(group: Group): void {
    const shards = new Set<string>()
    try {
      for (const record of group.records) {
        this.#state.apply(record)
        for (const shard of record.updates.keys()) shards.add(shard)
        if (record.drop !== undefined) for (const shard of record.drop) shards.add(shard)
      }
    } catch (cause) {
      // In the log and not in memory: only reading the log again can tell what the state is.
      this.#log.poisonWith(cause)
      const why = 'a logged commit could not be applied; reopen the store'
      group.reject(new CommitError('POISONED', why, 'indeterminate', {}, cause))
      return
    }
    group.resolve()
    this.#hooks.applied(shards)
  }

  /** The active segment cannot be given up, so it has to be a small part of the log's bound. */
  get #segmentBytes(): number {
    return Math.min(this.#settings.walSegmentBytes, this.#settings.maxWalSizeBytes / 4)
  }

  /** Seals a full segment, and sees to it that what was written is synced within the interval. */
  #afterAppend(): Promise<void> | undefined {
    if (this.#log.activeBytes >= this.#segmentBytes) return this.#sealFull()
    this.#syncLater()
    return undefined
  }

  async #sealFull(): Promise<void> {
    try {
      await this.#log.seal()
      this.#failure = undefined
    } catch (cause) {
      this.#failure = cause as Error
    }
    this.#syncLater()
  }

  #syncLater(): void {
    if (this.#settings.durabilityMode === 'immediate' || this.#syncTimer !== undefined) return
    if (this.#log.durableLsn === this.#log.writtenLsn) return
    this.#syncTimer = setTimeout(() => {
      this.#syncTimer = undefined
      this.#log.sync('B1').catch(cause => {
        this.#failure = cause
      })
    }, this.#settings.syncIntervalMs).unref()
  }
}
