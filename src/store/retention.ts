// Owns how long things are kept: history for those who hold it, files for those who read them, the log for the shards
// that need it. Invariant: nothing is removed before what makes it unneeded is durable.

import type { BatchCache } from '../batch/cache.ts'
import type { Disk } from '../disk/disk.ts'
import { collectRetired } from '../shard/collect.ts'
import { batchPath } from '../shard/metadata.ts'
import { Pins } from '../shard/pins.ts'
import { type Registry, raiseWalStart, removeTombstones } from '../shard/registry.ts'
import type { State } from '../shard/state.ts'
import { Turns } from '../turns.ts'
import type { Log } from '../wal/log.ts'

/** What is kept, and what says so. */
export interface RetentionParts {
  readonly disk: Disk
  readonly registry: Registry
  readonly log: Log
  readonly state: State
  /** Lets go of the batches whose files are to be removed. */
  readonly cache: BatchCache
}

export class Retention {
  readonly #disk: Disk
  readonly #registry: Registry
  readonly #log: Log
  readonly #state: State
  readonly #cache: BatchCache
  /** Batches that are read. */
  readonly pins: Pins
  /** `asOf` of what is being read: `since` does not pass the least of them. */
  readonly #holds = new Map<object, number>()
  readonly #retiring = new Turns()
  readonly #collecting = new Turns()
  #failure: Error | undefined

  constructor({ disk, registry, log, state, cache }: RetentionParts) {
    this.#disk = disk
    this.#registry = registry
    this.#log = log
    this.#state = state
    this.#cache = cache
    this.pins = new Pins(() => this.collectSoon())
  }

  /** Why files that nobody needs are still there, until they can be removed. */
  get failure(): Error | undefined {
    return this.#failure
  }

  /** Keeps `since` at or below `asOf` until released. */
  hold(owner: object, asOf: number): void {
    this.#holds.set(owner, asOf)
  }

  release(owner: object): void {
    this.#holds.delete(owner)
  }

  /** How far `since` may go towards `requested`. */
  effectiveSince(requested: number): number {
    return Math.min(requested, ...this.#holds.values())
  }

  /** Bytes of the log that only flushes can make go away; not what is kept for damaged shards alone: rules 14. */
  get unflushedLogBytes(): number {
    return this.#log.bytesFrom(this.#state.firstUnflushedLsn)
  }

  /** Bytes of the log that are kept for damaged shards alone. */
  get keptLogBytes(): number {
    return this.#log.bytesFrom(this.#state.walStart) - this.unflushedLogBytes
  }

  /** Removes the front of the log that no shard needs any more, and the tombstones that only it needed. */
  retire(): Promise<void> {
    return this.#retiring.take(async () => {
      if (!this.#log.canRetire(this.#state.walStart) && this.#state.spentTombstones.length === 0) return
      await raiseWalStart(this.#registry, this.#state)
      await this.#log.retire(this.#registry.catalog.walStart)
      await removeTombstones(this.#disk, this.#registry, this.#state)
    })
  }

  /** Removes the files of batches that were replaced or dropped, and that nobody reads. */
  collect(): Promise<void> {
    return this.#collecting.take(async () => {
      for (const shard of this.#state.all) {
        if (shard.damage !== undefined) continue
        const { retired } = shard.metadata
        if (retired.length === 0) continue
        for (const id of retired) if (!this.pins.isPinned(id)) await this.#cache.drop(batchPath(id))
        await collectRetired(this.#disk, this.#registry, shard, id => this.pins.isPinned(id))
      }
      if (this.#state.spentTombstones.length > 0) await this.retire()
      this.#failure = undefined
    })
  }

  /** As {@link collect}, where nobody waits for it. */
  collectSoon(): void {
    this.collect().catch(cause => {
      this.#failure = cause
    })
  }

  /** Resolves when no work is going on. */
  async settled(): Promise<void> {
    await this.#retiring.settled()
    await this.#collecting.settled()
  }
}
