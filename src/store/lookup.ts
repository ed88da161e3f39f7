// Owns looking up the tuples of one shard that begin with given values in one view as of one time: in its batches, and in
// its buffers. Law: what is found is what a scan with these values as conditions yields.
import { type Part, sumOfParts } from '../batch/sum-parts.ts'
import type { Value } from '../model/value.ts'
import type { BufferView } from '../shard/buffer-view.ts'
import type { ShardView } from '../shard/shard.ts'
import type { BatchLookup, Found } from './batch-lookup.ts'

export class Lookup {
  readonly #batches: BatchLookup
  readonly #buffers: readonly BufferView[]
  readonly #arity: number
  readonly #asOf: number

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
      const part = buffer.find(prefix)
      if (part.from < part.to) parts.push(part)
    }
    return parts
  }
}
