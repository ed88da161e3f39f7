// Owns a store that is open: what was recovered, the writer, the maintenance behind it, and their common end.

import { BatchCache } from '../batch/cache.ts'
import type { Settings } from '../config/settings.ts'
import type { Disk } from '../disk/disk.ts'
import { CommitError } from '../errors.ts'
import type { Columns } from '../model/columns.ts'
import type { Schema } from '../model/schema.ts'
import { checkTime } from '../model/update.ts'
import type { Registry } from '../shard/registry.ts'
import type { Shard } from '../shard/shard.ts'
import type { State } from '../shard/state.ts'
import type { Log } from '../wal/log.ts'
import type { ImportProgress } from '../wal/record.ts'
import { type CommitRequest, type Committed, StaleLookup } from './admission.ts'
import type { CompactionProgress, CompactionReport } from './compactions.ts'
import { Lookups } from './lookups.ts'
import { type FlushReport, Maintenance } from './maintenance.ts'
import { type Known, lookUp, type Wishes, wishesOf } from './membership.ts'
import { Snapshot } from './snapshot.ts'
import {
  lossReason,
  type RecoveryReport,
  type ShardStatus,
  type StoreStatus,
  shardStatuses,
} from './status.ts'
import { viewAsOf } from './view.ts'
import { Writer } from './writer.ts'

/** Everything that opening brought together. */
export interface EngineParts {
  readonly path: string | undefined
  readonly disk: Disk
  readonly registry: Registry
  readonly log: Log
  readonly state: State
  readonly settings: Settings
  readonly recovery: RecoveryReport
  readonly now: () => number
  /** Lets the directory go. */
  readonly release: () => Promise<void>
}

export class Engine {
  readonly #parts: EngineParts
  readonly #maintenance: Maintenance
  readonly #writer: Writer
  readonly #cache: BatchCache
  readonly #lookups: Lookups
  readonly #snapshots = new Set<Snapshot>()
  /** What somebody asked for and is under way: closing waits for it, or it would go on in a directory that is let go. */
  readonly #running = new Set<Promise<unknown>>()
  #closing: Promise<void> | undefined

