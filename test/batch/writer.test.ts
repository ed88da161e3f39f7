// What writeBatch leaves on the disk, and in which order it asks for it.
import { expect, test } from 'vitest'
import { BatchReader } from '../../src/batch/reader.ts'
import { verifyBatch } from '../../src/batch/verify.ts'
import { type BatchOptions, batchBytes, writeBatch } from '../../src/batch/writer.ts'
import { checksum } from '../../src/model/checksum.ts'
import type { Columns } from '../../src/model/columns.ts'
import { readFooter } from '../../src/parquet/footer.ts'
import { columnsOf, type Row, rowsOf, streamed, typed } from './columns-of.ts'
import { WatchedDisk } from './watched-disk.ts'

const options: BatchOptions = { shard: 's', schema: typed('int32'), profile: 'tuned', compression: 'snappy' }

const numbered = (from: number, to: number): Columns =>
  columnsOf(Array.from({ length: to - from }, (_, index): Row => [[from + index], 5, 1]))

test('a batch is synced, then renamed, then its folder synced (B5, B6)', async () => {
  const disk = new WatchedDisk()
  await disk.makeDirectory('batches')
  await writeBatch(disk, 'batches/1.parquet', options, [numbered(0, 10)])
  const calls = disk.calls.filter(call => !call.startsWith('write '))
  expect(calls).toEqual([
    'create batches/1.parquet.tmp',
    'sync batches/1.parquet.tmp',
    'close batches/1.parquet.tmp',
    'rename batches/1.parquet.tmp batches/1.parquet',
    'syncDirectory batches',
  ])
  const lastWrite = disk.calls.lastIndexOf('write batches/1.parquet.tmp')
  expect(lastWrite).toBeLessThan(disk.calls.indexOf('sync batches/1.parquet.tmp'))
})

test('no rows make no batch and touch no file', async () => {
  const disk = new WatchedDisk()
  expect(await writeBatch(disk, 'b', options, [])).toBeUndefined()
  expect(await writeBatch(disk, 'b', options, [columnsOf([], 1), columnsOf([], 1)])).toBeUndefined()
  expect(disk.calls).toEqual([])
})

const bytesOf = async (chunks: Columns[]): Promise<Uint8Array<ArrayBuffer>> => {
  const pieces: Uint8Array[] = []
  for await (const piece of batchBytes(options, streamed(chunks))) pieces.push(piece)
  return Uint8Array.from(Buffer.concat(pieces))
}

test('the bytes for elsewhere are those of a batch; without rows they are a file without row groups', async () => {
  const disk = new WatchedDisk()
  await writeBatch(disk, 'b', options, [numbered(0, 70_000)])
  expect(await bytesOf([numbered(0, 70_000)])).toEqual(await disk.bytes('b'))
  for (const chunks of [[], [columnsOf([], 1)]]) {
    const footer = readFooter(await bytesOf(chunks))
    expect(footer).toMatchObject({ rows: 0, rowGroups: [] })
    expect(JSON.parse(footer.metadata.get('varve')!)).toMatchObject({ shard: 's' })
  }
})

test('the description covers every byte and spans the rows (rules 13, 15)', async () => {
  const disk = new WatchedDisk()
  const columns = columnsOf([
    [[null, 'b'], 7, 1],
    [[-3, 'é'.repeat(40)], 3, -1],
    [[9, 'a'], 20, 2],
  ])
  const written = (await writeBatch(disk, 'b', { ...options, schema: typed('int32', 'string') }, [columns]))!
  const bytes = await disk.bytes('b')
  expect(written).toMatchObject({
    bytes: bytes.length,
    len: 3,
    lower: 3,
    upper: 21,
    columns: [
      { type: 'int32', min: -3, max: 9, nulls: 1 },
      // The greatest string has 80 bytes and is left out.
      { type: 'string', min: 'a', max: undefined, nulls: 0 },
    ],
  })
  expect(written.rowGroups).toMatchObject([{ len: 3, offset: 4 }])
  expect(written.rowGroups[0]!.chunks.length).toBe(4)
  expect(checksum(bytes.subarray(written.footer.offset))).toBe(written.footer.crc32)
})

test('chunks of any size are put together to full row groups', async () => {
  const disk = new WatchedDisk()
  const chunks = [
    numbered(0, 1),
    numbered(1, 70_000),
    columnsOf([], 1),
    numbered(70_000, 70_003),
    numbered(70_003, 140_000),
  ]
  const written = (await writeBatch(disk, 'b', options, streamed(chunks)))!
  expect(written.rowGroups.map(({ len }) => len)).toEqual([65_536, 65_536, 8_928])
  const reader = await BatchReader.open(disk, 'b', written, 's')
  await verifyBatch(reader)
  expect(rowsOf(await reader.read(1))[0]).toEqual([[65_536], 5, 1])
})

