// Owns the settings of a store: names, meaning, bounds, defaults. Plain values; components come in code.
import { InputError } from '../errors.ts'

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

export interface Settings {
  /** @default 'immediate' */
  readonly durabilityMode: DurabilityMode
  /** Updates in a shard's buffer that start its flush into a batch. At least 1. @default 10_000 */
  readonly bufferSize: number
  /** Bytes of all buffers together that start a flush of all shards; at twice that commits wait. At least 1. @default 256 MiB */
  readonly maxBufferBytes: number
  /** Bytes of the log at which commits wait for flushes that let it shrink. At least 1. @default 64 MiB */
  readonly maxWalSizeBytes: number
  /** Bytes at which a segment of the log is sealed, or at a quarter of `maxWalSizeBytes`. 1 to 1 GiB. @default 8 MiB */
  readonly walSegmentBytes: number
  /** Most time between two syncs of the log in modes `batched` and `async`, in ms. At least 1. @default 100 */
  readonly syncIntervalMs: number
  /** `compatible` writes plain encodings that the simplest readers understand; larger. @default 'tuned' */
  readonly parquetProfile: ParquetProfile
  /** @default 'snappy' */
  readonly parquetCompression: ParquetCompression
  /** A damaged shard alone refuses reads and writes, or the whole store refuses to open. @default 'isolate' */
  readonly damagedShard: 'isolate' | 'refuse'
  /** What to do with a log whose last line is complete and damaged. @default 'refuse' */
  readonly ambiguousTail: 'refuse' | 'cut'
  /** Most time for reading the store back on open, in ms; running out changes nothing on disk. 0: no limit. @default 0 */
  readonly openTimeoutMs: number
  /** Takes over a LOCK whose holder cannot be proven dead. Never a lock that the kernel still holds. @default false */
  readonly breakLock: boolean
}

const MIB = 1024 * 1024

/** What holds where nothing is said. */
export const DEFAULTS: Settings = {
  durabilityMode: 'immediate',
  bufferSize: 10_000,
  maxBufferBytes: 256 * MIB,
  maxWalSizeBytes: 64 * MIB,
  walSegmentBytes: 8 * MIB,
  syncIntervalMs: 100,
  parquetProfile: 'tuned',
  parquetCompression: 'snappy',
  damagedShard: 'isolate',
  ambiguousTail: 'refuse',
  openTimeoutMs: 0,
  breakLock: false,
}

/** The values of settings that are a choice. */
export const CHOICES = {
  durabilityMode: ['immediate', 'batched', 'async', 'none'],
  parquetProfile: ['tuned', 'compatible'],
  parquetCompression: ['snappy', 'none', 'gzip', 'zstd'],
  damagedShard: ['isolate', 'refuse'],
  ambiguousTail: ['refuse', 'cut'],
} as const

const LEAST: Partial<Record<keyof Settings, number>> = {
  bufferSize: 1,
  maxBufferBytes: 1,
  maxWalSizeBytes: 1,
  walSegmentBytes: 1,
  syncIntervalMs: 1,
  openTimeoutMs: 0,
}

/** A segment is read back whole. */
const MOST: Partial<Record<keyof Settings, number>> = { walSegmentBytes: 1024 * MIB }

const check = (key: keyof Settings, value: unknown): void => {
  const refuse = (wanted: string): never => {
    throw new InputError('SETTING_INVALID', `${key} must be ${wanted}`, {
      setting: key,
      value: String(value),
    })
  }
  const choices: readonly string[] | undefined = CHOICES[key as keyof typeof CHOICES]
  const least = LEAST[key]
  if (choices !== undefined) {
    if (typeof value !== 'string' || !choices.includes(value)) refuse(choices.join(', '))
  } else if (least !== undefined) {
    const most = MOST[key] ?? Number.MAX_SAFE_INTEGER
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least || value > most)
      refuse(`a whole number from ${least} to ${most}`)
  } else if (typeof value !== 'boolean') refuse('true or false')
}

/**
 * All settings, with defaults where `given` says nothing.
 * @throws {InputError} SETTING_INVALID, naming the setting: unknown, of the wrong type or out of bounds
 */
export const settingsFrom = (given: Readonly<Record<string, unknown>>): Settings => {
  const settings: Record<string, unknown> = { ...DEFAULTS }
  for (const [key, value] of Object.entries(given)) {
    if (value === undefined) continue
    if (!Object.hasOwn(DEFAULTS, key))
      throw new InputError('SETTING_INVALID', 'there is no such setting', { setting: key })
    check(key as keyof Settings, value)
    settings[key] = value
  }
  return settings as unknown as Settings
}
