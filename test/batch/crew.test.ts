// Batches made by a thread: the same files as here, the same errors; and threads that die or cannot be started.
import { readdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Crew, ROWS_IN_THREAD_MIN } from '../../src/batch/crew.ts'
import { type BatchTask, type MadeBatch, type MergeInput, makeBatch } from '../../src/batch/make.ts'
import type { Disk } from '../../src/disk/disk.ts'
import { MemoryDisk } from '../../src/disk/memory-disk.ts'
import { NodeDisk } from '../../src/disk/node-disk.ts'
import { unsyncedDisk } from '../../src/disk/unsynced-disk.ts'
import { CommitError, CorruptionError } from '../../src/errors.ts'
import type { Columns } from '../../src/model/columns.ts'
import { consolidate } from '../../src/model/consolidate.ts'
import type { Schema } from '../../src/model/schema.ts'
import { scratchFolder } from '../support/scratch.ts'
import { anyValue, columnsOf, type Row, schemaOf } from './columns-of.ts'

const THREAD = new URL('../../dist/batch/thread.js', import.meta.url)
const MORTAL = new URL('./threads/mortal.js', import.meta.url)

const optionsOf = (schema: Schema): BatchTask['options'] => ({
  shard: 's',
  schema,
  profile: 'tuned',
  compression: 'snappy',
  origin: { store: 'x', firstLsn: 1, lsnLower: 1, lsnUpper: 9, since: 0 },
})

const ofBuffer = (path: string, columns: Columns): BatchTask => ({
  path,
  options: optionsOf(schemaOf(columns)),
  source: { kind: 'buffer', updates: { columns, consolidated: consolidate(columns) } },
})

/** Enough rows for a thread, made of a few: each comes at its own time. */
const many = (rows: readonly Row[]): Columns =>
  columnsOf(
    Array.from({ length: ROWS_IN_THREAD_MIN }, (_, index): Row => {
      const [data, , diff] = rows[(index * 7) % rows.length]!
      return [data, index % 1000, diff]
    }),
  )

const numbers: Row[] = Array.from({ length: 100 }, (_, row) => [[row], 0, 1])
const ignore = (): void => {}

/** What a crew does, and whether it needed somebody else for it. */
const made = async (crew: Crew, disk: Disk, task: BatchTask): Promise<[MadeBatch, 'here' | 'aside']> => {
  let wasHere = false
  const { source } = task
  const watched: BatchTask['source'] =
    source.kind === 'batches'
      ? source
      : {
          kind: 'buffer',
          updates: {
            columns: source.updates.columns,
            get consolidated() {
              wasHere = true
              return source.updates.consolidated
            },
          },
        }
  const result = await crew.make(disk, { ...task, source: watched }, ignore)
  return [result, wasHere ? 'here' : 'aside']
}

test('a thread makes the same file of a buffer, and the same description, as is made here', async () => {
  const root = await scratchFolder()
  const disk = new NodeDisk(root)
  const crew = new Crew(THREAD)
  const row = fc.tuple(fc.tuple(anyValue, anyValue), fc.constant(0), fc.constantFrom(1, -1, 2))
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 30 }), async rows => {
      const columns = many(rows)
      const [aside, who] = await made(crew, disk, ofBuffer('aside', columns))
      expect(who).toBe('aside')
      const here = await makeBatch(disk, ofBuffer('here', columns), ignore)
      expect(aside).toEqual(here)
      if (here.description === undefined) return
      expect(await readFile(join(root, 'aside'))).toEqual(await readFile(join(root, 'here')))
      for (const path of ['aside', 'here']) await disk.remove(path)
    }),
    { numRuns: 15 },
  )
  expect(await readdir(root)).toEqual([])
})

const distinct = columnsOf(
  Array.from({ length: ROWS_IN_THREAD_MIN }, (_, row): Row => [[row], row % 1000, 1]),
)

/** Two batches of rows that meet each other. */
const twoInputs = async (disk: Disk): Promise<MergeInput[]> => {
  const inputs: MergeInput[] = []
  for (const path of ['1', '2']) {
    const { description } = await makeBatch(disk, ofBuffer(path, distinct), ignore)
    inputs.push({ path, description: description!, lsnUpper: Number(path) })
  }
  return inputs
}

const merging = (inputs: readonly MergeInput[]): BatchTask => ({
  path: 'merged',
  options: optionsOf([{ name: 'col0', type: 'int32', declared: false }]),
  source: { kind: 'batches', inputs, since: 500, mergeBytes: 2 ** 20 },
})

