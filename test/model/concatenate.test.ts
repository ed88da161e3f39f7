import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Columns, GrowingColumns, tupleAt } from '../../src/model/columns.ts'
import { Concatenation } from '../../src/model/concatenate.ts'
import type { Value } from '../../src/model/value.ts'
import { valueText } from '../../src/model/value-json.ts'
import { anyTuple, columnsFrom } from '../support/values.ts'

const texts = (columns: Columns): string[] =>
  Array.from(
    { length: columns.length },
    (_, row) => `${tupleAt(columns, row).map(valueText).join()} @${columns.time[row]} ${columns.diff[row]}`,
  )

const anyUpdate = fc.record({ data: anyTuple(2), time: fc.nat(), diff: fc.integer({ min: 1 }) })

const anyCalls = fc.array(fc.array(fc.array(anyUpdate, { maxLength: 8 }), { maxLength: 4 }))

test('the rows are those of the parts, one behind the other, also when asked again for others', () => {
  fc.assert(
    fc.property(anyCalls, calls => {
      const concatenation = new Concatenation(2, 1000)
      const done: [Columns, string[]][] = []
      for (const call of calls) {
        const parts = call.map(updates => columnsFrom(2, updates))
        // The first part comes again, as what waits for the next window does.
        const again = [...parts, ...parts.slice(0, 1), ...done.slice(-1).map(([columns]) => columns)]
        const result = concatenation.of(again)
        expect(texts(result)).toEqual(again.flatMap(texts))
        done.push([result, texts(result)])
      }
      // What was given out stays as it is.
      for (const [columns, before] of done) expect(texts(columns)).toEqual(before)
    }),
    { numRuns: 200 },
  )
})

test('also when it starts with empty heaps again and again', () => {
  fc.assert(
    fc.property(anyCalls, calls => {
      const concatenation = new Concatenation(2, 2)
      for (const call of calls) {
        const parts = call.map(updates => columnsFrom(2, updates))
        expect(texts(concatenation.of(parts))).toEqual(parts.flatMap(texts))
      }
    }),
    { numRuns: 200 },
  )
})

test('a part may grow between two calls', () => {
  const part = new GrowingColumns(1)
  const concatenation = new Concatenation(1, 1000)
  part.append(['a'], 0, 1)
  expect(texts(concatenation.of([part]))).toEqual(['"a" @0 1'])
  part.append(['b'], 0, 1)
  expect(texts(concatenation.of([part]))).toEqual(['"a" @0 1', '"b" @0 1'])
})

test('a value is moved once, and what is kept is bounded', () => {
  const concatenation = new Concatenation(1, 4)
  const of = (...values: Value[]): Columns =>
    concatenation.of([
      columnsFrom(
        1,
        values.map(value => ({ data: [value], time: 0, diff: 1 })),
      ),
    ])
  const first = of('a', 'b')
  expect(texts(first)).toEqual(['"a" @0 1', '"b" @0 1'])
  const second = of('b', 'a')
  expect(second.data[0]!.heap).toBe(first.data[0]!.heap)
  expect([...second.data[0]!.payload]).toEqual([1, 0])
  const large = of(new Uint8Array(17 * 1024 * 1024))
  expect(large.data[0]!.heap).toBe(first.data[0]!.heap)
  const after = of('a')
  expect(after.data[0]!.heap).not.toBe(first.data[0]!.heap)
  expect(texts(after)).toEqual(['"a" @0 1'])
  expect(of('b', 'c', 'd').data[0]!.heap).toBe(after.data[0]!.heap)
  expect(of('e').data[0]!.heap).toBe(after.data[0]!.heap)
  const last = of('a', 'e')
  expect(last.data[0]!.heap).not.toBe(after.data[0]!.heap)
  expect([...last.data[0]!.payload]).toEqual([0, 1])
})
