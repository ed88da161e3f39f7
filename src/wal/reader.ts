// Owns reading the log back: which segments there are, whether they join, and where the last valid line ends.
// Decides nothing that changes the disk; docs/durability.md#recovery says what each finding leads to.

import type { Disk } from '../disk/disk.ts'
import { readWhole } from '../disk/replace.ts'
import { CorruptionError, DiskError, type ErrorDetails } from '../errors.ts'
import { type CommitRun, lastLsnOf, partOf } from './commit-run.ts'
import { LINE_BYTES_MAX, type SegmentHeader } from './record.ts'
import {
  CURRENT,
  headerOf,
  NEXT,
  readSegment,
  type Segment,
  sealedFirstLsn,
  sealedPath,
  WAL_FOLDER,
} from './segment.ts'

/** No segment is larger: it is sealed at 8 MiB or so, and one line may still go on top. */
export const SEGMENT_BYTES_MAX: number = LINE_BYTES_MAX + 1024 * 1024 * 1024

/** What a log must agree with, from `store.json`. */
export interface LogExpectation {
  readonly store: string
  readonly epoch: number
  /** Every LSN from here on must be there. */
  readonly walStart: number
  /** The greatest fence of any shard: the log was durable through it, so it cannot end before. */
  readonly fence: number
  /** Whether the store was never opened successfully: its log may be absent, or written by hand without a header. */
  readonly fresh: boolean
}

/** A segment as a file. */
export interface SegmentFile {
  readonly path: string
  readonly firstLsn: number
  readonly bytes: number
}

/** What the log is, before anything is changed. */
export interface LogScan {
  /** Sealed segments from `walStart` on, oldest first. */
  readonly sealed: readonly SegmentFile[]
  /** Sealed segments wholly below `walStart`: what a crash kept of a prefix that had been given up. */
  readonly stale: readonly SegmentFile[]
  /** The newest segment: {@link CURRENT}, or {@link NEXT} where a crash came between sealing and that. */
  readonly current: Segment | undefined
  readonly lastLsn: number
  readonly generation: number
}

const read = async (disk: Disk, path: string, firstLsn: number | undefined): Promise<Segment> =>
  readSegment(path, await readWhole(disk, path, SEGMENT_BYTES_MAX), firstLsn)

const readIfThere = async (disk: Disk, path: string): Promise<Segment | undefined> => {
  try {
    return await read(disk, path, undefined)
  } catch (cause) {
    if (cause instanceof DiskError && cause.code === 'DISK_MISSING') return undefined
    throw cause
  }
}

/** The segment that is written to, or is just about to be, between two of them. */
const readNewest = async (disk: Disk, fresh: boolean): Promise<Segment | undefined> => {
  const current = await readIfThere(disk, CURRENT)
  // While a store is made the other name is that of a temporary file, and whatever is in it is not needed.
  if (current !== undefined || fresh) return current
  const next = await readIfThere(disk, NEXT)
  return next?.header === undefined ? undefined : next
}

const corrupt = (segment: Segment, why: string, details: ErrorDetails = {}): CorruptionError => {
  const { offset, lsn, reason } = segment.damage!
  return new CorruptionError('WAL_CORRUPT', `${why}: ${reason}`, {
    file: segment.path,
    offset,
    lsn,
    ...details,
  })
}

const requireUndamaged = (segment: Segment, why: string, details?: ErrorDetails): void => {
  if (segment.damage !== undefined) throw corrupt(segment, why, details)
}

/** A segment that must be whole: sealed, or the newest one where the one to write to is missing. */
const requireWhole = (segment: Segment): void => {
  requireUndamaged(segment, 'a sealed segment is damaged')
  if (segment.header === undefined)
    throw new CorruptionError('WAL_CORRUPT', 'a sealed segment has no header', {
      file: segment.path,
      offset: 0,
    })
}

const foreign = (file: string, what: string, details: Record<string, unknown>): CorruptionError =>
  new CorruptionError('WAL_FOREIGN', what, { file, ...details })

const requireStore = (file: string, header: SegmentHeader, store: string): void => {
  if (header.store === store) return
  throw foreign(file, 'the segment belongs to another store', { store: header.store })
}

/** What lies below `walStart` is going to be removed, so it must not be somebody else's. */
const requireOurs = async (disk: Disk, path: string, store: string): Promise<void> => {
  const header = headerOf(await readWhole(disk, path, SEGMENT_BYTES_MAX))
  if (header !== undefined) requireStore(path, header, store)
}

class Scan {
  readonly #expected: LogExpectation
  #generation: number | undefined
  #epoch = 0
  #upper = 0
  #lastLsn: number | undefined

  constructor(expected: LogExpectation) {
    this.#expected = expected
  }

  get generation(): number {
    return this.#generation ?? 0
  }

  get lastLsn(): number {
    return this.#lastLsn ?? this.#expected.walStart - 1
  }

