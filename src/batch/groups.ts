// Owns the cut of a stream of columns into pieces that are encoded at once: full row groups, except where the values
// are large, and the last one.
import { type Columns, contentAt, GrowingColumns, slice } from '../model/columns.ts'
import { Kind } from '../model/value.ts'

/**
 * Most rows in a row group. A merge keeps one row group of each input in memory, so this times the number of inputs
 * bounds it; with fewer rows the pages get small and the footer large.
 */
export const ROW_GROUP_ROWS = 65_536

/** Most bytes of a row group before encoding, and of what the codec collects: bounds memory where values are large. */
export const ROW_GROUP_BYTES: number = 64 * 1024 * 1024

/** About how many bytes the values of a row take that have no fixed size. */
const bytesAt = (columns: Columns, row: number): number => {
  let bytes = 0
  for (const column of columns.data) {
    const kind = column.kinds[row]
    if (kind === Kind.string) bytes += (contentAt(column, row) as string).length
    else if (kind === Kind.bytes || kind === Kind.vector)
      bytes += (contentAt(column, row) as Uint8Array | Float32Array).byteLength
  }
  return bytes
}

/** A row group that is being filled. */
class Filling {
  rows = 0
  bytes = 0

  get isFull(): boolean {
    return this.rows >= ROW_GROUP_ROWS || this.bytes >= ROW_GROUP_BYTES
  }

  /** Counts rows from `from` on until it is full or the chunk ends; returns the row after the last one counted. */
  count(chunk: Columns, from: number): number {
    if (chunk.data.every(({ heap }) => heap.values.length === 0)) {
      const end = Math.min(chunk.length, from + ROW_GROUP_ROWS - this.rows)
      this.rows += end - from
      return end
    }
    let row = from
    for (; row < chunk.length && !this.isFull; row++) {
      this.rows++
      this.bytes += bytesAt(chunk, row)
    }
    return row
  }
}

/** The rows of `chunks` in the same order, in row groups. Keeps one row group of small chunks. */
export async function* rowGroups(
  chunks: AsyncIterable<Columns> | Iterable<Columns>,
  arity: number,
): AsyncGenerator<Columns, void, undefined> {
  let pending = new GrowingColumns(arity)
  let filling = new Filling()
  for await (const chunk of chunks) {
    for (let from = 0; from < chunk.length; ) {
      const end = filling.count(chunk, from)
      const whole = filling.isFull && pending.length === 0
      if (!whole) pending.appendRange(chunk, from, end)
      if (filling.isFull) {
        yield whole ? slice(chunk, from, end) : pending.view()
        pending = new GrowingColumns(arity)
        filling = new Filling()
      }
      from = end
    }
  }
  if (pending.length > 0) yield pending.view()
}
