// Owns memory that is used again by what is done often: fresh memory is had from the system page by page, which takes
// longer than a pass over it. Invariant: whoever takes some is done with it before the same is taken again.

/** What is longer is made anew each time, so that what stays is bounded: a window of a merge is shorter. */
const LENGTH_MAX = 262_144

/** One array of each type. They hold whatever they held. */
export class Scratch {
  #bytes = new Uint8Array(0)
  #integers = new Uint32Array(0)
  #numbers = new Float64Array(0)

  bytes(length: number): Uint8Array {
    if (length > LENGTH_MAX) return new Uint8Array(length)
    if (this.#bytes.length < length) this.#bytes = new Uint8Array(length)
    return this.#bytes.subarray(0, length)
  }

  integers(length: number): Uint32Array {
    if (length > LENGTH_MAX) return new Uint32Array(length)
    if (this.#integers.length < length) this.#integers = new Uint32Array(length)
    return this.#integers.subarray(0, length)
  }

  numbers(length: number): Float64Array {
    if (length > LENGTH_MAX) return new Float64Array(length)
    if (this.#numbers.length < length) this.#numbers = new Float64Array(length)
    return this.#numbers.subarray(0, length)
  }
}
