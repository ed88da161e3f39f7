// Owns the work behind the commits: when buffers are flushed, when the log shrinks, when batches are merged.
// Reaching a bound starts the work that clears it at once; commits wait for it, or are told BUSY if it fails.

import type { BatchCache } from '../batch/cache.ts'
import { type CompactedShard, compactShard } from '../compaction/compact.ts'
import { type CompactionPlan, planAutomaticCompaction, planCompaction } from '../compaction/policy.ts'
import type { Settings } from '../config/settings.ts'
import type { Disk } from '../disk/disk.ts'
import { CommitError, CorruptionError, DiskError, FrontierError } from '../errors.ts'
import { collectRetired } from '../shard/collect.ts'
import { batchFormat, type FlushedBuffer, flushOldest } from '../shard/flush.ts'
import { batchPath, type ShardMetadata } from '../shard/metadata.ts'
import { Pins } from '../shard/pins.ts'
import { type Registry, raiseWalStart } from '../shard/registry.ts'
import type { Shard } from '../shard/shard.ts'
import type { State } from '../shard/state.ts'
import { Turns } from '../turns.ts'
import type { Log } from '../wal/log.ts'
import type { Writer } from './writer.ts'

/** A shard has at most this many buffers on their way into batches; then commits to it wait. */
const FROZEN_MAX = 2
/** Flushes of a shard that may fail in a row, other than for a full disk, before the store is poisoned. */
const FLUSH_FAILURES_MAX = 3

/** Whether a full disk is behind an error: that passes, and is no reason to distrust anything. */
const isFullDisk = (error: unknown): boolean => {
  for (let each = error; each instanceof Error; each = each.cause)
    if (each instanceof DiskError && each.code === 'DISK_FULL') return true
  return false
}

/** What a flush did. */
export interface FlushReport {
  readonly buffers: readonly FlushedBuffer[]
  readonly milliseconds: number
}

/** What a compaction did. */
export interface CompactionReport {
  /** Shards that changed. */
  readonly shards: readonly CompactedShard[]
  readonly milliseconds: number
}

/** Rows that a plan reads. */
const rowsOf = ({ batches }: ShardMetadata, plan: CompactionPlan | undefined): number =>
  batches.reduce((sum, { id, len }) => sum + (plan?.inputs.includes(id) === true ? len : 0), 0)

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

/** Told how many rows a compaction has read, and how many there are. */
export type CompactionProgress = (doneRows: number, totalRows: number) => void

/** Why a compaction that started by itself ended early: the store is being closed. */
class Stopped extends Error {}

export class Maintenance {
  readonly #disk: Disk
  readonly #registry: Registry
  readonly #log: Log
  readonly #state: State
  readonly #settings: Settings
  readonly #cache: BatchCache
  readonly #now: () => number
  readonly pins: Pins
  /** `asOf` of what is being read: `since` does not pass the least of them. */
  readonly #holds = new Map<object, number>()
  readonly #flushing = new Map<Shard, Promise<FlushedBuffer[]>>()
  readonly #activeBytes = new Map<Shard, number>()
  #bufferedBytes = 0
  #relief: Promise<void> | undefined
  readonly #retiring = new Turns()
  readonly #collecting = new Turns()
  /** One at a time: two would merge the same batches, and the slower one for nothing. */
  readonly #compacting = new Turns()
  /** Files that a compaction by itself found damaged. */
  readonly #unreadable = new Set<string>()
  /** Shards whose compaction is to start by itself. */
  readonly #due = new Set<Shard>()
  #checkTimer: NodeJS.Timeout | undefined
  #stopping = false
  #compactionFailure: Error | undefined
  readonly #failuresInRow = new Map<Shard, number>()
  #failure: Error | undefined
  #lastFlush: { at: number } | undefined
  #lastCompaction: { at: number; report: CompactionReport } | undefined
  /** Set once: log and maintenance need each other. */
  #writer: Writer | undefined

