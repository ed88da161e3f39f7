// Owns what a store says of itself: plain numbers, as of now, cheap to ask for.
import type { DurabilityMode } from '../config/settings.ts'
import type { Shard } from '../shard/shard.ts'
import type { State } from '../shard/state.ts'
import type { Bound } from './maintenance.ts'

/** What opening found and did. */
export interface RecoveryReport {
  /** Commits in the log from `walStart` on. */
  readonly total: number
  /** Commits of which something was in no batch yet. */
  readonly applied: number
  /** Commits that were in batches already. */
  readonly skipped: number
  /** Places in the log with bytes that are no valid line: 1 at most, at its end, unless it was salvaged. */
  readonly corrupted: number
  /** Commits that a salvaged log has no more, as far as they can be counted. */
  readonly lost: number
  readonly milliseconds: number
  /** Bytes cut off the end of the log; a copy is under quarantine/. */
  readonly bytesCut: number
  /** Files put under quarantine/. */
  readonly quarantined: readonly string[]
  readonly shards: number
  readonly batches: number
}

export interface ShardStatus {
  readonly name: string
  readonly since: number
  readonly upper: number
  readonly batches: number
  /** Rows in batches: updates after consolidation, not tuples. */
  readonly rows: number
  /** Bytes of its batches. */
  readonly bytes: number
  /** Updates in its buffers. */
  readonly buffered: number
  /** Code of what is wrong with it. */
  readonly damage?: string
}

const shardStatus = (shard: Shard): ShardStatus => {
  const { name, metadata, bufferedLength, damage } = shard
  return {
    name,
    since: shard.since,
    upper: metadata.upper,
    batches: metadata.batches.length,
    rows: metadata.batches.reduce((sum, { len }) => sum + len, 0),
    bytes: metadata.batches.reduce((sum, { bytes }) => sum + bytes, 0),
    buffered: bufferedLength,
    ...(damage === undefined ? {} : { damage: (damage as { code?: string }).code ?? damage.name }),
  }
}

/** What there is of each shard, by name. */
export const shardStatuses = ({ shards }: State): ShardStatus[] =>
  [...shards.values()].map(shardStatus).sort((a, b) => (a.name < b.name ? -1 : 1))

/** Why a store is degraded of which something is gone; undefined if nothing is. */
export const lossReason = (losses: readonly string[]): string | undefined =>
  losses.length === 0 ? undefined : `something was lost, and nobody has acknowledged it: ${losses.join(', ')}`

export interface StoreStatus {
  /** The folder that holds the store; undefined in memory. */
  readonly path: string | undefined
  /** `read`: what a {@link Reader} saw last. It knows nothing of the process that writes, only of what is on disk. */
  readonly access: 'write' | 'read'
  /**
   * `serving`: all is well. `degraded`: a shard is damaged, the last flush failed, or something was lost and nobody has
   * acknowledged it. `poisoned`: the log failed,
   * reads go on and only reopening helps. `closed`.
   */
  readonly state: 'serving' | 'degraded' | 'poisoned' | 'closed'
  /** Why, where `state` is neither serving nor closed. */
  readonly reason: string | undefined
  readonly mode: DurabilityMode
  readonly epoch: number
  /** The least time a commit may still have. */
  readonly upper: number
  /** The last commit, and the last one that survives a power loss. */
  readonly lsn: number
  readonly durableLsn: number
  /** Commits behind `lsn` that a reader does not see, because nothing proves yet that they survive a power loss. */
  readonly unproven: number
  readonly wal: {
    readonly bytes: number
    readonly segments: number
    /** First LSN that a restart would still replay from. */
    readonly start: number
    /** Bytes acknowledged and not yet written, in mode `async`. */
    readonly pendingBytes: number
    /** Bytes that are kept for damaged shards alone; they do not count against `maxWalSizeBytes`. */
    readonly keptBytes: number
    readonly syncs: number
  }
  readonly buffer: {
    /** Updates in buffers, and how many of a shard start a flush. */
    readonly updates: number
    readonly size: number
  }
  /**
   * The setting whose bound is reached, so that commits wait until it is cleared; `backlog` for what mode `async` has
   * acknowledged and not yet written, at most 16 MiB.
   */
  readonly waitingAt: Bound | 'backlog' | undefined
  readonly snapshots: number
  readonly shards: readonly ShardStatus[]
  /** Reports of what was lost, under the store's folder, until somebody has acknowledged them. */
  readonly losses: readonly string[]
  /** Wall clock in ms of the last flush that wrote something. */
  readonly lastFlush: number | undefined
  readonly lastCompaction: number | undefined
  readonly recovery: RecoveryReport
}
