// Owns what one segment of a damaged log still says: its header, its commits, where its bytes are no lines.
import type { Disk } from '../disk/disk.ts'
import { readWhole } from '../disk/replace.ts'
import { CorruptionError, type ErrorDetails } from '../errors.ts'
import { type LogExpectation, SEGMENT_BYTES_MAX } from '../wal/reader.ts'
import {
  type CommitRecord,
  decodeHeader,
  decodeRecord,
  durableOf,
  InvalidLine,
  isHeader,
  type SegmentHeader,
} from '../wal/record.ts'
import { type Fragment, fragmentsOf, type Stretch } from './fragments.ts'

/** A commit that could be read, and where. */
export interface FoundCommit {
  readonly record: CommitRecord
  readonly path: string
  readonly offset: number
  readonly end: number
}

const NEWLINE = 10

/** A segment as it was found. */
export interface Remains {
  readonly path: string
  readonly bytes: number
  readonly header: SegmentHeader | undefined
  /** Undefined where neither name nor header says it. */
  readonly firstLsn: number | undefined
  readonly commits: readonly FoundCommit[]
  readonly bad: readonly Stretch[]
  /** The greatest LSN that it says was durable, or that came before it. */
  readonly seenLsn: number
  /** Commits that its last bytes were: see {@link spoiltLinesOf}. */
  readonly spoiltLines: number
}

/** What a line with a valid checksum says cannot be. */
export const invalid = (message: string, details: ErrorDetails, cause?: unknown): CorruptionError =>
  new CorruptionError('WAL_INVALID', message, details, cause)

const foreign = (message: string, details: ErrorDetails): CorruptionError =>
  new CorruptionError('WAL_FOREIGN', message, details)

/** The header of a segment, if it can be read. Without one the segment is taken for ours only if bytes in front are bad. */
const headerOf = (
  path: string,
  first: Fragment | undefined,
  { store, epoch }: LogExpectation,
): SegmentHeader | undefined => {
  if (first?.offset !== 0) return undefined
  if (!isHeader(first.json)) throw foreign("the log has no header, so it is not this store's", { file: path })
  const header = decodeHeader(first.json)
  if (header.store !== store)
    throw foreign('the segment belongs to another store', { file: path, store: header.store })
  if (header.epoch > epoch)
    throw foreign('the epoch of the segment does not follow', { file: path, epoch: header.epoch })
  return header
}

/**
 * How many commits the bytes at the end of a segment were. In the one that was written to, none if they look like a
 * write that was torn (rules 4); a sealed one was whole when it was sealed.
 */
const spoiltLinesOf = (bytes: Uint8Array, last: Stretch | undefined, isSealed: boolean): number => {
  const end = bytes.findLastIndex(byte => byte !== 0) + 1 // behind it there is padding
  if (last === undefined || last.end < end) return 0
  const tail = bytes.subarray(last.offset, end)
  if (!isSealed && (tail.includes(0) || tail.at(-1) !== NEWLINE)) return 0
  const lines = tail.reduce((count, byte) => (byte === NEWLINE ? count + 1 : count), 0)
  const commits = last.offset === 0 ? lines - 1 : lines // the first line of a segment is its header
  return isSealed ? Math.max(1, commits) : commits
}

/** The commits among the lines of a segment; a line without an LSN counts on from the one before, if that can be read. */
const commitsOf = (
  path: string,
  lines: readonly Fragment[],
  firstLsn: number | undefined,
): { commits: FoundCommit[]; unplaced: Stretch[]; durable: number } => {
  const commits: FoundCommit[] = []
  const unplaced: Stretch[] = []
  let durable = 0
  let next = firstLsn
  let end = 0
  for (const { offset, end: behind, json } of lines) {
    if (offset !== end) next = undefined
    end = behind
    if (isHeader(json)) {
      if (offset !== 0) unplaced.push({ offset, end, reason: 'a header inside a segment' })
      continue
    }
    const lsn = typeof json.lsn === 'number' ? json.lsn : next
    if (lsn === undefined) {
      unplaced.push({ offset, end, reason: 'a line without an LSN, behind one that cannot be read' })
      continue
    }
    try {
      const record = decodeRecord(json, lsn)
      const known = durableOf(json) ?? 0
      if (known >= lsn) throw new InvalidLine('"durable" is not below the LSN of the line')
      durable = Math.max(durable, known)
      commits.push({ record, path, offset, end })
      next = lsn + 1
    } catch (cause) {
      if (!(cause instanceof InvalidLine)) throw cause
      throw invalid(cause.message, { file: path, offset, lsn }, cause)
    }
  }
  return { commits, unplaced, durable }
}

/**
 * What is left of the segment at `path`.
 *
 * @param named the first LSN that its name says; undefined for the one that was written to
 * @throws {CorruptionError} WAL_FOREIGN, WAL_INVALID for what no salvage may override
 */
export const remainsOf = async (
  disk: Disk,
  path: string,
  named: number | undefined,
  expected: LogExpectation,
): Promise<Remains> => {
  const bytes = await readWhole(disk, path, SEGMENT_BYTES_MAX)
  const { lines, bad } = fragmentsOf(bytes)
  let header: SegmentHeader | undefined
  try {
    header = headerOf(path, lines[0], expected)
  } catch (cause) {
    if (!(cause instanceof InvalidLine)) throw cause
    throw invalid(cause.message, { file: path, offset: 0 }, cause)
  }
  const { commits, unplaced, durable } = commitsOf(path, lines, header?.firstLsn)
  const misnamed = header !== undefined && named !== undefined && header.firstLsn !== named
  const wrong = misnamed ? [{ offset: 0, end: lines[0]!.end, reason: 'its name is not its first LSN' }] : []
  const firstLsn = header?.firstLsn ?? named
  return {
    path,
    bytes: bytes.length,
    header,
    firstLsn,
    commits,
    bad: [...wrong, ...bad, ...unplaced].sort((a, b) => a.offset - b.offset),
    seenLsn: Math.max(durable, (firstLsn ?? 1) - 1),
    spoiltLines: spoiltLinesOf(bytes, bad.at(-1), named !== undefined),
  }
}