  constructor({ disk, registry, log, state, settings, cache, now }: MaintenanceParts) {
    this.#disk = disk
    this.#registry = registry
    this.#log = log
    this.#state = state
    this.#settings = settings
    this.#cache = cache
    this.#now = now
    this.pins = new Pins(() => this.#collectSoon())
    const { autoCompactThreshold, autoCompactIntervalSecs } = settings
    if (autoCompactThreshold > 0 && autoCompactIntervalSecs > 0)
      this.#checkTimer = setInterval(() => this.#compactDueSoon(), autoCompactIntervalSecs * 1000).unref()
  }

  serve(writer: Writer): void {
    this.#writer = writer
  }

  /** The last flush that failed, until one succeeds, or the last compaction by itself that did. */
  get failure(): Error | undefined {
    return this.#failure ?? this.#compactionFailure
  }

  get lastFlush(): { readonly at: number } | undefined {
    return this.#lastFlush
  }

  get lastCompaction(): { readonly at: number; readonly report: CompactionReport } | undefined {
    return this.#lastCompaction
  }

  /** Keeps `since` at or below `asOf` until released. */
  hold(owner: object, asOf: number): void {
    this.#holds.set(owner, asOf)
  }

  release(owner: object): void {
    this.#holds.delete(owner)
  }

  /** Bytes of the log that only flushes can make go away; not what is kept for damaged shards alone: rules 14. */
  get #unflushedLogBytes(): number {
    return this.#log.bytesFrom(this.#state.firstUnflushedLsn)
  }

