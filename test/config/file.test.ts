import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { fileLayer } from '../../src/config/file.ts'
import { InputError } from '../../src/errors.ts'

const read = (text: string): Record<string, unknown> =>
  Object.fromEntries([...fileLayer(text, 'etc/config.toml')].map(([name, { value }]) => [name, value]))

const problemOf = (text: string): InputError => {
  try {
    fileLayer(text, 'config.toml')
  } catch (cause) {
    if (cause instanceof InputError) return cause
    throw cause
  }
  throw new Error('there was no problem')
}

describe('a file says', () => {
  test('values and the lines they come from, however TOML writes them', () => {
    const text = [
      '[storage]',
      "data_dir = 'there'",
      'persist.buffer_size = 1_000',
      'performance = { async_io = false }',
    ].join('\n')
    expect([...fileLayer(text, 'etc/config.toml')]).toEqual([
      ['dataDir', { value: resolve('etc/there'), source: 'etc/config.toml:2' }],
      ['bufferSize', { value: 1000, source: 'etc/config.toml:3' }],
      ['asyncIo', { value: false, source: 'etc/config.toml:4' }],
    ])
  })

  test('nothing, if it is empty', () => {
    expect(read('')).toEqual({})
    expect(read('# nothing\n[storage]\n[storage.persist]\n')).toEqual({})
  })

  test.each([
    [
      'development',
      '[storage.persist]\ndurability_mode = "async"\nbuffer_size = 1000',
      { durabilityMode: 'async', bufferSize: 1000 },
    ],
    [
      'production',
      '[storage.persist]\ndurability_mode = "immediate"\nbuffer_size = 10000',
      { durabilityMode: 'immediate', bufferSize: 10_000 },
    ],
    [
      'ingestion',
      '[storage.persist]\ndurability_mode = "batched"\nbuffer_size = 100000\n\n[storage.performance]\nbatch_size = 10000\nasync_io = true',
      { durabilityMode: 'batched', bufferSize: 100_000, batchSize: 10_000, asyncIo: true },
    ],
    [
      'little memory',
      '[storage.persist]\nbuffer_size = 1000\nauto_compact_threshold = 5\n\n[storage.performance]\ninitial_capacity = 1000\nbatch_size = 100',
      { bufferSize: 1000, autoCompactThreshold: 5, initialCapacity: 1000, batchSize: 100 },
    ],
  ])('what the InputLayer guide has for %s, unchanged (IL-27)', (_, text, expected) => {
    expect(read(text)).toEqual(expected)
  })

  test('where the store is: relative to its own folder, or absolute', () => {
    expect(read('storage.data_dir = "../data"')).toEqual({ dataDir: resolve('data') })
    expect(read('storage.data_dir = "/srv/data"')).toEqual({ dataDir: resolve('/srv/data') })
  })

  test.each([
    ['durability_mode', '"immediate"', 'immediate'],
    ['durability_mode', '"every_write"', 'immediate'],
    ['durability_mode', '"per-commit"', 'immediate'],
    ['durability_mode', '"STRICT"', 'immediate'],
    ['durability_mode', '"Batched"', 'batched'],
    ['durability_mode', '"batch"', 'batched'],
    ['durability_mode', '"periodic"', 'batched'],
    ['durability_mode', '"group"', 'batched'],
    ['durability_mode', '"async"', 'async'],
    ['durability_mode', '"none"', 'none'],
    ['durability_mode', '"never"', 'none'],
    ['sync_interval_ms', '250', 250],
    ['sync_interval_ms', '"100ms"', 100],
    ['sync_interval_ms', '"5m"', 300_000],
    ['open_timeout_ms', '"1h"', 3_600_000],
    ['auto_compact_interval_secs', '"5m"', 300],
    ['auto_compact_interval_secs', '0', 0],
    ['max_wal_size_bytes', '"64MiB"', 67_108_864],
    ['max_wal_size_bytes', '"8KB"', 8000],
    ['max_wal_size_bytes', '0x10', 16],
    ['compaction_window', '"all"', 'all'],
    ['compaction_window', '7', 7],
  ])('%s = %s is %s', (key, text, value) => {
    expect(Object.values(read(`[storage.persist]\n${key} = ${text}`))).toEqual([value])
  })
})

