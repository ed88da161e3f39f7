// Owns the flushes: which buffers are frozen, when, and what becomes of a flush that fails.
// Invariants: a shard's buffers are flushed in order, by one flush at a time; whoever comes meanwhile shares it; the log
// is durable through what a batch holds before the batch is made. While one batch is published the next one is made.

import type { Settings } from '../config/settings.ts'
import type { Disk } from '../disk/disk.ts'
import { DiskError } from '../errors.ts'
import {
  batchFormat,
  discardBuffer,
  type FlushedBuffer,
  type MadeBuffer,
  makeBuffer,
  publishBuffer,
  publishDrop,
} from '../shard/flush.ts'
import type { Registry } from '../shard/registry.ts'
import type { FrozenBuffer, Shard } from '../shard/shard.ts'
import type { State } from '../shard/state.ts'
import type { Log } from '../wal/log.ts'

/**
 * How many times `bufferSize` a shard may take in while a buffer is on its way into a batch; then commits to it wait.
 * What comes in meanwhile is flushed as one: under load there are fewer and larger batches.
 */
const BUFFERS_MAX = 8
/** A buffer that is full to this part will be flushed soon. */
const EXPECTED = 1 / 2
/** Flushes of a shard that may fail in a row, other than for a full disk, before the store is poisoned. */
const FLUSH_FAILURES_MAX = 3

/** Whether a full disk is behind an error: that passes, and is no reason to distrust anything. */
const isFullDisk = (error: unknown): boolean => {
  for (let each = error; each instanceof Error; each = each.cause)
    if (each instanceof DiskError && each.code === 'DISK_FULL') return true
  return false
}

/** What is flushed, and where to. */
export interface FlushParts {
  readonly disk: Disk
  readonly registry: Registry
  readonly log: Log
  readonly state: State
  readonly settings: Settings
  readonly now: () => number
  /** Makes the log durable through an LSN (B4). */
  readonly durableThrough: (lsn: number) => Promise<void>
  /** A shard was flushed. */
  readonly flushed: (shard: Shard) => Promise<void>
}

/** A batch that is made of the buffer behind the one that is published. */
interface Ahead {
  readonly buffer: FrozenBuffer
  readonly made: Promise<MadeBuffer>
}

export class Flushes {
  readonly #parts: FlushParts
  readonly #running = new Map<Shard, Promise<FlushedBuffer[]>>()
  /** At most one a shard. */
  readonly #ahead = new Map<Shard, Ahead>()
  readonly #bytes = new Map<Shard, number>()
  #bufferedBytes = 0
  #relief: Promise<void> | undefined
  readonly #failuresInRow = new Map<Shard, number>()
  #failure: Error | undefined
  #last: { at: number } | undefined

  constructor(parts: FlushParts) {
    this.#parts = parts
  }

  /** The last flush that failed, until one succeeds. */
  get failure(): Error | undefined {
    return this.#failure
  }

  /** When a flush last wrote something, by the wall clock in ms. */
  get last(): { readonly at: number } | undefined {
    return this.#last
  }

  /** About how many bytes all buffers take. */
  get bufferedBytes(): number {
    return this.#bufferedBytes
  }

  /** Whether a shard has so much to flush that commits to it must wait. */
  isFull(shard: Shard): boolean {
    return shard.frozen.length > 0 && shard.activeLength >= BUFFERS_MAX * this.#parts.settings.bufferSize
  }

  /** Flushes what is frozen of a shard when its turn comes; whoever comes meanwhile shares the work. */
  #flushFrozen(shard: Shard): Promise<FlushedBuffer[]> {
    const running = this.#running.get(shard)
    if (running !== undefined) return running
    const flush = shard
      .inTurn(() => this.#flushInTurn(shard))
      .finally(() => {
        this.#running.delete(shard)
      })
    this.#running.set(shard, flush)
    // By itself, not as a part of this one: whoever waits for that would wait as long as commits come.
    flush.then(
      () => (shard.frozen.length > 0 ? this.#flushSoon(shard) : this.#flushIfFull(shard)),
      () => {},
    )
    return flush
  }

  async #flushInTurn(shard: Shard): Promise<FlushedBuffer[]> {
    const { disk, registry, durableThrough } = this.#parts
    const newest = shard.frozen.at(-1)?.fence ?? 0
    const flushed: FlushedBuffer[] = []
    for (let fence = shard.nextFence; fence !== undefined; fence = shard.nextFence) {
      if (!shard.isDropPending && fence > newest) break
      await durableThrough(fence)
      const [buffer] = shard.frozen
      // A drop may have overtaken it, and the log must be durable through that as well.
      if (shard.nextFence !== fence) continue
      if (shard.isDropPending || buffer === undefined) {
        await publishDrop(registry, shard)
        await this.#giveUpAhead(shard)
      } else {
        const made = await this.#madeOf(shard, buffer)
        if (shard.frozen[0] === buffer) this.#makeAhead(shard)
        const done = await publishBuffer(disk, registry, shard, made)
        if (done !== undefined) flushed.push(done)
      }
      this.#account(shard)
    }
    return flushed
  }

