// The directory as a thing of its own: who may open it, by which path, and what it looks like.
import { execFileSync, spawn } from 'node:child_process'
import {
  chmod,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { crc32 } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openStore } from '../../src/store/open.ts'
import { read } from '../support/stores.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'varve-directory-'))
})
afterEach(() => rm(root, { recursive: true }))

const edge = (value: number) => ({ shard: 'default:edge', data: [value, value + 1], diff: 1 })

const filled = async (dataDir: string): Promise<void> => {
  const store = await openStore({ dataDir })
  await store.commit([edge(1)])
  await store.flush()
  await store.commit([edge(2)])
  await store.close()
}

const EXPECTED = { '[1,2]': 1, '[2,3]': 1 }

const contents = async (dataDir: string): Promise<Record<string, number>> => {
  const store = await openStore({ dataDir })
  try {
    return await read(store, 'default:edge')
  } finally {
    await store.close()
  }
}

const filesUnder = async (folder: string): Promise<string[]> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter(entry => entry.isFile())
    .map(entry => relative(folder, join(entry.parentPath, entry.name)))
    .sort()
}

describe('the directory', () => {
  test('after a small session is exactly what docs/format.md says (IL-05)', async () => {
    await filled(join(root, 'data'))
    expect(await filesUnder(join(root, 'data'))).toEqual([
      'persist/batches/1.parquet',
      'persist/batches/2.parquet',
      'persist/shards/default_edge.json',
      'persist/store.json',
      'persist/wal/current.wal',
    ])
    const document = await readFile(join(root, 'data/persist/shards/default_edge.json'), 'utf8')
    const [, body, sum] = /^(.*),"checksum":"([0-9a-f]{8})"\}\n$/.exec(document)!
    expect(crc32(body!).toString(16).padStart(8, '0')).toBe(sum)
    expect(JSON.parse(document)).toMatchObject({
      format: 1,
      name: 'default:edge',
      since: 0,
      upper: 2,
      flushedLsn: 2,
      schema: [
        { name: 'col0', type: 'int32', declared: false },
        { name: 'col1', type: 'int32', declared: false },
      ],
      batches: [
        { id: '1', path: 'batches/1.parquet', lower: 0, upper: 1, len: 1, lsnLower: 1, lsnUpper: 1 },
        { id: '2', path: 'batches/2.parquet', lower: 1, upper: 2, len: 1, lsnLower: 2, lsnUpper: 2 },
      ],
      retired: [],
    })
  })

  test('has LOCK while it is open, and every line of its log checks out (IL-10, IL-41)', async () => {
    const store = await openStore({ dataDir: root })
    for (let value = 0; value < 10; value++) await store.commit([edge(value)])
    const lock = JSON.parse(await readFile(join(root, 'persist/LOCK'), 'utf8'))
    expect(lock.pid).toBe(process.pid)
    const lines = (await readFile(join(root, 'persist/wal/current.wal'))).toString('utf8').split('\n')
    // Behind them there is space for the next ones.
    expect(lines.pop()).toMatch(/^\0*$/)
    expect(lines.length).toBe(11)
    for (const line of lines) expect(Number.parseInt(line.slice(0, 8), 16)).toBe(crc32(line.slice(9)))
    await store.close()
  })

  test('moved, copied, or reached by a relative, absolute or linked path, holds the same (IL-19)', async () => {
    await filled(join(root, 'a'))
    expect(await contents(relative(process.cwd(), join(root, 'a')))).toEqual(EXPECTED)
    await rename(join(root, 'a'), join(root, 'b'))
    expect(await contents(join(root, 'b'))).toEqual(EXPECTED)
    await cp(join(root, 'b'), join(root, 'c'), { recursive: true })
    await rm(join(root, 'b'), { recursive: true })
    await symlink(join(root, 'c'), join(root, 'link'))
    expect(await contents(join(root, 'link'))).toEqual(EXPECTED)
    expect(await contents(join(root, 'c'))).toEqual(EXPECTED)
  })

  test('is made with the folders above it; a relative one stays where it was (LD-03)', async () => {
    const dataDir = join(root, 'x/y/z')
    const store = await openStore({ dataDir: relative(process.cwd(), dataDir) })
    await store.commit([edge(1)])
    await store.close()
    expect(await contents(dataDir)).toEqual({ '[1,2]': 1 })
  })

  test('in memory nothing is written anywhere (LD-01, GB-01)', async () => {
    const before = await filesUnder(root)
    const store = await openStore()
    await store.commit([edge(1)])
    await store.flush()
    expect(store.status()).toMatchObject({ path: undefined, state: 'serving' })
    expect(await read(store, 'default:edge')).toEqual({ '[1,2]': 1 })
    await store.close()
    expect(await filesUnder(root)).toEqual(before)
  })
})

