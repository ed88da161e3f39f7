// Owns reading a store that another process may be writing: what was seen last, and the snapshots of it. Takes no lock
// and writes not one byte. Invariants: what is seen is the state after one commit, whole commits over all shards, none
// of which a power loss could take back; it never goes back; the batches of what was seen last, and of every open
// snapshot, are held open, because the writer removes the files that it has replaced.

import { BatchCache } from '../batch/cache.ts'
import type { Settings } from '../config/settings.ts'
import type { HeldDisk } from '../disk/held-disk.ts'
import { CommitError, CorruptionError, DiskError } from '../errors.ts'
import { batchPath } from '../shard/metadata.ts'
import { Pins } from '../shard/pins.ts'
import { Turns } from '../turns.ts'
import { type Holder, look, type Sight } from './look.ts'
import { Lookups } from './lookups.ts'
import { checkOptions } from './options.ts'
import { Snapshot } from './snapshot.ts'
import { lossReason, type StoreStatus, shardStatuses } from './status.ts'
import type { SnapshotOptions } from './store.ts'
import { viewAsOf } from './view.ts'

/** What a reader works with. */
export interface ReaderParts {
  /** The folder of the store. */
  readonly path: string | undefined
  readonly disk: HeldDisk
  readonly settings: Settings
  /** A clock in ms. */
  readonly now: () => number
}

/** A batch that is not there, or no file: what that means for its shard is for recovery to say. */
const isAbsent = (error: unknown): boolean =>
  error instanceof DiskError && (error.code === 'DISK_MISSING' || error.code === 'DISK_NOT_A_FILE')

/** A store that is open for reading only, beside whoever writes it; `await using` closes it. */
export class Reader implements AsyncDisposable {
  readonly #parts: ReaderParts
  readonly #cache: BatchCache
  readonly #lookups: Lookups
  readonly #pins: Pins
  readonly #snapshots = new Set<Snapshot>()
  /** Looks at the store, one after the other. */
  readonly #looks = new Turns()
  /** Closing files that nobody reads any more. */
  readonly #closures = new Turns()
  #sight: Sight | undefined
  #milliseconds = 0
  #closing: Promise<void> | undefined

  private constructor(parts: ReaderParts) {
    this.#parts = parts
    this.#cache = new BatchCache(parts.disk)
    this.#lookups = new Lookups(this.#cache)
    this.#pins = new Pins(ids => this.#letGo(ids.map(batchPath)))
  }

  /**
   * Reads the store for the first time.
   * @throws as openReader does
   * @internal
   */
  static async over(parts: ReaderParts): Promise<Reader> {
    const reader = new Reader(parts)
    try {
      await reader.refresh()
      return reader
    } catch (cause) {
      await reader.close()
      throw cause
    }
  }

