// Damaged stores, found by a loop over fixtures/corrupt/: each says in its case.json what opening a copy of it has to
// come to (GB-25..28, IL-12, IL-18, IL-31, IL-32, IL-44, IL-46, ND-20, LD-14, LD-15).
import { cpSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { openStore } from '../../src/store/open.ts'
import { scratchFolder } from '../support/scratch.ts'
import { read } from '../support/stores.ts'
import { contentsAt } from './store.ts'

const CORRUPT = fileURLToPath(new URL('../../fixtures/corrupt', import.meta.url))

interface Case {
  readonly what: string
  /** A refusal with its place, or what the store says of itself. */
  readonly open:
    | { readonly code: string; readonly file: string; readonly offset?: number; readonly lsn?: number }
    | {
        readonly lsn: number
        readonly bytesCut: number
        readonly quarantined: readonly string[]
        readonly state: string
      }
  /** By shard, up to which commit it holds everything. */
  readonly survivors?: Readonly<Record<string, number>>
  /** By shard, what is wrong with it, and whether opening or reading finds it. */
  readonly damaged?: Readonly<
    Record<string, { readonly found: 'open' | 'read'; readonly code: string; readonly file: string }>
  >
}

/** Every file below a folder with its bytes, but for LOCK. */
const treeOf = (folder: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter(entry => entry.isFile() && entry.name !== 'LOCK')
      .map(entry => [
        join(entry.parentPath, entry.name),
        readFileSync(join(entry.parentPath, entry.name), 'latin1'),
      ]),
  )

test.each(readdirSync(CORRUPT))('%s', async name => {
  const { open, survivors, damaged }: Case = JSON.parse(
    readFileSync(join(CORRUPT, name, 'case.json'), 'utf8'),
  )
  const dataDir = await scratchFolder()
  cpSync(join(CORRUPT, name, 'persist'), join(dataDir, 'persist'), { recursive: true })
  const before = treeOf(dataDir)
  if ('code' in open) {
    const { code, ...details } = open
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(openStore({ dataDir })).rejects.toMatchObject({ code, details })
      expect(treeOf(dataDir)).toEqual(before)
    }
    return
  }
  const store = await openStore({ dataDir })
  const { lsn, state, recovery } = store.status()
  expect({ lsn, state, bytesCut: recovery.bytesCut, quarantined: recovery.quarantined }).toEqual(open)
  for (const file of open.quarantined) {
    const report = JSON.parse(readFileSync(join(dataDir, 'persist', `${file}.json`), 'utf8'))
    expect(report.bytes).toBe(readFileSync(join(dataDir, 'persist', file)).length)
  }
  expect(Object.keys({ ...survivors, ...damaged }).sort()).toEqual(['a:x', 'b:y'])
  for (const [shard, commits] of Object.entries(survivors ?? {}))
    expect(await read(store, shard), shard).toEqual(contentsAt(commits))
  for (const [shard, { found, code, file }] of Object.entries(damaged ?? {}))
    await expect(read(store, shard)).rejects.toMatchObject(
      found === 'read'
        ? { code, details: { file } }
        : { code: 'SHARD_DAMAGED', details: { shard }, cause: { code, details: { file } } },
    )
  await store.close()
})
