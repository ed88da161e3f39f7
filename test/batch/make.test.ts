// A batch of a buffer, and of other batches: what is in it, what it says of itself, and what a failure leaves.
import { expect, test } from 'vitest'
import { identifyBatch } from '../../src/batch/identify.ts'
import { type BatchTask, type MergeInput, makeBatch } from '../../src/batch/make.ts'
import { BatchReader } from '../../src/batch/reader.ts'
import { bytesOf, type Columns } from '../../src/model/columns.ts'
import { consolidate } from '../../src/model/consolidate.ts'
import { collect, columnsOf, type Row, rowsOf, typed } from './columns-of.ts'
import { WatchedDisk } from './watched-disk.ts'

const options: BatchTask['options'] = {
  shard: 's',
  schema: typed('int32'),
  profile: 'tuned',
  compression: 'snappy',
  origin: { store: 'x', firstLsn: 1, lsnLower: 1, lsnUpper: 9, since: 0 },
}

const ofBuffer = (path: string, columns: Columns): BatchTask => ({
  path,
  options,
  source: { kind: 'buffer', updates: { columns, consolidated: consolidate(columns) } },
})

/** A batch of each of `buffers`, the first of which has LSN 1. */
const inputsOf = async (disk: WatchedDisk, buffers: readonly Columns[]): Promise<MergeInput[]> => {
  const inputs: MergeInput[] = []
  for (const [index, columns] of buffers.entries()) {
    const path = `${index + 1}`
    const { description } = await makeBatch(disk, ofBuffer(path, columns), () => {})
    inputs.push({ path, description: description!, lsnUpper: index + 1 })
  }
  return inputs
}

const merging = (inputs: readonly MergeInput[], since: number, mergeBytes: number): BatchTask => ({
  path: 'merged',
  options,
  source: { kind: 'batches', inputs, since, mergeBytes },
})

const buffer = (...rows: Row[]): Columns => columnsOf(rows, 1)

test('updates of a buffer are sorted and added up', async () => {
  const disk = new WatchedDisk()
  const columns = buffer([[2], 1, 1], [[1], 1, 1], [[2], 1, 1], [[3], 1, 1], [[3], 1, -1])
  const { description, inputs } = await makeBatch(disk, ofBuffer('b', columns), () => {})
  expect(inputs).toBe(0)
  const reader = await BatchReader.open(disk, 'b', description!, 's')
  expect((await collect(reader.stream())).flatMap(rowsOf)).toEqual([
    [[1], 1, 1],
    [[2], 1, 2],
  ])
  await reader.close()
})

test('what cancels out leaves no file', async () => {
  const disk = new WatchedDisk()
  const nothing = buffer([[1], 1, 1], [[1], 1, -1])
  expect(await makeBatch(disk, ofBuffer('b', nothing), () => {})).toEqual({
    description: undefined,
    inputs: 0,
  })
  expect(disk.calls).toEqual([])
  const inputs = await inputsOf(disk, [buffer([[1], 1, 1]), buffer([[1], 2, -1])])
  const made = await makeBatch(disk, merging(inputs, 2, 2 ** 20), () => {})
  expect(made).toEqual({ description: undefined, inputs: 2 })
  expect(await disk.stat('merged')).toBeUndefined()
})

test('batches are merged from the first on, as many as memory may hold, and never fewer than two', async () => {
  const disk = new WatchedDisk()
  const buffers = Array.from({ length: 5 }, (_, index) => buffer([[index], index, 1]))
  const inputs = await inputsOf(disk, buffers)
  const bytes = bytesOf(buffers[0]!)
  for (const [mergeBytes, merged] of [
    [0, 2],
    [bytes * 2, 3],
    [bytes * 3.5, 4],
    [bytes * 5, 5],
  ] as const) {
    const read: number[] = []
    const made = await makeBatch(disk, merging(inputs, 0, mergeBytes), rows => read.push(rows))
    expect(made).toMatchObject({ inputs: merged, description: { len: merged, lower: 0, upper: merged } })
    expect(read).toEqual(Array.from({ length: merged }, () => 1))
    expect((await identifyBatch(disk, 'merged'))?.origin).toMatchObject({ lsnLower: 1, lsnUpper: merged })
    await disk.remove('merged')
  }
})

test('who is told of rows can end it: no file is left, and the inputs are closed', async () => {
  const disk = new WatchedDisk()
  const inputs = await inputsOf(disk, [buffer([[1], 1, 1]), buffer([[2], 1, 1])])
  disk.calls.length = 0
  const enough = new Error('enough')
  const made = makeBatch(disk, merging(inputs, 0, 0), () => {
    throw enough
  })
  await expect(made).rejects.toBe(enough)
  expect(disk.calls).toEqual(['read 1', 'read 2', 'close 1', 'close 2'])
})

test('an input that is not there fails with its name, and those before it are closed', async () => {
  const disk = new WatchedDisk()
  const inputs = await inputsOf(disk, [buffer([[1], 1, 1]), buffer([[2], 1, 1])])
  await disk.remove('2')
  disk.calls.length = 0
  await expect(makeBatch(disk, merging(inputs, 0, 0), () => {})).rejects.toMatchObject({
    code: 'BATCH_MISSING',
    details: { file: '2' },
  })
  expect(disk.calls).toEqual(['read 1', 'read 2', 'close 1'])
})
