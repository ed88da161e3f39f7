// Owns reading a log that strict recovery refuses: what is left of it, and exactly what is not. Changes nothing on disk.
// Every line of ours carries its LSN, so lines behind a damaged one keep their place; what no line carries is lost.
// It never guesses: files of another store, content that no Varve wrote, and two commits in one place stay refused.
import type { Disk } from '../disk/disk.ts'
import { timeRange } from '../shard/state.ts'
import { type LogExpectation, listSealed } from '../wal/reader.ts'
import { type CommitRecord, encodeRecord } from '../wal/record.ts'
import { CURRENT } from '../wal/segment.ts'
import type { Stretch } from './fragments.ts'
import { type FoundCommit, invalid, type Remains, remainsOf } from './remains.ts'

/** Commits that are in the log no more. */
export interface LostCommits {
  /** The first and the last; where only `openEnded` is known, the last is one less than the first. */
  readonly lsnLower: number
  readonly lsnUpper: number
  /** The log ends in them: there may have been more. */
  readonly openEnded: boolean
  /** Their times lie in `[lower, upper)`; without `upper` nothing behind them says an end. */
  readonly lower: number
  readonly upper?: number
}

/** A segment, and what is wrong with it. */
export interface SalvagedSegment {
  readonly path: string
  readonly firstLsn: number
  readonly bytes: number
  /** Bytes that are no lines, or lines that are not to be had; none in a segment that lies below `walStart`. */
  readonly bad: readonly Stretch[]
}

/** A log, as far as it can be read. */
export interface SalvagedLog {
  /** From `walStart` on, in LSN order. */
  readonly commits: readonly FoundCommit[]
  /** Below `walStart`, in LSN order: not to be replayed, because batches have them, unless such a batch is damaged. */
  readonly earlier: readonly FoundCommit[]
  /** Every segment that is there, oldest first. */
  readonly segments: readonly SalvagedSegment[]
  readonly lost: readonly LostCommits[]
  /** No LSN up to here is to be used again. */
  readonly lastLsn: number
  /** The greatest generation of a segment. */
  readonly generation: number
  /** At least one more than every time that the log says, also in headers, or that store.json knows of. */
  readonly upper: number
}

const isSame = (one: CommitRecord, other: CommitRecord): boolean =>
  Buffer.from(encodeRecord(one, undefined)).equals(encodeRecord(other, undefined))

/** The commits of all segments in LSN order, each once: a copy of a line is no second commit. */
const inOrder = (found: readonly FoundCommit[], walStart: number): FoundCommit[] => {
  const byLsn = new Map<number, FoundCommit>()
  for (const commit of found) {
    const { lsn } = commit.record
    if (lsn < walStart) continue
    const other = byLsn.get(lsn)
    if (other === undefined) byLsn.set(lsn, commit)
    else if (!isSame(other.record, commit.record))
      throw invalid('two different commits have this LSN', {
        file: commit.path,
        offset: commit.offset,
        lsn,
        other: other.path,
      })
  }
  return [...byLsn.values()].sort((a, b) => a.record.lsn - b.record.lsn)
}

/** The commits below `walStart` that are still there, in LSN order; of two that contradict each other neither. */
const earlierThan = (walStart: number, found: readonly FoundCommit[]): FoundCommit[] => {
  const byLsn = new Map<number, FoundCommit>()
  const doubtful = new Set<number>()
  for (const commit of found) {
    const { lsn } = commit.record
    if (lsn >= walStart) continue
    const other = byLsn.get(lsn)
    if (other === undefined) byLsn.set(lsn, commit)
    else if (!isSame(other.record, commit.record)) doubtful.add(lsn)
  }
  return [...byLsn.values()]
    .filter(({ record }) => !doubtful.has(record.lsn))
    .sort((a, b) => a.record.lsn - b.record.lsn)
}

/** What a commit or a header at `lsn` says of times: those of commits before lie below `ends`, those behind not below `starts`. */
interface Mark {
  readonly lsn: number
  readonly ends: number
  readonly starts: number
}

/** What commits and headers say of times, in LSN order: times must go up with LSNs. */
const marksOf = (commits: readonly FoundCommit[], segments: readonly Remains[]): Mark[] => {
  const placed: (Mark & { path: string; offset: number })[] = []
  for (const { path, header } of segments) {
    if (header === undefined) continue
    placed.push({ lsn: header.firstLsn, ends: header.upper, starts: header.upper, path, offset: 0 })
  }
  for (const { record, path, offset } of commits) {
    const times = timeRange(record.updates)
    if (times === undefined) continue
    placed.push({ lsn: record.lsn, ends: times.first, starts: times.last + 1, path, offset })
  }
  // Stable: a header comes before the commit that it announces.
  placed.sort((a, b) => a.lsn - b.lsn)
  let least = 0
  for (const { lsn, ends, starts, path, offset } of placed) {
    if (ends < least)
      throw invalid(`time ${ends} is below the upper of the log, ${least}`, { file: path, offset, lsn })
    least = starts
  }
  return [{ lsn: 0, ends: 0, starts: 0 }, ...placed]
}

interface Gap {
  readonly lsnLower: number
  readonly lsnUpper: number
  readonly openEnded: boolean
}

/** The LSNs from `walStart` through `lastLsn` that no commit has; `isEnd`: nothing says that there were no more. */
const gapsIn = (
  commits: readonly FoundCommit[],
  walStart: number,
  lastLsn: number,
  isEnd: boolean,
): Gap[] => {
  const gaps: Gap[] = []
  let next = walStart
  for (const { record } of commits) {
    if (record.lsn > next) gaps.push({ lsnLower: next, lsnUpper: record.lsn - 1, openEnded: false })
    next = record.lsn + 1
  }
  if (next <= lastLsn || isEnd) gaps.push({ lsnLower: next, lsnUpper: lastLsn, openEnded: isEnd })
  return gaps
}