test.each([
  ['a disk with syncs', (disk: Disk) => disk],
  ['a disk without', unsyncedDisk],
])('a thread makes the same file of batches, and tells of the rows: %s', async (_, kind) => {
  const root = await scratchFolder()
  const disk = kind(new NodeDisk(root))
  const inputs = await twoInputs(disk)
  const here: number[] = []
  const aside: number[] = []
  const expected = await makeBatch(disk, merging(inputs), rows => here.push(rows))
  const file = await readFile(join(root, 'merged'))
  await disk.remove('merged')
  expect(await new Crew(THREAD).make(disk, merging(inputs), rows => aside.push(rows))).toEqual(expected)
  expect(await readFile(join(root, 'merged'))).toEqual(file)
  expect(aside).toEqual(here)
  expect(aside.reduce((sum, rows) => sum + rows)).toBe(2 * ROWS_IN_THREAD_MIN)
})

test('who is told of rows can end it, whenever the thread hears of that: no file is left', async () => {
  const root = await scratchFolder()
  const disk = new NodeDisk(root)
  const inputs = await twoInputs(disk)
  const crew = new Crew(THREAD)
  const enough = new Error('enough')
  for (const most of [1, 2]) {
    let told = 0
    const work = crew.make(disk, merging(inputs), () => {
      if (++told === most) throw enough
    })
    await expect(work).rejects.toBe(enough)
    expect((await readdir(root)).sort()).toEqual(['1', '2'])
  }
  // The thread takes the next one.
  expect(await crew.make(disk, merging(inputs), ignore)).toMatchObject({ inputs: 2 })
})

test('damage that a thread meets is told as it would be here', async () => {
  const root = await scratchFolder()
  const disk = new NodeDisk(root)
  const inputs = await twoInputs(disk)
  await truncate(join(root, '2'), 100)
  const here = await makeBatch(disk, merging(inputs), ignore).catch((error: unknown) => error)
  const aside = await new Crew(THREAD).make(disk, merging(inputs), ignore).catch((error: unknown) => error)
  expect(here).toBeInstanceOf(CorruptionError)
  expect(aside).toBeInstanceOf(CorruptionError)
  const { code, message, details } = here as CorruptionError
  expect(aside).toMatchObject({ code, message, details })
  expect((await readdir(root)).sort()).toEqual(['1', '2'])
})

test('what the system refuses a thread is told as it would be here', async () => {
  const root = await scratchFolder()
  await writeFile(join(root, 'b.tmp'), 'in the way')
  const work = new Crew(THREAD).make(new NodeDisk(root), ofBuffer('b', many(numbers)), ignore)
  await expect(work).rejects.toMatchObject({
    name: 'DiskError',
    code: 'DISK_FAILED',
    details: { path: 'b.tmp', operation: 'open', errno: 'EEXIST' },
    cause: { code: 'EEXIST', syscall: 'open' },
  })
})

test.each([
  ['exit', 'it exited with 3'],
  ['throw', 'on purpose'],
])(
  'a thread that dies, by %s, fails its task; what it left is removed, and the next task gets a new one',
  async (how, why) => {
    const root = await scratchFolder()
    const disk = new NodeDisk(root)
    const crew = new Crew(MORTAL)
    const work = crew.make(disk, ofBuffer(how, many(numbers)), ignore)
    const next = crew.make(disk, ofBuffer('next', many(numbers)), ignore)
    await expect(work).rejects.toMatchObject({
      code: 'THREAD_ENDED',
      outcome: 'determinate',
      cause: { message: why },
    })
    await expect(work).rejects.toBeInstanceOf(CommitError)
    expect(await next).toEqual({ inputs: 7, description: undefined })
    expect(await readdir(root)).toEqual(['deaths'])
  },
)

test.each([
  ['no thread can be started', new URL('./threads/missing.js', import.meta.url), 'node'],
  ['there are no threads', undefined, 'node'],
  ['nobody else can open the disk', THREAD, 'memory'],
] as const)('where %s it is done here', async (_, entry, kind) => {
  const disk = kind === 'memory' ? new MemoryDisk() : new NodeDisk(await scratchFolder())
  const crew = new Crew(entry)
  for (const path of ['a', 'b']) {
    const [{ description }, who] = await made(crew, disk, ofBuffer(path, many(numbers)))
    expect(who).toBe('here')
    expect(await disk.stat(path)).toMatchObject({ size: description!.bytes })
  }
})

test('few rows are not worth a thread', async () => {
  const disk = new NodeDisk(await scratchFolder())
  const few = columnsOf(Array.from({ length: ROWS_IN_THREAD_MIN - 1 }, (_, row): Row => [[row], 0, 1]))
  expect((await made(new Crew(MORTAL), disk, ofBuffer('b', few)))[1]).toBe('here')
})
