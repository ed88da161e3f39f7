// Owns checking a store without changing it: every checksum, footer, document, order and range on disk.

import { BatchReader } from '../batch/reader.ts'
import { verifyBatch } from '../batch/verify.ts'
import type { Settings } from '../config/settings.ts'
import type { Disk } from '../disk/disk.ts'
import { CorruptionError, type ErrorDetails, StoreError } from '../errors.ts'
import { type Catalog, readCatalog } from '../shard/catalog.ts'
import { batchPath, readMetadata, type ShardMetadata } from '../shard/metadata.ts'
import { recover } from './recover.ts'
import { readingBatch } from './survey.ts'

/** Something that is not as it was written. */
interface Problem {
  readonly code: string
  readonly message: string
  readonly details: ErrorDetails
}

/** What {@link verify} looked at and found. */
export interface VerifyReport {
  readonly problems: readonly Problem[]
  /** What opening puts right by itself, and is no damage: the end that a power failure tears off a log. */
  readonly notes: readonly string[]
  readonly shards: number
  readonly batches: number
  readonly rows: number
  readonly bytes: number
  /** Commits in the log. */
  readonly commits: number
}

/** Told how many rows were read, and how many there are in all batches. */
type VerifyProgress = (doneRows: number, totalRows: number) => void

/** Whether two checks found the same: one and the same file is damaged in one way. */
const isSame = (one: Problem, other: Problem): boolean =>
  one.code === other.code &&
  (one.details.file === undefined ? one.message === other.message : one.details.file === other.details.file)

class Verification {
  readonly problems: Problem[] = []
  readonly notes: string[] = []
  readonly #progress: VerifyProgress
  readonly #sound: ShardMetadata[] = []
  #done = 0
  #total = 0
  shards = 0
  batches = 0
  rows = 0
  bytes = 0
  commits = 0

  constructor(progress: VerifyProgress) {
    this.#progress = progress
  }

  /** Runs one check; what it finds is noted, once, and the others go on. */
  async check<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work()
    } catch (cause) {
      if (!(cause instanceof StoreError)) throw cause
      const problem = { code: cause.code, message: cause.message, details: cause.details }
      if (!this.problems.some(found => isSame(found, problem))) this.problems.push(problem)
      return undefined
    }
  }

  async #batch(disk: Disk, shard: ShardMetadata, index: number): Promise<void> {
    const entry = shard.batches[index]!
    const file = batchPath(entry.id)
    await this.check(async () => {
      await readingBatch(file, async () => {
        const reader = await BatchReader.open(disk, file, entry, shard.name)
        try {
          await verifyBatch(reader, rows => {
            this.#done += rows
            this.#progress(this.#done, this.#total)
          })
        } finally {
          await reader.close()
        }
      })
      this.batches++
      this.rows += entry.len
      this.bytes += entry.bytes
    })
  }

  async metadata(disk: Disk, catalog: Catalog, name: string): Promise<void> {
    const metadata = await this.check(() => readMetadata(disk, name, catalog.id))
    if (metadata === undefined) return
    if (!metadata.dropped) this.shards++
    this.#sound.push(metadata)
    this.#total += metadata.batches.reduce((sum, { len }) => sum + len, 0)
  }

  /** Checks the batches of every shard whose metadata is sound. */
  async contents(disk: Disk): Promise<void> {
    for (const shard of this.#sound)
      for (let index = 0; index < shard.batches.length; index++) await this.#batch(disk, shard, index)
  }
}

/**
 * Checks the store on `disk`, which nobody should be writing meanwhile. Reads every byte of it and writes none.
 * What opening would refuse is found here as well; so is damage inside batches, which opening does not look into.
 */
export const verify = async (
  disk: Disk,
  settings: Settings,
  now: () => number,
  progress: VerifyProgress = () => {},
): Promise<VerifyReport> => {
  const verification = new Verification(progress)
  const catalog = await verification.check(() => readCatalog(disk))
  for (const { name } of catalog?.shards ?? []) await verification.metadata(disk, catalog!, name)
  await verification.contents(disk)
  await verification.check(async () => {
    const {
      state,
      counts,
      log,
      catalog: found,
    } = await recover(disk, { ...settings, damagedShard: 'isolate', recovery: 'strict' }, now)
    verification.commits = counts.total
    if (found === undefined)
      throw new CorruptionError('STORE_CORRUPT', 'there is no store here', {
        file: 'store.json',
        advice: 'name the folder of a store',
      })
    for (const { damage } of state.shards.values())
      if (damage !== undefined) await verification.check(() => Promise.reject(damage))
    if (log.current?.damage === undefined) return
    const { path, damage } = log.current
    verification.notes.push(
      `${path} ends in a write that was torn at ${damage.offset}, which opening cuts off: ${damage.reason}`,
    )
  })
  const { problems, notes, shards, batches, rows, bytes, commits } = verification
  return { problems, notes, shards, batches, rows, bytes, commits }
}
