// Owns what need not be read: batches and row groups of which the statistics say that no row meets the conditions.
// Invariant: statistics only ever exclude; where they say nothing, or something that has no exact value, all is read.
import type { Bounds, Exclusion } from '../model/predicate.ts'
import { canonical, float, Timestamp, type Value } from '../model/value.ts'
import type { RowGroupFooter } from '../parquet/footer.ts'
import type { ChunkStatistics } from '../parquet/statistics.ts'
import type { BatchDescription } from './description.ts'
import type { Layout, PartType } from './layout.ts'

/** Whether a batch may hold a row that meets all conditions. */
export const batchMayHold = (batch: BatchDescription, conditions: readonly Exclusion[]): boolean =>
  conditions.every(({ column, mayHold }) => {
    const { min, max, nulls } = batch.columns[column]!
    return mayHold({ min, max, someNull: nulls > 0, someValue: nulls < batch.len })
  })

const REPLACEMENT = '\uFFFD'

/** A bound of a column chunk as our value, or undefined if it has no exact one. */
const boundOf = (type: PartType, bound: unknown): Value | undefined => {
  switch (type) {
    case 'boolean':
      return typeof bound === 'boolean' ? bound : undefined
    case 'int32':
    case 'int64':
    case 'float64':
      return typeof bound === 'number' || typeof bound === 'bigint' ? numberOf(type, bound) : undefined
    case 'timestamp':
      // Beyond the range of Date it is no number.
      return bound instanceof Date && !Number.isNaN(bound.getTime())
        ? new Timestamp(bound.getTime())
        : undefined
    case 'string':
      // Bytes that are no UTF-8 were replaced in it, and it sorts elsewhere.
      return typeof bound === 'string' && !bound.includes(REPLACEMENT) ? bound : undefined
    default:
      // Bytes were decoded as if they were text; of a vector, each element has bounds.
      return undefined
  }
}

const numberOf = (type: PartType, bound: number | bigint): Value | undefined => {
  if (type !== 'float64') return canonical(bound, 'bound')
  return Number.isNaN(bound) ? undefined : canonical(float(Number(bound)), 'bound')
}

const boundsOf = (type: PartType, statistics: ChunkStatistics | undefined, rows: number): Bounds => ({
  min: boundOf(type, statistics?.min),
  max: boundOf(type, statistics?.max),
  someNull: statistics?.nulls === undefined || statistics.nulls > 0,
  someValue: statistics?.nulls === undefined || statistics.nulls < rows,
})

/** What is known of a column of a row group; undefined of one of several types, or of vectors. */
export const rowGroupBounds = (
  layout: Layout,
  { rows, chunks }: RowGroupFooter,
  column: number,
): Bounds | undefined => {
  const { parts } = layout[column]!
  const [part] = parts
  if (part === undefined || parts.length !== 1 || part.type === 'vector') return undefined
  return boundsOf(part.type, chunks.find(each => each.column === part.name)?.statistics, rows)
}

/** Whether a row group may hold a row that meets all conditions. */
export const rowGroupMayHold = (
  layout: Layout,
  group: RowGroupFooter,
  conditions: readonly Exclusion[],
): boolean =>
  conditions.every(({ column, mayHold }) => {
    const bounds = rowGroupBounds(layout, group, column)
    return bounds === undefined || mayHold(bounds)
  })
