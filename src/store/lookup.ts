// Owns looking up the tuples of one shard that begin with given values in one view as of one time: in its batches, and in
// its buffers. Law: what is found is what a scan with these values as conditions yields.
import { type Part, sumOfParts } from '../batch/sum-parts.ts'
import { equality, matching } from '../model/predicate.ts'
import { rowsBeginningWith } from '../model/prefix.ts'
import type { Value } from '../model/value.ts'
import type { BufferView, ShardView } from '../shard/shard.ts'
import type { BatchLookup, Found } from './batch-lookup.ts'

/** Searches in a buffer, of all its rows, that cost about as much as sorting it. */
const BUFFER_SEARCHES = 16

export class Lookup {
  readonly #batches: BatchLookup
  readonly #buffers: readonly BufferView[]
  readonly #arity: number
  readonly #asOf: number
  #bufferSearches = 0

  /** @param batches of the view, as of `asOf` */
  constructor(batches: BatchLookup, { buffers, schema }: ShardView, asOf: number) {
    this.#batches = batches
    this.#buffers = buffers
    this.#arity = schema.length
    this.#asOf = asOf
  }

  /**
   * The tuples whose first values are `prefix`, with their multiplicities: in order, one row each, whatever time it has,
   * and no part without rows. At once if nothing has to be read. The view must be pinned.
   * @param prefix canonical values, at most as many as there are columns
   */
  find(prefix: readonly Value[]): readonly Part[] | Promise<readonly Part[]> {
    const found = this.#batches.find(prefix)
    return found instanceof Promise
      ? found.then(read => this.#withBuffers(read, prefix))
      : this.#withBuffers(found, prefix)
  }

  #withBuffers({ parts, isSum }: Found, prefix: readonly Value[]): readonly Part[] {
    const all = this.#buffers.length === 0 ? parts : [...parts, ...this.#inBuffers(prefix)]
    if (isSum && all.length === parts.length) return parts
    const columns = sumOfParts(all, this.#arity, this.#asOf)
    return columns.length === 0 ? [] : [{ columns, from: 0, to: columns.length }]
  }

  #inBuffers(prefix: readonly Value[]): Part[] {
    const parts: Part[] = []
    for (const buffer of this.#buffers) {
      // A few times all rows are looked at sooner than they are sorted.
      if (this.#bufferSearches++ < BUFFER_SEARCHES * this.#buffers.length) {
        const columns = matching(
          buffer.columns,
          prefix.map((value, index) => equality(index, value)),
        )
        parts.push({ columns, from: 0, to: columns.length })
      } else {
        const columns = buffer.consolidated
        parts.push({ columns, ...rowsBeginningWith(columns, prefix) })
      }
    }
    return parts.filter(({ from, to }) => from < to)
  }
}
