// Owns looking up the tuples that begin with given values in the batches of a view, as of one time, again and again.
// First in each row group that may have some: a few times by decoding no more than the pages they are on, then by binary
// search, as far as row groups are kept decoded. Once all that has cost about as much as summing them does, they are summed
// beside it, if the sum takes no more than its share of what is kept: then it is one search.
// Law: what is found adds up to what a scan with these values as conditions yields of the batches.
import { type BatchCache, rowGroupKey } from '../batch/cache.ts'
import { KeptRun } from '../batch/kept-run.ts'
import { type LeanColumns, leanCopy } from '../batch/lean-columns.ts'
import type { Part } from '../batch/sum-parts.ts'
import type { Columns } from '../model/columns.ts'
import { type Bounds, type Condition, equality } from '../model/predicate.ts'
import { rowsBeginningWith } from '../model/prefix.ts'
import type { Value } from '../model/value.ts'
import { type BatchEntry, batchPath } from '../shard/metadata.ts'
import type { ShardView } from '../shard/shard.ts'
import type { Turns } from '../turns.ts'
import { scan } from './scan.ts'

/** Rows that can be decoded, or summed, in the time of one search. */
const ROWS_PER_SEARCH = 8
/** Of the pages of a row group that may hold what is looked for, as a share of all that it takes to decode it. */
const PAGES_SHARE = 0.1
/** Times that pages of a row group are decoded before it is decoded as a whole. */
const PAGE_READS = 4
/** Row groups that are read at the same time: while one is decoded, the files of others are opened and read. */
const READS_AT_ONCE = 16
/** Rows that are summed at a time: few enough, also of strings, not to keep others waiting. */
const SUM_WINDOW_ROWS = 8192
/** Rows that are summed before others have their turn; a string is moved in the time of so many rows. */
const SUM_ROWS_IN_A_ROW = 65_536
const ROWS_PER_STRING = 8

/** What was found in batches. */
export interface Found {
  /** Each is sorted and has rows. */
  readonly parts: readonly Part[]
  /** They are one sum, in order, of what is there as of the time; otherwise rows of any time, each run by itself. */
  readonly isSum: boolean
}

/** One row group that counts as of the time. */
interface Group {
  readonly batch: BatchEntry
  readonly index: number
  readonly key: string
  /** What is known of its first column, at first from what is known of the whole batch; undefined without columns. */
  bounds: Bounds | undefined
  /** Its own statistics were asked for. */
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
    isSurveyed: bounds === undefined,
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

/** Lets all others have their turn. */
const othersTurn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

export class BatchLookup {
  readonly #cache: BatchCache
  /** Without its buffers. */
  readonly #view: ShardView
  readonly #asOf: number
  readonly #sumName: string
  readonly #groups: readonly Group[]
  /** Rows of these groups. */
  readonly #rows: number
  readonly #sums: Turns
  #sum: KeptRun | undefined
  #isSumming = false
  /** What was done since the batches were summed last, as so many rows that could have been summed. */
  #spentRows = 0
  /** A sum takes too much room, or cannot be had, or there is nothing to sum. */
  #isHopeless: boolean

  /**
   * @param sumName names the sum among all that is kept in the cache
   * @param sums one at a time: each takes memory, and time of the thread
   */
  constructor(cache: BatchCache, view: ShardView, asOf: number, sumName: string, sums: Turns) {
    this.#cache = cache
    this.#view = { ...view, buffers: [] }
    this.#asOf = asOf
    this.#sumName = sumName
    this.#sums = sums
    this.#groups = view.batches.filter(({ lower }) => lower <= asOf).flatMap(groupsOf)
    this.#rows = this.#groups.reduce((sum, { batch, index }) => sum + batch.rowGroups[index]!.len, 0)
    this.#isHopeless = this.#rows === 0
  }

