// Owns what an encoder of values is to the writer of a column chunk, whatever their type.
import type { Sink } from './sink.ts'

/** One way of writing the values of a column chunk, by their places among them. */
export interface ValuesWriter {
  readonly encoding: number
  /** Written in front, PLAIN; absent unless the values are codes. */
  readonly dictionary: { readonly size: number; readonly bytes: Uint8Array } | undefined
  /** Writes the values of `[from, to)`. */
  readonly write: (sink: Sink, from: number, to: number) => void
}
