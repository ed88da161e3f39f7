// Owns the buffer of a shard that takes updates, until it is frozen and the next one takes them.
// Invariant: from an active buffer on, `next` leads through everything that the shard took in since, in order.
import { type Columns, GrowingColumns } from '../model/columns.ts'
import { TupleIndex } from '../model/tuple-index.ts'
import { addDiff } from '../model/update.ts'

export class ActiveBuffer {
  readonly columns: GrowingColumns
  /** The buffer that followed it; undefined while it takes updates. */
  next: ActiveBuffer | undefined
  /** Made when somebody asks for a tuple. */
  #index: TupleIndex | undefined

  /** @param arity number of data columns. @param expected updates that it may hold in the end, see {@link GrowingColumns} */
  constructor(arity: number, expected = 0) {
    this.columns = new GrowingColumns(arity, undefined, { expected })
  }

  /** About how much memory it takes, with what was made to look tuples up. */
  get bytes(): number {
    return this.columns.bytes + (this.#index?.bytes ?? 0)
  }

  /** The buffer that takes updates now, unless the shard was dropped since. */
  get latest(): ActiveBuffer {
    let buffer: ActiveBuffer = this
    while (buffer.next !== undefined) buffer = buffer.next
    return buffer
  }

  /** The sum of the diffs that this buffer and all that followed hold of the tuple at `row` of `source`. */
  sumOf(source: Columns, row: number): number {
    let sum = 0
    for (let buffer: ActiveBuffer | undefined = this; buffer !== undefined; buffer = buffer.next)
      sum = addDiff(sum, buffer.#own(source, row))
    return sum
  }

  #own(source: Columns, row: number): number {
    if (this.columns.length === 0) return 0
    this.#index ??= new TupleIndex(this.columns)
    return this.#index.sumOf(source, row)
  }
}