  /**
   * The rows whose first values are `prefix`: at once if nothing has to be read. The batches must be pinned.
   * @param prefix canonical values, at most as many as there are columns
   */
  find(prefix: readonly Value[]): Found | Promise<Found> {
    const summed = this.#sum?.find(prefix)
    if (summed !== undefined) return { parts: summed, isSum: true }
    this.#sumIfWorthIt()
    return this.#search(prefix)
  }

  #search(prefix: readonly Value[]): Found | Promise<Found> {
    const first = prefix.length === 0 ? undefined : equality(0, prefix[0]!)
    const parts: Part[] = []
    let cold: Group[] | undefined
    for (const group of this.#groups) {
      if (!mayBegin(group, first)) continue
      this.#spentRows += ROWS_PER_SEARCH
      const rows = this.#cache.kept.get(group.key)
      if (rows !== undefined) addPart(parts, rows, prefix)
      else if (cold === undefined) cold = [group]
      else cold.push(group)
    }
    return cold === undefined ? { parts, isSum: false } : this.#readCold(cold, prefix, first, parts)
  }

  async #readCold(
    cold: readonly Group[],
    prefix: readonly Value[],
    first: Condition | undefined,
    parts: Part[],
  ): Promise<Found> {
    for (let from = 0; from < cold.length; from += READS_AT_ONCE) {
      const some = cold.slice(from, from + READS_AT_ONCE)
      for (const rows of await Promise.all(some.map(group => this.#read(group, prefix, first))))
        if (rows !== undefined) addPart(parts, rows, prefix)
    }
    return { parts, isSum: false }
  }

  /** Rows of a group, all that begin with `prefix` among them; undefined if its statistics say that none does. */
  async #read(
    group: Group,
    prefix: readonly Value[],
    first: Condition | undefined,
  ): Promise<Columns | undefined> {
    const { batch, index } = group
    const { name } = this.#view
    const path = batchPath(batch.id)
    if (!group.isSurveyed) {
      group.bounds = (await this.#cache.bounds(path, batch, name, index, 0)) ?? group.bounds
      group.isSurveyed = true
      if (!mayBegin(group, first)) return undefined
    }
    const { len } = batch.rowGroups[index]!
    if (group.pageReads++ < PAGE_READS) {
      this.#spentRows += len * PAGES_SHARE
      return this.#cache.find(path, batch, name, index, prefix)
    }
    this.#spentRows += len
    return this.#cache.rowGroup(path, batch, name, index)
  }

  /** Begins to sum the batches, if that has paid by now. */
  #sumIfWorthIt(): void {
    if (this.#isSumming || this.#isHopeless || this.#spentRows < this.#rows) return
    this.#isSumming = true
    // Whoever looks something up does not wait for it, and hears of no error.
    void this.#sums.take(async () => {
      this.#sum = await this.#makeSum()
      this.#isHopeless = this.#sum === undefined
      this.#spentRows = 0
      this.#isSumming = false
    })
  }

  /** The batches, summed and kept; undefined if that takes too much room, or cannot be had. */
  async #makeSum(): Promise<KeptRun | undefined> {
    const { kept } = this.#cache
    const { schema } = this.#view
    const selection = { columns: schema.map((_, index) => index), conditions: [] }
    const span = { asOf: this.#asOf }
    const pieces: LeanColumns[] = []
    let bytes = 0
    let rowsInARow = 0
    try {
      for await (const part of scan(this.#cache, this.#view, selection, span, SUM_WINDOW_ROWS)) {
        const piece = leanCopy(part)
        pieces.push(piece)
        bytes += piece.bytes
        if (bytes > kept.bytesMax / 2) return undefined
        const strings = piece.columns.data.reduce((sum, { heap }) => sum + heap.values.length, 0)
        rowsInARow += part.length + strings * ROWS_PER_STRING
        if (rowsInARow < SUM_ROWS_IN_A_ROW) continue
        rowsInARow = 0
        await othersTurn()
      }
    } catch {
      // It may be damage that no lookup asks for: one that does will say so.
      return undefined
    }
    return new KeptRun(kept, this.#sumName, schema.length, pieces)
  }
}
