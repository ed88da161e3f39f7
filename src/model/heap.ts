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
  // Made when they are needed: most columns are numbers, and a commit has a heap for each.
  #codes: Map<string | bigint, number> | undefined
  #binaryCodes: Map<string, number> | undefined
  #bytes = 0

  /** About how many bytes the values take, for the bounds on buffers. */
  get bytes(): number {
    return this.#bytes
  }

  /** The code of `value`, if it is in the heap. */
  find(value: HeapValue): number | undefined {
    if (typeof value === 'string' || typeof value === 'bigint') return this.#codes?.get(value)
    return this.#binaryCodes?.get(binaryKey(value))
  }

  /** The code of `value`, which is added if it is new. */
  intern(value: HeapValue): number {
    if (typeof value === 'string' || typeof value === 'bigint') {
      this.#codes ??= new Map()
      const size = typeof value === 'string' ? value.length : 8
      return this.#codes.get(value) ?? this.#add(value, value, size, this.#codes)
    }
    this.#binaryCodes ??= new Map()
    const key = binaryKey(value)
    return this.#binaryCodes.get(key) ?? this.#add(value, key, value.byteLength, this.#binaryCodes)
  }

  #add<Key>(value: HeapValue, key: Key, size: number, codes: Map<Key, number>): number {
    const code = this.values.length
    this.values.push(value)
    codes.set(key, code)
    this.#bytes += 48 + size
    return code
  }
}
