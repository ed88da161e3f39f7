// Owns the lookups of a store: those that see the same batches as of the same time share what they learn and what they
// sum up, whatever is in the buffers of their views.
import type { BatchCache } from '../batch/cache.ts'
import { type BatchEntry, batchPath } from '../shard/metadata.ts'
import type { ShardView } from '../shard/shard.ts'
import { Turns } from '../turns.ts'
import { BatchLookup } from './batch-lookup.ts'
import { Lookup } from './lookup.ts'

/** Times as of which something is known of the same batches. */
const TIMES_MAX = 8

/** Sets of batches that are known by their names. */
const NAMED_MAX = 64

/** The last time of which something is in batches; -1 if there are none. */
const lastTime = (batches: readonly BatchEntry[]): number =>
  batches.reduce((last, { upper }) => Math.max(last, upper - 1), -1)

export class Lookups {
  readonly #cache: BatchCache
  /** By time, what was used last at the end; by the batches of a view, so that these need not be named each time. */
  readonly #known = new WeakMap<readonly BatchEntry[], Map<number, BatchLookup>>()
  /** The same by names: who looks at a store again reads the same batches out of other documents. In the order of use. */
  readonly #byName = new Map<string, Map<number, BatchLookup>>()
  readonly #sums = new Turns()
  #made = 0

  constructor(cache: BatchCache) {
    this.#cache = cache
  }

  /** Looks up in `view` as of `asOf`. The view must be pinned while something is looked up. */
  in(view: ShardView, asOf: number): Lookup {
    const { batches } = view
    // All that is later than what is in the batches is one time.
    const time = Math.min(asOf, lastTime(batches))
    let byTime = this.#known.get(batches)
    if (byTime === undefined) {
      byTime = this.#named(view)
      this.#known.set(batches, byTime)
    }
    const known =
      byTime.get(time) ?? new BatchLookup(this.#cache, view, time, this.#sumName(batches), this.#sums)
    byTime.delete(time)
    byTime.set(time, known)
    const [oldest] = byTime.keys()
    if (byTime.size > TIMES_MAX) byTime.delete(oldest!)
    return new Lookup(known, view, asOf)
  }

  #named({ name, batches }: ShardView): Map<number, BatchLookup> {
    const key = `${name} ${batches.map(({ id }) => id).join()}`
    const byTime = this.#byName.get(key) ?? new Map<number, BatchLookup>()
    this.#byName.delete(key)
    this.#byName.set(key, byTime)
    const [oldest] = this.#byName.keys()
    if (this.#byName.size > NAMED_MAX) this.#byName.delete(oldest!)
    return byTime
  }

  /** Used for nothing else; it goes with the newest of the batches. */
  #sumName(batches: readonly BatchEntry[]): string {
    return `${batchPath(batches.at(-1)?.id ?? '')}:sum ${this.#made++}`
  }

  /** Resolves when no sum is being made. */
  settled(): Promise<void> {
    return this.#sums.settled()
  }
}