/**
 * The gaps with the times that their commits can have had. Those of commits behind `published` do not lie below `upper`,
 * unless the log itself says so: then it was made anew of the log.
 */
const timed = (
  gaps: readonly Gap[],
  marks: readonly Mark[],
  published: number,
  upper: number,
): LostCommits[] => {
  const least = marks.some(({ lsn, ends }) => lsn > published && ends < upper) ? 0 : upper
  let before = 0
  let behind = 0
  return gaps.map(gap => {
    while (marks[before + 1] !== undefined && marks[before + 1]!.lsn <= gap.lsnLower) before++
    while (marks[behind] !== undefined && marks[behind]!.lsn <= gap.lsnUpper) behind++
    const lower = Math.max(marks[before]!.starts, gap.lsnLower > published ? least : 0)
    const next = marks[behind]
    return { ...gap, lower, ...(next === undefined ? {} : { upper: next.ends }) }
  })
}

/** Where the log ends: what stood behind the last line can be counted, but nothing proves the count. */
const endOf = (segments: readonly Remains[]): { lastLsn: number; unproven: number } => {
  let lastLsn = 0
  let unproven = 0
  for (const { header, commits, spoiltLines } of segments) {
    if (header !== undefined || commits.length > 0) {
      lastLsn = commits.reduce((last, { record }) => Math.max(last, record.lsn), (header?.firstLsn ?? 1) - 1)
      unproven = 0
    }
    unproven += spoiltLines
  }
  return { lastLsn: lastLsn + unproven, unproven }
}

/** Without segments that lie wholly below `walStart`: what is wrong with them matters no more. */
const withoutStale = (segments: readonly Remains[], walStart: number): Remains[] =>
  segments.filter((_, index) => (segments[index + 1]?.firstLsn ?? Number.POSITIVE_INFINITY) > walStart)

/**
 * Reads what is left of the log of a store that was opened before.
 *
 * @param upper that of store.json. A commit in the log may have a time below, where another shard was published further
 * @throws {CorruptionError} WAL_FOREIGN, WAL_INVALID for what no salvage may override
 */
export const salvageLog = async (
  disk: Disk,
  expected: LogExpectation,
  upper: number,
): Promise<SalvagedLog> => {
  const { walStart, fence } = expected
  const sealed = await listSealed(disk)
  const found: Remains[] = []
  for (const { path, firstLsn } of sealed) found.push(await remainsOf(disk, path, firstLsn, expected))
  // The sealed ones by what they are, not by what they are called; the one that was written to is the newest.
  found.sort((a, b) => a.firstLsn! - b.firstLsn!)
  const isThere = (await disk.stat(CURRENT)) !== undefined
  if (isThere) found.push(await remainsOf(disk, CURRENT, undefined, expected))
  const segments = withoutStale(found, walStart)
  const commits = inOrder(
    segments.flatMap(segment => segment.commits),
    walStart,
  )
  const marks = marksOf(commits, segments)
  const { lastLsn: end, unproven } = endOf(segments)
  const known = Math.max(walStart - 1, fence, ...segments.map(({ seenLsn }) => seenLsn))
  // A log that ends just below walStart is one that was salvaged before, until a crash.
  const isEnd = segments.length === 0 || end < known || (unproven > 0 && end >= walStart)
  const lastLsn = Math.max(known, end)
  return {
    commits,
    earlier: earlierThan(
      walStart,
      found.flatMap(segment => segment.commits),
    ),
    segments: found.map(segment => ({
      path: segment.path,
      firstLsn: segment.firstLsn ?? segment.commits[0]?.record.lsn ?? lastLsn + 1,
      bytes: segment.bytes,
      bad: segments.includes(segment) ? segment.bad : [],
    })),
    lost: timed(gapsIn(commits, walStart, lastLsn, isEnd), marks, Math.max(walStart - 1, fence), upper),
    lastLsn,
    generation: Math.max(0, ...segments.map(({ header }) => header?.generation ?? 0)),
    upper: Math.max(upper, marks.at(-1)!.starts),
  }
}

/** The log without commits that cannot be had, although they can be read: each with why. */
export const withoutCommits = (
  log: SalvagedLog,
  given: readonly { readonly commit: FoundCommit; readonly why: string }[],
): SalvagedLog => {
  const lost = given.map(({ commit: { record } }): LostCommits => {
    const { lsn, updates } = record
    const { first, last } = timeRange(updates) ?? { first: 0, last: -1 }
    return { lsnLower: lsn, lsnUpper: lsn, openEnded: false, lower: first, upper: last + 1 }
  })
  const without = new Set(given.map(({ commit }) => commit))
  return {
    ...log,
    commits: log.commits.filter(commit => !without.has(commit)),
    segments: log.segments.map(segment => {
      const own = given.filter(({ commit }) => commit.path === segment.path)
      const bad = own.map(({ commit: { offset, end }, why: reason }) => ({ offset, end, reason }))
      return { ...segment, bad: [...segment.bad, ...bad].sort((a, b) => a.offset - b.offset) }
    }),
    lost: [...log.lost, ...lost].sort((a, b) => a.lsnLower - b.lsnLower),
  }
}

/** How many commits are lost, as far as they can be counted. */
export const countLost = ({ lost }: SalvagedLog): number =>
  lost.reduce((sum, { lsnLower, lsnUpper }) => sum + lsnUpper - lsnLower + 1, 0)