  get #seen(): Sight {
    return this.#sight!
  }

  #requireOpen(): void {
    if (this.#closing !== undefined) throw new CommitError('CLOSED', 'the reader is closed', 'determinate')
  }

  #letGo(paths: readonly string[]): void {
    // All are forgotten at once, and what is held again meanwhile is held anew. That a file that was only read could
    // not be closed is of no use to anybody.
    const { disk } = this.#parts
    const closure = Promise.all([...paths.map(path => this.#cache.drop(path)), disk.letGo(paths)]).catch(
      () => {},
    )
    this.#closures.take(async () => {
      await closure
    })
  }

  readonly #holder: Holder = {
    hold: async id => {
      try {
        await this.#parts.disk.hold(batchPath(id))
      } catch (cause) {
        if (isAbsent(cause)) return false
        throw cause
      }
      this.#pins.pin([id])
      return true
    },
    letGo: ids => this.#pins.unpin(ids),
  }

  /** Refuses what cannot be the store that was seen before, later. */
  #checkFollows({ catalog, state }: Sight): void {
    const before = this.#sight
    if (before === undefined) return
    const file = 'store.json'
    if (catalog.id !== before.catalog.id)
      throw new CorruptionError('STORE_CORRUPT', 'another store is in the place of the one that was opened', {
        file,
        expected: before.catalog.id,
        found: catalog.id,
      })
    if (state.lastLsn < before.state.lastLsn)
      throw new CorruptionError('STORE_CORRUPT', 'the store is older than when it was read before', {
        file,
        lsn: state.lastLsn,
        before: before.state.lastLsn,
      })
  }

  /**
   * Looks at the store again: later snapshots see what became durable since, and `upper` follows. Open ones stay as
   * they are. If it rejects, what was seen before goes on being seen. Costs reading the documents and what the log
   * still has.
   *
   * @throws as openReader does
   */
  async refresh(): Promise<void> {
    await this.#looks.take(async () => {
      this.#requireOpen()
      const { disk, settings, now } = this.#parts
      const start = now()
      const sight = await look(disk, settings, now, this.#holder, found => this.#checkFollows(found))
      const before = this.#sight
      this.#sight = sight
      this.#milliseconds = now() - start
      if (before !== undefined) this.#pins.unpin(before.batches)
    })
  }

  /**
   * Pins the contents as of a time, as a store does: the same however often they are read, whatever the writer
   * commits, flushes or compacts. Close it: until then its files are held.
   *
   * @throws {FrontierError} AS_OF_NOT_BEFORE_UPPER. Whether `since <= asOf` is checked for the shard that is read
   */
  async snapshot(options: SnapshotOptions = {}): Promise<Snapshot> {
    checkOptions(options, ['asOf'])
    this.#requireOpen()
    const { asOf, lsn, views, batches } = viewAsOf(this.#seen.state, options.asOf)
    this.#pins.pin(batches)
    const snapshot: Snapshot = new Snapshot(this.#cache, this.#lookups, views, { asOf, lsn }, () => {
      this.#snapshots.delete(snapshot)
      this.#pins.unpin(batches)
    })
    this.#snapshots.add(snapshot)
    return snapshot
  }

  /** One more than the last time of what was seen. Reads are possible as of each time below it. */
  get upper(): number {
    return this.#seen.state.upper
  }

  /**
   * What was seen last. `lsn` and `durableLsn` are the last commit that is seen, `unproven` says how many the log has
   * behind it; `mode` and `buffer.size` are the reader's own settings, and what only the writer knows is 0 or undefined.
   */
  status(): StoreStatus {
    const { path, settings } = this.#parts
    const { catalog, state, log, counts } = this.#seen
    const shards = shardStatuses(state)
    const damaged = shards.find(({ damage }) => damage !== undefined)
    const reason = damaged ? `${damaged.name}: ${damaged.damage}` : lossReason(catalog.losses)
    const segments = [...log.sealed.map(({ bytes }) => bytes), ...(log.current ? [log.current.size] : [])]
    return {
      path,
      access: 'read',
      state: reason === undefined ? 'serving' : 'degraded',
      reason,
      ...(this.#closing === undefined ? {} : { state: 'closed', reason: undefined }),
      mode: settings.durabilityMode,
      epoch: catalog.epoch,
      upper: state.upper,
      lsn: state.lastLsn,
      durableLsn: state.lastLsn,
      unproven: log.lastLsn - state.lastLsn,
      wal: {
        bytes: segments.reduce((sum, bytes) => sum + bytes, 0),
        segments: segments.length,
        start: catalog.walStart,
        pendingBytes: 0,
        keptBytes: 0,
        syncs: 0,
      },
      buffer: {
        updates: shards.reduce((sum, { buffered }) => sum + buffered, 0),
        size: settings.bufferSize,
      },
      waitingAt: undefined,
      snapshots: this.#snapshots.size,
      shards,
      losses: catalog.losses,
      lastFlush: undefined,
      lastCompaction: undefined,
      recovery: {
        ...counts,
        milliseconds: this.#milliseconds,
        bytesCut: 0,
        quarantined: [],
        shards: shards.length,
        batches: shards.reduce((sum, { batches }) => sum + batches, 0),
      },
    }
  }

  /** Lets all files go; reads that are not at their end are over. Closing twice is fine. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.#looks.settled()
    for (const snapshot of this.#snapshots) await snapshot.close()
    await this.#closures.settled()
    await this.#cache.close()
    await this.#lookups.settled()
    await this.#parts.disk.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
