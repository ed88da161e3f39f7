// Links, FIFOs and folders in the place of files, files in the place of folders, and what may not be read, on a real disk
// (GB-23, GB-25, GB-29): a typed error with the path, or the shard alone is damaged; nothing outside is touched or read.
import { execFileSync } from 'node:child_process'
import {
  cpSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { chmod, chown } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { StoreError } from '../../src/errors.ts'
import { openStore, repairStoreAt } from '../../src/store/open.ts'
import { asOrdinaryUser, scratchFolder } from '../support/scratch.ts'
import { read } from '../support/stores.ts'
import { contentsAt, smallStore } from './store.ts'

const COMMITS = 7
const SEALED = 'wal/00000000000000000003.wal'
const FILES = [
  'store.json',
  'shards/a_x.json',
  'batches/1.parquet',
  'wal/current.wal',
  SEALED,
  'LOCK',
] as const
const FOLDERS = ['wal', 'shards', 'batches', 'quarantine'] as const

/** What is below a folder: kinds, targets of links, contents of files. */
const treeOf = (folder: string): Record<string, string> => {
  const tree: Record<string, string> = {}
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    const stat = lstatSync(path)
    if (stat.isDirectory()) Object.assign(tree, { [path]: 'folder' }, treeOf(path))
    else if (stat.isSymbolicLink()) tree[path] = `link to ${readlinkSync(path)}`
    else tree[path] = stat.isFile() ? readFileSync(path, 'latin1') : 'neither'
  }
  return tree
}

const withoutLock = (tree: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(tree).filter(([path]) => basename(path) !== 'LOCK'))

/** What takes the place of something at `path`; `outside` is a folder that is none of the store's. */
const SUBSTITUTES: Readonly<Record<string, (path: string, outside: string) => void>> = {
  'a link to where it went': (path, outside) => {
    renameSync(path, join(outside, basename(path)))
    symlinkSync(join(outside, basename(path)), path)
  },
  'a link to nowhere': (path, outside) => {
    rmSync(path, { recursive: true })
    symlinkSync(join(outside, 'nothing'), path)
  },
  'a link to itself': path => {
    rmSync(path, { recursive: true })
    symlinkSync(path, path)
  },
  'a FIFO': path => {
    rmSync(path, { recursive: true })
    execFileSync('mkfifo', [path])
  },
  'a folder': path => {
    rmSync(path, { recursive: true })
    mkdirSync(path)
  },
  'a file': path => {
    rmSync(path, { recursive: true })
    writeFileSync(path, 'x')
  },
}

/** A store of the usual kind, in a data directory, and a folder beside it. */
const laidOut = async (): Promise<{ dataDir: string; persist: string; outside: string }> => {
  const root = await scratchFolder()
  const persist = join(root, 'data/persist')
  const files = await smallStore({ commits: COMMITS, flushed: 2, walSegmentBytes: 350 })
  for (const folder of FOLDERS) mkdirSync(join(persist, folder), { recursive: true })
  for (const [path, content] of Object.entries(files)) writeFileSync(join(persist, path), content, 'latin1')
  const outside = join(root, 'outside')
  mkdirSync(outside)
  return { dataDir: join(root, 'data'), persist, outside }
}

/** Opens it: refused with the path and, unless `isInTheWay`, not a byte changed; or a:x alone is damaged. Nothing outside changes. */
const expectLawful = async (
  dataDir: string,
  outside: string,
  what: string,
  isInTheWay = false,
): Promise<string> => {
  const before = withoutLock(treeOf(dataDir))
  const beyond = treeOf(outside)
  let code: string
  try {
    const store = await openStore({ dataDir })
    code = 'opened'
    expect(await read(store, 'b:y'), what).toEqual(contentsAt(COMMITS))
    const found = await read(store, 'a:x').catch((cause: unknown) => cause)
    if (found instanceof Error) {
      expect(found, what).toBeInstanceOf(StoreError)
      expect((found as StoreError<string>).code, what).toBe('SHARD_DAMAGED')
      code = ((found as Error).cause as StoreError<string>).code
    } else expect(found, what).toEqual(contentsAt(COMMITS))
    await store.close()
  } catch (cause) {
    if (!(cause instanceof StoreError)) throw cause
    expect(cause.details.file ?? cause.details.path, `${what}: ${cause.message}`).toEqual(expect.any(String))
    if (!isInTheWay) expect(withoutLock(treeOf(dataDir)), what).toEqual(before)
    code = cause.code
  }
  expect(treeOf(outside), what).toEqual(beyond)
  return code
}

describe.each(Object.keys(SUBSTITUTES))('%s', substitute => {
  const places =
    substitute === 'a file' ? FOLDERS : substitute === 'a folder' ? FILES : [...FILES, ...FOLDERS]

  test.each(places)('in the place of %s', async place => {
    const { dataDir, persist, outside } = await laidOut()
    const path = join(persist, place)
    if (place === 'LOCK') writeFileSync(path, '{}\n')
    SUBSTITUTES[substitute]!(path, outside)
    const code = await expectLawful(dataDir, outside, `${place} is ${substitute}`)
    // What is not needed may be anything; what is read may not.
    if (place === 'shards/a_x.json') expect(['METADATA_CORRUPT', 'METADATA_MISSING']).toContain(code)
    else if (place === 'batches/1.parquet') expect(['BATCH_CORRUPT', 'BATCH_MISSING']).toContain(code)
    else expect(code).not.toBe('opened')
  })
})

