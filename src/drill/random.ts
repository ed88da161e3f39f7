// Owns chance that can be had again: the same seed gives the same numbers.

/** Whole numbers from a seed, each from 0 up to, and not including, what is asked for. */
export type Random = (below: number) => number

/** @param seed a whole number; its lowest 32 bits count */
export const randomFrom = (seed: number): Random => {
  // Mulberry32: one word of state, and good enough to choose moments.
  let state = seed >>> 0
  return below => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}
