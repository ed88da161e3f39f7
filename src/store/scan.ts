// Owns one read of one shard: from what the view pins to consolidated columns, passing over batches, row groups and
// columns that cannot matter. Law: what a scan yields is what the same scan over all updates would yield.
import type { BatchCache } from '../batch/cache.ts'
import { inRange, type MergeRange, type MergeWindows, merge } from '../batch/merge.ts'
import { batchMayHold } from '../batch/prune.ts'
import { type Columns, GrowingColumns, rowBytes } from '../model/columns.ts'
import { consolidate } from '../model/consolidate.ts'
import { type Condition, matching, narrowed } from '../model/predicate.ts'
import type { BufferView } from '../shard/buffer-view.ts'
import { type BatchEntry, batchPath } from '../shard/metadata.ts'
import type { ShardView } from '../shard/shard.ts'

/** What is read of a shard. */
export interface Selection {
  /** Indices of the data columns wanted, in order. */
  readonly columns: readonly number[]
  readonly conditions: readonly Condition[]
}

/** At which time everything that is in range is seen. */
export interface Span {
  /** Updates with `after < time <= asOf` count. @default -1 */
  readonly after?: number
  readonly asOf: number
}

/** What has to be read for a selection: its columns and those of its conditions, and where they then are. */
interface Reading {
  readonly columns: readonly number[]
  readonly conditions: readonly Condition[]
  /** Indices of the wanted columns within what is read. */
  readonly output: readonly number[]
}

const readingOf = ({ columns, conditions }: Selection): Reading => {
  const read = [...new Set([...columns, ...conditions.map(({ column }) => column)])].sort((a, b) => a - b)
  return {
    columns: read,
    conditions: conditions.map(condition => ({ ...condition, column: read.indexOf(condition.column) })),
    output: columns.map(column => read.indexOf(column)),
  }
}

const projected = (columns: Columns, indices: readonly number[]): Columns => ({
  ...columns,
  data: indices.map(index => columns.data[index]!),
})

/** Whether a condition asks for one value. */
const isPointRead = ({ conditions }: Selection): boolean =>
  conditions.some(({ point }) => point !== undefined)

/** The rows wanted of rows that were read, with the columns wanted. */
const select = (columns: Columns, { conditions, output }: Reading): Columns =>
  projected(matching(columns, conditions), output)

/** The rows selected of a batch, out of row groups that pass by. */
async function* selectedOf(
  cache: BatchCache,
  batch: BatchEntry,
  shard: string,
  selection: Selection,
  { after = -1, asOf }: Span,
): AsyncGenerator<Columns> {
  const reading = readingOf(selection)
  const { conditions } = selection
  const { columns } = reading
  // Of what is in range as a whole nobody asks when.
  const time = batch.lower > after && batch.upper - 1 <= asOf ? asOf : undefined
  for await (const rows of cache.passing(batchPath(batch.id), batch, shard, conditions, { columns, time }))
    yield select(rows, reading)
}

/** As {@link selectedOf}, out of row groups that are kept decoded. */
async function* selectedOfKept(
  cache: BatchCache,
  batch: BatchEntry,
  shard: string,
  selection: Selection,
): AsyncGenerator<Columns> {
  const reading = readingOf(selection)
  for await (const rows of cache.rowGroups(batchPath(batch.id), batch, shard, selection.conditions))
    yield select(projected(narrowed(rows, selection.conditions), reading.columns), reading)
}

async function* selectedOfBuffer(buffer: BufferView, selection: Selection): AsyncGenerator<Columns> {
  const reading = readingOf(selection)
  // Few rows are sorted sooner than all of them.
  if (isPointRead(selection)) yield consolidate(select(projected(buffer.columns, reading.columns), reading))
  else yield select(projected(buffer.consolidated, reading.columns), reading)
}

/** Whether rows sorted by whole tuples are sorted by these columns too, once they have one time. */
const keepsOrder = (columns: readonly number[]): boolean => columns.every((column, index) => column === index)

/** Rows before which a sum in memory is not worth making. */
const SUM_ROWS = 65_536

/** The sum of runs that are not sorted. Memory is bounded by the distinct tuples, not by the updates. */
async function* sum(
  runs: readonly AsyncIterable<Columns>[],
  arity: number,
  range: MergeRange,
): AsyncGenerator<Columns> {
  let total = new GrowingColumns(arity)
  let limit = SUM_ROWS
  const shrink = (): void => {
    const consolidated = consolidate(total)
    total = new GrowingColumns(arity, consolidated.length)
    total.appendRange(consolidated, 0, consolidated.length)
    limit = Math.max(SUM_ROWS, 2 * total.length)
  }
  for (const run of runs) {
    for await (const chunk of run) {
      const columns = inRange(chunk, range)
      total.appendRange(columns, 0, columns.length)
      if (total.length >= limit) shrink()
    }
  }
  const consolidated = consolidate(total)
  if (consolidated.length > 0) yield consolidated
}

/**
 * Whether row groups are worth keeping once they are scanned again: where each is read whole, and all of them leave half
 * of the room to others. What heaps take is not known before; it is about what it takes in the file.
 */
const isWorthKeeping = (cache: BatchCache, batches: readonly BatchEntry[], arity: number): boolean => {
  const bytes = batches.reduce((sum, { len, bytes }) => sum + len * rowBytes(arity) + bytes, 0)
  return bytes <= cache.kept.bytesMax / 2
}

/** What a scan is for, and how it is merged, where that is what is done. */
interface Occasion extends MergeWindows {
  /** The same is read otherwise too: what may be kept is kept at once. @default false */
  readonly isOneOfMany?: boolean
}

/**
 * The rows of a view that are selected: sorted by the wanted columns, one row for each combination of values, its diff
 * the sum over `span`, all at time `span.asOf`; in chunks that are never empty. The view must be pinned.
 *
 * Reads one row group of each batch at a time; where a condition asks for one value, or they take little room and were
 * scanned before, through the row groups that are kept. Where the wanted columns are not the first ones in order, the
 * distinct rows are kept in memory.
 */
export const scan = (
  cache: BatchCache,
  view: ShardView,
  selection: Selection,
  span: Span,
  { isOneOfMany = false, ...windows }: Occasion = {},
): AsyncGenerator<Columns> => {
  const { after = -1, asOf } = span
  const range = { since: asOf, until: asOf, after }
  const { conditions } = selection
  const batches = view.batches.filter(
    batch => batch.lower <= asOf && batch.upper - 1 > after && batchMayHold(batch, conditions),
  )
  const width = view.schema.length
  const isWhole = readingOf(selection).columns.length === width
  const mayKeep = isWhole && isWorthKeeping(cache, batches, width)
  const runOf = (batch: BatchEntry): AsyncGenerator<Columns> =>
    isPointRead(selection) || (mayKeep && (isOneOfMany || cache.wasScanned(batchPath(batch.id))))
      ? selectedOfKept(cache, batch, view.name, selection)
      : selectedOf(cache, batch, view.name, selection, span)
  const runs = [...batches.map(runOf), ...view.buffers.map(buffer => selectedOfBuffer(buffer, selection))]
  const arity = selection.columns.length
  return keepsOrder(selection.columns) ? merge(runs, arity, range, windows) : sum(runs, arity, range)
}
