// Owns whether facts are there: rules 10. Facts are sets: one is present if the sum of its diffs is positive.
// A wish is looked up in two steps. What can take long, batches and frozen buffers, is summed before the wish enters
// the queue, from a pinned view. What came in since is summed by the writer loop, at the moment of decision.
import type { BatchCache } from '../batch/cache.ts'
import { batchMayHold } from '../batch/prune.ts'
import { FrontierError } from '../errors.ts'
import { type Columns, GrowingColumns, gather, tupleAt, valueAt } from '../model/columns.ts'
import { addMultiplicities } from '../model/lookup.ts'
import type { Bounds, Exclusion } from '../model/predicate.ts'
import { floatIntegers, isFloatColumn, type Schema } from '../model/schema.ts'
import { sameTuple, sortRows } from '../model/sort.ts'
import type { TupleIndex } from '../model/tuple-index.ts'
import { addDiff } from '../model/update.ts'
import { compareValues, type Value } from '../model/value.ts'
import type { ActiveBuffer } from '../shard/active-buffer.ts'
import { batchPath } from '../shard/metadata.ts'
import type { LookupView } from '../shard/shard.ts'

/** Facts that are to be present (diff 1) or absent (diff -1): sorted by tuple, each tuple once. */
export interface Wishes {
  readonly columns: Columns
  /** Per row, where the tuple stood in the call. */
  readonly positions: Uint32Array
}

/** What is known of wishes before the writer loop decides. */
export interface Known {
  /** Per row, the multiplicity in batches and frozen buffers. */
  readonly sums: Float64Array
  /** Leads to everything that came in since; undefined if the shard was not there. */
  readonly active: ActiveBuffer | undefined
}

/** Makes wishes of tuples in the order of a call, in the form that the columns of `schema` keep them. */
export const wishesOf = (tuples: Columns, schema: Schema | undefined): Wishes => {
  schema?.forEach((known, index) => {
    const column = tuples.data[index]
    if (column !== undefined && isFloatColumn(known)) floatIntegers(column, tuples.length)
  })
  const { rows } = sortRows(tuples)
  let count = 0
  for (const row of rows) if (count === 0 || !sameTuple(tuples, rows[count - 1]!, row)) rows[count++] = row
  const positions = rows.slice(0, count)
  return { columns: gather(tuples, positions), positions }
}

/** Whether a column may hold one of the values from `least` to `greatest`. */
const within = (column: number, hasNull: boolean, least: Value | undefined, greatest: Value): Exclusion => ({
  column,
  mayHold: ({ min, max, someNull, someValue }: Bounds) => {
    if (hasNull && someNull) return true
    if (least === undefined || !someValue) return false
    if (min !== undefined && compareValues(greatest, min) < 0) return false
    // The bounds that Parquet keeps leave NaN, the greatest number, out.
    return max === undefined || Number.isNaN(greatest) || compareValues(least, max) <= 0
  },
})

/** Conditions that each batch and row group with one of the tuples may meet. */
const spanOf = (columns: Columns): Exclusion[] =>
  columns.data.map((column, index) => {
    let hasNull = false
    let least: Value | undefined
    let greatest: Value | undefined
    for (let row = 0; row < columns.length; row++) {
      const value = valueAt(column, row)
      if (value === null) hasNull = true
      else {
        if (least === undefined || compareValues(value, least) < 0) least = value
        if (greatest === undefined || compareValues(value, greatest) > 0) greatest = value
      }
    }
    return within(index, hasNull, least, greatest ?? null)
  })

/**
 * Looks the wishes up in what does not change any more. The batches of the view must be pinned.
 * @param goOn is called between two row groups, and ends the lookup by throwing
 */
export const lookUp = async (
  cache: BatchCache,
  shard: string,
  { columns }: Wishes,
  view: LookupView,
  goOn: () => void,
): Promise<Known> => {
  const sums = new Float64Array(columns.length)
  // First, and at once: what is frozen later is reached from `active`.
  for (const frozen of view.frozen) addMultiplicities(columns, frozen, sums)
  const conditions = spanOf(columns)
  for (const batch of view.batches) {
    if (!batchMayHold(batch, conditions)) continue
    goOn()
    for await (const rowGroup of cache.rowGroups(batchPath(batch.id), batch, shard, conditions)) {
      goOn()
      addMultiplicities(columns, rowGroup, sums)
    }
  }
  return { sums, active: view.active }
}

/**
 * The updates that make the wishes true: an insert logs 1 - m where m <= 0, a delete -m where m > 0, all else nothing.
 *
 * @param pending what commits that are decided and not yet applied hold of the shard
 * @throws {FrontierError} DIFF_OVERFLOW if a multiplicity is beyond the safe integers
 */
export const effectiveUpdates = (
  shard: string,
  { columns }: Wishes,
  { sums, active }: Known,
  pending: TupleIndex | undefined,
): GrowingColumns => {
  const rows = new Uint32Array(columns.length)
  const diffs = new Float64Array(columns.length)
  let count = 0
  for (let row = 0; row < columns.length; row++) {
    const since = addDiff(active?.sumOf(columns, row) ?? 0, pending?.sumOf(columns, row) ?? 0)
    const present = addDiff(sums[row]!, since)
    if (Number.isNaN(present) || present === Number.MIN_SAFE_INTEGER)
      throw new FrontierError(
        'DIFF_OVERFLOW',
        'a multiplicity, or a part of its sum, is beyond the safe integers',
        {
          shard,
          data: String(tupleAt(columns, row)),
        },
      )
    const isWanted = columns.diff[row]! > 0
    if (isWanted === present > 0) continue
    rows[count] = row
    diffs[count] = isWanted ? 1 - present : -present
    count++
  }
  const updates = new GrowingColumns(columns.data.length, count)
  updates.appendRange(count === columns.length ? columns : gather(columns, rows.subarray(0, count)), 0, count)
  updates.diff.set(diffs.subarray(0, count))
  return updates
}
