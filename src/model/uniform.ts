// Owns memory of which all values are the same: nobody changes it, so whoever asks next shares it.
import type { Kind } from './value.ts'

let uniform: { readonly time: number; readonly times: Float64Array } = { time: 0, times: new Float64Array() }

/** The times of rows that are all at one. Not to be changed. */
export const timesAt = (time: number, length: number): Float64Array => {
  if (uniform.time !== time || uniform.times.length < length)
    uniform = { time, times: new Float64Array(length).fill(time) }
  return uniform.times.subarray(0, length)
}

const kindsByKind = new Map<Kind, Uint8Array>()

/** The kinds of rows that all have one. Not to be changed. */
export const kindsOf = (kind: Kind, length: number): Uint8Array => {
  let kinds = kindsByKind.get(kind)
  if (kinds === undefined || kinds.length < length) {
    kinds = new Uint8Array(length).fill(kind)
    kindsByKind.set(kind, kinds)
  }
  return kinds.subarray(0, length)
}
