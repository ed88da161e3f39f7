// Owns writing the log: one active segment, sealed ones beside it, removed from the front.
// Invariants: bytes are appended only behind the last whole line; a failed write is cut away before anybody is told
// that it did not happen; after a failed sync or a failed cut nothing is ever appended or called durable again.
// Behind the last line there may be zeros: space that was allocated for the next ones, and means nothing.

import type { Barrier } from '../disk/barrier.ts'
import { BLOCK_BYTES, type BlockingFile, type Disk, type DiskFile } from '../disk/disk.ts'
import { writeNew } from '../disk/replace.ts'
import { CommitError } from '../errors.ts'
import { Turns } from '../turns.ts'
import type { SegmentFile } from './reader.ts'
import { encodeHeader, type SegmentHeader } from './record.ts'
import { CURRENT, NEXT, sealedPath, WAL_FOLDER } from './segment.ts'

/** Where a log goes on. */
export interface LogPosition {
  readonly store: string
  readonly epoch: number
  readonly generation: number
  /** LSN of the next commit. */
  readonly nextLsn: number
  readonly upper: number
}

/** What is written at once of lines that are worth allocating for, and short enough for the thread to wait. */
const SMALL_BYTES = 32 * 1024
/** As many zeros are written behind a small write as were appended since the open, within these bounds: docs/decisions/0013. */
const PADDING_BYTES_MIN = 16 * 1024
const PADDING_BYTES_MAX = 1024 * 1024
/** More zeros than these take longer than the thread should wait. */
const QUICK_PADDING_BYTES = 64 * 1024
const ZEROS = new Uint8Array(PADDING_BYTES_MAX)

export class Log {
  readonly #disk: Disk
  readonly #store: string
  readonly #epoch: number
  #generation: number
  #file: DiskFile
  /** Bytes of whole lines in the active segment. */
  #size: number
  /** Bytes of the file that were written, zeros behind the lines included; it may have more of those. */
  #allocated: number
  /** Bytes of all lines since the open. */
  #appendedBytes = 0
  #firstLsn: number
  #sealed: SegmentFile[]
  #writtenLsn: number
  #durableLsn: number
  /** The upper after the last line: what the next segment starts from. */
  #upper: number
  #syncs = 0
  #poison: Error | undefined
  /** Syncs and seals follow one another; appends come from the one writer loop. */
  readonly #syncing = new Turns()
  /** How many of them are waiting or under way. */
  #turns = 0

  private constructor(
    disk: Disk,
    position: LogPosition,
    file: DiskFile,
    size: number,
    sealed: SegmentFile[],
  ) {
    this.#disk = disk
    this.#store = position.store
    this.#epoch = position.epoch
    this.#generation = position.generation
    this.#file = file
    this.#size = size
    this.#allocated = size
    this.#firstLsn = position.nextLsn
    this.#sealed = sealed
    this.#writtenLsn = position.nextLsn - 1
    this.#durableLsn = position.nextLsn - 1
    this.#upper = position.upper
  }

  /**
   * Goes on in the segment that {@link prepareSegment} made at `position`, behind everything that is in the log, which
   * is durable: `sealed` names the segments that are still needed. There is no active segment, or one without commits,
   * which is replaced.
   */
  static async start(disk: Disk, position: LogPosition, sealed: readonly SegmentFile[]): Promise<Log> {
    const file = await activateSegment(disk)
    return new Log(disk, position, file, await file.size(), [...sealed])
  }

  /** Bytes of all segments. */
  get bytes(): number {
    return this.#sealed.reduce((sum, { bytes }) => sum + bytes, this.#size)
  }

  get segments(): number {
    return this.#sealed.length + 1
  }

  /** Bytes of the segments that hold something from `lsn` on. */
  bytesFrom(lsn: number): number {
    return this.#below(lsn).reduce((sum, { bytes }) => sum - bytes, this.bytes)
  }

  /** Bytes in the active segment. */
  get activeBytes(): number {
    return this.#size
  }

  /** Whether the active segment holds commits. */
  get hasCommits(): boolean {
    return this.#writtenLsn >= this.#firstLsn
  }

