// Owns one file of the log: its names, its header, and what its bytes say.
// Invariant: everything before `end` is whole lines with valid checksums and LSNs that follow one another.
import { TEMPORARY } from '../disk/replace.ts'
import { CorruptionError } from '../errors.ts'
import { type CommitRun, Runs } from './commit-run.ts'
import { LineParser } from './line-parser.ts'
import {
  type CommitRecord,
  checkKeys,
  decodeHeader,
  decodeLine,
  decodeRecord,
  durableOf,
  InvalidLine,
  isHeader,
  type LineJson,
  PREFIX_BYTES,
  type SegmentHeader,
  UnreadableLine,
} from './record.ts'

export const WAL_FOLDER = 'wal'
/** The segment that is written to. */
export const CURRENT: string = `${WAL_FOLDER}/current.wal`
/** The segment that is going to be {@link CURRENT}: it is whole and durable before the one before it is sealed. */
export const NEXT: string = CURRENT + TEMPORARY

const SEALED = /^([0-9]{20})\.wal$/

/** The path of a sealed segment: named by its first LSN, so that names sort as the log does. */
export const sealedPath = (firstLsn: number): string =>
  `${WAL_FOLDER}/${String(firstLsn).padStart(20, '0')}.wal`

/** The first LSN that a sealed segment's name says, or undefined if it is no such name. */
export const sealedFirstLsn = (name: string): number | undefined => {
  const digits = SEALED.exec(name)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

/** What follows the valid lines of a segment that does not end cleanly. */
interface Damage {
  /** Offset of the first byte that is not part of a valid line. */
  readonly offset: number
  /** The LSN that should stand there. */
  readonly lsn: number
  readonly reason: string
  /** A valid line further on was written when `lsn` was already durable. */
  readonly provenDurable: boolean
  /**
   * Nothing but one complete line with a bad checksum and no zero byte in it, and perhaps padding: torn writes do not
   * look like that, because where a part of one is missing there are zeros, or the end of the file.
   */
  readonly ambiguous: boolean
}

/** What the bytes of a segment say. */
export interface Segment {
  readonly path: string
  /** Absent where the log has none: the first segment of a store, written by hand. */
  readonly header: SegmentHeader | undefined
  readonly runs: readonly CommitRun[]
  /** Where the line of each commit starts. */
  readonly offsets: readonly number[]
  /** LSN of the last record, or the one before the segment's first. */
  readonly lastLsn: number
  /** The last LSN that its header or one of its lines says was durable when it was written; 0 if none does. */
  readonly durableLsn: number
  /** The upper after the last record. */
  readonly upper: number
  /** Bytes of valid lines. */
  readonly end: number
  readonly size: number
  readonly damage: Damage | undefined
}

const NEWLINE = 10

const lineEnd = (bytes: Uint8Array, from: number): number => bytes.indexOf(NEWLINE, from)

const tryLine = (bytes: Uint8Array, from: number, to: number): LineJson | undefined => {
  try {
    return decodeLine(bytes.subarray(from, to))
  } catch {
    return undefined
  }
}

/** The valid lines from `offset` on, wherever they start behind a newline or zero bytes. */
function* linesBehind(bytes: Uint8Array, offset: number): Generator<LineJson> {
  for (let from = offset; from < bytes.length; ) {
    const newline = lineEnd(bytes, from)
    if (newline === -1) return
    const zeros = bytes.subarray(from, newline).lastIndexOf(0)
    const line = tryLine(bytes, from + zeros + 1, newline)
    if (line !== undefined) yield line
    from = newline + 1
  }
}

/** Whether nothing but zeros follows: the padding of a preallocated segment. */
const isPadding = (bytes: Uint8Array, offset: number): boolean => {
  for (let at = offset; at < bytes.length; at++) if (bytes[at] !== 0) return false
  return true
}

const examine = (bytes: Uint8Array, offset: number, lsn: number, reason: string): Damage => {
  const newline = lineEnd(bytes, offset)
  let provenDurable = false
  for (const line of linesBehind(bytes, offset)) {
    const durable = typeof line.durable === 'number' ? line.durable : -1
    if (durable >= lsn) provenDurable = true
  }
  const zero = bytes.indexOf(0, offset)
  const ambiguous = newline !== -1 && (zero === -1 || zero > newline) && isPadding(bytes, newline + 1)
  return { offset, lsn, reason, provenDurable, ambiguous }
}

/** The header of a segment, if its first line is one. Says nothing of what follows. */
export const headerOf = (bytes: Uint8Array): SegmentHeader | undefined => {
  const json = tryLine(bytes, 0, Math.max(0, lineEnd(bytes, 0)))
  try {
    return json !== undefined && isHeader(json) ? decodeHeader(json) : undefined
  } catch {
    return undefined
  }
}

/** The upper after `record`, none of whose times may lie below the one before. */
const advanceUpper = (record: CommitRecord, upper: number): number => {
  let next = upper
  for (const { time, length } of record.updates.values()) {
    for (let row = 0; row < length; row++) {
      const at = time[row]!
      if (at < upper) throw new InvalidLine(`time ${at} is below the upper of the log, ${upper}`)
      if (at >= next) next = at + 1
    }
  }
  return next
}

/**
 * Reads a segment.
 *
 * @param firstLsn the LSN that the segment has to start with, if it is known
 * @throws {CorruptionError} WAL_INVALID for a line whose checksum holds and whose content cannot be: that is not
 * damage but something that Varve did not write, or not in this order
 */
export const readSegment = (path: string, bytes: Uint8Array, firstLsn: number | undefined): Segment => {
  const invalid = (offset: number, lsn: number, cause: Error): CorruptionError =>
    new CorruptionError('WAL_INVALID', cause.message, { file: path, offset, lsn }, cause)
  const runs = new Runs()
  const parser = new LineParser(bytes)
  const offsets: number[] = []
  let header: SegmentHeader | undefined
  let lsn = firstLsn ?? 1
  let durableLsn = 0
  let upper = 0
  let offset = 0
  let damage: Damage | undefined
  while (offset < bytes.length && !isPadding(bytes, offset)) {
    const newline = lineEnd(bytes, offset)
    const isCommon =
      header !== undefined && newline !== -1 && parser.isWhole(offset, newline)
        ? runs.take(parser, offset + PREFIX_BYTES, newline, lsn, upper)
        : false
    if (isCommon) {
      upper = parser.upper
      durableLsn = Math.max(durableLsn, parser.durable)
      offsets.push(offset)
      lsn++
      offset = newline + 1
      continue
    }
    try {
      if (newline === -1) throw new UnreadableLine('the line has no end')
      const line = bytes.subarray(offset, newline)
      const json = decodeLine(line)
      if (isHeader(json)) {
        if (offset !== 0) throw new InvalidLine('a header inside a segment')
        header = decodeHeader(json)
        if (firstLsn !== undefined && header.firstLsn !== firstLsn)
          throw new InvalidLine(
            `the header says first LSN ${header.firstLsn}, the place of the segment ${firstLsn}`,
          )
        lsn = header.firstLsn
        // What came before was sealed, and synced for it.
        durableLsn = Math.max(0, lsn - 1)
        upper = header.upper
      } else {
        // Somebody wrote it by hand.
        if (header === undefined) checkKeys(line)
        const durable = durableOf(json) ?? 0
        if (durable >= lsn) throw new InvalidLine('"durable" is not below the LSN of the line')
        const record = decodeRecord(json, lsn)
        upper = advanceUpper(record, upper)
        runs.add(record)
        offsets.push(offset)
        durableLsn = Math.max(durableLsn, durable)
        lsn++
      }
    } catch (cause) {
      if (cause instanceof InvalidLine) throw invalid(offset, lsn, cause)
      if (!(cause instanceof UnreadableLine)) throw cause
      damage = examine(bytes, offset, lsn, cause.message)
      break
    }
    offset = newline + 1
  }
  const lastLsn = lsn - 1
  return {
    path,
    header,
    runs: runs.finish(),
    offsets,
    lastLsn,
    durableLsn,
    upper,
    end: offset,
    size: bytes.length,
    damage,
  }
}
