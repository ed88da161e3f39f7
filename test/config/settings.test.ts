import { describe, expect, test } from 'vitest'
import { isValid } from '../../src/config/key.ts'
import { effective, type Layer, type Name, optionValues } from '../../src/config/layers.ts'
import { DEFAULTS, KEYS, NAMES, optionsFrom, settingsFrom } from '../../src/config/settings.ts'
import { DEFAULT_SETTINGS } from '../../src/index.ts'

describe('the table of keys', () => {
  test('has defaults that it would take itself', () => {
    for (const name of NAMES)
      expect([name, isValid(KEYS[name].kind, KEYS[name].fallback)]).toEqual([name, true])
  })

  test('names each key once, after its name in code', () => {
    const paths = NAMES.flatMap(name => KEYS[name].path ?? [])
    expect(new Set(paths).size).toBe(NAMES.length - 1)
    for (const name of NAMES) {
      const last = KEYS[name].path?.split('.').at(-1)
      if (last !== undefined) expect(last.replace(/_(\w)/g, (_, letter) => letter.toUpperCase())).toBe(name)
    }
  })

  test('maps aliases to choices that are there', () => {
    for (const name of NAMES) {
      const { kind } = KEYS[name]
      if (kind.type === 'choice')
        for (const choice of Object.values(kind.aliases ?? {})) expect(kind.choices).toContain(choice)
    }
  })

  test('keeps what could be forgotten out of files and the environment', () => {
    expect(NAMES.filter(name => KEYS[name].path === undefined)).toEqual(['breakLock'])
  })
})

describe('settings in code', () => {
  test('are the defaults where nothing is said (ND-15)', () => {
    expect(DEFAULT_SETTINGS).toBe(DEFAULTS)
    expect(settingsFrom({ bufferSize: undefined })).toEqual(DEFAULTS)
    expect(settingsFrom({ bufferSize: 5 })).toEqual({ ...DEFAULTS, bufferSize: 5 })
    expect(optionsFrom({ enabled: false })).toEqual({ ...DEFAULTS, dataDir: './data', enabled: false })
  })

  test.each([
    [{ bufferSise: 5 }, { setting: 'bufferSise' }, 'there is no such setting (did you mean bufferSize?)'],
    [{ buffer_size: 5 }, { setting: 'buffer_size' }, 'did you mean bufferSize?'],
    [{ telemetry: true }, { setting: 'telemetry' }, 'there is no such setting'],
    [{ batchSize: 5 }, { setting: 'batchSize' }, 'there is no such setting'],
    [{ bufferSize: '5' }, { setting: 'bufferSize', value: '5' }, 'a whole number of updates, 1 or more'],
    [{ bufferSize: 2 ** 53 }, { setting: 'bufferSize' }, '1 or more'],
    [{ syncIntervalMs: '1s' }, { setting: 'syncIntervalMs', value: '1s' }, 'a whole number of ms'],
    [{ syncIntervalMs: 2 ** 31 }, { setting: 'syncIntervalMs' }, 'from 1 to 2147483647'],
    [{ durabilityMode: 'batch' }, { setting: 'durabilityMode', value: 'batch' }, 'one of immediate, batched'],
    [{ compactionWindow: 'some' }, { setting: 'compactionWindow' }, 'or all'],
    [{ breakLock: 1 }, { setting: 'breakLock', value: '1' }, 'true or false'],
    [{ bufferSize: { valueOf: () => 5 } }, { setting: 'bufferSize' }, 'a whole number'],
    [JSON.parse('{"__proto__": 1}'), { setting: '__proto__' }, 'there is no such setting'],
  ])('refuse %o', (given, details, message) => {
    expect(() => settingsFrom(given)).toThrow(
      expect.objectContaining({
        code: 'SETTING_INVALID',
        details: expect.objectContaining(details),
        message: expect.stringContaining(message),
      }),
    )
  })
})

test('what holds is what the last layer says, key by key (ND-08)', () => {
  const layer = (source: string, said: Partial<Record<Name, unknown>>): Layer =>
    new Map(Object.entries(said).map(([name, value]) => [name as Name, { value, source }]))
  const entries = effective([
    layer('file', { bufferSize: 1, syncIntervalMs: 1, walSegmentBytes: 1, batchSize: 1 }),
    layer('environment', { bufferSize: 2, syncIntervalMs: 2 }),
    layer('code', { bufferSize: 3 }),
  ])
  expect(entries.map(({ name }) => name)).toEqual(NAMES)
  const said = new Map(entries.map(({ name, value, source }) => [name, `${value} ${source}`]))
  expect(said.get('bufferSize')).toBe('3 code')
  expect(said.get('syncIntervalMs')).toBe('2 environment')
  expect(said.get('walSegmentBytes')).toBe('1 file')
  expect(said.get('maxWalSizeBytes')).toBe('67108864 default')
  expect(said.get('batchSize')).toBe('1 file')
  expect(optionsFrom(optionValues(entries))).toEqual({
    ...DEFAULTS,
    dataDir: './data',
    enabled: true,
    bufferSize: 3,
    syncIntervalMs: 2,
    walSegmentBytes: 1,
  })
})
