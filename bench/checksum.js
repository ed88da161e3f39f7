// Owns the sum by which answers are compared. Law: it does not depend on the order of the rows.

const FLOAT = new Float64Array(1)
const FLOAT_BITS = new Int32Array(FLOAT.buffer)

const mix = (hash, bits) => {
  const mixed = Math.imul(hash ^ bits, 0x9e3779b1)
  return Math.imul(mixed ^ (mixed >>> 15), 0x85ebca6b)
}

/** Of a string only its length and its last characters: those tell ours apart, and it costs little. */
const CHARACTERS = 8

const bitsOf = value => {
  if (typeof value === 'string') {
    let hash = value.length
    for (let at = Math.max(0, value.length - CHARACTERS); at < value.length; at++)
      hash = Math.imul(hash, 31) + value.charCodeAt(at)
    return hash
  }
  if (Number.isInteger(value)) return value | 0
  FLOAT[0] = value
  return FLOAT_BITS[0] ^ FLOAT_BITS[1]
}

/** Adds up rows `(tuple, multiplicity)`. */
export class Checksum {
  #sum = 0
  #rows = 0

  #add(hash, diff) {
    this.#sum = (this.#sum + Math.imul(hash ^ (hash >>> 13), diff)) | 0
    this.#rows++
  }

  /** A tuple of two integers of 32 bits. */
  addPair(a, b, diff) {
    this.#add(mix(mix(0, a), b), diff)
  }

  /** @param {ArrayLike<number | string>} tuple may be longer than `arity` */
  addTuple(tuple, arity, diff) {
    let hash = 0
    for (let column = 0; column < arity; column++) hash = mix(hash, bitsOf(tuple[column]))
    this.#add(hash, diff)
  }

  /** Rows as columns. */
  addColumns(columns, diff, length) {
    const [a, b] = columns
    if (columns.length === 2 && a instanceof Int32Array && b instanceof Int32Array)
      for (let row = 0; row < length; row++) this.addPair(a[row], b[row], diff[row])
    else
      for (let row = 0; row < length; row++) {
        let hash = 0
        for (const column of columns) hash = mix(hash, bitsOf(column[row]))
        this.#add(hash, diff[row])
      }
  }

  toString() {
    return `${this.#rows} rows, ${(this.#sum >>> 0).toString(16)}`
  }
}