  /** Bytes of the log that count against its bound: also what is flushed and still has to be removed. */
  get #boundedLogBytes(): number {
    return this.#log.bytes - this.keptLogBytes
  }

  /** Bytes of the log that are kept for damaged shards alone. */
  get keptLogBytes(): number {
    return this.#log.bytesFrom(this.#state.walStart) - this.#unflushedLogBytes
  }

  #soundShards(): Shard[] {
    return [...this.#state.shards.values()].filter(({ damage }) => damage === undefined)
  }

  /** Flushes all frozen buffers of a shard; whoever comes meanwhile shares the work. */
  #flushFrozen(shard: Shard): Promise<FlushedBuffer[]> {
    const running = this.#flushing.get(shard)
    if (running !== undefined) return running
    const flush = shard
      .inTurn(async () => {
        const flushed: FlushedBuffer[] = []
        for (let buffer = shard.oldestFrozen; buffer !== undefined; buffer = shard.oldestFrozen) {
          await this.#writer!.durableThrough(buffer.fence, 'B4')
          const done = await flushOldest(this.#disk, this.#registry, batchFormat(this.#settings), shard)
          if (done !== undefined) flushed.push(done)
        }
        return flushed
      })
      .finally(() => this.#flushing.delete(shard))
    this.#flushing.set(shard, flush)
    return flush
  }

  async #flushShard(shard: Shard): Promise<FlushedBuffer[]> {
    try {
      // What was frozen while an earlier flush ran may not be in it: the second call finds the rest.
      const flushed = [...(await this.#flushFrozen(shard)), ...(await this.#flushFrozen(shard))]
      this.#failuresInRow.delete(shard)
      this.#failure = undefined
      if (flushed.length > 0) this.#lastFlush = { at: this.#now() }
      this.#compactSoon(shard)
      await this.#retire()
      return flushed
    } catch (cause) {
      this.#failure = cause as Error
      if (!isFullDisk(cause)) {
        const failures = (this.#failuresInRow.get(shard) ?? 0) + 1
        this.#failuresInRow.set(shard, failures)
        if (failures >= FLUSH_FAILURES_MAX) this.#log.poisonWith(cause)
      }
      throw cause
    }
  }

  /** Removes the front of the log that no shard needs any more. */
  #retire(): Promise<void> {
    return this.#retiring.take(async () => {
      if (!this.#log.canRetire(this.#state.walStart)) return
      await raiseWalStart(this.#registry, this.#state)
      await this.#log.retire(this.#registry.catalog.walStart)
    })
  }

  #freeze(shard: Shard): void {
    shard.freeze(this.#state.lastLsn)
    this.#account(shard)
  }

  #freezeDirty(): Shard[] {
    const dirty = this.#soundShards().filter(({ firstDirtyLsn }) => firstDirtyLsn !== undefined)
    for (const shard of dirty) this.#freeze(shard)
    return dirty
  }

  /** Keeps the sum of what the active buffers take, at a cost that does not depend on how many shards there are. */
  #account(shard: Shard): void {
    const before = this.#activeBytes.get(shard) ?? 0
    this.#activeBytes.set(shard, shard.activeBytes)
    this.#bufferedBytes += shard.activeBytes - before
  }

  /** A flush that nobody waits for: what goes wrong shows in the status, and at the bounds. */
  #flushSoon(shard: Shard): void {
    this.#flushShard(shard).catch(() => {})
  }

  /** Starts what the bounds ask for after commits were applied. */
  applied(names: ReadonlySet<string>): void {
    const { bufferSize, maxBufferBytes, maxWalSizeBytes } = this.#settings
    for (const name of names) {
      const shard = this.#state.shards.get(name)!
      this.#account(shard)
      if (shard.activeLength < bufferSize || shard.frozenBuffers >= FROZEN_MAX) continue
      this.#freeze(shard)
      this.#flushSoon(shard)
    }
    // Starting at half of the bound, so that steady writing never has to wait at it.
    if (this.#bufferedBytes >= maxBufferBytes || this.#unflushedLogBytes >= maxWalSizeBytes / 2)
      this.#flushAllSoon()
  }

  #flushAllSoon(): void {
    this.#relief ??= Promise.all(this.#freezeDirty().map(shard => this.#flushShard(shard)))
      .then(
        () => {},
        () => {},
      )
      .finally(() => {
        this.#relief = undefined
      })
  }

  /** Waits until there is room for commits: see {@link WriterHooks}. */
  async room(seal: () => Promise<void>): Promise<void> {
    try {
      const full = this.#soundShards().filter(
        shard => shard.frozenBuffers >= FROZEN_MAX && shard.activeLength >= this.#settings.bufferSize,
      )
      for (const shard of full) await this.#flushShard(shard)
      // A flush of all starts at the bound; commits wait for it where it cannot keep up.
      if (this.#bufferedBytes >= 2 * this.#settings.maxBufferBytes)
        for (const shard of this.#freezeDirty()) await this.#flushShard(shard)
      if (this.#boundedLogBytes < this.#settings.maxWalSizeBytes) return
      await this.#retire()
      if (this.#boundedLogBytes < this.#settings.maxWalSizeBytes) return
      // Only what is in no active segment can be removed.
      if (this.#log.hasCommits) await seal()
      for (const shard of this.#freezeDirty()) await this.#flushShard(shard)
      await this.#retire()
    } catch (cause) {
      if (this.#log.poison !== undefined) throw this.#log.poisoned()
      throw new CommitError('BUSY', 'a bound is reached and cannot be cleared', 'determinate', {}, cause)
    }
  }

  /** Flushes everything that is committed, then lets the log start afresh. */
  async flush(): Promise<FlushReport> {
    const start = this.#now()
    await this.#writer!.settled()
    const buffers: FlushedBuffer[] = []
    const failures: unknown[] = []
    for (const shard of this.#freezeDirty()) {
      // One that fails must not keep the others from becoming durable.
      await this.#flushShard(shard).then(
        flushed => buffers.push(...flushed),
        cause => failures.push(cause),
      )
    }
    if (failures.length > 0) throw failures[0]
    if (this.#log.hasCommits && this.#state.firstUnflushedLsn > this.#state.lastLsn)
      await this.#writer!.seal()
    await this.#retire()
    return { buffers, milliseconds: this.#now() - start }
  }

  #effectiveSince(requested: number): number {
    return Math.min(requested, ...this.#holds.values())
  }

  /**
   * Flushes, then merges the batches of every shard into one.
   *
   * @param since advances every shard's `since` to here, as far as holds allow; undefined keeps them
   * @throws {FrontierError} SINCE_NOT_BEFORE_UPPER
   */
  compact(since: number | undefined, progress: CompactionProgress = () => {}): Promise<CompactionReport> {
    return this.#compacting.take(() => this.#compact(since, progress))
  }

  async #compact(since: number | undefined, progress: CompactionProgress): Promise<CompactionReport> {
    const start = this.#now()
    if (since !== undefined && since >= Math.max(1, this.#state.upper))
      throw new FrontierError('SINCE_NOT_BEFORE_UPPER', 'since must lie below upper', {
        since,
        upper: this.#state.upper,
      })
    await this.flush()
    const sinceNow = since === undefined ? 0 : this.#effectiveSince(since)
    const shards = this.#soundShards()
    const total = shards.reduce(
      (sum, { metadata }) => sum + rowsOf(metadata, planCompaction(metadata, sinceNow)),
      0,
    )
    let done = 0
    const compacted: CompactedShard[] = []
    for (const shard of shards) {
      // Planned again: what was flushed meanwhile is merged as well.
      const plan = planCompaction(shard.metadata, sinceNow)
      if (plan === undefined) continue
      const changed = await this.#carryOut(shard, plan, rows => {
        done += rows
        progress(Math.min(done, total), total)
      })
      if (changed !== undefined) compacted.push(changed)
    }
    return this.#completed(compacted, start)
  }

  #completed(shards: readonly CompactedShard[], start: number): CompactionReport {
    const report = { shards, milliseconds: this.#now() - start }
    this.#lastCompaction = { at: this.#now(), report }
    this.#compactionFailure = undefined
    return report
  }

  /** Compacts one shard, then removes the files that it replaced. */
  async #carryOut(
    shard: Shard,
    plan: CompactionPlan,
    read: (rows: number) => void,
  ): Promise<CompactedShard | undefined> {
    this.pins.pin(plan.inputs)
    let changed: CompactedShard | undefined
    try {
      const format = batchFormat(this.#settings)
      changed = await compactShard(this.#disk, this.#registry, format, shard, plan, read)
    } finally {
      this.pins.unpin(plan.inputs)
    }
    await this.#collect()
    return changed
  }

  /** What a compaction that starts by itself does to a shard, if it is due. */
  #automaticPlan(shard: Shard): CompactionPlan | undefined {
    const { autoCompactThreshold, compactionWindow } = this.#settings
    const since =
      compactionWindow === 'all' ? 0 : this.#effectiveSince(this.#state.upper - 1 - compactionWindow)
    // What cannot be read stays where it is; what follows it can still be merged.
    const { batches } = shard.metadata
    const first = batches.findLastIndex(({ id }) => this.#unreadable.has(batchPath(id))) + 1
    const readable = { ...shard.metadata, batches: batches.slice(first) }
    return planAutomaticCompaction(readable, autoCompactThreshold, Math.max(0, since))
  }

  #compactDueSoon(): void {
    for (const shard of this.#soundShards()) this.#compactSoon(shard)
  }

  /** A compaction that nobody waits for, if the shard is due: what goes wrong shows in the status. */
  #compactSoon(shard: Shard): void {
    if (this.#stopping || this.#due.has(shard) || this.#automaticPlan(shard) === undefined) return
    this.#due.add(shard)
    this.#compacting
      .take(async () => {
        this.#due.delete(shard)
        const start = this.#now()
        const plan = this.#automaticPlan(shard)
        if (plan === undefined || this.#stopping) return
        const changed = await this.#carryOut(shard, plan, () => {
          if (this.#stopping) throw new Stopped()
        })
        if (changed !== undefined) this.#completed([changed], start)
      })
      .catch(cause => {
        if (cause instanceof Stopped) return
        this.#compactionFailure = cause
        if (cause instanceof CorruptionError) this.#unreadable.add(String(cause.details.file))
      })
  }

  /** Starts no more compactions, and ends one that started by itself: nothing waits for it. */
  stop(): void {
    this.#stopping = true
    clearInterval(this.#checkTimer)
  }

  #collect(): Promise<void> {
    return this.#collecting.take(async () => {
      for (const shard of this.#soundShards()) {
        const { retired } = shard.metadata
        if (retired.length === 0) continue
        for (const id of retired) if (!this.pins.isPinned(id)) await this.#cache.drop(batchPath(id))
        await collectRetired(this.#disk, this.#registry, shard, id => this.pins.isPinned(id))
      }
    })
  }

  /** Readers let go of files: remove those that were replaced meanwhile. */
  #collectSoon(): void {
    this.#collect().catch(cause => {
      this.#failure = cause
    })
  }

  /** Resolves when no work is going on. */
  async settled(): Promise<void> {
    while (this.#flushing.size > 0 || this.#relief !== undefined) {
      await Promise.allSettled([...this.#flushing.values(), this.#relief])
    }
    await this.#compacting.settled()
    await this.#retiring.settled()
    await this.#collecting.settled()
  }
}
