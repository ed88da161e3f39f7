// Segments that are missing, doubled, swapped, or of another store (GB-17, GB-22, GB-28, IL-12).
import { beforeAll, describe, expect, test } from 'vitest'
import { sealedPath } from '../../src/wal/segment.ts'
import { leftBy } from '../support/bytes.ts'
import { openOn } from '../support/stores.ts'
import {
  CURRENT,
  diskOf,
  expectAnswer,
  expectRefusal,
  type Files,
  openingOf,
  smallStore,
  withFile,
} from './store.ts'

const COMMITS = 15

let files: Files
/** Paths of the segments, oldest first; the last is the one that is written to. */
let segments: readonly string[]

beforeAll(async () => {
  files = await smallStore({ commits: COMMITS, flushed: 2, walSegmentBytes: 350 })
  const sealed = Object.keys(files).filter(path => /^wal\/[0-9]/.test(path))
  segments = [...sealed.sort(), CURRENT]
  expect(segments.length).toBeGreaterThan(4)
})

test('each segment missing: the LSN that is missed', async () => {
  for (const [index, path] of segments.entries()) {
    const outcome = await openingOf(withFile(files, path, undefined))
    if (path === CURRENT) {
      // After a crash while one was sealed the next would be there, under its temporary name (GB-22).
      const last = Number(/"lsn":([0-9]+)[^\n]*\n$/.exec(files[segments[index - 1]!]!)![1])
      expectRefusal(outcome, 'WAL_MISSING', { file: CURRENT, lsn: last + 1 }, path)
      continue
    }
    const first = Number(path.slice(4, 24))
    expectRefusal(outcome, ['WAL_MISSING', 'WAL_FOREIGN'], { file: segments[index + 1]! }, path)
    if (index === 0) expect(outcome.refused!.details).toMatchObject({ lsn: first })
  }
})

test('several missing at the front, and all of them', async () => {
  let damaged = files
  for (const path of segments.slice(0, 3)) damaged = withFile(damaged, path, undefined)
  expectRefusal(await openingOf(damaged), 'WAL_MISSING', { file: segments[3], lsn: 3 }, 'the first three')
  for (const path of segments.slice(3)) damaged = withFile(damaged, path, undefined)
  expectRefusal(await openingOf(damaged), 'WAL_MISSING', { file: CURRENT, lsn: 3 }, 'all')
})

test('each doubled under every name around it', async () => {
  for (const path of segments) {
    for (const lsn of [3, 4, 5, 6, 7, 9, 11, 12, 13, 14, 15, 16, 99]) {
      const copy = sealedPath(lsn)
      if (files[copy] !== undefined) continue
      const outcome = await openingOf(withFile(files, copy, files[path]))
      expectRefusal(outcome, ['WAL_INVALID', 'WAL_FOREIGN', 'WAL_MISSING'], {}, `${path} as ${copy}`)
      expect(outcome.refused!.details.file).toMatch(/^wal\//)
    }
  }
})

test('each in the place of each other', async () => {
  for (const from of segments) {
    for (const to of segments) {
      if (from === to) continue
      const swapped = withFile(withFile(files, to, files[from]), from, files[to])
      const what = `${from} and ${to} swapped`
      expectRefusal(await openingOf(swapped), ['WAL_INVALID', 'WAL_FOREIGN', 'WAL_MISSING'], {}, what)
      const copied = withFile(files, to, files[from])
      expectRefusal(
        await openingOf(copied),
        ['WAL_INVALID', 'WAL_FOREIGN', 'WAL_MISSING'],
        {},
        `${from} over ${to}`,
      )
    }
  }
})

describe('of another store, alike to the byte but for its id', () => {
  test.each([0, 1, 2, 3, 4])('segment %i', async index => {
    const other = await smallStore({ commits: COMMITS, flushed: 2, walSegmentBytes: 350 })
    const path = segments[index]!
    const outcome = await openingOf(withFile(files, path, other[path]))
    expectRefusal(outcome, 'WAL_FOREIGN', { file: path, store: JSON.parse(other['store.json']!).id }, path)
  })

  test('the whole log', async () => {
    const other = await smallStore({ commits: COMMITS, flushed: 2, walSegmentBytes: 350 })
    let damaged = files
    for (const path of segments) damaged = withFile(damaged, path, other[path])
    expectRefusal(await openingOf(damaged), 'WAL_FOREIGN', { file: segments[0] }, 'the whole log')
  })
})

test('an older copy of the log, of the same store', async () => {
  const disk = await diskOf(files)
  await (await openOn(disk)).close()
  const later = await leftBy(disk)
  // After the later open everything is in batches, and the log starts behind it.
  let damaged: Files = withFile(later, CURRENT, files[CURRENT])
  expectAnswer(await openingOf(damaged), COMMITS, 'the last segment alone')
  for (const path of segments) damaged = withFile(damaged, path, files[path])
  // The whole log: its commits are all behind the fences, and skipped.
  expectAnswer(await openingOf(damaged), COMMITS, 'the whole log')
})

test('segments below what the log has to hold are removed only if they are of this store', async () => {
  const disk = await diskOf(files)
  await (await openOn(disk)).close()
  const later = await leftBy(disk)
  const other = await smallStore({ commits: COMMITS, flushed: 2, walSegmentBytes: 350 })
  const path = segments[0]!
  expectAnswer(await openingOf(withFile(later, path, files[path])), COMMITS, 'its own')
  const foreign = await openingOf(withFile(later, path, other[path]))
  expectRefusal(foreign, 'WAL_FOREIGN', { file: path }, 'of another store')
})

test('without store.json nothing is taken for a store that starts (GB-22)', async () => {
  expectRefusal(
    await openingOf(withFile(files, 'store.json', undefined)),
    'STORE_CORRUPT',
    { file: 'store.json' },
    'with batches',
  )
  const logOnly = Object.fromEntries(Object.entries(files).filter(([path]) => path.startsWith('wal/')))
  const outcome = await openingOf(logOnly)
  expect(outcome.refused?.code).toMatch(/^WAL_/)
})
