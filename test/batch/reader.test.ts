// Damage to batch files: the right answer or a typed error that names the place, never another answer.
import { expect, test } from 'vitest'
import type { BatchDescription } from '../../src/batch/description.ts'
import { BatchReader } from '../../src/batch/reader.ts'
import { verifyBatch } from '../../src/batch/verify.ts'
import { writeBatch } from '../../src/batch/writer.ts'
import { CorruptionError } from '../../src/errors.ts'
import type { Value } from '../../src/model/value.ts'
import { collect, columnsOf, type Row, rowsOf, typed } from './columns-of.ts'
import { WatchedDisk } from './watched-disk.ts'

const ROWS: readonly Row[] = Array.from({ length: 50 }, (_, index) => [
  [index, `name ${index % 9}`],
  10 + index,
  1,
])

const written = async (rows: readonly Row[] = ROWS, shard = 's') => {
  const disk = new WatchedDisk()
  const options = {
    shard,
    schema: typed('int32', 'string'),
    profile: 'tuned',
    compression: 'snappy',
  } as const
  const description = (await writeBatch(disk, 'b', options, [columnsOf(rows)]))!
  return { disk, description, bytes: await disk.bytes('b') }
}

/** The rows, or the error; anything but a CorruptionError of the right code fails the test. */
const outcome = async (
  disk: WatchedDisk,
  description: BatchDescription,
): Promise<Row[] | CorruptionError> => {
  try {
    const reader = await BatchReader.open(disk, 'b', description, 's')
    try {
      return (await collect(reader.stream())).flatMap(rowsOf)
    } finally {
      await reader.close()
    }
  } catch (error) {
    if (!(error instanceof CorruptionError)) throw error
    expect(error.code).toBe('BATCH_CORRUPT')
    expect(error.details.file).toBe('b')
    return error
  }
}

test('every 16th bit flipped is noticed', async () => {
  const { disk, description, bytes } = await written()
  for (let bit = 0; bit < bytes.length * 8; bit += 16) {
    const damaged = bytes.slice()
    damaged[bit >> 3]! ^= 1 << ((bit >> 4) % 8)
    await disk.put('b', damaged)
    expect(await outcome(disk, description), `bit ${bit}`).toBeInstanceOf(CorruptionError)
  }
})

test('a file cut at every 7th length is noticed, and so is one that grew', async () => {
  const { disk, description, bytes } = await written()
  for (let length = 0; length < bytes.length; length += 7) {
    await disk.put('b', bytes.slice(0, length))
    expect(await outcome(disk, description), `length ${length}`).toMatchObject({ details: { found: length } })
  }
  await disk.put('b', Buffer.concat([bytes, Buffer.alloc(1)]))
  expect(await outcome(disk, description)).toMatchObject({ details: { found: bytes.length + 1 } })
})

test('damage in a column chunk is reported with file, row group, column and offset', async () => {
  const { disk, description, bytes } = await written()
  bytes[6]! ^= 1
  await disk.put('b', bytes)
  const reader = await BatchReader.open(disk, 'b', description, 's')
  await expect(reader.read(0)).rejects.toMatchObject({
    code: 'BATCH_CORRUPT',
    details: { file: 'b', rowGroup: 0, column: 'col0', offset: 4 },
  })
})

test('a batch that is not there is missing, not corrupt', async () => {
  const { disk, description } = await written()
  await disk.remove('b')
  await expect(BatchReader.open(disk, 'b', description, 's')).rejects.toMatchObject({
    code: 'BATCH_MISSING',
    details: { file: 'b' },
  })
})

test('the batch of another shard, and another batch of this one, are refused', async () => {
  const { disk, description } = await written()
  await expect(BatchReader.open(disk, 'b', description, 'other')).rejects.toMatchObject({
    code: 'BATCH_CORRUPT',
    details: { expected: 'other', found: 's' },
  })
  const other = await written(ROWS.slice(1))
  await disk.put('b', other.bytes)
  expect(await outcome(disk, description)).toBeInstanceOf(CorruptionError)
})

test('an error on opening closes the file', async () => {
  const { disk, description, bytes } = await written()
  await disk.put('b', bytes.slice(1))
  disk.calls.length = 0
  await outcome(disk, description)
  expect(disk.calls).toEqual(['read b', 'close b'])
})

