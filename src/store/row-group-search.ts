// Owns looking up the tuples that begin with given values in each row group that may have some: a few times by decoding
// no more than the pages they are on, then by binary search, as far as row groups are kept decoded.
import { type BatchCache, rowGroupKey } from '../batch/cache.ts'
import type { Part } from '../batch/sum-parts.ts'
import type { Columns } from '../model/columns.ts'
import { type Bounds, type Condition, equality } from '../model/predicate.ts'
import { rowsBeginningWith } from '../model/prefix.ts'
import type { Value } from '../model/value.ts'
import { type BatchEntry, batchPath } from '../shard/metadata.ts'

/** Rows that can be decoded, or summed, in the time of one search. */
const ROWS_PER_SEARCH = 8
/** Of the pages of a row group that may hold what is looked for, as a share of all that it takes to decode it. */
const PAGES_SHARE = 0.1
/** Times that pages of a row group are decoded before it is decoded as a whole. */
const PAGE_READS = 4
/** Batches that are opened, or row groups that are read, at the same time: while one is decoded, others are read. */
const READS_AT_ONCE = 16

/** One row group. */
interface Group {
  readonly batch: BatchEntry
  readonly index: number
  readonly key: string
  /** What is known of its first column, at first from what is known of the whole batch; undefined without columns. */
  bounds: Bounds | undefined
  /** Its own statistics are known. */
  isSurveyed: boolean
  /** Times that pages of it were decoded since it was decoded as a whole. */
  pageReads: number
}

const groupsOf = (batch: BatchEntry): Group[] => {
  const [column] = batch.columns
  const bounds = column && {
    min: column.min,
    max: column.max,
    someNull: column.nulls > 0,
    someValue: column.nulls < batch.len,
  }
  const path = batchPath(batch.id)
  return batch.rowGroups.map((_, index) => ({
    batch,
    index,
    key: rowGroupKey(path, index),
    bounds,
    isSurveyed: bounds === undefined || batch.rowGroups.length === 1,
    pageReads: 0,
  }))
}

/** Whether a group may hold a tuple whose first value is what is asked for, as far as is known. */
const mayBegin = ({ bounds }: Group, first: Condition | undefined): boolean => {
  if (first === undefined || bounds === undefined) return true
  const { min, max } = bounds
  const value = first.point
  // The common case, of which NaN is none: it is in no order with anything.
  if (typeof value === 'number' && typeof min === 'number' && typeof max === 'number')
    return !(value < min || value > max)
  return first.mayHold(bounds)
}

const addPart = (parts: Part[], columns: Columns, prefix: readonly Value[]): void => {
  const { from, to } = rowsBeginningWith(columns, prefix)
  if (from < to) parts.push({ columns, from, to })
}

/** Lets `work` do all of `items`, some at the same time. */
const inWaves = async <T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> => {
  for (let from = 0; from < items.length; from += READS_AT_ONCE)
    await Promise.all(items.slice(from, from + READS_AT_ONCE).map(work))
}

export class RowGroupSearch {
  readonly #cache: BatchCache
  readonly #shard: string
  readonly #groups: readonly Group[]
  /** Rows in all of them. */
  readonly rows: number
  /** What was done since somebody set it to 0, as so many rows that could have been decoded, or summed, instead. */
  spentRows = 0

  constructor(cache: BatchCache, shard: string, batches: readonly BatchEntry[]) {
    this.#cache = cache
    this.#shard = shard
    this.#groups = batches.flatMap(groupsOf)
    this.rows = this.#groups.reduce((sum, { batch, index }) => sum + batch.rowGroups[index]!.len, 0)
  }

  /**
   * The rows whose first values are `prefix`, of any time, each part sorted: at once if nothing has to be read. The
   * batches must be pinned.
   * @param prefix canonical values, at most as many as there are columns
   */
  find(prefix: readonly Value[]): Part[] | Promise<Part[]> {
    const first = prefix.length === 0 ? undefined : equality(0, prefix[0]!)
    const parts: Part[] = []
    let cold: Group[] | undefined
    for (const group of this.#groups) {
      if (!mayBegin(group, first)) continue
      this.spentRows += ROWS_PER_SEARCH
      const rows = this.#cache.kept.get(group.key)
      if (rows !== undefined) addPart(parts, rows, prefix)
      else if (cold === undefined) cold = [group]
      else cold.push(group)
    }
    return cold === undefined ? parts : this.#readCold(cold, prefix, first, parts)
  }

  async #readCold(
    cold: readonly Group[],
    prefix: readonly Value[],
    first: Condition | undefined,
    parts: Part[],
  ): Promise<Part[]> {
    await this.#survey(cold)
    const wanted = cold.filter(group => mayBegin(group, first))
    await inWaves(wanted, async group => addPart(parts, await this.#read(group, prefix), prefix))
    return parts
  }

  /** Asks for the statistics of groups of which only those of the batch are known. */
  async #survey(groups: readonly Group[]): Promise<void> {
    const byBatch = new Map<BatchEntry, Group[]>()
    for (const group of groups) {
      if (group.isSurveyed) continue
      const others = byBatch.get(group.batch)
      if (others === undefined) byBatch.set(group.batch, [group])
      else others.push(group)
    }
    await inWaves([...byBatch], async ([batch, some]) => {
      const bounds = await this.#cache.bounds(batchPath(batch.id), batch, this.#shard, 0)
      for (const group of some) {
        group.bounds = bounds[group.index] ?? group.bounds
        group.isSurveyed = true
      }
    })
  }

  /** Rows of a group, all that begin with `prefix` among them. */
  #read(group: Group, prefix: readonly Value[]): Promise<Columns> {
    const { batch, index } = group
    const path = batchPath(batch.id)
    const { len } = batch.rowGroups[index]!
    if (group.pageReads++ < PAGE_READS) {
      this.spentRows += len * PAGES_SHARE
      return this.#cache.find(path, batch, this.#shard, index, prefix)
    }
    this.spentRows += len
    group.pageReads = 0
    return this.#cache.rowGroup(path, batch, this.#shard, index)
  }
}
