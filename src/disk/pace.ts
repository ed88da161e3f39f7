// Owns the running estimate of how long the syncs of a file take, and so whether the thread may wait for one: rules of
// docs/durability.md#modes. Every sync counts, however it was made, so that an estimate that went up comes down again.

/** A sync that takes as long, in ms, is left to another thread. */
const QUICK_MS = 1
/** How much of the estimate the last sync is. */
const WEIGHT = 1 / 8
/** More than this counts as this: one sync that waited for somebody else's work says little of the next. */
const COUNTED_MS = 4 * QUICK_MS

export class Pace {
  /** Undefined before the first. */
  #estimateMs: number | undefined

  /** Whether the next sync is likely to take under a millisecond. */
  get isQuick(): boolean {
    return this.#estimateMs !== undefined && this.#estimateMs < QUICK_MS
  }

  /** Takes note of a sync. */
  took(ms: number): void {
    const counted = Math.min(ms, COUNTED_MS)
    const before = this.#estimateMs ?? counted
    this.#estimateMs = before + WEIGHT * (counted - before)
  }
}
