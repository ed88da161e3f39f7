// Owns the one table of everything that can be configured: names, meaning, bounds, defaults. From it come the reading
// of files, environment and flags, the help, `varve config`, and the checks of what code asks for. Plain values;
// components come in code.
import { InputError } from '../errors.ts'
import { isValid, type Key, shown, wantedBy } from './key.ts'
import { didYouMean, nearestTo } from './suggest.ts'

/**
 * When a commit is acknowledged, and so what a crash can take (docs/durability.md#modes).
 *
 * - `immediate`: when its line is synced. Nothing acknowledged is ever lost.
 * - `batched`: when its line is handed to the operating system. A power loss can take the last `syncIntervalMs`.
 * - `async`: when it is queued in memory. A process kill can take the queue, a power loss the last interval as well.
 * - `none`: as `async`, and nothing is ever synced. A power loss can take anything.
 *
 * In every mode what survives is a prefix of the commit order, whole commits.
 */
export type DurabilityMode = 'immediate' | 'batched' | 'async' | 'none'

/** How batches are written. */
export type ParquetProfile = 'tuned' | 'compatible'
export type ParquetCompression = 'snappy' | 'none' | 'gzip' | 'zstd'

/** How a store works. Each has a key of the same meaning in `config.toml`, but for `breakLock`. */
export interface Settings {
  /** @default 'immediate' */
  readonly durabilityMode: DurabilityMode
  /**
   * Updates in a shard's buffer that start its flush into a batch; behind one that is being flushed, commits wait at eight
   * times as many. At least 1. @default 10_000
   */
  readonly bufferSize: number
  /** Bytes of all buffers together that start a flush of all shards; at twice that commits wait. At least 1. @default 256 MiB */
  readonly maxBufferBytes: number
  /** Bytes of the log at which commits wait for flushes that let it shrink. At least 1. @default 64 MiB */
  readonly maxWalSizeBytes: number
  /** Bytes at which a segment of the log is sealed, or at a quarter of `maxWalSizeBytes`. 1 to 1 GiB. @default 8 MiB */
  readonly walSegmentBytes: number
  /** Most time between two syncs of the log in modes `batched` and `async`, in ms. 1 to 2^31 - 1. @default 100 */
  readonly syncIntervalMs: number
  /**
   * Batches of a shard beyond which it is compacted by itself, as soon as a flush adds one and at each check. 0: never.
   * @default 10
   */
  readonly autoCompactThreshold: number
  /** Seconds between two checks whether a shard has too many batches. 0: no checks but after a flush. @default 300 */
  readonly autoCompactIntervalSecs: number
  /**
   * How many times before the latest a compaction that starts by itself keeps readable: it raises `since` to
   * `upper - 1 - compactionWindow`. `all` keeps everything. @default 'all'
   */
  readonly compactionWindow: number | 'all'
  /** `compatible` writes plain encodings that the simplest readers understand; larger. @default 'tuned' */
  readonly parquetProfile: ParquetProfile
  /** @default 'snappy' */
  readonly parquetCompression: ParquetCompression
  /** A damaged shard alone refuses reads and writes, or the whole store refuses to open. @default 'isolate' */
  readonly damagedShard: 'isolate' | 'refuse'
  /**
   * What to do with a log that is damaged: refuse to open, or give up what cannot be read of it, keep a copy in
   * `quarantine/`, say what is lost, and serve the rest (docs/durability.md#salvage). @default 'strict'
   */
  readonly recovery: 'strict' | 'salvage'
  /** What to do with a log whose last line is complete and damaged. @default 'refuse' */
  readonly ambiguousTail: 'refuse' | 'cut'
  /** Most time for reading the store back on open, in ms; running out changes nothing on disk. 0: no limit. @default 0 */
  readonly openTimeoutMs: number
  /** Takes over a LOCK whose holder cannot be proven dead. Never a lock that the kernel still holds. @default false */
  readonly breakLock: boolean
}

/** Everything that can be configured: the settings, where the store is, and keys that are known and without effect. */
export interface Configuration extends Settings {
  readonly dataDir: string
  readonly enabled: boolean
  readonly batchSize: number
  readonly asyncIo: boolean
  readonly initialCapacity: number
}