  get writtenLsn(): number {
    return this.#writtenLsn
  }

  get durableLsn(): number {
    return this.#durableLsn
  }

  /** How often the log was synced. */
  get syncs(): number {
    return this.#syncs
  }

  /** Why nothing is accepted any more, if so. */
  get poison(): Error | undefined {
    return this.#poison
  }

  /** Lets nothing be appended or called durable any more. */
  poisonWith(cause: unknown): CommitError {
    this.#poison ??= cause instanceof Error ? cause : new Error(String(cause))
    return this.poisoned()
  }

  /**
   * The error of everything that comes after.
   * @param outcome of what is refused: indeterminate if it was written, or acknowledged, before
   */
  poisoned(outcome: 'determinate' | 'indeterminate' = 'determinate'): CommitError {
    const why = 'the log failed and accepts nothing more; reopen the store'
    return new CommitError('POISONED', why, outcome, {}, this.#poison)
  }

  /**
   * Appends whole lines; not durable before {@link sync}.
   *
   * @param lastLsn of the lines. @param upper the store's upper once they are applied
   * @throws {CommitError} LOG_WRITE_FAILED, determinate: the lines are not in the log and never will be.
   * POISONED, and then indeterminate, if what was half written could not be cut away.
   */
  async append(lines: Uint8Array, lastLsn: number, upper: number): Promise<void> {
    if (this.#poison !== undefined) throw this.poisoned()
    try {
      await this.#file.write(this.#size, lines)
    } catch (cause) {
      throw await this.#undo(cause)
    }
    this.#appended(lines, lastLsn, upper)
  }

  /**
   * Appends whole lines and makes them durable (B1). Of few lines the thread itself does it, if the disk is quick: asking
   * another one would take longer. Behind them it leaves zeros for the next ones, so that their sync has no size to
   * make durable. Must not overlap an append.
   *
   * @param segmentBytes the size at which the segment will be sealed: beyond that there are no zeros
   * @returns undefined if the thread did it, and all is done: whoever loops should let others have a turn
   * @throws {CommitError} as {@link append} and {@link sync} do
   */
  appendDurably(
    lines: Uint8Array,
    lastLsn: number,
    upper: number,
    segmentBytes: number,
  ): Promise<void> | undefined {
    const isSmall = lines.length <= SMALL_BYTES
    const isQuick =
      isSmall && this.#paddingBehind(this.#size + lines.length, segmentBytes) <= QUICK_PADDING_BYTES
    // Of two syncs at the same time the system may tell but one that something was lost.
    const blocking = isQuick && this.#turns === 0 ? this.#file.blocking : undefined
    return blocking === undefined
      ? this.#appendThenSync(lines, lastLsn, upper, isSmall ? segmentBytes : undefined)
      : this.#appendNow(blocking, lines, lastLsn, upper, segmentBytes)
  }

  /** @param segmentBytes undefined if no zeros belong behind the lines */
  async #appendThenSync(
    lines: Uint8Array,
    lastLsn: number,
    upper: number,
    segmentBytes: number | undefined,
  ): Promise<void> {
    await this.append(lines, lastLsn, upper)
    if (segmentBytes !== undefined) await this.#pad(this.#file, segmentBytes)
    await this.sync('B1')
  }

  /** All of it happens before anybody else has a turn, but for the cut of a write that failed. */
  #appendNow(
    file: BlockingFile,
    lines: Uint8Array,
    lastLsn: number,
    upper: number,
    segmentBytes: number,
  ): Promise<never> | undefined {
    if (this.#poison !== undefined) throw this.poisoned()
    if (this.#overwriteNow(file, lines)) {
      this.#appended(lines, lastLsn, upper)
      this.#synced(lastLsn)
      return undefined
    }
    try {
      file.write(this.#size, lines)
    } catch (cause) {
      return this.#undo(cause).then(told => {
        throw told
      })
    }
    this.#appended(lines, lastLsn, upper)
    this.#pad(file, segmentBytes)
    try {
      file.sync('B1')
    } catch (cause) {
      throw this.#unsynced(cause)
    }
    this.#synced(lastLsn)
    return undefined
  }

