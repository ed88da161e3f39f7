// Owns the sums of diffs by tuple over columns that grow at the end. Rows are taken in when somebody asks, once each.
// An open-addressing hash table over kinds and payloads: within one set of columns equal values have equal codes, so
// that no value is looked at (Knuth, TAOCP 6.4, linear probing).
import { type Column, type Columns, contentAt, isHeapKind } from './columns.ts'
import { addDiff } from './update.ts'
import type { HeapValue } from './value.ts'

const FEWEST_SLOTS = 64

const scratch = new Float64Array(1)
const words = new Uint32Array(scratch.buffer)

/** Mixes one column of a row into a hash. */
const mix = (hash: number, kind: number, payload: number): number => {
  scratch[0] = payload
  let next = Math.imul(hash ^ words[0]! ^ (kind << 27), 0x9e3779b1)
  next = Math.imul(next ^ (next >>> 15) ^ words[1]!, 0x85ebca77)
  return next ^ (next >>> 13)
}

const samePayload = (a: number, b: number): boolean => a === b || (Number.isNaN(a) && Number.isNaN(b))

export class TupleIndex {
  readonly #columns: Columns
  /** Per slot, one more than the entry that it leads to; 0 if it is free. */
  #slots = new Int32Array(FEWEST_SLOTS)
  /** Per entry, a row with its tuple, its hash, and the sum of the diffs of all such rows; half as many as slots. */
  #rows = new Int32Array(FEWEST_SLOTS / 2)
  #hashes = new Int32Array(FEWEST_SLOTS / 2)
  #sums = new Float64Array(FEWEST_SLOTS / 2)
  #entries = 0
  /** Rows that are taken in. */
  #taken = 0
  readonly #kinds: Uint8Array
  readonly #payload: Float64Array

  /** @param columns may grow afterwards */
  constructor(columns: Columns) {
    this.#columns = columns
    this.#kinds = new Uint8Array(columns.data.length)
    this.#payload = new Float64Array(columns.data.length)
  }

  /** How many bytes the table takes, without the columns. */
  get bytes(): number {
    return this.#slots.byteLength + this.#rows.byteLength + this.#hashes.byteLength + this.#sums.byteLength
  }

  /**
   * The sum of the diffs of all rows that hold the tuple at `row` of `source`, which has as many columns; see
   * {@link addDiff}.
   */
  sumOf(source: Columns, row: number): number {
    this.#takeIn()
    if (!this.#translate(source, row)) return 0
    const entry = this.#find(this.#hashOf())
    return entry === -1 ? 0 : this.#sums[entry]!
  }

  /** Makes the tuple at `row` of other columns the one looked for; `false` if some value occurs nowhere in ours. */
  #translate(source: Columns, row: number): boolean {
    const { data } = this.#columns
    for (let index = 0; index < data.length; index++) {
      const from: Column = source.data[index]!
      const kind = from.kinds[row]!
      this.#kinds[index] = kind
      if (!isHeapKind(kind)) {
        this.#payload[index] = from.payload[row]!
        continue
      }
      const code = data[index]!.heap.find(contentAt(from, row) as HeapValue)
      if (code === undefined) return false
      this.#payload[index] = code
    }
    return true
  }

  #hashOf(): number {
    let hash = 0
    for (let index = 0; index < this.#kinds.length; index++)
      hash = mix(hash, this.#kinds[index]!, this.#payload[index]!)
    return hash
  }

  #isAt(row: number): boolean {
    const { data } = this.#columns
    for (let index = 0; index < data.length; index++) {
      const { kinds, payload } = data[index]!
      if (kinds[row] !== this.#kinds[index] || !samePayload(payload[row]!, this.#payload[index]!))
        return false
    }
    return true
  }

  /** The entry of the tuple looked for, or -1. */
  #find(hash: number): number {
    const mask = this.#slots.length - 1
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const entry = this.#slots[slot]! - 1
      if (entry === -1) return -1
      if (this.#hashes[entry] === hash && this.#isAt(this.#rows[entry]!)) return entry
    }
  }

  #takeIn(): void {
    const { length, data, diff } = this.#columns
    this.#reserve(this.#entries + length - this.#taken)
    for (let row = this.#taken; row < length; row++) {
      for (let index = 0; index < data.length; index++) {
        this.#kinds[index] = data[index]!.kinds[row]!
        this.#payload[index] = data[index]!.payload[row]!
      }
      const hash = this.#hashOf()
      const entry = this.#find(hash)
      if (entry === -1) this.#add(row, hash, diff[row]!)
      else this.#sums[entry] = addDiff(this.#sums[entry]!, diff[row]!)
    }
    this.#taken = length
  }

  #add(row: number, hash: number, diff: number): void {
    const entry = this.#entries++
    this.#rows[entry] = row
    this.#hashes[entry] = hash
    this.#sums[entry] = diff
    this.#place(entry)
  }

  /** Makes room for so many entries. */
  #reserve(needed: number): void {
    let entries = this.#rows.length
    while (entries < needed) entries *= 2
    if (entries === this.#rows.length) return
    const [rows, hashes, sums] = [this.#rows, this.#hashes, this.#sums]
    this.#rows = new Int32Array(entries)
    this.#hashes = new Int32Array(entries)
    this.#sums = new Float64Array(entries)
    this.#rows.set(rows)
    this.#hashes.set(hashes)
    this.#sums.set(sums)
    this.#slots = new Int32Array(entries * 2)
    for (let entry = 0; entry < this.#entries; entry++) this.#place(entry)
  }

  #place(entry: number): void {
    const mask = this.#slots.length - 1
    let slot = this.#hashes[entry]! & mask
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask
    this.#slots[slot] = entry + 1
  }
}
