// Owns putting columns one behind the other, again and again, as a merge does with what it takes of its runs: the heaps
// are kept from one time to the next, so that a value is moved once, and not each time that a row has it; and so is the
// memory.
import { type Column, type Columns, isHeapKind } from './columns.ts'
import { Heap } from './heap.ts'
import { Scratch } from './scratch.ts'

/** Bytes of the values of a column after which it starts with an empty heap again: what is kept is bounded. */
const HEAP_BYTES_MAX = 16 * 1024 * 1024

const UNKNOWN = -1

/** One column of what is put together. */
class Target {
  readonly #scratch = new Scratch()
  readonly #valuesMax: number
  #heap = new Heap()
  /** Per heap that values came from, their codes in ours, or {@link UNKNOWN}. */
  #codes = new WeakMap<Heap, Int32Array>()

  constructor(valuesMax: number) {
    this.#valuesMax = valuesMax
  }

  of(parts: readonly Column[], lengths: readonly number[], length: number): Column {
    if (this.#heap.values.length > this.#valuesMax || this.#heap.bytes > HEAP_BYTES_MAX) {
      this.#heap = new Heap()
      this.#codes = new WeakMap()
    }
    const kinds = this.#scratch.bytes(length)
    const payload = this.#scratch.numbers(length)
    let at = 0
    parts.forEach((part, index) => {
      const rows = lengths[index]!
      kinds.set(part.kinds.subarray(0, rows), at)
      payload.set(part.payload.subarray(0, rows), at)
      if (part.heap.values.length > 0) this.#translate(part, rows, payload, at)
      at += rows
    })
    return { kinds, payload, heap: this.#heap }
  }

  /** Replaces the codes of `part` by ours. */
  #translate(
    { kinds, payload: source, heap }: Column,
    rows: number,
    payload: Float64Array,
    at: number,
  ): void {
    if (heap === this.#heap) return
    const codes = this.#codesOf(heap)
    const { values } = heap
    for (let row = 0; row < rows; row++) {
      if (!isHeapKind(kinds[row]!)) continue
      const code = source[row]!
      let own = codes[code]!
      if (own === UNKNOWN) {
        own = this.#heap.intern(values[code]!)
        codes[code] = own
      }
      payload[at + row] = own
    }
  }

  #codesOf(heap: Heap): Int32Array {
    const known = this.#codes.get(heap)
    if (known !== undefined && known.length >= heap.values.length) return known
    // A heap may grow while we know it: codes stay.
    const codes = new Int32Array(heap.values.length).fill(UNKNOWN)
    if (known !== undefined) codes.set(known)
    this.#codes.set(heap, codes)
    return codes
  }
}

export class Concatenation {
  readonly #targets: readonly Target[]
  readonly #time = new Scratch()
  readonly #diff = new Scratch()

  /**
   * @param arity number of data columns of all parts
   * @param valuesMax values of a column after which it starts with an empty heap again
   */
  constructor(arity: number, valuesMax: number) {
    this.#targets = Array.from({ length: arity }, () => new Target(valuesMax))
  }

  /** All rows of `parts` in a row, until the next call. Its heaps may hold values that no row has. */
  of(parts: readonly Columns[]): Columns {
    const lengths = parts.map(part => part.length)
    const length = lengths.reduce((sum, each) => sum + each, 0)
    const time = this.#time.numbers(length)
    const diff = this.#diff.numbers(length)
    let at = 0
    for (const part of parts) {
      time.set(part.time.subarray(0, part.length), at)
      diff.set(part.diff.subarray(0, part.length), at)
      at += part.length
    }
    const data = this.#targets.map((target, index) =>
      target.of(
        parts.map(part => part.data[index]!),
        lengths,
        length,
      ),
    )
    return { length, data, time, diff }
  }
}