const MIB = 1024 * 1024
const ANY = Number.MAX_SAFE_INTEGER
/** A timer cannot wait longer, in ms. */
const TIMER_MS_MAX = 2 ** 31 - 1

/** Every key, in the order of `config.toml.example`. */
export const KEYS: { readonly [Name in keyof Configuration]: Key<Configuration[Name]> } = {
  dataDir: {
    path: 'storage.data_dir',
    kind: { type: 'path' },
    fallback: './data',
    summary: 'directory of the store',
    effect: 'place',
  },
  enabled: {
    path: 'storage.persist.enabled',
    kind: { type: 'boolean' },
    fallback: true,
    summary: 'whether the store is on disk; if not it lives in memory',
    effect: 'place',
  },
  durabilityMode: {
    path: 'storage.persist.durability_mode',
    kind: {
      type: 'choice',
      choices: ['immediate', 'batched', 'async', 'none'],
      aliases: {
        every_write: 'immediate',
        per_commit: 'immediate',
        strict: 'immediate',
        batch: 'batched',
        periodic: 'batched',
        group: 'batched',
        never: 'none',
      },
    },
    fallback: 'immediate',
    summary: 'when a commit is acknowledged',
    effect: 'store',
  },
  syncIntervalMs: {
    path: 'storage.persist.sync_interval_ms',
    kind: { type: 'number', unit: 'ms', least: 1, most: TIMER_MS_MAX },
    fallback: 100,
    summary: 'most ms between syncs in modes batched and async',
    effect: 'store',
  },
  bufferSize: {
    path: 'storage.persist.buffer_size',
    kind: { type: 'number', unit: 'updates', least: 1, most: ANY },
    fallback: 10_000,
    summary: 'updates of a shard that start its flush',
    effect: 'store',
  },
  maxBufferBytes: {
    path: 'storage.persist.max_buffer_bytes',
    kind: { type: 'number', unit: 'bytes', least: 1, most: ANY },
    fallback: 256 * MIB,
    summary: 'bytes of all buffers that start a flush',
    effect: 'store',
  },
  maxWalSizeBytes: {
    path: 'storage.persist.max_wal_size_bytes',
    kind: { type: 'number', unit: 'bytes', least: 1, most: ANY },
    fallback: 64 * MIB,
    summary: 'bytes of the log at which commits wait for flushes',
    effect: 'store',
  },
  walSegmentBytes: {
    path: 'storage.persist.wal_segment_bytes',
    // A segment is read back whole.
    kind: { type: 'number', unit: 'bytes', least: 1, most: 1024 * MIB },
    fallback: 8 * MIB,
    summary: 'bytes at which a segment of the log is sealed',
    effect: 'store',
  },
  autoCompactThreshold: {
    path: 'storage.persist.auto_compact_threshold',
    kind: { type: 'number', unit: 'batches', least: 0, most: ANY },
    fallback: 10,
    summary: 'batches of a shard beyond which it is compacted, 0 for never',
    effect: 'store',
  },
  autoCompactIntervalSecs: {
    path: 'storage.persist.auto_compact_interval_secs',
    kind: { type: 'number', unit: 'secs', least: 0, most: Math.floor(TIMER_MS_MAX / 1000) },
    fallback: 300,
    summary: 'seconds between checks for shards to compact, 0 for none',
    effect: 'store',
  },
  compactionWindow: {
    path: 'storage.persist.compaction_window',
    kind: { type: 'number', unit: 'times', least: 0, most: ANY, word: 'all' },
    fallback: 'all',
    summary: 'times before the latest that such a compaction keeps readable',
    effect: 'store',
  },
  parquetProfile: {
    path: 'storage.persist.parquet_profile',
    kind: { type: 'choice', choices: ['tuned', 'compatible'] },
    fallback: 'tuned',
    summary: 'how batches are encoded',
    effect: 'store',
  },
  parquetCompression: {
    path: 'storage.persist.parquet_compression',
    kind: { type: 'choice', choices: ['snappy', 'none', 'gzip', 'zstd'] },
    fallback: 'snappy',
    summary: 'how batches are compressed',
    effect: 'store',
  },
  damagedShard: {
    path: 'storage.persist.damaged_shard',
    kind: { type: 'choice', choices: ['isolate', 'refuse'] },
    fallback: 'isolate',
    summary: 'whether a damaged shard keeps the store from opening',
    effect: 'store',
  },
  recovery: {
    path: 'storage.persist.recovery',
    kind: { type: 'choice', choices: ['strict', 'salvage'] },
    fallback: 'strict',
    summary: 'what to do with a damaged log: refuse, or give up what is lost',
    effect: 'store',
  },
  ambiguousTail: {
    path: 'storage.persist.ambiguous_tail',
    kind: { type: 'choice', choices: ['refuse', 'cut'] },
    fallback: 'refuse',
    summary: 'what to do with a log whose last line is complete and damaged',
    effect: 'store',
  },
  openTimeoutMs: {
    path: 'storage.persist.open_timeout_ms',
    kind: { type: 'number', unit: 'ms', least: 0, most: ANY },
    fallback: 0,
    summary: 'most ms for reading the store back, 0 for no limit',
    effect: 'store',
  },
  // Dangerous if it stays where somebody forgets it, so no file and no environment can say it.
  breakLock: {
    kind: { type: 'boolean' },
    fallback: false,
    summary: 'take over a LOCK whose holder cannot be proven dead',
    effect: 'store',
  },
  batchSize: {
    path: 'storage.performance.batch_size',
    kind: { type: 'number', unit: 'rows', least: 1, most: ANY },
    fallback: 1000,
    summary: 'no effect: what is queued together is committed together',
    effect: 'none',
  },
  asyncIo: {
    path: 'storage.performance.async_io',
    kind: { type: 'boolean' },
    fallback: true,
    summary: 'no effect: input and output are always asynchronous',
    effect: 'none',
  },
  initialCapacity: {
    path: 'storage.performance.initial_capacity',
    kind: { type: 'number', unit: 'rows', least: 0, most: ANY },
    fallback: 1000,
    summary: 'no effect: buffers grow as they need',
    effect: 'none',
  },
}

