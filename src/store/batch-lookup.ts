// Owns looking up the tuples that begin with given values in the batches of a view, as of one time, again and again.
// First in their row groups. Once that has cost about as much as summing them does, they are summed beside it, if the sum
// takes no more than its share of what is kept: then it is one search.
// Law: what is found adds up to what a scan with these values as conditions yields of the batches.
import type { BatchCache } from '../batch/cache.ts'
import { KeptRun } from '../batch/kept-run.ts'
import { type LeanColumns, leanCopy } from '../batch/lean-columns.ts'
import type { Part } from '../batch/sum-parts.ts'
import type { ColumnType } from '../model/schema.ts'
import type { Value } from '../model/value.ts'
import type { ShardView } from '../shard/shard.ts'
import type { Turns } from '../turns.ts'
import { RowGroupSearch } from './row-group-search.ts'
import { scan } from './scan.ts'

/** Rows that are summed at a time: few enough, also of strings, not to keep others waiting. */
const SUM_WINDOW_ROWS = 8192
/** Rows that are summed before others have their turn; a string is moved in the time of so many rows. */
const SUM_ROWS_IN_A_ROW = 65_536
const ROWS_PER_STRING = 8
/** Columns of these types need not move values. */
const NUMBERS: ReadonlySet<ColumnType> = new Set(['null', 'boolean', 'int32', 'float64', 'timestamp'])

/** What was found in batches. */
export interface Found {
  /** Each is sorted and has rows. */
  readonly parts: readonly Part[]
  /** They are one sum, in order, of what is there as of the time; otherwise rows of any time, each run by itself. */
  readonly isSum: boolean
}

/** Lets all others have their turn. */
const othersTurn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

export class BatchLookup {
  readonly #cache: BatchCache
  /** Without its buffers. */
  readonly #view: ShardView
  readonly #asOf: number
  readonly #sumName: string
  readonly #groups: RowGroupSearch
  readonly #sums: Turns
  #sum: KeptRun | undefined
  #isSumming = false
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
    const batches = view.batches.filter(({ lower }) => lower <= asOf)
    this.#groups = new RowGroupSearch(cache, view.name, batches)
    this.#isHopeless = this.#groups.rows === 0
  }

  /**
   * The rows whose first values are `prefix`: at once if nothing has to be read. The batches must be pinned.
   * @param prefix canonical values, at most as many as there are columns
   */
  find(prefix: readonly Value[]): Found | Promise<Found> {
    const summed = this.#sum?.find(prefix)
    if (summed !== undefined) return { parts: summed, isSum: true }
    this.#sumIfWorthIt()
    const found = this.#groups.find(prefix)
    return found instanceof Promise
      ? found.then(parts => ({ parts, isSum: false }))
      : { parts: found, isSum: false }
  }

  /** Begins to sum the batches, if that has paid by now. */
  #sumIfWorthIt(): void {
    if (this.#isSumming || this.#isHopeless || this.#groups.spentRows < this.#groups.rows) return
    this.#isSumming = true
    // Nobody waits for it.
    void this.#sums.take(async () => {
      this.#sum = await this.#makeSum()
      this.#isHopeless = this.#sum === undefined
      this.#groups.spentRows = 0
      this.#isSumming = false
    })
  }

  /** The batches, summed and kept; undefined if that takes too much room, or cannot be had. */
  async #makeSum(): Promise<KeptRun | undefined> {
    const { kept } = this.#cache
    const { schema } = this.#view
    const selection = { columns: schema.map((_, index) => index), conditions: [] }
    const span = { asOf: this.#asOf }
    const cost = schema.reduce((sum, { type }) => sum + (NUMBERS.has(type) ? 0 : ROWS_PER_STRING), 1)
    let rowsInARow = 0
    const merged = (rows: number): Promise<void> | undefined => {
      rowsInARow += rows * cost
      if (rowsInARow < SUM_ROWS_IN_A_ROW) return undefined
      rowsInARow = 0
      return othersTurn()
    }
    const occasion = { isOneOfMany: true, windowRows: SUM_WINDOW_ROWS, merged }
    const pieces: LeanColumns[] = []
    let bytes = 0
    try {
      for await (const part of scan(this.#cache, this.#view, selection, span, occasion)) {
        const piece = leanCopy(part)
        pieces.push(piece)
        bytes += piece.bytes
        if (bytes > kept.bytesMax / 2) return undefined
      }
    } catch {
      // It may be damage that no lookup asks for: one that does will say so.
      return undefined
    }
    return new KeptRun(kept, this.#sumName, schema.length, pieces)
  }
}
