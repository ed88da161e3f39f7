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
import { type Registry, raiseWalStart, removeTombstones } from '../shard/registry.ts'
import type { Shard } from '../shard/shard.ts'
import type { State } from '../shard/state.ts'
import { Turns } from '../turns.ts'
import type { Log } from '../wal/log.ts'
import type { Writer } from './writer.ts'

/** A shard has at most this many buffers on their way into batches; then commits to it wait. */
const FROZEN_MAX = 2
/** Commits wait when a shard has so many times more batches than start a compaction. */
const CROWDED = 4
/** The part of the bound on buffers that the inputs of a merge may take, decoded. */
const MERGE_SHARE = 1 / 4
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
  /** Shards that are damaged, and so are as they were. */
  readonly damaged: readonly DamagedShard[]
  readonly milliseconds: number
}

/** A shard that could not be compacted. */
export interface DamagedShard {
  readonly shard: string
  /** Of the error that says what is wrong. */
  readonly code: string
  readonly message: string
}

const damagedShard = (shard: string, damage: Error): DamagedShard => ({
  shard,
  code: damage instanceof CorruptionError ? damage.code : damage.name,
  message: damage.message,
})

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

/** A setting at whose bound commits wait. */
export type Bound = 'bufferSize' | 'maxBufferBytes' | 'maxWalSizeBytes' | 'autoCompactThreshold'

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
  readonly #bytes = new Map<Shard, number>()
  #bufferedBytes = 0
  #relief: Promise<void> | undefined
  readonly #retiring = new Turns()
  readonly #collecting = new Turns()
  /** One at a time: two would merge the same batches, and the slower one for nothing. */
  readonly #compacting = new Turns()
  /** Files that a compaction found damaged. */
  readonly #unreadable = new Set<string>()
  /** Shards whose compaction is to start by itself. */
  readonly #due = new Set<Shard>()
  #checkTimer: NodeJS.Timeout | undefined
  #stopping = false
  #compactionFailure: Error | undefined
  readonly #failuresInRow = new Map<Shard, number>()
  #failure: Error | undefined
  #waitingAt: Bound | undefined
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
        for (let fence = shard.nextFence; fence !== undefined; fence = shard.nextFence) {
          await this.#writer!.durableThrough(fence, 'B4')
          // A drop may have overtaken it, and the log must be durable through that as well.
          if (shard.nextFence !== fence) continue
          const done = await flushOldest(this.#disk, this.#registry, batchFormat(this.#settings), shard)
          this.#account(shard)
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
      if (shard.metadata.retired.length > 0) this.#collectSoon()
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

  /** Removes the front of the log that no shard needs any more, and the tombstones that only it needed. */
  #retire(): Promise<void> {
    return this.#retiring.take(async () => {
      if (!this.#log.canRetire(this.#state.walStart) && this.#state.spentTombstones.length === 0) return
      await raiseWalStart(this.#registry, this.#state)
      await this.#log.retire(this.#registry.catalog.walStart)
      await removeTombstones(this.#disk, this.#registry, this.#state)
    })
  }

  #freeze(shard: Shard): void {
    shard.freeze(this.#state.lastLsn)
    this.#account(shard)
  }

  #freezeDirty(): Shard[] {
    const dirty = this.#state.all.filter(({ firstDirtyLsn }) => firstDirtyLsn !== undefined)
    for (const shard of dirty) this.#freeze(shard)
    return dirty
  }

  /** Keeps the sum of what all buffers take, at a cost that does not depend on how many shards there are. */
  #account(shard: Shard): void {
    const before = this.#bytes.get(shard) ?? 0
    const now = shard.bufferedBytes
    this.#bytes.set(shard, now)
    this.#bufferedBytes += now - before
  }

  /** A flush that nobody waits for: what goes wrong shows in the status, and at the bounds. */
  #flushSoon(shard: Shard): void {
    this.#flushShard(shard).catch(() => {})
  }

  /** Starts what the bounds ask for after commits were applied. */
  applied(names: ReadonlySet<string>): void {
    const { bufferSize, maxBufferBytes, maxWalSizeBytes } = this.#settings
    for (const name of names) {
      const shard = this.#state.shards.get(name) ?? this.#state.dropped.get(name)!
      this.#account(shard)
      // Nobody waits for the files of a dropped shard to go, but nothing is served by keeping them.
      if (shard.isDropPending) this.#flushSoon(shard)
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

  /** The setting whose bound commits wait at, at the moment. */
  get waitingAt(): Bound | undefined {
    return this.#waitingAt
  }

  /** Waits until there is room for commits: see {@link WriterHooks}. */
  async room(seal: () => Promise<void>): Promise<void> {
    const { bufferSize, maxBufferBytes, maxWalSizeBytes } = this.#settings
    for (const shard of this.#soundShards())
      if (shard.frozenBuffers >= FROZEN_MAX && shard.activeLength >= bufferSize)
        await this.#waitAt('bufferSize', async () => void (await this.#flushShard(shard)))
    // A flush of all starts at the bound; commits wait for it where it cannot keep up.
    if (this.#bufferedBytes >= 2 * maxBufferBytes)
      await this.#waitAt('maxBufferBytes', async () => {
        for (const shard of this.#freezeDirty()) await this.#flushShard(shard)
      })
    for (const shard of this.#soundShards())
      if (this.#isCrowded(shard)) await this.#waitAt('autoCompactThreshold', () => this.#thinOut(shard))
    if (this.#boundedLogBytes >= maxWalSizeBytes)
      await this.#waitAt('maxWalSizeBytes', () => this.#shrinkLog(seal))
  }

  /** Lets commits wait for `work`, which clears a bound that is reached, and says so meanwhile. */
  async #waitAt(bound: Bound, work: () => Promise<void>): Promise<void> {
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
    await this.#retire()
    if (this.#boundedLogBytes < this.#settings.maxWalSizeBytes) return
    // Only what is in no active segment can be removed.
    if (this.#log.hasCommits) await seal()
    for (const shard of this.#freezeDirty()) await this.#flushShard(shard)
    await this.#retire()
  }

  /** Whether flushes have left compaction so far behind that they have to wait for it. */
  #isCrowded(shard: Shard): boolean {
    const most = CROWDED * this.#settings.autoCompactThreshold
    return shard.metadata.batches.length > most && !this.#stopping && this.#automaticPlan(shard) !== undefined
  }

  async #thinOut(shard: Shard): Promise<void> {
    this.#compactSoon(shard)
    await this.#compacting.settled()
    if (this.#isCrowded(shard) && this.#compactionFailure !== undefined) throw this.#compactionFailure
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
   * Flushes, then merges the batches of every shard into one. Damage to a shard is reported, and the others go on.
   *
   * @param since advances every shard's `since` to here, as far as holds allow; undefined keeps them
   * @throws {FrontierError} SINCE_NOT_BEFORE_UPPER
   */
  async compact(
    since: number | undefined,
    progress: CompactionProgress = () => {},
  ): Promise<CompactionReport> {
    const start = this.#now()
    if (since !== undefined && since >= Math.max(1, this.#state.upper))
      throw new FrontierError('SINCE_NOT_BEFORE_UPPER', 'since must lie below upper', {
        since,
        upper: this.#state.upper,
      })
    // Before its turn: a flush waits for commits, and these may wait for a compaction.
    await this.flush()
    return this.#compacting.take(() => this.#compact(since, progress, start))
  }

  async #compact(
    since: number | undefined,
    progress: CompactionProgress,
    start: number,
  ): Promise<CompactionReport> {
    const sinceNow = since === undefined ? 0 : this.#effectiveSince(since)
    const shards = this.#soundShards()
    for (const shard of shards) shard.giveUpBefore(sinceNow)
    const total = shards.reduce(
      (sum, { metadata }) => sum + rowsOf(metadata, planCompaction(metadata, sinceNow)),
      0,
    )
    let done = 0
    const compacted: CompactedShard[] = []
    const damaged: DamagedShard[] = []
    for (const { name, damage } of this.#state.shards.values())
      if (damage !== undefined) damaged.push(damagedShard(name, damage))
    const failures: CorruptionError[] = []
    for (const shard of shards) {
      try {
        const changed = await this.#compactWhole(shard, sinceNow, rows => {
          done += rows
          progress(Math.min(done, total), total)
        })
        if (changed !== undefined) compacted.push(changed)
      } catch (cause) {
        // Damage to one shard is no reason to leave the others as they are.
        if (!(cause instanceof CorruptionError)) throw cause
        damaged.push(damagedShard(shard.name, cause))
        failures.push(cause)
      }
    }
    const report = this.#completed(compacted, start, damaged)
    for (const cause of failures) this.#unreadableBecause(cause)
    return report
  }

  /** What cannot be read shows in the status, and is not tried again by itself. */
  #unreadableBecause(cause: CorruptionError): void {
    this.#compactionFailure = cause
    this.#unreadable.add(String(cause.details.file))
  }

  /** Merges the batches of a shard into one: in several rounds, where memory does not hold a row group of each. */
  async #compactWhole(
    shard: Shard,
    since: number,
    read: (rows: number) => void,
  ): Promise<CompactedShard | undefined> {
    const through = shard.metadata.batches.at(-1)?.lsnUpper ?? 0
    let whole: CompactedShard | undefined
    // A round goes from the oldest batch to the newest, so that no round reads what it has just written.
    for (let first = 0; ; ) {
      // Planned again each time: not with what is flushed meanwhile, or this might never end.
      const batches = shard.metadata.batches.filter(({ lsnUpper }) => lsnUpper <= through)
      const plan = planCompaction({ ...shard.metadata, batches: batches.slice(first) }, since)
      if (plan === undefined) {
        if (first === 0) return whole
        first = 0
        continue
      }
      const changed = await this.#carryOut(shard, plan, read)
      if (changed === undefined) return whole
      const { batchesBefore, rowsBefore, bytesBefore } = whole ?? changed
      whole = { ...changed, batchesBefore, rowsBefore, bytesBefore }
      first++
    }
  }

  #completed(
    shards: readonly CompactedShard[],
    start: number,
    damaged: readonly DamagedShard[] = [],
  ): CompactionReport {
    const report = { shards, damaged, milliseconds: this.#now() - start }
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
    shard.giveUpBefore(plan.since)
    this.pins.pin(plan.inputs)
    let changed: CompactedShard | undefined
    try {
      const format = batchFormat(this.#settings)
      const mergeBytes = this.#settings.maxBufferBytes * MERGE_SHARE
      changed = await compactShard(this.#disk, this.#registry, format, shard, plan, mergeBytes, read)
    } finally {
      this.pins.unpin(plan.inputs)
    }
    await this.#collect()
    return changed
  }

  /** What a compaction that starts by itself does to a shard, if it is due. */
  #automaticPlan(shard: Shard): CompactionPlan | undefined {
    const { autoCompactThreshold, compactionWindow } = this.#settings
    // Not of what is committed: who reads beside us does not see all of that yet, and must not be told that the times
    // of commits that it will see later are over.
    const upper = Math.max(this.#registry.catalog.upper, this.#state.publishedUpper)
    const since = compactionWindow === 'all' ? 0 : this.#effectiveSince(upper - 1 - compactionWindow)
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
        if (changed === undefined) return
        this.#completed([changed], start)
        // Where memory did not hold all that was planned.
        this.#compactSoon(shard)
      })
      .catch(cause => {
        if (cause instanceof Stopped) return
        if (cause instanceof CorruptionError) this.#unreadableBecause(cause)
        else this.#compactionFailure = cause
      })
  }

  /** Starts no more compactions, and ends one that started by itself: nothing waits for it. */
  stop(): void {
    this.#stopping = true
    clearInterval(this.#checkTimer)
  }

  #collect(): Promise<void> {
    return this.#collecting.take(async () => {
      for (const shard of this.#state.all) {
        if (shard.damage !== undefined) continue
        const { retired } = shard.metadata
        if (retired.length === 0) continue
        for (const id of retired) if (!this.pins.isPinned(id)) await this.#cache.drop(batchPath(id))
        await collectRetired(this.#disk, this.#registry, shard, id => this.pins.isPinned(id))
      }
      if (this.#state.spentTombstones.length > 0) await this.#retire()
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
