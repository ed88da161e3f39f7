// Owns where arrays have their memory from. Invariant: what is given is zero, and nobody else is given the same.

/** Gives arrays of so many elements. */
export interface ArrayMemory {
  readonly bytes: (length: number) => Uint8Array
  readonly numbers: (length: number) => Float64Array
}

/** Each array has its own. */
export const OWN_MEMORY: ArrayMemory = {
  bytes: length => new Uint8Array(length),
  numbers: length => new Float64Array(length),
}

const SLAB_BYTES = 64 * 1024
/** What is longer has its own. */
const PART_BYTES_MAX = 8 * 1024
/** Each part begins where a number may stand. */
const ALIGNMENT = Float64Array.BYTES_PER_ELEMENT

let slab = new ArrayBuffer(SLAB_BYTES)
let used = 0

/** Takes so many bytes of the slab, which is another one if there are not enough left. Returns where they begin. */
const take = (bytes: number): number => {
  if (used + bytes > SLAB_BYTES) {
    slab = new ArrayBuffer(SLAB_BYTES)
    used = 0
  }
  const at = used
  used += Math.ceil(bytes / ALIGNMENT) * ALIGNMENT
  return at
}

/**
 * Short arrays are parts of larger ones: to be made, each of its own takes longer than all else that is done with it.
 * For what is soon done with: as long as one is kept, the others' memory is as well.
 */
export const SHARED_MEMORY: ArrayMemory = {
  bytes(length) {
    if (length > PART_BYTES_MAX) return new Uint8Array(length)
    const at = take(length)
    return new Uint8Array(slab, at, length)
  },
  numbers(length) {
    const bytes = length * Float64Array.BYTES_PER_ELEMENT
    if (bytes > PART_BYTES_MAX) return new Float64Array(length)
    const at = take(bytes)
    return new Float64Array(slab, at, length)
  },
}