  /** Checks that `segment` belongs to the store and follows the one before. */
  join(segment: Segment): void {
    const { header } = segment
    if (header !== undefined) {
      requireStore(segment.path, header, this.#expected.store)
      if (header.epoch > this.#expected.epoch || header.epoch < this.#epoch)
        throw foreign(segment.path, 'the epoch of the segment does not follow', { epoch: header.epoch })
      if (this.#generation !== undefined && header.generation !== this.#generation + 1)
        throw foreign(segment.path, 'the generation of the segment does not follow', {
          generation: header.generation,
        })
      if (header.upper < this.#upper)
        throw new CorruptionError('WAL_INVALID', 'the upper of the segment lies below times before it', {
          file: segment.path,
          offset: 0,
          lsn: header.firstLsn,
          upper: header.upper,
        })
      this.#generation = header.generation
      this.#epoch = header.epoch
    }
    const firstLsn = header?.firstLsn ?? 1
    if (this.#lastLsn === undefined ? firstLsn > this.#expected.walStart : firstLsn !== this.#lastLsn + 1)
      throw new CorruptionError('WAL_MISSING', 'a segment before this one is missing', {
        file: segment.path,
        lsn: this.#lastLsn === undefined ? this.#expected.walStart : this.#lastLsn + 1,
        firstLsn,
      })
    this.#lastLsn = segment.lastLsn
    this.#upper = segment.upper
  }
}

/** Only the first log of a store may do without one. */
const requireHeader = (segment: Segment): void => {
  if (segment.header !== undefined) return
  if (segment.damage?.offset === 0) throw corrupt(segment, 'the header of the log is damaged')
  if (segment.runs.length === 0)
    throw new CorruptionError('WAL_CORRUPT', 'the header of the log is gone', {
      file: segment.path,
      offset: 0,
    })
  throw foreign(segment.path, "the log has no header, so it is not this store's", {})
}

/** The sealed segments, by name. */
export const listSealed = async (disk: Disk): Promise<SegmentFile[]> => {
  const found: SegmentFile[] = []
  // Before a store was ever made there may be no folder yet.
  if ((await disk.stat(WAL_FOLDER)) === undefined) return found
  for (const { name, kind } of await disk.list(WAL_FOLDER)) {
    const firstLsn = kind === 'file' ? sealedFirstLsn(name) : undefined
    if (firstLsn === undefined) continue
    const path = sealedPath(firstLsn)
    found.push({ path, firstLsn, bytes: (await disk.stat(path))?.size ?? 0 })
  }
  return found
}

/** The decision on the end of the newest segment: returns if it may be cut, throws if that would lose a commit. */
const judgeTail = (segment: Segment, ambiguousTail: 'refuse' | 'cut'): void => {
  const { damage } = segment
  if (damage === undefined) return
  if (damage.provenDurable) throw corrupt(segment, 'an acknowledged commit is damaged')
  if (damage.ambiguous && ambiguousTail === 'refuse')
    throw new CorruptionError(
      'WAL_AMBIGUOUS_TAIL',
      'the last line is complete and damaged: most likely bit rot',
      {
        file: segment.path,
        offset: damage.offset,
        lsn: damage.lsn,
      },
    )
}

/**
 * Reads the log and hands every commit from `walStart` on to `apply`, in LSN order.
 *
 * @throws {CorruptionError} WAL_CORRUPT, WAL_INVALID, WAL_MISSING, WAL_FOREIGN, WAL_AMBIGUOUS_TAIL
 */
export const readLog = async (
  disk: Disk,
  expected: LogExpectation,
  ambiguousTail: 'refuse' | 'cut',
  apply: (run: CommitRun, segment: Segment) => void,
): Promise<LogScan> => {
  // The newest first: if somebody seals it meanwhile it is seen twice, which is refused; the other way round it would
  // be missed, and the log be taken to end before it.
  const current = await readNewest(disk, expected.fresh)
  const files = await listSealed(disk)
  const scan = new Scan(expected)
  const isStale = (index: number): boolean => {
    const next = files[index + 1]?.firstLsn ?? current?.header?.firstLsn
    return next !== undefined && next <= expected.walStart
  }
  const firstKept = files.findIndex((_, index) => !isStale(index))
  const stale = firstKept === -1 ? files : files.slice(0, firstKept)
  const sealed = firstKept === -1 ? [] : files.slice(firstKept)
  const feed = (segment: Segment): void => {
    scan.join(segment)
    for (const run of segment.runs) {
      const last = lastLsnOf(run)
      if (last >= expected.walStart)
        apply(partOf(run, Math.max(run.record.lsn, expected.walStart), last), segment)
    }
  }
  for (const { path } of stale) await requireOurs(disk, path, expected.store)
  for (const file of sealed) {
    const segment = await read(disk, file.path, file.firstLsn)
    requireWhole(segment)
    feed(segment)
  }
  if (current !== undefined) {
    // What a crash leaves of a store that is being made is whole; what somebody wrote by hand has to be.
    if (expected.fresh)
      requireUndamaged(current, 'the log that is to start the store is damaged', {
        advice: 'mend this line, or take it away with all behind it: no store was made of the log yet',
      })
    else requireHeader(current)
    judgeTail(current, ambiguousTail)
    feed(current)
  } else if (!expected.fresh) {
    throw new CorruptionError('WAL_MISSING', 'the newest segment of the log is missing', {
      file: CURRENT,
      lsn: scan.lastLsn + 1,
    })
  }
  if (scan.lastLsn < expected.fence)
    throw new CorruptionError('WAL_MISSING', 'the log ends before what was already flushed from it', {
      file: CURRENT,
      lsn: scan.lastLsn + 1,
      fence: expected.fence,
    })
  return {
    sealed,
    stale,
    current,
    lastLsn: scan.lastLsn,
    generation: scan.generation,
  }
}
