// What an open does with files that nobody needs (IL-46, rules 16, 17): our own and done with are removed, batches that
// cannot be explained are put aside with a report, what any shard refers to and what is somebody else's stays.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { MemoryDisk } from '../../src/disk/memory-disk.ts'
import { decodeDocument, encodeDocument } from '../../src/shard/document.ts'
import { bytesOf, everything, put } from '../support/bytes.ts'
import { LONG } from '../support/long.ts'
import { openOn, read } from '../support/stores.ts'
import {
  contentsAt,
  diskOf,
  expectRefusal,
  type Files,
  flipped,
  openingOf,
  smallStore,
  withFile,
} from './store.ts'

const COMMITS = 3
const LIVE = ['batches/1.parquet', 'batches/2.parquet']

const fieldsOf = (files: Files, path: string): Record<string, unknown> =>
  decodeDocument(Buffer.from(files[path]!, 'latin1'), path, 'STORE_CORRUPT') as Record<string, unknown>

const withFields = (files: Files, path: string, fields: Record<string, unknown>): Files =>
  withFile(
    files,
    path,
    Buffer.from(encodeDocument({ ...fieldsOf(files, path), ...fields })).toString('latin1'),
  )

/** Opens and closes a store on a disk; returns what it put aside. */
const reopened = async (disk: MemoryDisk): Promise<readonly string[]> => {
  const store = await openOn(disk)
  for (const shard of ['a:x', 'b:y']) expect(await read(store, shard)).toEqual(contentsAt(COMMITS))
  const { quarantined } = store.status().recovery
  await store.close()
  return quarantined
}

/** Names that are, or look like, those of batches. */
const NAME = fc.oneof(
  // Below those that an open may give out.
  fc.nat(1000).map(id => `${id}.parquet`),
  fc.constantFrom(
    '01.parquet',
    '3.parquet.tmp',
    '3.PARQUET',
    '3.parquet.bak',
    'a.parquet',
    '-1.parquet',
    '3.json',
    'notes.txt',
    '.tmp',
    'x.tmp',
  ),
)

test('any files among the batches: none is lost, none that is referred to moves', async () => {
  const files = await smallStore({ commits: COMMITS, flushed: 2 })
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(NAME, fc.string({ maxLength: 5 }), { maxKeys: 6, noNullPrototype: true }),
      async strangers => {
        const disk = await diskOf(files)
        const added = Object.entries(strangers).filter(([name]) => !LIVE.includes(`batches/${name}`))
        for (const [name, content] of added) await put(disk, `batches/${name}`, content)
        const quarantined = await reopened(disk)
        const after = await everything(disk)
        for (const path of LIVE) expect(after[path]).toBe(files[path])
        for (const [name, content] of added) {
          const bytes = Buffer.from(content).toString('latin1')
          if (name.endsWith('.tmp')) expect(after[`batches/${name}`]).toBeUndefined()
          else if (/^[0-9]+\.parquet$/.test(name)) {
            expect(after[`batches/${name}`]).toBeUndefined()
            expect(quarantined).toContain(`quarantine/batches-${name}`)
            expect(after[`quarantine/batches-${name}`]).toBe(bytes)
            expect(JSON.parse(after[`quarantine/batches-${name}.json`]!)).toMatchObject({
              from: `batches/${name}`,
              bytes: bytes.length,
            })
          } else expect(after[`batches/${name}`]).toBe(bytes)
        }
        expect(quarantined.length).toBe(added.filter(([name]) => /^[0-9]+\.parquet$/.test(name)).length)
        expect(await reopened(disk)).toEqual([])
      },
    ),
    { numRuns: LONG ? 2_000 : 60 },
  )
})

test('other files anywhere in the folder stay, and nothing in quarantine is touched or overwritten', async () => {
  const strangers = {
    README: 'mine',
    'shards/notes.txt': 'mine',
    'wal/archive.wal': 'mine',
    'wal/1.wal': 'mine',
    'wal/000000000000000000001.wal': 'mine',
    'quarantine/batches-77.parquet': 'older',
    'quarantine/batches-77.parquet.json': '{}',
  }
  const disk = await diskOf({
    ...(await smallStore({ commits: COMMITS, flushed: 2 })),
    ...strangers,
    'batches/77.parquet': 'new',
  })
  expect(await reopened(disk)).toEqual(['quarantine/batches-77.parquet.2'])
  expect(await everything(disk)).toMatchObject({ ...strangers, 'quarantine/batches-77.parquet.2': 'new' })
})

test('while the document of a shard is damaged no batch is put aside: it may be its', async () => {
  const files = await smallStore({ commits: COMMITS, flushed: 2 })
  const document = files['shards/a_x.json']!
  const disk = await diskOf({
    ...withFile(files, 'shards/a_x.json', flipped(document, 9, 1)),
    'batches/77.parquet': 'whose',
  })
  const store = await openOn(disk)
  expect(store.status().recovery.quarantined).toEqual([])
  await store.compact().catch(() => undefined)
  await store.close()
  expect(await everything(disk)).toMatchObject({
    'batches/1.parquet': files['batches/1.parquet'],
    'batches/77.parquet': 'whose',
  })
  await put(disk, 'shards/a_x.json', Buffer.from(document, 'latin1'))
  expect(await reopened(disk)).toEqual(['quarantine/batches-77.parquet'])
})

test('retired batches are removed, those of a crash too, and forgotten', async () => {
  const files = await smallStore({ commits: COMMITS, flushed: 2 })
  const disk = await diskOf({
    ...withFields(files, 'shards/a_x.json', { retired: ['7', '8'] }),
    'batches/7.parquet': 'done with',
  })
  expect(await reopened(disk)).toEqual([])
  expect((await disk.list('batches')).map(({ name }) => name)).not.toContain('7.parquet')
  expect(fieldsOf({ x: (await bytesOf(disk, 'shards/a_x.json')).toString('latin1') }, 'x').retired).toEqual(
    [],
  )
})

test('a retired id that is a live batch, of the shard or of another, removes nothing', async () => {
  const files = await smallStore({ commits: COMMITS, flushed: 2 })
  const own = await openingOf(withFields(files, 'shards/a_x.json', { retired: ['1'] }))
  expect(own.shards!.get('a:x')).toMatchObject({
    code: 'SHARD_DAMAGED',
    cause: { code: 'METADATA_CORRUPT', details: { file: 'shards/a_x.json', place: 'retired[0]' } },
  })
  expectRefusal(
    await openingOf(withFields(files, 'shards/a_x.json', { retired: ['2'] })),
    'METADATA_CORRUPT',
    { file: 'shards/b_y.json', batch: '2', owner: 'a:x' },
    'of another shard',
  )
})
