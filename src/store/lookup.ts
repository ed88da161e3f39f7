// Owns looking up the tuples of one shard that begin with given values, again and again, in one view as of one time.
// First in each row group that may have some: a few times by decoding no more than the pages they are on, then by binary
// search, as far as row groups are kept decoded. Once that has cost about
// as much as summing the whole view, it is summed, if that takes no more than its share of what is kept: then it is one
// search. Law: what is found is what a scan with these values as conditions yields.
import { type BatchCache, rowGroupKey } from '../batch/cache.ts'
import { inRange } from '../batch/merge.ts'
import { bytesOf, type Columns, GrowingColumns, rowBytes, slice } from '../model/columns.ts'
import { Concatenation } from '../model/concatenate.ts'
import { consolidate } from '../model/consolidate.ts'
import { type Bounds, type Condition, equality, matching } from '../model/predicate.ts'
import { rowsBeginningWith } from '../model/prefix.ts'
import type { Value } from '../model/value.ts'
import { type BatchEntry, batchPath } from '../shard/metadata.ts'
import type { BufferView, ShardView } from '../shard/shard.ts'
import { scan } from './scan.ts'

/** Rows that can be summed in the time of one search. */
const ROWS_PER_SEARCH = 32
/** Times that pages of a row group are decoded before it is decoded as a whole, which takes some ten times as long. */
const PAGE_READS = 4
/** Batches that are opened, or row groups that are read, at the same time: while one is decoded, others are read. */
const READS_AT_ONCE = 16
/** Searches in a buffer, of all its rows, that cost about as much as sorting it. */
const BUFFER_SEARCHES = 16

/** One row group that counts as of the time of the view. */
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

/** Lets `work` do all of `items`, some at the same time. */
const inWaves = async <T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> => {
  for (let from = 0; from < items.length; from += READS_AT_ONCE)
    await Promise.all(items.slice(from, from + READS_AT_ONCE).map(work))
}

/** Whether a group may hold a tuple that begins with a value, as far as is known. */
const mayBegin = ({ bounds }: Group, first: Condition | undefined): boolean => {
  if (first === undefined || bounds === undefined) return true
  const { min, max } = bounds
  const value = first.point
  // The common case, of which NaN is none: it is in no order with anything.
  if (typeof value === 'number' && typeof min === 'number' && typeof max === 'number')
    return !(value < min || value > max)
  return first.mayHold(bounds)
}

export class Lookup {
  readonly #cache: BatchCache
  readonly #view: ShardView
  readonly #asOf: number
  readonly #key: string
  readonly #groups: readonly Group[]
  readonly #buffers: readonly BufferView[]
  /** Searches since the view was summed last, or could be. */
  #searches = 0
  #bufferSearches = 0
  /** A sum of the view takes too much room, or cannot be had. */
  #isHopeless = false

  /**
   * @param key names the contents of the view as of `asOf`, among all that use the cache
   */
  constructor(cache: BatchCache, view: ShardView, asOf: number, key: string) {
    this.#cache = cache
    this.#view = view
    this.#asOf = asOf
    this.#key = key
    this.#buffers = view.buffers
    this.#groups = view.batches.filter(({ lower }) => lower <= asOf).flatMap(groupsOf)
  }

  /** About how many rows a sum of the view reads. */
  get #rows(): number {
    const inBatches = this.#view.batches.reduce((sum, { len }) => sum + len, 0)
    return this.#buffers.reduce((sum, { columns }) => sum + columns.length, inBatches)
  }

  /**
   * The tuples whose first values are `prefix`: sorted, one row each with its multiplicity, all at the time of the view.
   * The view must be pinned.
   * @param prefix canonical values, at most as many as there are columns
   */
  async find(prefix: readonly Value[]): Promise<Columns> {
    const summed = this.#cache.kept.get(this.#key) ?? (await this.#sumIfWorthIt())
    if (summed === undefined) return this.#search(prefix)
    const { from, to } = rowsBeginningWith(summed, prefix)
    return slice(summed, from, to)
  }

  async #search(prefix: readonly Value[]): Promise<Columns> {
    const conditions = prefix.map((value, index) => equality(index, value))
    const found = new GrowingColumns(this.#view.schema.length)
    const take = (rows: Columns): void => {
      const { from, to } = rowsBeginningWith(rows, prefix)
      found.appendRange(rows, from, to)
    }
    const cold: Group[] = []
    for (const group of this.#groups) {
      if (!mayBegin(group, conditions[0])) continue
      const rows = this.#cache.kept.get(group.key)
      this.#searches++
      if (rows === undefined) cold.push(group)
      else take(rows)
    }
    for (const buffer of this.#buffers) {
      this.#searches++
      // A few times all rows are looked at sooner than they are sorted.
      if (this.#bufferSearches++ < BUFFER_SEARCHES * this.#buffers.length) {
        const rows = matching(buffer.columns, conditions)
        found.appendRange(rows, 0, rows.length)
      } else take(buffer.consolidated)
    }
    await this.#survey(cold)
    const wanted = cold.filter(group => mayBegin(group, conditions[0]))
    await inWaves(wanted, async group => take(await this.#read(group, prefix)))
    return consolidate(inRange(found.view(), { since: this.#asOf, until: this.#asOf }))
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
      const bounds = await this.#cache.bounds(batchPath(batch.id), batch, this.#view.name, 0)
      for (const group of some) {
        group.bounds = bounds[group.index] ?? group.bounds
        group.isSurveyed = true
      }
    })
  }

  /** Rows of a group, all that begin with `prefix` among them. */
  #read(group: Group, prefix: readonly Value[]): Promise<Columns> {
    const { batch, index } = group
    const { name } = this.#view
    const path = batchPath(batch.id)
    if (group.pageReads++ < PAGE_READS) return this.#cache.find(path, batch, name, index, prefix)
    return this.#cache.rowGroup(path, batch, name, index)
  }

  /** The whole view, summed, if that has paid by now. */
  #sumIfWorthIt(): Promise<Columns | undefined> | undefined {
    if (this.#isHopeless || this.#searches * ROWS_PER_SEARCH < this.#rows) return undefined
    this.#searches = 0
    return this.#sum()
  }

  async #sum(): Promise<Columns | undefined> {
    const { kept } = this.#cache
    const most = kept.bytesMax / 2
    const { schema } = this.#view
    const parts: Columns[] = []
    let rows = 0
    try {
      const selection = { columns: schema.map((_, index) => index), conditions: [] }
      for await (const part of scan(this.#cache, this.#view, selection, { asOf: this.#asOf })) {
        rows += part.length
        this.#isHopeless = rows * rowBytes(schema.length) > most
        if (this.#isHopeless) return undefined
        parts.push(part)
      }
    } catch {
      // It may be damage that no lookup asks for: one that does will say so.
      this.#isHopeless = true
      return undefined
    }
    const summed = new Concatenation(schema.length).of(parts)
    this.#isHopeless = bytesOf(summed) > most
    if (this.#isHopeless) return undefined
    kept.set(this.#key, summed)
    return summed
  }
}
