// Owns the way of columns to another thread: pieces that are copied out of them, each in little time, and the same
// columns put together again. Law: what arrives has the same rows, and the same codes in its heaps.
import { setImmediate as nextTurn } from 'node:timers/promises'
import { assert } from '../errors.ts'
import type { Column, Columns } from '../model/columns.ts'
import { Heap } from '../model/heap.ts'
import type { HeapValue } from '../model/value.ts'

/** A part of columns, in the order in which they have to arrive. */
export type Piece =
  | {
      readonly kind: 'updates'
      readonly length: number
      readonly time: Float64Array<ArrayBuffer>
      readonly diff: Float64Array<ArrayBuffer>
    }
  /** The next column. */
  | {
      readonly kind: 'column'
      readonly kinds: Uint8Array<ArrayBuffer>
      readonly payload: Float64Array<ArrayBuffer>
    }
  /** More values of the heap of the last column. */
  | { readonly kind: 'values'; readonly values: readonly HeapValue[] }

/** The arrays of a piece that need not be copied once more. */
export const transfersOf = (piece: Piece): ArrayBuffer[] => {
  if (piece.kind === 'updates') return [piece.time.buffer, piece.diff.buffer]
  return piece.kind === 'column' ? [piece.kinds.buffer, piece.payload.buffer] : []
}

/** How many bytes are copied in one turn of the event loop: about a millisecond's work. */
const TURN_BYTES = 2 * 1024 * 1024
/** A value costs that much beside its bytes. */
const VALUE_BYTES = 256

/** The first `length` elements in an array of their own: a view would take the rest along. */
const copied = async <A extends Uint8Array<ArrayBuffer> | Float64Array<ArrayBuffer>>(
  array: Uint8Array | Float64Array,
  target: A,
): Promise<A> => {
  const step = TURN_BYTES / target.BYTES_PER_ELEMENT
  for (let from = 0; from < target.length; from += step) {
    target.set(array.subarray(from, Math.min(target.length, from + step)), from)
    if (from + step < target.length) await nextTurn()
  }
  return target
}

const sizeOf = (value: HeapValue): number =>
  VALUE_BYTES + (typeof value === 'string' ? value.length : typeof value === 'bigint' ? 8 : value.byteLength)

/** As `value`, without what else is in the same buffer. */
const alone = (value: HeapValue): HeapValue => (typeof value === 'object' ? value.slice() : value)

async function* heapPieces({ values }: Heap): AsyncGenerator<Piece, void, undefined> {
  for (let from = 0; from < values.length; ) {
    const some: HeapValue[] = []
    for (let bytes = 0; from < values.length && bytes < TURN_BYTES; from++) {
      const value = values[from]!
      some.push(alone(value))
      bytes += sizeOf(value)
    }
    yield { kind: 'values', values: some }
  }
}

/** The pieces of `columns`, which must not change meanwhile. Gives way to other work between them. */
export async function* piecesOf(columns: Columns): AsyncGenerator<Piece, void, undefined> {
  const { length, time, diff, data } = columns
  const float64 = (array: Float64Array): Promise<Float64Array<ArrayBuffer>> =>
    copied(array, new Float64Array(length))
  yield { kind: 'updates', length, time: await float64(time), diff: await float64(diff) }
  for (const { kinds, payload, heap } of data) {
    await nextTurn()
    yield {
      kind: 'column',
      kinds: await copied(kinds, new Uint8Array(length)),
      payload: await float64(payload),
    }
    for await (const piece of heapPieces(heap)) {
      await nextTurn()
      yield piece
    }
  }
}

/** Puts columns together of their pieces. */
export class Unpacking {
  #updates: Omit<Columns, 'data'> | undefined
  readonly #data: Column[] = []

  add(piece: Piece): void {
    if (piece.kind === 'updates') {
      const { length, time, diff } = piece
      this.#updates = { length, time, diff }
    } else if (piece.kind === 'column') {
      const { kinds, payload } = piece
      this.#data.push({ kinds, payload, heap: new Heap() })
    } else {
      const { heap } = this.#data.at(-1)!
      for (const value of piece.values) heap.intern(value)
    }
  }

  /** The columns, when all pieces were added. */
  get columns(): Columns {
    assert(this.#updates !== undefined, 'columns arrive with their updates first')
    return { ...this.#updates, data: this.#data }
  }
}