  /** Writes lines into space that is there, and syncs them, with one call. Returns whether it could. */
  #overwriteNow(file: BlockingFile, lines: Uint8Array): boolean {
    if (file.overwrite === undefined || this.#size + lines.length + BLOCK_BYTES > this.#allocated)
      return false
    try {
      return file.overwrite(this.#size, lines, 'B1')
    } catch (cause) {
      throw this.#unsynced(cause)
    }
  }

  #appended(lines: Uint8Array, lastLsn: number, upper: number): void {
    this.#size += lines.length
    this.#appendedBytes += lines.length
    this.#writtenLsn = lastLsn
    this.#upper = upper
  }

  /** How many zeros belong behind lines that end at `end`: none where there is space already. */
  #paddingBehind(end: number, segmentBytes: number): number {
    if (end <= this.#allocated) return 0
    const wanted = Math.min(Math.max(this.#appendedBytes, PADDING_BYTES_MIN), PADDING_BYTES_MAX)
    return Math.max(0, Math.min(wanted, segmentBytes - end))
  }

  /** Writes zeros behind lines for which the file has grown. What cannot be written of them is not missed. */
  #pad(file: DiskFile | BlockingFile, segmentBytes: number): void | Promise<void> {
    if (this.#size <= this.#allocated) return undefined
    const zeros = ZEROS.subarray(0, this.#paddingBehind(this.#size, segmentBytes))
    const end = this.#size + zeros.length
    this.#allocated = this.#size
    if (zeros.length === 0) return undefined
    const done = (): void => {
      this.#allocated = end
    }
    try {
      const written = file.write(this.#size, zeros)
      if (written !== undefined) return written.then(done, () => {})
      done()
    } catch {
      // There may be some of them, and then they are padding.
    }
    return undefined
  }

  /** Cuts away what a write that failed has left. Returns what its commits are told. */
  async #undo(cause: unknown): Promise<CommitError> {
    try {
      // The cut has to be durable before the caller may hear "it did not happen": rules 6.
      await this.#file.truncate(this.#size)
      await this.#file.sync('B18')
    } catch (failure) {
      this.#poison = failure as Error
      return new CommitError(
        'POISONED',
        'the log could neither be written nor cut back; reopen the store',
        'indeterminate',
        { file: CURRENT, offset: this.#size },
        failure,
      )
    }
    this.#allocated = this.#size
    return new CommitError(
      'LOG_WRITE_FAILED',
      'the log could not be written; nothing of the commit is in it',
      'determinate',
      { file: CURRENT, offset: this.#size },
      cause,
    )
  }

  /**
   * Makes everything appended so far durable.
   * @param barrier what rests on it: see {@link BARRIERS}
   * @throws {CommitError} LOG_SYNC_FAILED, indeterminate, and from then on POISONED: a page that failed to reach
   * the disk may be marked clean, so a second sync that succeeds would prove nothing.
   */
  async sync(barrier: Barrier): Promise<void> {
    const through = this.#writtenLsn
    await this.#inTurn(() => this.#syncThrough(through, barrier))
  }

  async #inTurn(work: () => Promise<void>): Promise<void> {
    this.#turns++
    try {
      await this.#syncing.take(work)
    } finally {
      this.#turns--
    }
  }

  async #syncThrough(lsn: number, barrier: Barrier): Promise<void> {
    if (this.#durableLsn >= lsn) return
    if (this.#poison !== undefined) throw this.poisoned('indeterminate')
    const through = this.#writtenLsn
    try {
      await this.#file.sync(barrier)
    } catch (cause) {
      throw this.#unsynced(cause)
    }
    this.#synced(through)
  }

  #unsynced(cause: unknown): CommitError {
    this.#poison = cause as Error
    return new CommitError(
      'LOG_SYNC_FAILED',
      'the log could not be synced; what was not durable may or may not survive',
      'indeterminate',
      { file: CURRENT, durableLsn: this.#durableLsn },
      cause,
    )
  }

  #synced(through: number): void {
    this.#syncs++
    if (through > this.#durableLsn) this.#durableLsn = through
  }

  /**
   * Seals the active segment, if it holds commits, and starts the next (barriers B2, B3, B15). Must not overlap an
   * append. As long as the next one cannot be made, for want of room, the active one stays in use and this rejects;
   * a failure after that poisons: which of the two files is the log would be unknown.
   */
  async seal(): Promise<void> {
    await this.#inTurn(() => this.#cutPadding())
    await this.sync('B15')
    await this.#inTurn(() => this.#seal())
  }

  /** A segment that is not written to any more ends with its last line. */
  async #cutPadding(): Promise<void> {
    if (this.#allocated <= this.#size || this.#poison !== undefined) return
    await this.#file.truncate(this.#size)
    this.#allocated = this.#size
    try {
      await this.#file.sync('B15')
    } catch (cause) {
      throw this.#unsynced(cause)
    }
    this.#synced(this.#writtenLsn)
  }

  async #seal(): Promise<void> {
    if (this.#poison !== undefined) throw this.poisoned()
    // Whoever asked before us may have sealed it already.
    if (!this.hasCommits) return
    const sealed = { path: sealedPath(this.#firstLsn), firstLsn: this.#firstLsn, bytes: this.#size }
    const size = await prepareSegment(this.#disk, {
      store: this.#store,
      epoch: this.#epoch,
      generation: this.#generation + 1,
      nextLsn: this.#writtenLsn + 1,
      upper: this.#upper,
    })
    try {
      await this.#disk.rename(CURRENT, sealed.path)
      await this.#disk.syncDirectory(WAL_FOLDER, 'B15')
      const file = await activateSegment(this.#disk)
      await this.#file.close()
      this.#file = file
    } catch (cause) {
      throw this.poisonWith(cause)
    }
    this.#size = size
    this.#allocated = size
    this.#sealed.push(sealed)
    this.#generation++
    this.#firstLsn = this.#writtenLsn + 1
  }

  /** The sealed segments that hold nothing from `walStart` on. */
  #below(walStart: number): SegmentFile[] {
    return this.#sealed.filter(
      (_, index) => (this.#sealed[index + 1]?.firstLsn ?? this.#firstLsn) <= walStart,
    )
  }

  /** Whether {@link retire} would remove anything. */
  canRetire(walStart: number): boolean {
    return this.#below(walStart).length > 0
  }

  /**
   * Removes the sealed segments wholly below `walStart`, which was made durable before (B14). In any order, and without
   * a sync: what a crash brings back of them is known to be unneeded, and removed by the next open.
   */
  async retire(walStart: number): Promise<void> {
    for (const segment of this.#below(walStart)) {
      await this.#disk.remove(segment.path)
      this.#sealed = this.#sealed.filter(each => each !== segment)
    }
  }

  /** Closes the file, without the zeros behind its lines. Nothing is synced by it. */
  async close(): Promise<void> {
    await this.#syncing.settled()
    try {
      if (this.#allocated > this.#size && this.#poison === undefined) await this.#file.truncate(this.#size)
    } finally {
      await this.#file.close()
    }
  }
}

const headerOf = ({ store, epoch, generation, nextLsn, upper }: LogPosition): SegmentHeader => ({
  store,
  epoch,
  generation,
  firstLsn: nextLsn,
  upper,
})

/**
 * Makes the segment that is to follow the active one, whole and durable under a temporary name: from here on the active
 * one can be sealed, and a log without an active segment is one of which a file is missing. Returns its size.
 */
export const prepareSegment = async (disk: Disk, position: LogPosition): Promise<number> => {
  const header = encodeHeader(headerOf(position))
  await writeNew(disk, NEXT, header, 'B2')
  await disk.syncDirectory(WAL_FOLDER, 'B2')
  return header.length
}

/** Puts the segment that {@link prepareSegment} made in the place of the active one. */
export const activateSegment = async (disk: Disk): Promise<DiskFile> => {
  await disk.rename(NEXT, CURRENT)
  await disk.syncDirectory(WAL_FOLDER, 'B3')
  return disk.open(CURRENT, 'write')
}
