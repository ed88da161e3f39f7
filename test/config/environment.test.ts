import { describe, expect, test } from 'vitest'
import { environmentLayer } from '../../src/config/environment.ts'

const PERSIST = 'VARVE_STORAGE__PERSIST__'

test('the environment says values, as text', () => {
  const layer = environmentLayer({
    VARVE_STORAGE__DATA_DIR: 'here',
    [`${PERSIST}ENABLED`]: 'false',
    [`${PERSIST}BUFFER_SIZE`]: '5_000',
    [`${PERSIST}DURABILITY_MODE`]: 'Every_Write',
    [`${PERSIST}SYNC_INTERVAL_MS`]: '1s',
    [`${PERSIST}MAX_WAL_SIZE_BYTES`]: '64MiB',
    [`${PERSIST}COMPACTION_WINDOW`]: 'all',
    VARVE_STORAGE__PERFORMANCE__ASYNC_IO: 'true',
  })
  expect(Object.fromEntries(layer)).toEqual({
    // Relative to the working directory, when the store is opened.
    dataDir: { value: 'here', source: 'VARVE_STORAGE__DATA_DIR' },
    enabled: { value: false, source: `${PERSIST}ENABLED` },
    bufferSize: { value: 5000, source: `${PERSIST}BUFFER_SIZE` },
    durabilityMode: { value: 'immediate', source: `${PERSIST}DURABILITY_MODE` },
    syncIntervalMs: { value: 1000, source: `${PERSIST}SYNC_INTERVAL_MS` },
    maxWalSizeBytes: { value: 67_108_864, source: `${PERSIST}MAX_WAL_SIZE_BYTES` },
    compactionWindow: { value: 'all', source: `${PERSIST}COMPACTION_WINDOW` },
    asyncIo: { value: true, source: 'VARVE_STORAGE__PERFORMANCE__ASYNC_IO' },
  })
})

test('what is empty, of somebody else, or the name of the file says nothing', () => {
  const layer = environmentLayer({
    [`${PERSIST}BUFFER_SIZE`]: '',
    [`${PERSIST}ENABLED`]: undefined,
    VARVE_CONFIG: '/etc/varve.toml',
    PATH: '/bin',
    VARVES_BUFFER: 'x',
    STORAGE__PERSIST__BUFFER_SIZE: '0',
  })
  expect(layer.size).toBe(0)
})

describe('a wrong variable is refused by its name', () => {
  test.each([
    [`${PERSIST}BUFER_SIZE`, `${PERSIST}BUFFER_SIZE`],
    ['VARVE_STORAGE_PERSIST_BUFFER_SIZE', `${PERSIST}BUFFER_SIZE`],
    ['VARVE_BUFFER_SIZE', `${PERSIST}BUFFER_SIZE`],
    ['VARVE_STORAGE__BUFFER_SIZE', `${PERSIST}BUFFER_SIZE`],
    [`${PERSIST}buffer_size`, `${PERSIST}BUFFER_SIZE`],
    ['VARVE_DATA_DIR', 'VARVE_STORAGE__DATA_DIR'],
    ['VARVE_CONFG', 'VARVE_CONFIG'],
  ])('%s, with a better one', (variable, better) => {
    expect(() => environmentLayer({ [variable]: '1' })).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        details: { variable },
        message: `no key has such a variable (did you mean ${better}?). variable=${variable}`,
      }),
    )
  })

  test.each(['VARVE_', 'VARVE_TELEMETRY', `VARVE_${'X'.repeat(1000)}`, `${PERSIST}BREAK_LOCK`])(
    '%s',
    variable => {
      expect(() => environmentLayer({ [variable]: 'true' })).toThrow(
        expect.objectContaining({ code: 'CONFIG_INVALID', details: { variable } }),
      )
    },
  )

  test.each([
    [`${PERSIST}BUFFER_SIZE`, '0', 'storage.persist.buffer_size'],
    [`${PERSIST}BUFFER_SIZE`, 'NaN', 'storage.persist.buffer_size'],
    [`${PERSIST}BUFFER_SIZE`, ' 5', 'storage.persist.buffer_size'],
    [`${PERSIST}ENABLED`, 'yes', 'storage.persist.enabled'],
    [`${PERSIST}DURABILITY_MODE`, 'sometimes', 'storage.persist.durability_mode'],
    [`${PERSIST}SYNC_INTERVAL_MS`, '1.5s', 'storage.persist.sync_interval_ms'],
    ['VARVE_STORAGE__PERFORMANCE__BATCH_SIZE', 'many', 'storage.performance.batch_size'],
  ])('%s=%s', (variable, value, key) => {
    expect(() => environmentLayer({ [variable]: value })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', details: { variable, key, value } }),
    )
  })
})
