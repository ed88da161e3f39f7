// The public API: everything an application can name, and nothing else.

export type { CompactedShard } from './compaction/compact.ts'
export type {
  DurabilityMode,
  ParquetCompression,
  ParquetProfile,
  Settings,
} from './config/settings.ts'
export {
  type CommitCode,
  CommitError,
  type CorruptionCode,
  CorruptionError,
  type DiskCode,
  DiskError,
  type ErrorDetails,
  type FrontierCode,
  FrontierError,
  type InputCode,
  InputError,
  LockedError,
  OpenError,
  StoreError,
  UnsupportedError,
} from './errors.ts'
export type { ColumnDeclaration, ColumnType } from './model/schema.ts'
export type { Update } from './model/update.ts'
export { type Float, float, type Timestamp, timestamp, type Value } from './model/value.ts'
export type { FlushedBuffer } from './shard/flush.ts'
export type { CompactionReport, FlushReport } from './store/maintenance.ts'
export { type OpenOptions, openStore } from './store/open.ts'
export type { CommitOptions } from './store/prepare.ts'
export type { Count, Row, Snapshot } from './store/snapshot.ts'
export type { RecoveryReport, ShardStatus, StoreStatus } from './store/status.ts'
export type { CommitResult, CompactOptions, SnapshotOptions, Store } from './store/store.ts'
