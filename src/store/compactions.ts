// Owns the compactions: those that start by themselves when a shard has too many batches, and those on request.
// One at a time: two would merge the same batches, and the slower one for nothing.

import { type CompactedShard, compactShard } from '../compaction/compact.ts'
import { type CompactionPlan, planAutomaticCompaction, planCompaction } from '../compaction/policy.ts'
import type { Settings } from '../config/settings.ts'
import type { Disk } from '../disk/disk.ts'
import { CorruptionError } from '../errors.ts'
import { batchFormat } from '../shard/flush.ts'
import { batchPath, type ShardMetadata } from '../shard/metadata.ts'
import type { Registry } from '../shard/registry.ts'
import type { Shard } from '../shard/shard.ts'
import type { State } from '../shard/state.ts'
import { Turns } from '../turns.ts'
import type { Retention } from './retention.ts'

/** Commits wait when a shard has so many times more batches than start a compaction. */
const CROWDED = 4
/** The part of the bound on buffers that the inputs of a merge may take, decoded. */
const MERGE_SHARE = 1 / 8

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

/** Told how many rows a compaction has read, and how many there are. */
export type CompactionProgress = (doneRows: number, totalRows: number) => void

/** Why a compaction that started by itself ended early: the store is being closed. */
class Stopped extends Error {}

/** What is compacted, and how. */
export interface CompactionParts {
  readonly disk: Disk
  readonly registry: Registry
  readonly state: State
  readonly settings: Settings
  readonly retention: Retention
  readonly now: () => number
}

export class Compactions {
  readonly #disk: Disk
  readonly #registry: Registry
  readonly #state: State
  readonly #settings: Settings
  readonly #retention: Retention
  readonly #now: () => number
  readonly #turns = new Turns()
  /** Files that a compaction found damaged. */
  readonly #unreadable = new Set<string>()
  /** Shards whose compaction is to start by itself. */
  readonly #due = new Set<Shard>()
  #checkTimer: NodeJS.Timeout | undefined
  #stopping = false
  #failure: Error | undefined
  #last: { at: number; report: CompactionReport } | undefined

  constructor({ disk, registry, state, settings, retention, now }: CompactionParts) {
    this.#disk = disk
    this.#registry = registry
    this.#state = state
    this.#settings = settings
    this.#retention = retention
    this.#now = now
    const { autoCompactThreshold, autoCompactIntervalSecs } = settings
    if (autoCompactThreshold > 0 && autoCompactIntervalSecs > 0)
      this.#checkTimer = setInterval(() => this.#checkAll(), autoCompactIntervalSecs * 1000).unref()
  }

  /** The last compaction that failed, until one succeeds. */
  get failure(): Error | undefined {
    return this.#failure
  }

  get last(): { readonly at: number; readonly report: CompactionReport } | undefined {
    return this.#last
  }

  get #sound(): Shard[] {
    return [...this.#state.shards.values()].filter(({ damage }) => damage === undefined)
  }

  /**
   * Merges the batches of every shard into one. Damage to a shard is reported, and the others go on.
   * @param since advances every shard's `since` to here, as far as holds allow; undefined keeps them
   */
  compactAll(since: number | undefined, progress: CompactionProgress): Promise<CompactionReport> {
    return this.#turns.take(async () => {
      const shards = this.#sound
      try {
        return await this.#compactEach(shards, since, progress)
      } finally {
        for (const shard of shards) shard.giveUpNothingMore()
      }
    })
  }

  async #compactEach(
    shards: readonly Shard[],
    since: number | undefined,
    progress: CompactionProgress,
  ): Promise<CompactionReport> {
    const start = this.#now()
    const sinceNow = since === undefined ? 0 : this.#retention.effectiveSince(since)
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
    this.#failure = cause
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
    this.#last = { at: this.#now(), report }
    this.#failure = undefined
    return report
  }

  /** Compacts one shard, then removes the files that it replaced. */
  async #carryOut(
    shard: Shard,
    plan: CompactionPlan,
    read: (rows: number) => void,
  ): Promise<CompactedShard | undefined> {
    shard.giveUpBefore(plan.since)
    this.#retention.pins.pin(plan.inputs)
    let changed: CompactedShard | undefined
    try {
      const format = batchFormat(this.#settings)
      const mergeBytes = this.#settings.maxBufferBytes * MERGE_SHARE
      changed = await compactShard(this.#disk, this.#registry, format, shard, plan, mergeBytes, read)
    } finally {
      this.#retention.pins.unpin(plan.inputs)
      shard.giveUpNothingMore()
    }
    await this.#retention.collect()
    return changed
  }

  /** What a compaction that starts by itself does to a shard, if it is due. */
  #automaticPlan(shard: Shard): CompactionPlan | undefined {
    const { autoCompactThreshold, compactionWindow } = this.#settings
    // Not of what is committed: who reads beside us does not see all of that yet, and must not be told that the times
    // of commits that it will see later are over.
    const upper = Math.max(this.#registry.catalog.upper, this.#state.publishedUpper)
    const since =
      compactionWindow === 'all' ? 0 : this.#retention.effectiveSince(upper - 1 - compactionWindow)
    // What cannot be read stays where it is; what follows it can still be merged.
    const { batches } = shard.metadata
    const first = batches.findLastIndex(({ id }) => this.#unreadable.has(batchPath(id))) + 1
    const readable = { ...shard.metadata, batches: batches.slice(first) }
    return planAutomaticCompaction(readable, autoCompactThreshold, Math.max(0, since))
  }

  #checkAll(): void {
    for (const shard of this.#sound) this.compactSoon(shard)
  }

  /** A compaction that nobody waits for, if the shard is due: what goes wrong shows in the status. */
  compactSoon(shard: Shard): void {
    if (this.#stopping || this.#due.has(shard) || this.#automaticPlan(shard) === undefined) return
    this.#due.add(shard)
    this.#turns
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
        this.compactSoon(shard)
      })
      .catch(cause => {
        if (cause instanceof Stopped) return
        if (cause instanceof CorruptionError) this.#unreadableBecause(cause)
        else this.#failure = cause
      })
  }

  /** Starts no more compactions, and ends one that started by itself: nothing waits for it. */
  stop(): void {
    this.#stopping = true
    clearInterval(this.#checkTimer)
  }

  /** Whether flushes have left compaction so far behind that they have to wait for it. */
  isCrowded(shard: Shard): boolean {
    const { autoCompactThreshold } = this.#settings
    // Asked before every group: the plan is for those few that have too many.
    if (autoCompactThreshold === 0 || shard.metadata.batches.length <= CROWDED * autoCompactThreshold)
      return false
    return !this.#stopping && this.#automaticPlan(shard) !== undefined
  }

  /** Waits until a crowded shard is compacted. @throws what the compaction failed with */
  async thinOut(shard: Shard): Promise<void> {
    this.compactSoon(shard)
    await this.#turns.settled()
    if (this.isCrowded(shard) && this.#failure !== undefined) throw this.#failure
  }

  /** Resolves when no work is going on. */
  settled(): Promise<void> {
    return this.#turns.settled()
  }
}