/** Substitutes that are moved aside; of a folder only somebody can say what is in it. */
const MOVED: Readonly<Record<string, (path: string, outside: string) => void>> = {
  'a link to nowhere': SUBSTITUTES['a link to nowhere']!,
  'a FIFO': SUBSTITUTES['a FIFO']!,
  'a huge file': path => truncateSync(path, 3e9),
}

describe.each(Object.keys(MOVED))('%s is repaired', substitute => {
  test.each(['store.json', 'shards/a_x.json', 'batches/1.parquet'])('in the place of %s', async place => {
    const { dataDir, persist, outside } = await laidOut()
    MOVED[substitute]!(join(persist, place), outside)
    const { shards, quarantined } = await repairStoreAt({ dataDir }, false)
    const kept = place === 'store.json' ? 'store-2.json' : place.replace('/', '-')
    const { mode, size } = lstatSync(join(persist, 'quarantine', kept))
    expect(lstatSync(join(persist, 'quarantine', kept)).isFile(), `${mode}`).toBe(size === 3e9)
    if (place !== 'store.json') expect(quarantined).toEqual([`quarantine/${kept}`])
    const lost = shards.flatMap(shard => shard.lost)
    // The log has the commits of that batch no more.
    expect(lost).toMatchObject(place === 'batches/1.parquet' ? [{ lsnLower: 1, lsnUpper: 2, rows: 2 }] : [])
    const store = await openStore({ dataDir })
    const first = lost.length === 0 ? [] : ['[1,"c1"]', '[2,"c2"]']
    const left = Object.entries(contentsAt(COMMITS)).filter(([tuple]) => !first.includes(tuple))
    expect(await read(store, 'a:x')).toEqual(Object.fromEntries(left))
    expect(await read(store, 'b:y')).toEqual(contentsAt(COMMITS))
    await store.close()
    expect(treeOf(outside)).toEqual({})
  })
})

describe('beside what is ours, under names that might be', () => {
  const NAMES = [
    'batches/77.parquet',
    'batches/78.parquet.tmp',
    'shards/a_x.json.tmp',
    'store.json.tmp',
    'wal/00000000000000000099.wal',
    'wal/current.wal.tmp',
    'quarantine/torn-7.wal',
  ]

  test.each(NAMES)('%s as a link, a FIFO or a folder', async name => {
    for (const kind of ['link', 'FIFO', 'folder']) {
      const { dataDir, persist, outside } = await laidOut()
      writeFileSync(join(outside, 'precious'), 'not ours')
      const path = join(persist, name)
      if (kind === 'link') symlinkSync(join(outside, 'precious'), path)
      else if (kind === 'FIFO') execFileSync('mkfifo', [path])
      else mkdirSync(path)
      // Nobody's folder where a temporary file has to go is noticed when it does; then it is as if the disk failed.
      const isInTheWay = kind === 'folder' && name.endsWith('.tmp')
      const code = await expectLawful(dataDir, outside, `${name} is a ${kind}`, isInTheWay)
      if (isInTheWay && code !== 'opened') {
        expect(code).toBe('DISK_NOT_A_FILE')
        rmSync(path, { recursive: true })
        expect(await expectLawful(dataDir, outside, 'out of the way')).toBe('opened')
      }
      expect(readFileSync(join(outside, 'precious'), 'utf8')).toBe('not ours')
    }
  })
})

describe('what may not be read (GB-29)', () => {
  test.each([...FILES.filter(place => place !== 'LOCK'), ...FOLDERS.filter(place => place !== 'quarantine')])(
    '%s',
    async place => {
      const { dataDir, persist, outside } = await laidOut()
      const ours = [
        dataDir,
        persist,
        ...readdirSync(persist, { recursive: true }).map(name => join(persist, String(name))),
      ]
      if (process.geteuid?.() === 0) for (const path of ours) await chown(path, 65534, 65534)
      const backup = join(outside, 'backup')
      cpSync(persist, backup, { recursive: true })
      const path = join(persist, place)
      await chmod(path, 0)
      const error = await asOrdinaryUser(() => openStore({ dataDir }).catch((cause: unknown) => cause))
      await chmod(path, 0o755)
      if (error instanceof Error) {
        expect(error).toMatchObject({
          code: 'DISK_DENIED',
          details: { path: expect.stringContaining(place) },
        })
        const strip = (tree: Record<string, string>, root: string): Record<string, string> =>
          Object.fromEntries(
            Object.entries(withoutLock(tree)).map(([name, content]) => [name.slice(root.length), content]),
          )
        expect(strip(treeOf(persist), persist)).toEqual(strip(treeOf(backup), backup))
        return
      }
      // A batch is first opened when it is read.
      expect(place).toBe('batches/1.parquet')
      await (error as Awaited<ReturnType<typeof openStore>>).close()
    },
  )
})