describe('opening is refused, with the place, and nothing is changed', () => {
  test('a second time, by this process (GB-05)', async () => {
    const store = await openStore({ dataDir: root })
    await expect(openStore({ dataDir: root })).rejects.toMatchObject({
      code: 'LOCKED',
      details: { holder: { pid: process.pid } },
    })
    await store.commit([edge(1)])
    await store.close()
    // LD-26
    expect(await contents(root)).toEqual({ '[1,2]': 1 })
  })

  test('by another process, which is named; and taken over at once when it was killed', async () => {
    const script = `import { openStore } from ${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)}
      const store = await openStore({ dataDir: ${JSON.stringify(root)} })
      await store.commit([{ shard: 'default:edge', data: [1, 2], diff: 1 }])
      console.log('open')
      setInterval(() => {}, 1000)`
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script])
    await new Promise<void>((resolve, reject) => {
      child.stdout.once('data', () => resolve())
      child.once('exit', () => reject(new Error('the child ended')))
    })
    await expect(openStore({ dataDir: root })).rejects.toMatchObject({
      code: 'LOCKED',
      details: { holder: { pid: child.pid } },
    })
    const ended = new Promise(resolve => child.once('close', resolve))
    child.kill('SIGKILL')
    await ended
    expect(await contents(root)).toEqual({ '[1,2]': 1 })
  })

  test('where the data directory is a file', async () => {
    await writeFile(join(root, 'file'), 'mine')
    await expect(openStore({ dataDir: join(root, 'file') })).rejects.toMatchObject({
      code: 'DISK_NOT_A_DIRECTORY',
    })
    expect(await readFile(join(root, 'file'), 'utf8')).toBe('mine')
  })

  test('where a folder of the store is a link to elsewhere', async () => {
    await filled(root)
    await mkdir(join(root, 'elsewhere'))
    await rm(join(root, 'persist/shards'), { recursive: true })
    await symlink(join(root, 'elsewhere'), join(root, 'persist/shards'))
    await expect(openStore({ dataDir: root })).rejects.toMatchObject({
      code: 'LAYOUT_INVALID',
      details: { file: 'shards' },
    })
    expect(await filesUnder(join(root, 'elsewhere'))).toEqual([])
  })

  test('where the directory cannot be written (GB-29)', async () => {
    await filled(root)
    const before = await filesUnder(root)
    // Root may write anywhere, so a process of nobody tries.
    const script = `import { openStore } from ${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)}
      await openStore({ dataDir: ${JSON.stringify(root)} }).then(
        () => console.log('opened'), error => console.log(error.code, error.details.path))`
    await chmod(root, 0o755)
    await chmod(join(root, 'persist'), 0o555)
    const identity = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}
    const output = execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
      ...identity,
      cwd: '/',
      encoding: 'utf8',
    })
    await chmod(join(root, 'persist'), 0o755)
    expect(output.trim()).toBe(`DISK_DENIED ${root}`)
    expect(await filesUnder(root)).toEqual(before)
  })

  test.each([
    ['an unknown setting', { bufferSise: 5 }, { setting: 'bufferSise' }],
    ['a word for a number', { bufferSize: '5' }, { setting: 'bufferSize' }],
    ['zero', { bufferSize: 0 }, { setting: 'bufferSize' }],
    ['NaN', { maxWalSizeBytes: Number.NaN }, { setting: 'maxWalSizeBytes' }],
    ['an unknown mode', { durabilityMode: 'sometimes' }, { setting: 'durabilityMode' }],
    ['a number for a switch', { breakLock: 1 }, { setting: 'breakLock' }],
  ])('with %s', async (_, settings, details) => {
    await expect(openStore({ dataDir: join(root, 'new'), ...(settings as object) })).rejects.toMatchObject({
      code: 'SETTING_INVALID',
      details,
    })
    expect(await readdir(root)).toEqual([])
  })
})