describe('a wrong file is refused with line, column and key', () => {
  const wrong: readonly (readonly [string, string, string, string])[] = [
    [
      'an unknown key',
      '[storage.persist]\nbufer_size = 1',
      '2:1 storage.persist.bufer_size',
      'storage.persist.buffer_size?',
    ],
    [
      'a key of another section',
      '[storage]\n  buffer_size = 1',
      '2:3 storage.buffer_size',
      'storage.persist.buffer_size?',
    ],
    ['a key without a section', 'data_dir = "."', '1:1 data_dir', 'storage.data_dir?'],
    [
      'an unknown section',
      '[storge.persist]\nbuffer_size = 1',
      '1:2 storge',
      'section (did you mean storage?',
    ],
    ['a section of another', '[persist]\nbuffer_size = 1', '1:2 persist', 'storage.persist?'],
    ['a key that is nothing like any', 'x = 1', '1:1 x', 'there is no such key'],
    [
      'the flag that is in no file',
      '[storage.persist]\nbreak_lock = true',
      '2:1 storage.persist.break_lock',
      'no such key',
    ],
    ['dots within quotes', '"storage.data_dir" = "."', '1:1 "storage.data_dir"', 'there is no such key'],
    ['__proto__', '[storage]\n__proto__ = 1', '2:1 storage.__proto__', 'there is no such key'],
    ['constructor', '[constructor]\nprototype = 1', '1:2 constructor', 'there is no such section'],
    ['a section as a value', 'storage = 5', '1:1 storage', 'storage is a section'],
    ['a list of sections', '[[storage]]\ndata_dir = "."', '1:3 storage', 'storage is a section'],
    ['a value as a section', '[storage.data_dir]\nx = 1', '1:2 storage.data_dir', 'data_dir must be a path'],
    ['a number for a path', '[storage]\n\ndata_dir = 5', '3:1 storage.data_dir', 'data_dir must be a path'],
    ['an empty path', '[storage]\ndata_dir = ""', '2:1 storage.data_dir', 'data_dir must be a path'],
    [
      'a text for true',
      '[storage.persist]\nenabled = "true"',
      '2:1 storage.persist.enabled',
      'true or false',
    ],
    [
      'a number for true',
      '[storage.performance]\nasync_io = 1',
      '2:1 storage.performance.async_io',
      'true or false',
    ],
    [
      'a text for a number',
      '[storage.persist]\nbuffer_size = "5"',
      '2:1 storage.persist.buffer_size',
      'a whole number of updates, 1 or more',
    ],
    ['zero', '[storage.persist]\nbuffer_size = 0', '2:1 storage.persist.buffer_size', '1 or more'],
    [
      'less than zero',
      '[storage.persist]\nauto_compact_threshold = -1',
      '2:1 storage.persist.auto_compact_threshold',
      '0 or more',
    ],
    [
      'a fraction',
      '[storage.persist]\nbuffer_size = 1.5',
      '2:1 storage.persist.buffer_size',
      'a whole number',
    ],
    ['NaN', '[storage.persist]\nbuffer_size = nan', '2:1 storage.persist.buffer_size', 'a whole number'],
    [
      'too much',
      '[storage.persist]\nwal_segment_bytes = "2GiB"',
      '2:1 storage.persist.wal_segment_bytes',
      'from 1 to 1073741824',
    ],
    [
      'longer than a timer waits',
      '[storage.persist]\nsync_interval_ms = "1000h"',
      '2:1 storage.persist.sync_interval_ms',
      'from 1 to 2147483647',
    ],
    [
      'a bad duration',
      '[storage.persist]\nsync_interval_ms = "fast"',
      '2:1 storage.persist.sync_interval_ms',
      'as in 100ms, 1s',
    ],
    [
      'a duration that is not whole',
      '[storage.persist]\nauto_compact_interval_secs = "1500ms"',
      '2:1 storage.persist.auto_compact_interval_secs',
      'a whole number of secs',
    ],
    [
      'a size for a duration',
      '[storage.persist]\nsync_interval_ms = "1MiB"',
      '2:1 storage.persist.sync_interval_ms',
      'as in 100ms',
    ],
    [
      'a bad size',
      '[storage.persist]\nmax_buffer_bytes = "lots"',
      '2:1 storage.persist.max_buffer_bytes',
      'as in 64MiB',
    ],
    [
      'a bad word',
      '[storage.persist]\ncompaction_window = "some"',
      '2:1 storage.persist.compaction_window',
      'or all',
    ],
    [
      'an unknown mode',
      '[storage.persist]\ndurability_mode = "sometimes"',
      '2:1 storage.persist.durability_mode',
      'immediate, batched, async, none',
    ],
    [
      'a mode of JavaScript',
      '[storage.persist]\ndurability_mode = "constructor"',
      '2:1 storage.persist.durability_mode',
      'immediate, batched',
    ],
    [
      'a number beyond 2^53',
      '[storage.persist]\nbuffer_size = 9007199254740993',
      '2:1 storage.persist.buffer_size',
      'a whole number of updates, 1 or more. file=config.toml, line=2, column=1, key=storage.persist.buffer_size, value=9007199254740993',
    ],
    [
      'a date',
      '[storage.persist]\nbuffer_size = 1979-05-27',
      '2:1 storage.persist.buffer_size',
      'a whole number',
    ],
    [
      'a list',
      '[storage.persist]\nparquet_compression = ["gzip"]',
      '2:1 storage.persist.parquet_compression',
      'snappy',
    ],
    [
      'a key without effect, wrong all the same',
      '[storage.performance]\nbatch_size = "many"',
      '2:1 storage.performance.batch_size',
      'a whole number of rows',
    ],
  ]
  test.each(wrong)('%s', (_, text, place, message) => {
    const error = problemOf(text)
    expect(error.code).toBe('CONFIG_INVALID')
    const { file, line, column, key } = error.details
    expect(`${file}: ${line}:${column} ${key}`).toBe(`config.toml: ${place}`)
    expect(error.message).toContain(message)
  })

  test.each([
    ['a line that is no TOML', '[storage]\ndata_dir = \n', '2:12', 'unexpected "\\n"'],
    ['a text without an end', '[storage]\ndata_dir = "x\n', '2:14', 'unexpected "\\n"'],
    ['a list without an end', 'a = [1,\n', '2:1', 'unexpected end of input'],
    ['a key twice', '[storage]\ndata_dir = "a"\ndata_dir = "b"', '3:1', 'redefine existing key'],
    [
      'a section twice',
      '[storage]\n[storage.persist]\n[storage]\n',
      '3:1',
      "redefine existing key 'storage'",
    ],
    ['a number that is too large', '[storage.persist]\nbuffer_size = 99999999999999999999', '2:15', '64-bit'],
    ['lists within lists without end', `x = ${'['.repeat(100_000)}`, '1:21', 'nesting depth'],
    ['a long name twice', `${'n'.repeat(100_000)} = 1\n`.repeat(2), '2:1', "redefine existing key 'nnn"],
    ['a zero byte', 'a = "\0"', '1:6', 'unexpected'],
  ])('%s', (_, text, place, message) => {
    const error = problemOf(text)
    expect(error.code).toBe('CONFIG_INVALID')
    expect(error.details.file).toBe('config.toml')
    expect(`${error.details.line}:${error.details.column}`).toBe(place)
    expect(error.message).toContain(message)
    expect(error.message).toMatch(/^this is not TOML: .{1,120}\. file=config\.toml, line=\d+, column=\d+$/)
  })

  test('all of its problems, by line', () => {
    const text =
      '[storage.performance]\nbatch_size = -5\n[storage.persist]\nx = 1\n[storage]\ndata_dir = 3\nz = 1'
    const { details, message } = problemOf(text)
    expect(details).toEqual({
      file: 'config.toml',
      line: 2,
      column: 1,
      key: 'storage.performance.batch_size',
      value: '-5',
      further: [
        'line 4: storage.persist.x: there is no such key',
        'line 6: storage.data_dir: data_dir must be a path',
        'line 7: storage.z: there is no such key',
      ],
    })
    expect(message).toMatch(
      /^batch_size must be a whole number of rows, 1 or more\. file=config\.toml, line=2, /,
    )
  })

  test('in the order of its lines, not of its sections', () => {
    const text = '[storage.persist]\nx = 1\n[storage.performance]\ny = 1\n[storage.persist.z]\n'
    const { details } = problemOf(text)
    expect(details).toMatchObject({ line: 2, key: 'storage.persist.x' })
    expect(details.further).toEqual([
      'line 4: storage.performance.y: there is no such key',
      'line 5: storage.persist.z: there is no such section',
    ])
  })

  test('a wrong value is shown in part', () => {
    const { details, message } = problemOf(`storage.persist.durability_mode = "${'x'.repeat(100_000)}"`)
    expect(details.value).toBe(`${'x'.repeat(60)}…`)
    expect(message.length).toBeLessThan(400)
  })

  test.each([
    ['keys', Array.from({ length: 20_000 }, (_, n) => `storage_persist_buffer_siz${n} = 1`).join('\n')],
    ['dots', `${'a.'.repeat(300_000)}a = 1`],
    ['long names', `[storage]\n${'a'.repeat(900_000)} = 1`],
    ['long texts', `[storage]\nx = """${'\\"a\n'.repeat(200_000)}"""`],
    ['sections', Array.from({ length: 20_000 }, (_, n) => `[s${n}]`).join('\n')],
    [
      'pairs of a deep section',
      `[${'a.'.repeat(5000)}a]\n${Array.from({ length: 20_000 }, (_, n) => `b${n}=1`).join('\n')}`,
    ],
  ])('hostile: %s without end', (_, text) => {
    const { details, message } = problemOf(text)
    expect(details.line).toBeGreaterThan(0)
    expect(message.length).toBeLessThan(4000)
  })
})
