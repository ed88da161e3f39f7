// The public API: everything an application can name, and nothing else.

export type { ArrowTable } from './batch/arrow.ts'
export type { CompactedShard } from './compaction/compact.ts'
export {
  DEFAULTS as DEFAULT_SETTINGS,
  type DurabilityMode,
  type ParquetCompression,
  type ParquetProfile,
  type Settings,
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
export type { Range, Where } from './model/predicate.ts'
export type { ColumnDeclaration, ColumnSchema, ColumnType } from './model/schema.ts'
export type { Update } from './model/update.ts'
export { type Float, float, type Timestamp, timestamp, type Value } from './model/value.ts'
export type { FlushedBuffer } from './shard/flush.ts'
export type { ColumnArray, ColumnArrays } from './store/arrays.ts'
export type { CompactionReport, DamagedShard } from './store/compactions.ts'
export type { FlushReport } from './store/maintenance.ts'
export { type OpenOptions, openStore } from './store/open.ts'
export { openReader, type ReaderOptions } from './store/open-reader.ts'
export type { CommitOptions, FactOptions } from './store/prepare.ts'
export type { ColumnValues, UpdateColumns } from './store/prepare-columns.ts'
export type { ReadOptions } from './store/read-options.ts'
export type { Reader } from './store/reader.ts'
export type { Row } from './store/row.ts'
export type { ChangesOptions, Count, Snapshot } from './store/snapshot.ts'
export type { RecoveryReport, ShardStatus, StoreStatus } from './store/status.ts'
export type { CommitResult, CompactOptions, FactResult, SnapshotOptions, Store } from './store/store.ts'
