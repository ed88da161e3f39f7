// The command line and its configuration: which file it takes, `varve config`, flags.
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { main } from '../../src/cli/main.ts'
import { KEYS, NAMES } from '../../src/config/settings.ts'
import { scratchFolder } from '../support/scratch.ts'

const PERSIST = 'VARVE_STORAGE__PERSIST__'

let folder: string
let printed: string[]
let noted: string[]
beforeEach(async () => {
  folder = await scratchFolder()
  vi.spyOn(process, 'cwd').mockReturnValue(folder)
})
afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

const varve = (...words: string[]): Promise<number> => {
  printed = []
  noted = []
  return main(words, { print: line => printed.push(line), note: line => noted.push(line) })
}

const put = async (name: string, text: string): Promise<string> => {
  await writeFile(join(folder, name), text)
  return join(folder, name)
}

interface Report {
  readonly file: string | null
  readonly keys: Record<string, { value: unknown; source: string; effect: boolean }>
}

const report = async (...flags: string[]): Promise<Report> => {
  expect(await varve('config', '--json', ...flags)).toBe(0)
  return JSON.parse(printed.join('\n'))
}

describe('varve config', () => {
  test('prints every key, its value and its source, aligned, and opens no store', async () => {
    await put(
      'config.toml',
      '[storage.persist]\nbuffer_size = 7\nsync_interval_ms = "1s"\ndurability_mode = "group"\n[storage.performance]\nbatch_size = 5\n',
    )
    vi.stubEnv(`${PERSIST}SYNC_INTERVAL_MS`, '2s')
    expect(await varve('config', '--wal-segment-bytes', '1MiB')).toBe(0)
    expect(printed).toEqual([
      'storage.data_dir                            ./data     default',
      'storage.persist.enabled                     true       default',
      'storage.persist.durability_mode             batched    config.toml:4',
      `storage.persist.sync_interval_ms            2000       ${PERSIST}SYNC_INTERVAL_MS`,
      'storage.persist.buffer_size                 7          config.toml:2',
      'storage.persist.max_buffer_bytes            268435456  default',
      'storage.persist.max_wal_size_bytes          67108864   default',
      'storage.persist.wal_segment_bytes           1048576    --wal-segment-bytes',
      'storage.persist.auto_compact_threshold      10         default',
      'storage.persist.auto_compact_interval_secs  300        default',
      'storage.persist.compaction_window           all        default',
      'storage.persist.parquet_profile             tuned      default',
      'storage.persist.parquet_compression         snappy     default',
      'storage.persist.damaged_shard               isolate    default',
      'storage.persist.recovery                    strict     default',
      'storage.persist.ambiguous_tail              refuse     default',
      'storage.persist.open_timeout_ms             0          default',
      'storage.performance.batch_size              5          config.toml:6 (accepted, no effect)',
      'storage.performance.async_io                true       default (accepted, no effect)',
      'storage.performance.initial_capacity        1000       default (accepted, no effect)',
    ])
    expect(await readdir(folder)).toEqual(['config.toml'])
  })

  test('prints no path raw', async () => {
    const file = await put('a\u202e\u009b.toml', '[storage]\ndata_dir = "\\u001b[31m"\n')
    expect(await varve('config', '--config', file)).toBe(0)
    expect(printed[0]).toBe(
      `storage.data_dir                            ${folder}/\\u{1b}[31m  ${folder}/a\\u{202e}\\u{9b}.toml:2`,
    )
    expect(await varve('status', '--config', file)).toBe(1)
    expect(noted[0]).toContain(`path=${folder}/\\u{1b}[31m/persist`)
  })

  test('says the same as one object', async () => {
    const { file, keys } = await report('--buffer-size', '5')
    expect(file).toBeNull()
    expect(Object.keys(keys)).toEqual(NAMES.flatMap(name => KEYS[name].path ?? []))
    expect(keys['storage.persist.buffer_size']).toEqual({ value: 5, source: '--buffer-size', effect: true })
    expect(keys['storage.performance.async_io']).toEqual({ value: true, source: 'default', effect: false })
  })
})

