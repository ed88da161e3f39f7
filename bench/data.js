// Owns the data that every contestant gets: updates of edges (int, int), the same for the same shape and length.

/**
 * Updates in the order in which they are committed, as columns of equal length.
 * @typedef {{ readonly a: Int32Array, readonly b: Int32Array, readonly diff: Int8Array, readonly length: number }} Edges
 */

/** Distinct tuples of the shape `churn`. */
const CHURN_TUPLES = 100_000
const SEED = 20_240_229

/** Uniform numbers in [0, bound), the same sequence for the same seed (mulberry32). */
const randomFrom = seed => {
  let state = seed
  return bound => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * bound)
  }
}

/** Distinct edges of a graph with eight edges out of each node, in random order. */
const distinctEdges = (count, random) => {
  const nodes = Math.ceil(count / 8)
  const a = new Int32Array(count)
  const b = new Int32Array(count)
  for (let index = 0; index < count; index++) {
    // A shuffle as it fills. The low bits of `b` keep the edges of a node apart.
    const other = random(index + 1)
    a[index] = a[other]
    b[index] = b[other]
    a[other] = index >> 3
    b[other] = random(nodes) * 8 + (index & 7)
  }
  return { a, b }
}

/** Nine inserts of something new to one delete of something older: 80 % of the updates are alive in the end. */
const grow = length => {
  const random = randomFrom(SEED)
  const inserts = distinctEdges(length - Math.floor(length / 10), random)
  const edges = { a: new Int32Array(length), b: new Int32Array(length), diff: new Int8Array(length), length }
  let inserted = 0
  // The alive ones are those of `inserts` in [deleted, inserted): their order is random anyway.
  let deleted = 0
  for (let index = 0; index < length; index++) {
    const deletes = index % 10 === 9
    const source = deletes ? deleted++ : inserted++
    edges.a[index] = inserts.a[source]
    edges.b[index] = inserts.b[source]
    edges.diff[index] = deletes ? -1 : 1
  }
  return edges
}

/** Edges out of 100 k that come and go. */
const churn = length => {
  const random = randomFrom(SEED)
  const tuples = distinctEdges(CHURN_TUPLES, random)
  const alive = new Uint8Array(CHURN_TUPLES)
  const edges = { a: new Int32Array(length), b: new Int32Array(length), diff: new Int8Array(length), length }
  for (let index = 0; index < length; index++) {
    const tuple = random(CHURN_TUPLES)
    edges.a[index] = tuples.a[tuple]
    edges.b[index] = tuples.b[tuple]
    edges.diff[index] = alive[tuple] === 1 ? -1 : 1
    alive[tuple] ^= 1
  }
  return edges
}

/** New edges alone, each once. */
const fresh = length => ({
  ...distinctEdges(length, randomFrom(SEED)),
  diff: new Int8Array(length).fill(1),
  length,
})

const SHAPES = { grow, churn, fresh }

/**
 * @param {keyof typeof SHAPES} shape
 * @param {number} length
 * @returns {Edges}
 */
export const edgesOf = (shape, length) => SHAPES[shape](length)

/** Adds up rows `(a, b, multiplicity)` to a number that does not depend on their order. */
export class Checksum {
  #sum = 0
  #rows = 0

  add(a, b, diff) {
    const mixed = Math.imul(Math.imul(a, 0x9e3779b1) ^ (b + 0x7f4a7c15), 0x85ebca6b)
    this.#sum = (this.#sum + Math.imul(mixed ^ (mixed >>> 15), diff)) | 0
    this.#rows++
  }

  toString() {
    return `${this.#rows} rows, ${(this.#sum >>> 0).toString(16)}`
  }
}
