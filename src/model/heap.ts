// Owns the distinct values of one column that do not fit a float64: strings, bytes, vectors, 64-bit integers.
// Invariants: a value has exactly one code; codes are dense and never change, so that views may share a heap that
// still grows; equal codes mean equal values, so rows are compared and summed without looking at the values.
import type { HeapValue } from './value.ts'

const CHUNK = 8192

const binaryKey = (value: Uint8Array | Float32Array): string => {
  const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
  let key = value instanceof Float32Array ? 'v' : 'b'
  for (let at = 0; at < bytes.length; at += CHUNK)
    key += String.fromCharCode(...bytes.subarray(at, at + CHUNK))
  return key
}

/** The dictionary of a column. */
export class Heap {
  readonly values: HeapValue[] = []
  readonly #codes = new Map<string | bigint, number>()
  readonly #binaryCodes = new Map<string, number>()
  #bytes = 0

  /** About how many bytes the values take, for the bounds on buffers. */
  get bytes(): number {
    return this.#bytes
  }

  /** The code of `value`, if it is in the heap. */
  find(value: HeapValue): number | undefined {
    if (typeof value === 'string' || typeof value === 'bigint') return this.#codes.get(value)
    return this.#binaryCodes.get(binaryKey(value))
  }

  /** The code of `value`, which is added if it is new. */
  intern(value: HeapValue): number {
    const simple = typeof value === 'string' || typeof value === 'bigint'
    const codes: Map<string | bigint, number> = simple ? this.#codes : this.#binaryCodes
    const key = simple ? value : binaryKey(value)
    const known = codes.get(key)
    if (known !== undefined) return known
    const code = this.values.length
    this.values.push(value)
    codes.set(key, code)
    this.#bytes += 48 + (typeof value === 'string' ? value.length : simple ? 8 : value.byteLength)
    return code
  }
}
