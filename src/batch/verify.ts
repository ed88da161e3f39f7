// Owns the full check of a batch: everything that its description and the format promise, by reading all of it.
import { CorruptionError } from '../errors.ts'
import { compareValues, type Value } from '../model/value.ts'
import { OrderCheck } from './order.ts'
import type { BatchReader } from './reader.ts'
import { Span } from './span.ts'

const sameBound = (a: Value | undefined, b: Value | undefined): boolean =>
  a === undefined || b === undefined ? a === b : compareValues(a, b) === 0

/**
 * Reads a batch whole: every checksum, the order of its rows, consolidation, times, counts, least and greatest values.
 * @param progress is told how many rows were read since it was told last
 * @throws {CorruptionError} BATCH_CORRUPT with the place of the first thing that does not hold
 */
export const verifyBatch = async (
  reader: BatchReader,
  progress: (rows: number) => void = () => {},
): Promise<void> => {
  const { file, description } = reader
  const refuse = (why: string, details: Readonly<Record<string, unknown>>): never => {
    throw new CorruptionError('BATCH_CORRUPT', why, { file, ...details })
  }
  const order = new OrderCheck()
  const span = new Span(description.columns.length)
  for (let rowGroup = 0; rowGroup < reader.rowGroups; rowGroup++) {
    const columns = await reader.read(rowGroup)
    const row = order.firstWrong(columns)
    if (row !== -1) refuse('the rows of a batch are not sorted and consolidated', { rowGroup, row })
    span.add(columns)
    progress(columns.length)
  }
  const found = span.describe(description.columns.map(({ type }) => type))
  for (const key of ['len', 'lower', 'upper'] as const) {
    if (found[key] !== description[key])
      refuse('a batch is not as its metadata says', {
        place: key,
        expected: description[key],
        found: found[key],
      })
  }
  found.columns.forEach((column, index) => {
    const { min, max, nulls } = description.columns[index]!
    const place = `columns[${index}]`
    if (column.nulls !== nulls) refuse('a batch is not as its metadata says', { place: `${place}.nulls` })
    if (!sameBound(column.min, min)) refuse('a batch is not as its metadata says', { place: `${place}.min` })
    if (!sameBound(column.max, max)) refuse('a batch is not as its metadata says', { place: `${place}.max` })
  })
}
