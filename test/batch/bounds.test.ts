import { expect, test } from 'vitest'
import { BatchCache } from '../../src/batch/cache.ts'
import { writeBatch } from '../../src/batch/writer.ts'
import { consolidate } from '../../src/model/consolidate.ts'
import { type Timestamp, timestamp, type Value } from '../../src/model/value.ts'
import { columnsOf, schemaOf } from './columns-of.ts'
import { WatchedDisk } from './watched-disk.ts'

test('a column of a row group has the bounds of its values, unless it has several types or is of vectors', async () => {
  const disk = new WatchedDisk()
  const tuples: Value[][] = [
    [3, 'b', 1, Float32Array.of(1), timestamp(5), null],
    [-7, 'a', 'text', Float32Array.of(2), timestamp(9), 2.5],
  ]
  const columns = consolidate(columnsOf(tuples.map(data => [data, 1, 1])))
  const options = { shard: 's', schema: schemaOf(columns), profile: 'tuned', compression: 'snappy' } as const
  const description = (await writeBatch(disk, 'b', options, [columns]))!
  const cache = new BatchCache(disk)
  const bounds = async (column: number) => (await cache.bounds('b', description, 's', column))[0]
  const known = { someNull: false, someValue: true }
  expect(await bounds(0)).toEqual({ min: -7, max: 3, ...known })
  expect(await bounds(1)).toEqual({ min: 'a', max: 'b', ...known })
  expect(await bounds(2)).toBeUndefined()
  expect(await bounds(3)).toBeUndefined()
  const times = await bounds(4)
  expect([times?.min, times?.max].map(time => (time as Timestamp).ms)).toEqual([5, 9])
  expect(await bounds(5)).toEqual({ min: 2.5, max: 2.5, someNull: true, someValue: true })
  await cache.close()
})
