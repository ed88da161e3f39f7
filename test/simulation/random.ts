// Owns chance: numbers that look random and depend on nothing but their keys, so that every run can be lived again.

/** A number in [0, 1), the same for the same keys. */
export const chance = (...keys: readonly number[]): number => {
  let hash = 0x9e3779b9
  for (const key of keys) {
    // One round of mulberry32 for each key.
    hash = (Math.imul(hash, 31) + key + 0x6d2b79f5) | 0
    let mixed = Math.imul(hash ^ (hash >>> 15), hash | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    hash = mixed ^ (mixed >>> 14)
  }
  return (hash >>> 0) / 4294967296
}

/** A whole number in `[0, below)`, the same for the same keys. */
export const choice = (below: number, ...keys: readonly number[]): number =>
  Math.floor(chance(...keys) * below)