const row = (value: number, time: number, diff: number): Row => [[value], time, diff]
const MOST = Number.MAX_SAFE_INTEGER

test.each<[string, Columns[]]>([
  ['rows out of order', [columnsOf([row(2, 1, 1), row(1, 1, 1)])]],
  ['times out of order', [columnsOf([row(1, 2, 1), row(1, 1, 1)])]],
  ['a row twice', [columnsOf([row(1, 1, 1), row(1, 1, 1)])]],
  ['a zero diff', [columnsOf([row(1, 1, 0)])]],
  [
    'disorder in the second row group',
    [numbered(0, 65_536), columnsOf([row(70_002, 1, 1), row(70_001, 1, 1)])],
  ],
  ['disorder across row groups', [numbered(0, 65_536), columnsOf([row(65_535, 4, 1)])]],
  ['a row twice across row groups', [numbered(0, 65_536), columnsOf([row(65_535, 5, 1)])]],
])('%s: nothing is written', async (_, chunks) => {
  const disk = new WatchedDisk()
  await expect(writeBatch(disk, 'b', options, chunks)).rejects.toThrow('a batch is sorted by (data, time)')
  expect(await disk.list('')).toEqual([])
})

test('a sum beyond the safe integers stays as several rows, also across row groups', async () => {
  const disk = new WatchedDisk()
  const chunks = [
    numbered(0, 65_535),
    columnsOf([row(70_000, 5, MOST), row(70_000, 5, MOST), row(70_000, 5, 3)]),
  ]
  const written = (await writeBatch(disk, 'b', options, chunks))!
  const reader = await BatchReader.open(disk, 'b', written, 's')
  await verifyBatch(reader)
  expect(rowsOf(await reader.read(1))).toEqual([row(70_000, 5, MOST), row(70_000, 5, 3)])
})

test('a value that its column does not name stops the write', async () => {
  const disk = new WatchedDisk()
  await expect(writeBatch(disk, 'b', options, [columnsOf([[['text'], 1, 1]])])).rejects.toThrow('type')
  await expect(writeBatch(disk, 'b', options, [columnsOf([row(2 ** 31, 1, 1)])])).rejects.toThrow('32-bit')
  expect(await disk.list('')).toEqual([])
})

test('a source that fails at first, or later, fails the write with its own error and leaves nothing', async () => {
  const failure = new Error('from the source')
  for (const good of [0, 1, 3]) {
    const disk = new WatchedDisk()
    const failing = async function* () {
      for (let index = 0; index < good; index++) yield numbered(index * 65_536, (index + 1) * 65_536)
      throw failure
    }
    await expect(writeBatch(disk, 'b', options, failing())).rejects.toBe(failure)
    expect(await disk.list('')).toEqual([])
  }
})

test.each(['create', 'write', 'sync', 'rename', 'syncDirectory'])(
  'a disk that refuses to %s leaves nothing, and the source is closed',
  async operation => {
    const disk = new WatchedDisk()
    disk.refuse = call => call.startsWith(`${operation} `)
    let closed = false
    const source = async function* () {
      try {
        for (let index = 0; index < 4; index++) yield numbered(index * 65_536, (index + 1) * 65_536)
      } finally {
        closed = true
      }
    }
    await expect(writeBatch(disk, 'b', options, source())).rejects.toMatchObject({ code: 'DISK_FAILED' })
    disk.refuse = () => false
    expect(await disk.list('')).toEqual([])
    expect(closed).toBe(true)
  },
)

test('compression none, gzip and zstd are smaller or larger files of the same rows (IL-16)', async () => {
  const columns = columnsOf(
    Array.from({ length: 5_000 }, (_, index): Row => [[`value ${String(index).padStart(8, '0')}`], 1, 1]),
  )
  const sizes = new Map<string, number>()
  for (const compression of ['none', 'snappy', 'gzip', 'zstd'] as const) {
    const disk = new WatchedDisk()
    const schema = typed('string')
    const written = await writeBatch(disk, 'b', { ...options, schema, profile: 'compatible', compression }, [
      columns,
    ])
    await verifyBatch(await BatchReader.open(disk, 'b', written!, 's'))
    sizes.set(compression, written!.bytes)
  }
  expect(sizes.get('snappy')).toBeLessThan(sizes.get('none')!)
  expect(sizes.get('gzip')).toBeLessThan(sizes.get('snappy')!)
  expect(sizes.get('zstd')).toBeLessThan(sizes.get('snappy')!)
})
