// Owns what a store says of itself: plain numbers, as of now, cheap to ask for.
import type { DurabilityMode } from '../config/settings.ts'

/** What opening found and did. */
export interface RecoveryReport {
  /** Commits in the log from `walStart` on. */
  readonly total: number
  /** Commits of which something was in no batch yet. */
  readonly applied: number
  /** Commits that were in batches already. */
  readonly skipped: number
  /** 1 if the log ended in bytes that are no valid line. */
  readonly corrupted: number
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

export interface StoreStatus {
  /** The folder that holds the store; undefined in memory. */
  readonly path: string | undefined
  /**
   * `serving`: all is well. `degraded`: a shard is damaged or the last flush failed. `poisoned`: the log failed,
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
  readonly snapshots: number
  readonly shards: readonly ShardStatus[]
  /** Wall clock in ms of the last flush that wrote something. */
  readonly lastFlush: number | undefined
  readonly lastCompaction: number | undefined
  readonly recovery: RecoveryReport
}