  constructor(parts: EngineParts) {
    this.#parts = parts
    const { disk, registry, log, state, settings, now } = parts
    this.#cache = new BatchCache(disk)
    this.#lookups = new Lookups(this.#cache)
    this.#maintenance = new Maintenance({ disk, registry, log, state, settings, cache: this.#cache, now })
    this.#writer = new Writer(state, log, settings, {
      room: seal => this.#maintenance.room(seal),
      applied: shards => this.#maintenance.applied(shards),
      now,
    })
    this.#maintenance.serve(this.#writer)
  }

  get upper(): number {
    return this.#parts.state.upper
  }

  get settings(): Settings {
    return this.#parts.settings
  }

  #requireOpen(): void {
    if (this.#closing !== undefined) throw new CommitError('CLOSED', 'the store is closed', 'determinate')
  }

  #run<T>(work: Promise<T>): Promise<T> {
    this.#running.add(work)
    return work.finally(() => this.#running.delete(work))
  }

  /** @throws {CommitError} CLOSED; all else rejects */
  commit(request: CommitRequest): Promise<Committed> {
    this.#requireOpen()
    return this.#writer.submit(request)
  }

  /**
   * Makes facts of one shard present or absent, as `tuples` say by their diffs. Resolves as {@link commit} does; what is
   * logged is decided in the writer loop, against everything that was committed before.
   */
  async change(shard: string, tuples: Columns, time: number | undefined): Promise<Committed> {
    for (;;) {
      this.#requireOpen()
      const found = this.#parts.state.shards.get(shard)
      found?.requireSound()
      const wishes = wishesOf(tuples, found?.schema)
      const known = await this.#run(this.#lookUp(found, wishes))
      try {
        return await this.commit({
          updates: new Map(),
          facts: new Map([[shard, { wishes, known }]]),
          placeOf: (_, row, part) =>
            `tuples[${wishes.positions[row]}]${typeof part === 'number' ? `[${part}]` : ''}`,
          ...(time === undefined ? {} : { time }),
        })
      } catch (cause) {
        // As often as the shard came into being or was dropped meanwhile.
        if (!(cause instanceof StaleLookup)) throw cause
      }
    }
  }

  async #lookUp(shard: Shard | undefined, wishes: Wishes): Promise<Known> {
    const isThere = shard !== undefined && shard.schema.length === wishes.columns.data.length
    // A wrong arity is refused where the schema is certain: in the writer loop.
    if (!isThere) return { sums: new Float64Array(wishes.columns.length), active: shard?.lookupView().active }
    const view = shard.lookupView()
    const ids = view.batches.map(({ id }) => id)
    this.#maintenance.retention.pins.pin(ids)
    try {
      return await lookUp(this.#cache, shard.name, wishes, view, () => this.#requireOpen())
    } finally {
      this.#maintenance.retention.pins.unpin(ids)
    }
  }

  /** Resolves when the commit `lsn` survives a power loss. */
  durableThrough(lsn: number): Promise<void> {
    return this.#writer.durableThrough(lsn, 'B1')
  }

  importProgress(id: string): ImportProgress | undefined {
    return this.#parts.state.importProgress(id)
  }

  /** The columns of a shard as of the last commit, inferred types as of the last flush; undefined if it is not there. */
  schemaOf(shard: string): Schema | undefined {
    return this.#parts.state.shards.get(shard)?.schema
  }

  hasShard(name: string): boolean {
    return this.#parts.state.shards.has(name)
  }

  async sync(): Promise<void> {
    this.#requireOpen()
    await this.#run(this.#sync())
  }

  async #sync(): Promise<void> {
    await this.#writer.settled()
    await this.#writer.durableThrough(this.#parts.state.lastLsn, 'B1')
  }

  async flush(): Promise<FlushReport> {
    this.#requireOpen()
    return this.#run(this.#maintenance.flush())
  }

  async compact(since: number | undefined, progress?: CompactionProgress): Promise<CompactionReport> {
    this.#requireOpen()
    const at = since === undefined ? undefined : checkTime(since, 'options.since')
    return this.#run(this.#maintenance.compact(at, progress))
  }

  snapshot(asOf: number | undefined): Snapshot {
    this.#requireOpen()
    const { state } = this.#parts
    const { asOf: at, lsn, views, batches } = viewAsOf(state, asOf)
    this.#maintenance.retention.pins.pin(batches)
    const snapshot: Snapshot = new Snapshot(this.#cache, this.#lookups, views, { asOf: at, lsn }, () => {
      this.#snapshots.delete(snapshot)
      this.#maintenance.retention.release(snapshot)
      this.#maintenance.retention.pins.unpin(batches)
    })
    this.#snapshots.add(snapshot)
    if (at >= 0) this.#maintenance.retention.hold(snapshot, at)
    return snapshot
  }

  #condition(shards: readonly ShardStatus[]): Pick<StoreStatus, 'state' | 'reason'> {
    if (this.#closing !== undefined) return { state: 'closed', reason: undefined }
    const { poison } = this.#parts.log
    if (poison !== undefined) return { state: 'poisoned', reason: poison.message }
    const damaged = shards.find(({ damage }) => damage !== undefined)
    if (damaged !== undefined) return { state: 'degraded', reason: `${damaged.name}: ${damaged.damage}` }
    const failure = this.#maintenance.failure ?? this.#writer.backgroundFailure
    if (failure !== undefined) return { state: 'degraded', reason: failure.message }
    const reason = lossReason(this.#parts.registry.catalog.losses)
    return { state: reason === undefined ? 'serving' : 'degraded', reason }
  }

  /** Takes note of what was lost: from now on the store is not degraded because of it. Returns the reports. */
  async acknowledge(): Promise<readonly string[]> {
    this.#requireOpen()
    const { registry } = this.#parts
    const { losses } = registry.catalog
    const without = (reports: readonly string[]): string[] => reports.filter(each => !losses.includes(each))
    if (losses.length > 0)
      await this.#run(registry.update(catalog => ({ ...catalog, losses: without(catalog.losses) }), 'B8'))
    return losses
  }

  status(): StoreStatus {
    const { path, log, state, settings, registry, recovery } = this.#parts
    const shards = shardStatuses(state)
    return {
      path,
      access: 'write',
      ...this.#condition(shards),
      mode: settings.durabilityMode,
      epoch: registry.catalog.epoch,
      upper: state.upper,
      lsn: state.lastLsn,
      durableLsn: log.durableLsn,
      unproven: 0,
      wal: {
        bytes: log.bytes,
        segments: log.segments,
        start: state.walStart,
        pendingBytes: this.#writer.pendingBytes,
        keptBytes: this.#maintenance.retention.keptLogBytes,
        syncs: log.syncs,
      },
      buffer: {
        updates: shards.reduce((sum, { buffered }) => sum + buffered, 0),
        size: settings.bufferSize,
      },
      waitingAt: this.#maintenance.waitingAt ?? (this.#writer.isWaiting ? 'backlog' : undefined),
      snapshots: this.#snapshots.size,
      shards,
      losses: registry.catalog.losses,
      lastFlush: this.#maintenance.flushes.last?.at,
      lastCompaction: this.#maintenance.compactions.last?.at,
      recovery,
    }
  }

  /** Flushes, lets the log start afresh and lets the directory go; also when the flush fails, which it then says. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** Settles and flushes what there is. */
  async #finish(): Promise<void> {
    for (const snapshot of this.#snapshots) await snapshot.close()
    await Promise.allSettled(this.#running)
    await this.#writer.settled()
    if (this.#parts.log.poison === undefined) await this.#maintenance.flush()
  }

  async #close(): Promise<void> {
    const { log, release, state } = this.#parts
    this.#maintenance.compactions.stop()
    const [finished] = await Promise.allSettled([this.#finish()])
    try {
      await this.#writer.close()
      await this.#maintenance.settled()
      await this.#cache.close()
      await this.#lookups.settled()
      await log.close()
    } finally {
      await release()
    }
    // Whoever had a commit acknowledged that may be lost has to hear it before the store is gone.
    if (log.poison !== undefined && state.lastLsn > log.durableLsn) throw log.poisoned('indeterminate')
    if (finished.status === 'rejected') throw finished.reason
  }
}
