// Owns the cut of a stream of columns into row groups: full ones, except where the values are large, and the last.
import { type Columns, contentAt, GrowingColumns, slice } from '../model/columns.ts'
import { Kind } from '../model/value.ts'
import { ROW_GROUP_BYTES, ROW_GROUP_ROWS } from './parquet.ts'

/** The row before which rows from `from` on are more than a row group may hold; at least one row further. */
const groupEnd = (columns: Columns, from: number): number => {
  const most = Math.min(columns.length, from + ROW_GROUP_ROWS)
  const large = columns.data.filter(({ heap }) => heap.values.length > 0)
  let bytes = 0
  for (let row = from; row < most; row++) {
    for (const column of large) {
      const kind = column.kinds[row]
      if (kind === Kind.string) bytes += (contentAt(column, row) as string).length
      else if (kind === Kind.bytes || kind === Kind.vector)
        bytes += (contentAt(column, row) as Uint8Array | Float32Array).byteLength
    }
    if (bytes > ROW_GROUP_BYTES && row > from) return row
  }
  return most
}

/** The rows of `chunks` in the same order, in row groups. Keeps one row group of small chunks. */
export async function* rowGroups(
  chunks: AsyncIterable<Columns> | Iterable<Columns>,
  arity: number,
): AsyncGenerator<Columns, void, undefined> {
  let pending = new GrowingColumns(arity)
  for await (const chunk of chunks) {
    for (let from = 0; from < chunk.length; ) {
      if (pending.length === 0 && chunk.length - from >= ROW_GROUP_ROWS) {
        const end = groupEnd(chunk, from)
        yield slice(chunk, from, end)
        from = end
        continue
      }
      const end = Math.min(groupEnd(chunk, from), from + ROW_GROUP_ROWS - pending.length)
      pending.appendRange(chunk, from, end)
      from = end
      if (pending.length < ROW_GROUP_ROWS && pending.bytes < ROW_GROUP_BYTES) continue
      yield pending.view()
      pending = new GrowingColumns(arity)
    }
  }
  if (pending.length > 0) yield pending.view()
}