describe('the file is', () => {
  test('the one that --config names, or VARVE_CONFIG, or ./config.toml, or none', async () => {
    const size = async (...flags: string[]): Promise<unknown> => {
      const { file, keys } = await report(...flags)
      return [file, keys['storage.persist.buffer_size']!.value]
    }
    expect(await size()).toEqual([null, 10_000])
    await put('config.toml', 'storage.persist.buffer_size = 1')
    expect(await size()).toEqual(['config.toml', 1])
    const variable = await put('variable.toml', 'storage.persist.buffer_size = 2')
    vi.stubEnv('VARVE_CONFIG', variable)
    expect(await size()).toEqual([variable, 2])
    const flag = await put('flag.toml', 'storage.persist.buffer_size = 3')
    expect(await size('--config', flag)).toEqual([flag, 3])
    vi.stubEnv('VARVE_CONFIG', '')
    expect(await size()).toEqual(['config.toml', 1])
  })

  test('an error if it is named and not there', async () => {
    expect(await varve('config', '--config', 'other.toml')).toBe(1)
    expect(noted[0]).toMatch(/^varve config: DISK_MISSING: .*other\.toml/)
    vi.stubEnv('VARVE_CONFIG', 'third.toml')
    expect(await varve('status')).toBe(1)
    expect(noted[0]).toMatch(/DISK_MISSING: .*third\.toml/)
    expect(await readdir(folder)).toEqual([])
  })

  test('an error if ./config.toml is a link to nowhere, or no file', async () => {
    await symlink('nowhere.toml', join(folder, 'config.toml'))
    expect(await varve('config')).toBe(1)
    expect(noted[0]).toMatch(/^varve config: DISK_MISSING: .*path=config\.toml, /)
    expect(await varve('config', '--config', '.')).toBe(1)
    expect(noted[0]).toMatch(/^varve config: DISK_NOT_A_FILE: .*path=\., /)
  })

  test('an error if it is wrong, for every command that reads it', async () => {
    await put('config.toml', '[storage.persist]\n\nbufer_size = 5\n')
    for (const command of ['config', 'status', 'flush', 'compact', 'verify']) {
      expect(await varve(command, '--json')).toBe(1)
      expect(noted).toEqual([
        `varve ${command}: CONFIG_INVALID: there is no such key (did you mean storage.persist.buffer_size?). ` +
          'file=config.toml, line=3, column=1, key=storage.persist.bufer_size',
      ])
      expect(JSON.parse(printed[0]!)).toMatchObject({
        error: { code: 'CONFIG_INVALID', details: { line: 3 } },
      })
    }
    expect(await readdir(folder)).toEqual(['config.toml'])
  })
})

describe('the store of a command', () => {
  test('is where file, environment and flag say, and works as they say', async () => {
    await mkdir(join(folder, 'etc'))
    const file = await put('etc/varve.toml', '[storage]\ndata_dir = "data"\npersist.buffer_size = 7\n')
    const status = async (
      ...flags: string[]
    ): Promise<{ path?: string; mode: string; buffer: { size: number } }> => {
      expect(await varve('-c', '.status', '--json', ...flags)).toBe(0)
      return JSON.parse(printed[0]!).status
    }
    expect(await status()).toMatchObject({ path: join(folder, 'data/persist'), buffer: { size: 10_000 } })
    expect(await status('--config', file)).toMatchObject({
      path: join(folder, 'etc/data/persist'),
      buffer: { size: 7 },
    })
    vi.stubEnv(`${PERSIST}BUFFER_SIZE`, '8')
    expect(await status('--config', file, '--durability-mode', 'Group')).toMatchObject({
      mode: 'batched',
      buffer: { size: 8 },
    })
    expect(await status('--config', file, '--data-dir', 'flag', '--buffer-size', '9')).toMatchObject({
      path: join(folder, 'flag/persist'),
      buffer: { size: 9 },
    })
    expect(await varve('verify', '--config', file)).toBe(0)
    expect(printed[0]).toMatch(/^Sound: 0 shard/)
  })

  test('is opened with a warning where nothing is synced (GB-08)', async () => {
    expect(await varve('-c', '.status', '--durability-mode', 'never')).toBe(0)
    expect(printed).toContain('Durability mode: none')
    expect(noted).toEqual([
      'warning: in durability mode none nothing is synced, and a power loss can take anything',
    ])
    expect(await varve('status', '--durability-mode', 'async')).toBe(0)
    expect(noted).toEqual([])
  })

  test('is taken over with --break-lock, from a holder of whom nothing is known', async () => {
    expect(await varve('-c', '')).toBe(0)
    const holder = {
      pid: 1,
      host: 'elsewhere',
      bootId: null,
      startTicks: null,
      pidNamespace: null,
      kernelLock: null,
    }
    await put('data/persist/LOCK', `${JSON.stringify({ ...holder, since: '2026-01-02T03:04:05.678Z' })}\n`)
    expect(await varve('flush')).toBe(1)
    expect(noted[0]).toMatch(
      /LOCKED: process 1 on elsewhere has had the directory since 2026-01-02T03:04:05\.678Z, or [^{]*$/,
    )
    expect(await varve('status')).toBe(0)
    expect(await varve('flush', '--break-lock')).toBe(0)
  })

  test('lives in memory with --enabled false, and touches no disk (IL-24)', async () => {
    expect(await varve('-c', '.status', '--enabled', 'false')).toBe(0)
    expect(printed[0]).toBe('Data directory:  none: in memory')
    // Nobody else can look into it.
    expect(await varve('status', '--enabled', 'false')).toBe(1)
    expect(noted[0]).toMatch(
      /^varve status: SETTING_INVALID: a store in memory cannot be read by anybody else/,
    )
    expect(await readdir(folder)).toEqual([])
  })

  test.each([
    ['--buffer-size', '0', 'bufferSize'],
    ['--buffer-size', '1MiB', 'bufferSize'],
    ['--sync-interval-ms', 'fast', 'syncIntervalMs'],
    ['--max-wal-size-bytes', '-5', 'maxWalSizeBytes'],
    ['--durability-mode', 'sometimes', 'durabilityMode'],
    ['--enabled', 'no', 'enabled'],
    ['--data-dir', '', 'dataDir'],
  ])('is not opened with %s %s', async (flag, value, setting) => {
    expect(await varve('status', '--json', `${flag}=${value}`)).toBe(2)
    expect(JSON.parse(printed[0]!)).toMatchObject({
      error: { code: 'SETTING_INVALID', details: { flag, setting, value } },
    })
    expect(await readdir(folder)).toEqual([])
  })
})
