// What is found in the pieces of a run is what is found in all of it.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { KeptColumns } from '../../src/batch/kept-columns.ts'
import { KeptRun } from '../../src/batch/kept-run.ts'
import type { LeanColumns } from '../../src/batch/lean-columns.ts'
import { type Columns, slice } from '../../src/model/columns.ts'
import { consolidate } from '../../src/model/consolidate.ts'
import { rowsBeginningWith } from '../../src/model/prefix.ts'
import type { Value } from '../../src/model/value.ts'
import { anyValue, columnsFrom } from '../support/values.ts'
import { type Row, rowsOf } from './columns-of.ts'

const MUCH = 1_000_000

const piecesOf = (columns: Columns, rows: number): LeanColumns[] => {
  const pieces: LeanColumns[] = []
  for (let from = 0; from < columns.length; from += rows)
    pieces.push({ columns: slice(columns, from, Math.min(columns.length, from + rows)), bytes: 10 })
  return pieces
}

const foundIn = (run: KeptRun, prefix: readonly Value[]): Row[] | undefined =>
  run.find(prefix)?.flatMap(({ columns, from, to }) => rowsOf(slice(columns, from, to)))

test('a law', () => {
  const anyCase = fc.array(anyValue(), { minLength: 1, maxLength: 6 }).chain(values => {
    const value = fc.constantFrom(...values)
    const update = fc.record({ data: fc.tuple(value, value), time: fc.nat({ max: 2 }), diff: fc.constant(1) })
    const prefix = fc.oneof(
      fc.constant<Value[]>([]),
      fc.tuple(fc.oneof(value, anyValue())),
      fc.tuple(value, fc.oneof(value, anyValue())),
    )
    return fc.tuple(
      fc.array(update, { maxLength: 60, size: 'max' }),
      fc.array(prefix, { minLength: 5, maxLength: 5 }),
    )
  })
  fc.assert(
    fc.property(anyCase, fc.integer({ min: 1, max: 20 }), ([updates, prefixes], rows) => {
      const columns = consolidate(columnsFrom(2, updates))
      const run = new KeptRun(new KeptColumns(MUCH), 'run', 2, piecesOf(columns, rows))
      for (const prefix of prefixes) {
        const { from, to } = rowsBeginningWith(columns, prefix)
        expect(foundIn(run, prefix)).toEqual(rowsOf(slice(columns, from, to)))
        expect(run.find(prefix)!.every(part => part.from < part.to)).toBe(true)
      }
    }),
    { numRuns: 500 },
  )
})

test('nothing can be found where a piece is gone', () => {
  const kept = new KeptColumns(MUCH)
  const numbers = [1, 2, 3, 4, 5, 6].map(value => ({ data: [value], time: 0, diff: 1 }))
  const run = new KeptRun(kept, 'run', 1, piecesOf(columnsFrom(1, numbers), 2))
  expect(foundIn(run, [4])).toEqual([[[4], 0, 1]])
  kept.delete('run:1')
  expect(foundIn(run, [4])).toBeUndefined()
  expect(foundIn(run, [])).toBeUndefined()
  expect(foundIn(run, [2])).toEqual([[[2], 0, 1]])
  expect(foundIn(run, [6])).toEqual([[[6], 0, 1]])
  kept.deleteAll('run:')
  expect(foundIn(run, [2])).toBeUndefined()
  // Before the first piece there is nothing.
  expect(foundIn(run, [0])).toEqual([])
})