/** The names of the table, in its order. */
export const NAMES: readonly (keyof Configuration)[] = Object.keys(KEYS) as (keyof Configuration)[]

const SETTING_NAMES = NAMES.filter(name => KEYS[name].effect === 'store')
const OPTION_NAMES = NAMES.filter(name => KEYS[name].effect !== 'none')

/** What code can say of a store: where it is, and its settings. */
export type Options = Settings & Pick<Configuration, 'dataDir' | 'enabled'>

/** Everything of `names`: as given, else the default. */
const filled = (
  names: readonly (keyof Configuration)[],
  given: Readonly<Record<string, unknown>>,
): unknown => {
  const values: Record<string, unknown> = Object.fromEntries(names.map(name => [name, KEYS[name].fallback]))
  for (const [setting, value] of Object.entries(given)) {
    if (value === undefined) continue
    const name = names.find(each => each === setting)
    if (name === undefined)
      throw new InputError(
        'SETTING_INVALID',
        `there is no such setting${didYouMean(nearestTo(setting, names))}`,
        {
          setting,
        },
      )
    const { kind } = KEYS[name]
    if (!isValid(kind, value))
      throw new InputError('SETTING_INVALID', `${name} must be ${wantedBy(kind)}`, {
        setting,
        value: shown(value),
      })
    values[name] = value
  }
  return values
}

/**
 * All settings, with defaults where `given` says nothing.
 * @throws {InputError} SETTING_INVALID, naming the setting: unknown, of the wrong type or out of bounds
 */
export const settingsFrom = (given: Readonly<Record<string, unknown>>): Settings =>
  filled(SETTING_NAMES, given) as Settings

/**
 * All options, with defaults where `given` says nothing.
 * @throws {InputError} SETTING_INVALID, as {@link settingsFrom}
 */
export const optionsFrom = (given: Readonly<Record<string, unknown>>): Options =>
  filled(OPTION_NAMES, given) as Options

/** What holds where nothing is said. */
export const DEFAULTS: Settings = settingsFrom({})
