// config.toml.example is the documentation of the keys: it is complete, in order, and says the defaults.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { fileLayer } from '../../src/config/file.ts'
import { KEYS, NAMES } from '../../src/config/settings.ts'

const PATH = fileURLToPath(new URL('../../config.toml.example', import.meta.url))
const TEXT = readFileSync(PATH, 'utf8')
const HERE = 'somewhere/config.toml'

describe('config.toml.example', () => {
  test('says every key, with its default', () => {
    const said = Array.from(fileLayer(TEXT, HERE), ([name, { value }]) => [name, value])
    const defaults = NAMES.filter(name => KEYS[name].path !== undefined).map(name => [
      name,
      name === 'dataDir' ? resolve('somewhere/data') : KEYS[name].fallback,
    ])
    expect(said).toEqual(defaults)
  })

  test('explains every key just above it', () => {
    const lines = TEXT.split('\n')
    for (const [name, { source }] of fileLayer(TEXT, HERE))
      expect([name, lines[Number(source.split(':')[1]) - 2]]).toEqual([
        name,
        expect.stringMatching(/^# {0,3}\S/),
      ])
  })

  test('has presets that can be used as they are', () => {
    const lines = TEXT.slice(TEXT.indexOf('# Presets'))
      .split('\n')
      .filter(line => line.startsWith('#   '))
      .map(line => line.slice(4))
    const presets = lines.join('\n').split(/(?=\[storage)/)
    const said = presets.map(text =>
      Object.fromEntries(Array.from(fileLayer(text, HERE), ([name, { value }]) => [name, value])),
    )
    expect(said).toEqual([
      { durabilityMode: 'async', bufferSize: 1000 },
      { durabilityMode: 'immediate', bufferSize: 10_000 },
      { durabilityMode: 'batched', bufferSize: 100_000 },
      { bufferSize: 1000, maxBufferBytes: 16 * 1024 * 1024, autoCompactThreshold: 5 },
    ])
  })
})
