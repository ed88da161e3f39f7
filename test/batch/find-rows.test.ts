// What is found page by page is what is found in all rows of the row group.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BatchReader } from '../../src/batch/reader.ts'
import { writeBatch } from '../../src/batch/writer.ts'
import { slice } from '../../src/model/columns.ts'
import { consolidate } from '../../src/model/consolidate.ts'
import { rowsBeginningWith } from '../../src/model/prefix.ts'
import { float, timestamp, type Value } from '../../src/model/value.ts'
import { SimulatedDisk } from '../simulation/disk.ts'
import { columnsOf, type Row, rowsOf, schemaOf } from './columns-of.ts'
import { WatchedDisk } from './watched-disk.ts'

/** More than two pages. */
const ROWS = 10_000

/** Values of a column, the same for the same number, in no order. */
const COLUMNS: readonly ((number: number) => Value)[] = [
  number => number,
  number => number * 2 ** 36,
  number => (number % 7 === 0 ? null : number),
  number => (number % 50 === 0 ? 2n ** 60n + BigInt(number) : number),
  number => float(number / 4),
  number => timestamp(number),
  number => number % 2 === 0,
  number => `a text ${number}`,
  number => (number % 3 === 0 ? null : `${number}`),
  number => Uint8Array.of(number >> 8, number & 255),
  number => Float32Array.of(number),
  number => (number % 2 === 0 ? number : `${number}`),
]

test('a law', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...COLUMNS),
      fc.constantFrom(...COLUMNS),
      fc.constantFrom(3, 40, 1000, 60_000),
      fc.constantFrom('none', 'snappy'),
      fc.array(fc.nat({ max: 60_000 }), { minLength: 3, maxLength: 3 }),
      async (first, second, distinct, compression, numbers) => {
        const disk = new WatchedDisk()
        const rows = Array.from({ length: ROWS }, (_, index): Row => {
          const number = (index * 7919) % distinct
          return [[first(number), second(index)], index % 300, 1 + (index % 2)]
        })
        const columns = consolidate(columnsOf(rows))
        const options = { shard: 's', schema: schemaOf(columns), profile: 'tuned', compression } as const
        const description = (await writeBatch(disk, 'b', options, [columns]))!
        const reader = await BatchReader.open(disk, 'b', description, 's')
        const whole = await reader.read(0)
        const values = numbers.map(number => first(number % distinct))
        const prefixes = [...values.map(value => [value]), [values[0]!, second(numbers[1]! % ROWS)]]
        for (const prefix of [...prefixes, [first(distinct)], ...rows.slice(0, 2).map(([data]) => data)]) {
          const { from, to } = rowsBeginningWith(whole, prefix)
          expect(rowsOf(await reader.find(0, prefix))).toEqual(rowsOf(slice(whole, from, to)))
        }
        await reader.close()
      },
    ),
    { numRuns: 40 },
  )
})

test('where the first column has not the value, no other is read', async () => {
  const disk = new SimulatedDisk()
  const rows = Array.from({ length: 100 }, (_, index): Row => [[2 * index, `a ${index}`], index, 1])
  const columns = consolidate(columnsOf(rows))
  const options = { shard: 's', schema: schemaOf(columns), profile: 'tuned', compression: 'none' } as const
  const description = (await writeBatch(disk, 'b', options, [columns]))!
  const reader = await BatchReader.open(disk, 'b', description, 's')
  const readsOf = async (value: Value): Promise<{ offset: number; end: number }[]> => {
    const from = disk.trace.length
    await reader.find(0, [value])
    return disk.trace.slice(from).map(label => {
      const [, offset, length] = /^read b (\d+)\+(\d+)$/.exec(label)!
      return { offset: Number(offset), end: Number(offset) + Number(length) }
    })
  }
  const [first, ...none] = await readsOf(5)
  expect(none).toEqual([])
  expect(first!.offset).toBe(description.rowGroups[0]!.offset)
  // All that are behind it come at once.
  expect(await readsOf(6)).toEqual([first, { offset: first!.end, end: description.footer.offset }])
  expect(first!.end).toBeLessThan(description.footer.offset)
  await reader.close()
})