test('metadata that promises other times, counts or bounds is caught (IL-19, GB-34)', async () => {
  const { disk, description } = await written()
  const [first, second] = description.columns
  const wrong: [Partial<BatchDescription>, object][] = [
    [{ lower: 11 }, { row: 0, time: 10 }],
    [{ upper: 59 }, { row: 49, time: 59 }],
    [{ lower: 9 }, { place: 'lower', expected: 9, found: 10 }],
    [{ upper: 61 }, { place: 'upper', expected: 61, found: 60 }],
    [{ columns: [{ ...first!, min: -1 }, second!] }, { place: 'columns[0].min' }],
    [{ columns: [first!, { ...second!, max: undefined }] }, { place: 'columns[1].max' }],
    [{ columns: [first!, { ...second!, nulls: 1 }] }, { place: 'columns[1].nulls' }],
  ]
  await verifyBatch(await BatchReader.open(disk, 'b', description, 's'))
  for (const [change, details] of wrong) {
    const reader = await BatchReader.open(disk, 'b', { ...description, ...change }, 's')
    await expect(verifyBatch(reader)).rejects.toMatchObject({ code: 'BATCH_CORRUPT', details })
    await reader.close()
  }
})

test('a reader goes on when the file was replaced and removed (rules 18)', async () => {
  const { disk, description } = await written()
  const reader = await BatchReader.open(disk, 'b', description, 's')
  await disk.remove('b')
  expect(rowsOf(await reader.read(0))).toEqual(ROWS)
})

test('several row groups are read at the same time, and closing meanwhile waits for them', async () => {
  const rows = Array.from({ length: 140_000 }, (_, index): Row => [[index, 'x'], 10, 1])
  const { disk, description } = await written(rows)
  const reader = await BatchReader.open(disk, 'b', description, 's')
  const reads = [0, 1, 2, 1].map(index => reader.read(index))
  await reader.close()
  expect((await Promise.all(reads)).map(({ length }) => length)).toEqual([65_536, 65_536, 8_928, 65_536])
  expect(disk.calls.filter(call => call === 'close b').length).toBe(1)
  await expect(reader.read(0)).rejects.toThrow('closed')
  await reader.close()
})

test.each(['snappy', 'zstd'] as const)(
  'what begins with certain values is what the whole row group has there (%s)',
  async compression => {
    const rows = Array.from(
      { length: 40_000 },
      (_, index): Row => [
        [
          // One value is that of many pages.
          index < 10_000 ? index >> 3 : index < 30_000 ? 5000 : index,
          `name ${String(index).padStart(6, '0')}`,
          index % 5 === 0 ? null : index,
          Float32Array.of(index % 7),
        ],
        10 + (index & 7),
        index % 3 === 0 ? -1 : 1,
      ],
    )
    const disk = new WatchedDisk()
    const options = {
      shard: 's',
      schema: typed('int32', 'string', 'int64', 'vector'),
      profile: 'tuned',
      compression,
    } as const
    const description = (await writeBatch(disk, 'b', options, [columnsOf(rows)]))!
    const reader = await BatchReader.open(disk, 'b', description, 's')
    const found = async (...prefix: Value[]) => rowsOf(await reader.find(0, prefix))
    expect(await found(-1)).toEqual([])
    expect(await found(0)).toEqual(rows.slice(0, 8))
    expect(await found(511)).toEqual(rows.slice(4088, 4096))
    expect(await found(512)).toEqual(rows.slice(4096, 4104))
    expect((await found(5000)).length).toBe(20_000)
    expect(await found(5000, 'name 012345')).toEqual(rows.slice(12_345, 12_346))
    expect(await found(5000, 'name 000000')).toEqual([])
    expect(await found(4000)).toEqual([])
    expect(await found(30_001)).toEqual(rows.slice(30_001, 30_002))
    expect(await found(39_999, 'name 039999', 39_999)).toEqual(rows.slice(39_999))
    expect(await found(40_000)).toEqual([])
    expect(await found('a text')).toEqual([])
    expect((await found()).length).toBe(40_000)
    await reader.close()
  },
)
