// Every bit and every length of a batch file, and batches that are missing, emptied, swapped, or of another store
// (IL-31, GB-26, GB-30, rules 15): the shard answers rightly or says which file is damaged, the others answer as ever.
import { beforeAll, expect, test } from 'vitest'
import { BatchReader } from '../../src/batch/reader.ts'
import { MemoryDisk } from '../../src/disk/memory-disk.ts'
import { CorruptionError } from '../../src/errors.ts'
import { type BatchEntry, batchPath, readMetadata } from '../../src/shard/metadata.ts'
import { leftBy, put } from '../support/bytes.ts'
import { LONG } from '../support/long.ts'
import { openOn } from '../support/stores.ts'
import {
  bitFlips,
  contentsAt,
  diskOf,
  type Files,
  flipped,
  openingOf,
  smallStore,
  withFile,
} from './store.ts'

const COMMITS = 3
const FILE = 'batches/1.parquet'

let files: Files
let entry: BatchEntry

const entryOf = async (store: Files, shard: string): Promise<BatchEntry> => {
  const { id } = JSON.parse(store['store.json']!)
  return (await readMetadata(await diskOf(store), shard, id))!.batches[0]!
}

beforeAll(async () => {
  files = await smallStore({ commits: COMMITS, flushed: 2 })
  entry = await entryOf(files, 'a:x')
  expect(batchPath(entry.id)).toBe(FILE)
})

/** Reads a batch file whole, each column alone as well. Returns its rows as text, or the damage that was found. */
const readingOf = async (content: string): Promise<string | CorruptionError> => {
  const disk = new MemoryDisk()
  await disk.makeDirectory('batches')
  await put(disk, FILE, Buffer.from(content, 'latin1'))
  try {
    const reader = await BatchReader.open(disk, FILE, entry, 'a:x')
    try {
      const rows: string[] = []
      for await (const columns of reader.stream())
        rows.push(JSON.stringify([columns.data, [...columns.time], [...columns.diff]]))
      return rows.join()
    } finally {
      await reader.close()
    }
  } catch (cause) {
    if (!(cause instanceof CorruptionError)) throw cause
    return cause
  }
}

test('every bit flipped is found before the codec sees it, with the place', async () => {
  const whole = files[FILE]!
  expect(await readingOf(whole)).toContain('[1,1]')
  for (const { offset, text } of bitFlips(whole)) {
    const found = await readingOf(text)
    if (typeof found === 'string') throw new Error(`bit of byte ${offset} was not found`)
    expect(found.code).toBe('BATCH_CORRUPT')
    expect(found.details.file).toBe(FILE)
    const { offset: at } = found.details
    expect(at, `bit of byte ${offset}`).toBeLessThanOrEqual(offset)
    if (offset >= entry.footer.offset) expect(at).toBe(entry.footer.offset)
    else if (offset >= 4) expect(found.details).toHaveProperty('column')
  }
})

test('every length is found on open', async () => {
  const whole = files[FILE]!
  for (let length = 0; length < whole.length; length++) {
    const found = await readingOf(whole.slice(0, length))
    expect(found, `length ${length}`).toMatchObject({
      code: 'BATCH_CORRUPT',
      details: { file: FILE, expected: whole.length, found: length },
    })
  }
  expect(await readingOf(`${whole}\0`)).toMatchObject({ code: 'BATCH_CORRUPT', details: { file: FILE } })
})

/** What the shards a:x and b:y come to in a store that opens: the other one always answers. */
const expectDamaged = async (damaged: Files, code: string, what: string, file = FILE): Promise<void> => {
  const outcome = await openingOf(damaged)
  expect(outcome.refused, what).toBeUndefined()
  expect(outcome.shards!.get('b:y'), what).toEqual(contentsAt(COMMITS))
  const found = outcome.shards!.get('a:x') as CorruptionError
  expect(found, what).toBeInstanceOf(Error)
  const { code: foundCode, details } = (
    found.code === ('SHARD_DAMAGED' as string) ? found.cause : found
  ) as CorruptionError
  expect(foundCode, what).toBe(code)
  expect(details.file, what).toBe(file)
}

test('in a store: flipped bits, lengths and other contents of a batch', async () => {
  const whole = files[FILE]!
  for (let offset = 0; offset < whole.length; offset += LONG ? 1 : 13)
    await expectDamaged(
      withFile(files, FILE, flipped(whole, offset, 1 << (offset % 8))),
      'BATCH_CORRUPT',
      `byte ${offset}`,
    )
  await expectDamaged(withFile(files, FILE, undefined), 'BATCH_MISSING', 'missing')
  await expectDamaged(withFile(files, FILE, ''), 'BATCH_CORRUPT', 'emptied')
  await expectDamaged(withFile(files, FILE, '\0'.repeat(whole.length)), 'BATCH_CORRUPT', 'zeros')
  await expectDamaged(withFile(files, FILE, whole.slice(0, -1)), 'BATCH_CORRUPT', 'shorter')
  await expectDamaged(withFile(files, FILE, `${whole} `), 'BATCH_CORRUPT', 'longer')
})

test('the batches of two shards swapped: both are damaged, also where size and content are alike', async () => {
  const swapped = withFile(
    withFile(files, FILE, files['batches/2.parquet']),
    'batches/2.parquet',
    files[FILE],
  )
  expect(swapped[FILE]!.length).toBe(files[FILE]!.length)
  const outcome = await openingOf(swapped)
  for (const [shard, file] of [
    ['a:x', FILE],
    ['b:y', 'batches/2.parquet'],
  ] as const)
    expect(outcome.shards!.get(shard)).toMatchObject({ code: 'BATCH_CORRUPT', details: { file } })
})

test('batches of one shard swapped, or one in the place of another', async () => {
  const disk = await diskOf(files)
  const store = await openOn(disk)
  await store.close()
  const two = await leftBy(disk)
  const [, second] = Object.keys(two).filter(path => path.startsWith('batches/1'))
  expect(second).toBe('batches/1025.parquet')
  const swapped = withFile(withFile(two, FILE, two[second!]), second!, two[FILE])
  await expectDamaged(swapped, 'BATCH_CORRUPT', 'swapped')
  await expectDamaged(withFile(two, FILE, two[second!]), 'BATCH_CORRUPT', 'the second for the first')
})

test('a batch of the same shard, id and size of another store', async () => {
  const other = await smallStore({ commits: COMMITS, flushed: 2 })
  expect(other[FILE]!.length).toBe(files[FILE]!.length)
  await expectDamaged(withFile(files, FILE, other[FILE]), 'BATCH_CORRUPT', 'of another store')
})
