// Owns the data that every contestant gets: updates of tuples, the same for the same shape and length.
//
// Invariant: no tuple stands twice at one time, so that a store that keeps (tuple, time) -> diff need not read before
// it writes.
import { lines } from './lines.js'

/**
 * Updates in the order in which they are committed, as columns of equal length. Times never fall.
 * @typedef {object} Updates
 * @property {(Int32Array | Float64Array | string[])[]} columns of the tuples
 * @property {Int8Array | Int32Array} diff
 * @property {Int32Array} time
 * @property {number} length
 */

/** What is in a column. @typedef {'int' | 'float' | 'string'} Type */

/** Distinct tuples of the shape `churn`. */
const CHURN_TUPLES = 100_000
/** In so many updates one after another, no tuple stands twice: no commit is longer. */
export const COMMIT_LENGTH_MAX = 10_000
const EDGES_PER_NODE = 10
/** One update of so many is a delete, where a shape has both. */
const DELETE_EVERY = 10
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

/** Distinct edges of a graph with ten edges out of each node, in random order. */
const distinctEdges = (count, random) => {
  const nodes = Math.ceil(count / EDGES_PER_NODE)
  const a = new Int32Array(count)
  const b = new Int32Array(count)
  for (let index = 0; index < count; index++) {
    // A shuffle as it fills. The last digit of `b` keeps the edges of a node apart.
    const other = random(index + 1)
    a[index] = a[other]
    b[index] = b[other]
    a[other] = Math.floor(index / EDGES_PER_NODE)
    b[other] = random(nodes) * EDGES_PER_NODE + (index % EDGES_PER_NODE)
  }
  return { a, b }
}

const emptyEdges = length => ({
  columns: [new Int32Array(length), new Int32Array(length)],
  diff: new Int8Array(length),
  length,
})

/** Nine inserts of something new to one delete of something older: 80 % of the updates are alive in the end. */
const grow = length => {
  const deletes = index => index % DELETE_EVERY === DELETE_EVERY - 1 && index >= COMMIT_LENGTH_MAX
  const deleted = Math.max(0, Math.floor(length / DELETE_EVERY) - COMMIT_LENGTH_MAX / DELETE_EVERY)
  const inserts = distinctEdges(length - deleted, randomFrom(SEED))
  const updates = emptyEdges(length)
  const [a, b] = updates.columns
  let inserted = 0
  // The alive ones are those of `inserts` in [dead, inserted): their order is random anyway.
  let dead = 0
  for (let index = 0; index < length; index++) {
    const isDelete = deletes(index)
    const source = isDelete ? dead++ : inserted++
    a[index] = inserts.a[source]
    b[index] = inserts.b[source]
    updates.diff[index] = isDelete ? -1 : 1
  }
  return updates
}

/** Edges out of 100 k that come and go. */
const churn = length => {
  const random = randomFrom(SEED)
  const tuples = distinctEdges(CHURN_TUPLES, random)
  const order = Int32Array.from({ length: CHURN_TUPLES }, (_, index) => index)
  const alive = new Uint8Array(CHURN_TUPLES)
  const updates = emptyEdges(length)
  const [a, b] = updates.columns
  for (let index = 0; index < length; index++) {
    // The first of `order` were drawn for this commit: a shuffle that starts again with each.
    const drawn = index % COMMIT_LENGTH_MAX
    const other = drawn + random(CHURN_TUPLES - drawn)
    const tuple = order[other]
    order[other] = order[drawn]
    order[drawn] = tuple
    a[index] = tuples.a[tuple]
    b[index] = tuples.b[tuple]
    updates.diff[index] = alive[tuple] === 1 ? -1 : 1
    alive[tuple] ^= 1
  }
  return updates
}

/** New edges alone, each once. */
const fresh = length => {
  const { a, b } = distinctEdges(length, randomFrom(SEED))
  return { columns: [a, b], diff: new Int8Array(length).fill(1), length }
}

/** As `grow`, of (string, string, float). No float is integral. */
const strings = length => {
  const { columns, diff } = grow(length)
  const [users, items] = columns
  return {
    columns: [
      Array.from(users, user => `user-${user}`),
      Array.from(items, item => `item-${item}`),
      Float64Array.from(items, item => ((item % 1000) + 0.5) / 4),
    ],
    diff,
    length,
  }
}

const SHAPES = {
  grow: { types: ['int', 'int'], make: grow },
  churn: { types: ['int', 'int'], make: churn },
  fresh: { types: ['int', 'int'], make: fresh },
  strings: { types: ['string', 'string', 'float'], make: strings },
  lines: { types: ['string', 'string'], make: lines },
}

/** @returns {Type[]} of the columns of a shape */
export const typesOf = shape => SHAPES[shape].types

/**
 * The updates of a shape. Where a shape has no times of its own, a time is the number of a commit of `commitLength`.
 * @param {keyof typeof SHAPES} shape
 * @param {number} length at most; `lines` has as many as there are
 * @param {number} commitLength at most `COMMIT_LENGTH_MAX`
 * @returns {Promise<Updates>}
 */
export const updatesOf = async (shape, length, commitLength) => {
  const updates = await SHAPES[shape].make(length)
  if (updates.time !== undefined) return updates
  const time = new Int32Array(updates.length)
  for (let index = 0; index < time.length; index++) time[index] = Math.floor(index / commitLength)
  return { ...updates, time }
}

/**
 * Where commits begin and end: each has at least `commitLength` updates, but for the last, and whole times.
 * @param {Updates} updates
 * @returns {Generator<readonly [from: number, to: number]>}
 */
export function* commitsOf({ time, length }, commitLength) {
  for (let from = 0; from < length; ) {
    let to = Math.min(from + commitLength, length)
    while (to < length && time[to] === time[to - 1]) to++
    yield [from, to]
    from = to
  }
}