  #make(shard: Shard, buffer: FrozenBuffer): Promise<MadeBuffer> {
    const { disk, registry, settings } = this.#parts
    return makeBuffer(disk, registry, batchFormat(settings), shard, buffer)
  }

  /** The batch of the oldest buffer: the one that is made already, or one that is made now. */
  #madeOf(shard: Shard, buffer: FrozenBuffer): Promise<MadeBuffer> {
    const ahead = this.#ahead.get(shard)
    if (ahead?.buffer !== buffer) return this.#make(shard, buffer)
    this.#ahead.delete(shard)
    return ahead.made
  }

  /** Starts to make a batch of what follows the oldest buffer, which is about to be published. */
  #makeAhead(shard: Shard): void {
    if (shard.frozen.length === 1 && this.#isDue(shard)) this.#freeze(shard)
    const [, buffer] = shard.frozen
    if (buffer === undefined || this.#ahead.has(shard)) return
    const made = this.#makeDurably(shard, buffer)
    this.#ahead.set(shard, { buffer, made })
    // What went wrong before a flush takes it says nothing of later: that makes another.
    made.catch(() => {
      if (this.#ahead.get(shard)?.made === made) this.#ahead.delete(shard)
    })
  }

  async #makeDurably(shard: Shard, buffer: FrozenBuffer): Promise<MadeBuffer> {
    await this.#parts.durableThrough(buffer.fence)
    if (!shard.frozen.includes(buffer)) throw new Error('a drop has overtaken the buffer')
    return this.#make(shard, buffer)
  }

  /** Removes what was made of a buffer that was dropped. */
  async #giveUpAhead(shard: Shard): Promise<void> {
    const ahead = this.#ahead.get(shard)
    if (ahead === undefined || shard.frozen.includes(ahead.buffer)) return
    this.#ahead.delete(shard)
    const made = await ahead.made.catch(() => undefined)
    if (made !== undefined) await discardBuffer(this.#parts.disk, made)
  }

  /** Flushes what is frozen of a shard. */
  async flushShard(shard: Shard): Promise<FlushedBuffer[]> {
    try {
      // What was frozen while an earlier flush ran may not be in it: the second call finds the rest.
      const flushed = [...(await this.#flushFrozen(shard)), ...(await this.#flushFrozen(shard))]
      this.#failuresInRow.delete(shard)
      this.#failure = undefined
      if (flushed.length > 0) this.#last = { at: this.#parts.now() }
      await this.#parts.flushed(shard)
      return flushed
    } catch (cause) {
      // Whoever shares a flush hears of the same failure.
      const isAnother = this.#failure !== cause
      this.#failure = cause as Error
      if (isAnother && !isFullDisk(cause)) {
        const failures = (this.#failuresInRow.get(shard) ?? 0) + 1
        this.#failuresInRow.set(shard, failures)
        if (failures >= FLUSH_FAILURES_MAX) this.#parts.log.poisonWith(cause)
      }
      throw cause
    }
  }

  #freeze(shard: Shard): void {
    shard.freeze(this.#parts.state.lastLsn)
    this.#account(shard)
  }

  #freezeDirty(): Shard[] {
    const dirty = this.#parts.state.all.filter(({ firstDirtyLsn }) => firstDirtyLsn !== undefined)
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

  /** Takes note that commits were applied to a shard, and starts its flush if its buffer is full. */
  applied(shard: Shard): void {
    this.#account(shard)
    // Nobody waits for the files of a dropped shard to go, but nothing is served by keeping them.
    if (shard.isDropPending) this.#flushSoon(shard)
    const { registry, settings } = this.#parts
    if (shard.activeLength >= settings.bufferSize * EXPECTED) registry.reserveSoon()
    this.#flushIfFull(shard)
  }

  /** Starts a flush of a full buffer, unless one is on its way already. */
  #flushIfFull(shard: Shard): void {
    if (!this.#isDue(shard) || shard.frozen.length > 0) return
    this.#freeze(shard)
    this.#flushSoon(shard)
  }

  /** Whether the active buffer is full. */
  #isDue(shard: Shard): boolean {
    return shard.activeLength >= this.#parts.settings.bufferSize
  }

  /** A flush that nobody waits for: what goes wrong shows in the status, and at the bounds. */
  #flushSoon(shard: Shard): void {
    this.flushShard(shard).catch(() => {})
  }

  /** Flushes every shard that has something to flush; rejects with the first failure, when all were tried. */
  async flushAll(): Promise<FlushedBuffer[]> {
    const flushed: FlushedBuffer[] = []
    const failures: unknown[] = []
    for (const shard of this.#freezeDirty()) {
      // One that fails must not keep the others from becoming durable.
      await this.flushShard(shard).then(
        buffers => flushed.push(...buffers),
        cause => failures.push(cause),
      )
    }
    if (failures.length > 0) throw failures[0]
    return flushed
  }

  /** As {@link flushAll}, where nobody waits for it. */
  flushAllSoon(): void {
    this.#relief ??= this.flushAll()
      .then(
        () => {},
        () => {},
      )
      .finally(() => {
        this.#relief = undefined
      })
  }

  /** Resolves when no work is going on. */
  async settled(): Promise<void> {
    while (this.#running.size > 0 || this.#relief !== undefined)
      await Promise.allSettled([...this.#running.values(), this.#relief])
    // Of a flush that failed; no other one takes it any more.
    for (const [shard, { made }] of this.#ahead) {
      this.#ahead.delete(shard)
      await made.then(ahead => discardBuffer(this.#parts.disk, ahead)).catch(() => {})
    }
    await this.#parts.registry.settled()
  }
}
