// Owns the work behind the commits: when buffers are flushed, when the log shrinks, when batches are merged.
// Reaching a bound starts the work that clears it at once; commits wait for it, or are told BUSY if it fails.

import type { BatchCache } from '../batch/cache.ts'
import type { Settings } from '../config/settings.ts'
import type { Disk } from '../disk/disk.ts'
import { CommitError, FrontierError } from '../errors.ts'
import type { FlushedBuffer } from '../shard/flush.ts'
import type { Registry } from '../shard/registry.ts'
import type { Shard } from '../shard/shard.ts'
import type { State } from '../shard/state.ts'
import type { Log } from '../wal/log.ts'
import { type CompactionProgress, type CompactionReport, Compactions } from './compactions.ts'
import { Flushes } from './flushes.ts'
import { Retention } from './retention.ts'
import type { Writer } from './writer.ts'

/** What a flush did. */
export interface FlushReport {
  readonly buffers: readonly FlushedBuffer[]
  readonly milliseconds: number
}

/** What maintenance works on. */
export interface MaintenanceParts {
  readonly disk: Disk
  readonly registry: Registry
  readonly log: Log
  readonly state: State
  readonly settings: Settings
  /** Lets go of the batches whose files are to be removed. */
  readonly cache: BatchCache
  readonly now: () => number
}

/** A setting at whose bound commits wait. */
export type Bound = 'bufferSize' | 'maxBufferBytes' | 'maxWalSizeBytes' | 'autoCompactThreshold'

export class Maintenance {
  readonly #log: Log
  readonly #state: State
  readonly #settings: Settings
  readonly #now: () => number
  readonly retention: Retention
  readonly flushes: Flushes
  readonly compactions: Compactions
  /** Shards that may be at a bound of their own, so that the others need no look before a commit: all, to begin with. */
  readonly #pressed: Set<Shard>
  #waitingAt: Bound | undefined
  /** Flushes of everything that are under way: each ends by removing what is not needed of the log. */
  #flushing = 0
  /** Set once: log and maintenance need each other. */
  #writer: Writer | undefined

  constructor(parts: MaintenanceParts) {
    this.#log = parts.log
    this.#state = parts.state
    this.#settings = parts.settings
    this.#now = parts.now
    this.#pressed = new Set(parts.state.shards.values())
    this.retention = new Retention(parts)
    this.compactions = new Compactions({ ...parts, retention: this.retention })
    this.flushes = new Flushes({
      ...parts,
      durableThrough: lsn => this.#writer!.durableThrough(lsn, 'B4'),
      flushed: shard => this.#flushed(shard),
    })
  }

  serve(writer: Writer): void {
    this.#writer = writer
  }

  /** What went wrong in the background, until it goes well. */
  get failure(): Error | undefined {
    return this.flushes.failure ?? this.compactions.failure ?? this.retention.failure
  }

  /** The setting whose bound commits wait at, at the moment. */
  get waitingAt(): Bound | undefined {
    return this.#waitingAt
  }

