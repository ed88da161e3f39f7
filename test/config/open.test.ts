// openStore with a configuration: what it reads, who wins, and what it refuses without leaving a trace.
import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type OpenOptions, openStore } from '../../src/store/open.ts'
import type { StoreStatus } from '../../src/store/status.ts'
import { asOrdinaryUser, scratchFolder } from '../support/scratch.ts'

const VARIABLE = 'VARVE_STORAGE__PERSIST__BUFFER_SIZE'

let folder: string
let config: string
beforeEach(async () => {
  folder = await scratchFolder()
  config = join(folder, 'config.toml')
  await writeFile(config, '[storage]\ndata_dir = "data"\n[storage.persist]\nbuffer_size = 7\n')
})
afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

const statusOf = async (options: OpenOptions): Promise<StoreStatus> => {
  const store = await openStore(options)
  const status = store.status()
  await store.close()
  return status
}

describe('who wins (ND-08)', () => {
  test('defaults < file < environment < code', async () => {
    expect((await statusOf({})).buffer.size).toBe(10_000)
    expect((await statusOf({ config })).buffer.size).toBe(7)
    vi.stubEnv(VARIABLE, '8')
    expect((await statusOf({ config })).buffer.size).toBe(8)
    expect((await statusOf({ config, bufferSize: 9 })).buffer.size).toBe(9)
    expect((await statusOf({ config, dataDir: join(folder, 'code') })).path).toBe(
      join(folder, 'code/persist'),
    )
  })

  test('code that says undefined says nothing', async () => {
    const options = { config, bufferSize: undefined, dataDir: undefined } as unknown as OpenOptions
    expect(await statusOf(options)).toMatchObject({ path: join(folder, 'data/persist'), buffer: { size: 7 } })
  })

  test('without a file neither file nor environment is read', async () => {
    vi.stubEnv(VARIABLE, 'nonsense')
    vi.stubEnv('VARVE_CONFIG', config)
    expect(await statusOf({ dataDir: join(folder, 'data') })).toMatchObject({ buffer: { size: 10_000 } })
  })
})

describe('where the store is (IL-23)', () => {
  test('relative to the file, if the file says it; else to the working directory', async () => {
    await mkdir(join(folder, 'work'))
    vi.spyOn(process, 'cwd').mockReturnValue(join(folder, 'work'))
    expect((await statusOf({ config })).path).toBe(join(folder, 'data/persist'))
    expect((await statusOf({ config: '../config.toml' })).path).toBe(join(folder, 'data/persist'))
    vi.stubEnv('VARVE_STORAGE__DATA_DIR', 'variable')
    expect((await statusOf({ config })).path).toBe(join(folder, 'work/variable/persist'))
    expect((await statusOf({ config, dataDir: 'code' })).path).toBe(join(folder, 'work/code/persist'))
    vi.unstubAllEnvs()
    expect((await statusOf({ enabled: true })).path).toBe(join(folder, 'work/data/persist'))
    await writeFile(config, '')
    expect((await statusOf({ config })).path).toBe(join(folder, 'work/data/persist'))
  })

  test('in memory where nothing says a place, or enabled is false (IL-24)', async () => {
    const data = join(folder, 'none')
    for (const options of [
      {},
      { enabled: false },
      { dataDir: data, enabled: false },
      { config, enabled: false },
    ]) {
      const store = await openStore(options)
      await store.commit([{ shard: 'a:b', data: [1], diff: 1 }])
      await store.flush()
      expect(store.status()).toMatchObject({ path: undefined, lsn: 1 })
      await store.close()
    }
    expect(await readdir(folder)).toEqual(['config.toml'])
    await writeFile(config, '[storage]\ndata_dir = "data"\npersist.enabled = false\n')
    expect((await statusOf({ config })).path).toBeUndefined()
    expect((await statusOf({ config, enabled: true })).path).toBe(join(folder, 'data/persist'))
  })
})

describe('is refused, and nothing is made', () => {
  test.each([
    ['an unknown key', 'x = 1', { line: 1, column: 1, key: 'x' }],
    [
      'a wrong value',
      '[storage.persist]\nbuffer_size = 0',
      { line: 2, column: 1, key: 'storage.persist.buffer_size', value: '0' },
    ],
    ['no TOML', '[storage\n', { line: 1, column: 9 }],
    ['no UTF-8', Buffer.from([0x23, 0x61, 0xff, 0xfe]), { line: 1 }],
    ['no UTF-8 further down', Buffer.from([0x23, 0xc3, 0xa9, 10, 10, 0x23, 0xc3, 10, 0x23]), { line: 3 }],
    ['no UTF-8 at the end', Buffer.from([0x23, 10, 0x23, 0xc3]), { line: 2 }],
    ['too large a file', `#${' '.repeat(1024 * 1024)}`, { bytes: 1024 * 1024 + 1 }],
  ])('%s', async (_, text, details) => {
    await writeFile(config, text)
    await expect(openStore({ config })).rejects.toMatchObject({
      name: 'InputError',
      code: 'CONFIG_INVALID',
      details: { file: config, ...details },
    })
    expect(await readdir(folder)).toEqual(['config.toml'])
  })

  test('a wrong variable', async () => {
    vi.stubEnv(VARIABLE, 'many')
    await expect(openStore({ config })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      details: { variable: VARIABLE, key: 'storage.persist.buffer_size', value: 'many' },
    })
    expect(await readdir(folder)).toEqual(['config.toml'])
  })

  test('a file that is not there, or is none', async () => {
    const path = join(folder, 'other.toml')
    await expect(openStore({ config: path })).rejects.toMatchObject({
      code: 'DISK_MISSING',
      details: { path },
    })
    await expect(openStore({ config: folder })).rejects.toMatchObject({
      code: 'DISK_NOT_A_FILE',
      details: { path: folder },
    })
    await chmod(config, 0)
    await asOrdinaryUser(() =>
      expect(openStore({ config })).rejects.toMatchObject({ code: 'DISK_DENIED', details: { path: config } }),
    )
  })

  test.each([
    [{ config: 5 }, 'config'],
    [{ config: '' }, 'config'],
    [{ dataDir: '' }, 'dataDir'],
    [{ dataDir: 5 }, 'dataDir'],
    [{ enabled: 'no' }, 'enabled'],
  ])('%o', async (options, setting) => {
    await expect(openStore(options as unknown as OpenOptions)).rejects.toMatchObject({
      code: 'SETTING_INVALID',
      details: { setting },
    })
  })

  test('a byte order mark is no part of the text', async () => {
    await writeFile(config, '\uFEFF[storage]\ndata_dir = "data"\n')
    expect((await statusOf({ config })).path).toBe(join(folder, 'data/persist'))
  })
})
