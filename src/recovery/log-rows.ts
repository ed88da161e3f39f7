// Owns what the log still has for one shard: of which commits, which rows, at which times. Pure. Lines below `walStart` count
// as well, as long as their segment is there: they are what went into batches.
import { type Columns, GrowingColumns } from '../model/columns.ts'
import { consolidate } from '../model/consolidate.ts'
import { timeRange, touchedBy } from '../shard/state.ts'
import type { CommitRecord } from '../wal/record.ts'
import type { SalvagedLog } from './salvage.ts'

/** The commits from one LSN through another. */
export interface CommitRange {
  readonly lsnLower: number
  readonly lsnUpper: number
}

/** What none of `ranges` has of the commits `lower` through `upper`. */
export const uncovered = (ranges: readonly CommitRange[], lower: number, upper: number): CommitRange[] => {
  const gaps: CommitRange[] = []
  let next = lower
  for (const { lsnLower, lsnUpper } of ranges.toSorted((a, b) => a.lsnLower - b.lsnLower)) {
    if (lsnLower > next && next <= upper)
      gaps.push({ lsnLower: next, lsnUpper: Math.min(lsnLower - 1, upper) })
    next = Math.max(next, lsnUpper + 1)
  }
  if (next <= upper) gaps.push({ lsnLower: next, lsnUpper: upper })
  return gaps
}

const recordsIn = ({ earlier, commits }: SalvagedLog): CommitRecord[] =>
  [...earlier, ...commits].map(({ record }) => record)

/** Each commit that the log has. */
export const commitsIn = (log: SalvagedLog): CommitRange[] =>
  recordsIn(log).map(({ lsn }) => ({ lsnLower: lsn, lsnUpper: lsn }))

/** What the commits of the log have in a range for a shard of that arity: consolidated, sorted. */
export const rowsIn = (
  log: SalvagedLog,
  shard: string,
  arity: number,
  { lsnLower, lsnUpper }: CommitRange,
): Columns => {
  const all = new GrowingColumns(arity)
  for (const record of recordsIn(log)) {
    if (record.lsn < lsnLower || record.lsn > lsnUpper) continue
    const updates = touchedBy(record).get(shard)?.updates
    if (updates !== undefined) all.appendRange(updates, 0, updates.length)
  }
  return consolidate(all.view())
}

/** The times `[lower, upper)` that commits of a range which the log has not can have had: times go up with LSNs. */
export const timesAround = (
  log: SalvagedLog,
  { lsnLower, lsnUpper }: CommitRange,
): { lower: number; upper: number } => {
  let lower = 0
  let upper = Number.POSITIVE_INFINITY
  for (const record of recordsIn(log)) {
    const times = timeRange(record.updates)
    if (times === undefined) continue
    if (record.lsn < lsnLower) lower = times.last + 1
    else if (record.lsn > lsnUpper) upper = Math.min(upper, times.first)
  }
  return { lower, upper }
}