  /** Whether the log is at its bound: also what is flushed and still has to be removed counts against it. */
  get #isLogFull(): boolean {
    const { maxWalSizeBytes } = this.#settings
    // What is kept for damaged shards alone takes a look at every shard, and is only asked for where it matters.
    return (
      this.#log.bytes >= maxWalSizeBytes && this.#log.bytes - this.retention.keptLogBytes >= maxWalSizeBytes
    )
  }

  async #flushed(shard: Shard): Promise<void> {
    if (this.compactions.isCrowded(shard)) this.#pressed.add(shard)
    this.compactions.compactSoon(shard)
    if (shard.metadata.retired.length > 0) this.retention.collectSoon()
    if (this.#flushing === 0) await this.retention.retire()
  }

  /** Starts what the bounds ask for after commits were applied. */
  applied(names: ReadonlySet<string>): void {
    for (const name of names) {
      const shard = this.#state.shards.get(name) ?? this.#state.dropped.get(name)!
      this.flushes.applied(shard)
      if (this.flushes.isFull(shard)) this.#pressed.add(shard)
    }
    const { maxBufferBytes, maxWalSizeBytes } = this.#settings
    // Starting at half of the bound, so that steady writing never has to wait at it.
    const half = maxWalSizeBytes / 2
    const isLogLong = this.#log.bytes >= half && this.retention.unflushedLogBytes >= half
    if (this.flushes.bufferedBytes >= maxBufferBytes || isLogLong) this.flushes.flushAllSoon()
  }

  /** Whether a shard is at a bound of its own. */
  #isPressed(shard: Shard): boolean {
    if (shard.damage !== undefined || this.#state.shards.get(shard.name) !== shard) return false
    return this.flushes.isFull(shard) || this.compactions.isCrowded(shard)
  }

  /** Waits until there is room for commits, if there is not: see {@link WriterHooks}. */
  room(seal: () => Promise<void>): Promise<void> | undefined {
    for (const shard of this.#pressed) if (!this.#isPressed(shard)) this.#pressed.delete(shard)
    const isRoom =
      this.#pressed.size === 0 &&
      this.flushes.bufferedBytes < 2 * this.#settings.maxBufferBytes &&
      !this.#isLogFull
    return isRoom ? undefined : this.#makeRoom(seal)
  }

  async #makeRoom(seal: () => Promise<void>): Promise<void> {
    const { maxBufferBytes } = this.#settings
    const { flushes, compactions } = this
    for (const shard of this.#pressed) {
      if (flushes.isFull(shard)) await this.#waitAt('bufferSize', () => flushes.flushShard(shard))
      if (compactions.isCrowded(shard))
        await this.#waitAt('autoCompactThreshold', () => compactions.thinOut(shard))
    }
    // A flush of all starts at the bound; commits wait for it where it cannot keep up.
    if (flushes.bufferedBytes >= 2 * maxBufferBytes)
      await this.#waitAt('maxBufferBytes', () => flushes.flushAll())
    if (this.#isLogFull) await this.#waitAt('maxWalSizeBytes', () => this.#shrinkLog(seal))
  }

  /** Lets commits wait for `work`, which clears a bound that is reached, and says so meanwhile. */
  async #waitAt(bound: Bound, work: () => Promise<unknown>): Promise<void> {
    this.#waitingAt = bound
    try {
      await work()
    } catch (cause) {
      if (this.#log.poison !== undefined) throw this.#log.poisoned()
      const why = `the bound of ${bound} is reached and cannot be cleared`
      throw new CommitError('BUSY', why, 'determinate', { bound }, cause)
    } finally {
      this.#waitingAt = undefined
    }
  }

  async #shrinkLog(seal: () => Promise<void>): Promise<void> {
    await this.retention.retire()
    if (!this.#isLogFull) return
    // Only what is in no active segment can be removed.
    if (this.#log.hasCommits) await seal()
    await this.flushes.flushAll()
    await this.retention.retire()
  }

  /** Flushes everything that is committed, then lets the log start afresh. */
  async flush(): Promise<FlushReport> {
    const start = this.#now()
    await this.#writer!.settled()
    this.#flushing++
    let buffers: FlushedBuffer[]
    try {
      buffers = await this.flushes.flushAll()
    } catch (cause) {
      // What the other shards have flushed is not needed of the log.
      await this.retention.retire().catch(() => {})
      throw cause
    } finally {
      this.#flushing--
    }
    if (this.#log.hasCommits && this.#state.firstUnflushedLsn > this.#state.lastLsn)
      await this.#writer!.seal()
    await this.retention.retire()
    return { buffers, milliseconds: this.#now() - start }
  }

  /**
   * Flushes, then merges the batches of every shard into one: see {@link Compactions.compactAll}.
   * @throws {FrontierError} SINCE_NOT_BEFORE_UPPER
   */
  async compact(
    since: number | undefined,
    progress: CompactionProgress = () => {},
  ): Promise<CompactionReport> {
    if (since !== undefined && since >= Math.max(1, this.#state.upper))
      throw new FrontierError('SINCE_NOT_BEFORE_UPPER', 'since must lie below upper', {
        since,
        upper: this.#state.upper,
      })
    // Before its turn: a flush waits for commits, and these may wait for a compaction.
    await this.flush()
    return this.compactions.compactAll(since, progress)
  }

  /** Resolves when no work is going on. */
  async settled(): Promise<void> {
    await this.flushes.settled()
    await this.compactions.settled()
    await this.retention.settled()
  }
}
