// Owns the buffer of a shard that takes updates, until it is frozen and the next one takes them.
// Invariant: from an active buffer on, `next` leads through everything that the shard took in since, in order.
import { type Columns, GrowingColumns, slice } from '../model/columns.ts'
import { TupleIndex } from '../model/tuple-index.ts'
import { addDiff } from '../model/update.ts'
import { BufferView } from './buffer-view.ts'

export class ActiveBuffer {
  readonly columns: GrowingColumns
  /** The buffer that followed it; undefined while it takes updates. */
  next: ActiveBuffer | undefined
  /** Made when somebody asks for a tuple. */
  #index: TupleIndex | undefined
  /** What it held when views were last asked for. */
  #views: readonly BufferView[] = []

  /** @param arity number of data columns. @param expected updates that it may hold in the end, see {@link GrowingColumns} */
  constructor(arity: number, expected = 0) {
    this.columns = new GrowingColumns(arity, undefined, { expected })
  }

  /** About how much memory it takes, with what was made to look tuples up, and to read it. */
  get bytes(): number {
    let bytes = this.columns.bytes + (this.#index?.bytes ?? 0)
    for (const { sortedBytes } of this.#views) bytes += sortedBytes
    return bytes
  }

  /**
   * What it holds now, in the order of the log, in parts that do not change any more: each is at least twice as long as
   * the next, so that there are few, and what was sorted mostly stays so while the buffer grows.
   */
  views(): readonly BufferView[] {
    const views = [...this.#views]
    let from = views.reduce((sum, { columns }) => sum + columns.length, 0)
    const { length } = this.columns
    if (from === length) return this.#views
    for (
      let last = views.at(-1);
      last !== undefined && last.columns.length < 2 * (length - from);
      last = views.at(-1)
    ) {
      from -= last.columns.length
      views.pop()
    }
    views.push(new BufferView(slice(this.columns, from, length)))
    this.#views = views
    return views
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
