// Random and mutated input for everything that reads what it did not write (ND-17, GB-26, GB-27): only typed errors
// come out, and they name a place. The query language has its own in test/iql/reader.test.ts.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { environmentLayer } from '../../src/config/environment.ts'
import { fileLayer } from '../../src/config/file.ts'
import { KEYS, NAMES } from '../../src/config/settings.ts'
import { MemoryDisk } from '../../src/disk/memory-disk.ts'
import { CorruptionError, InputError, UnsupportedError } from '../../src/errors.ts'
import { csvFormat } from '../../src/exchange/csv.ts'
import { JSON_LINES } from '../../src/exchange/json-lines.ts'
import { checksum } from '../../src/model/checksum.ts'
import { readCatalog } from '../../src/shard/catalog.ts'
import { decodeDocument } from '../../src/shard/document.ts'
import { readMetadata } from '../../src/shard/metadata.ts'
import { commitsOf } from '../../src/wal/commit-run.ts'
import { encodeLine } from '../../src/wal/record.ts'
import { readSegment } from '../../src/wal/segment.ts'
import { opened, updatesOf } from '../exchange/source.ts'
import { put } from '../support/bytes.ts'
import { LONG } from '../support/long.ts'
import { smallStore } from './store.ts'

const RUNS = { numRuns: LONG ? 200_000 : 10_000 }

/** Pieces of JSON that a mutation puts in. */
const PIECES: readonly string[] = [
  '{',
  '}',
  '[',
  ']',
  '"',
  ':',
  ',',
  '\\',
  '\\u0000',
  '\\ud800',
  '\0',
  '\n',
  ' ',
  '-',
  '+',
  '.',
  'e',
  'E9',
  '1e400',
  '0',
  '00',
  '9007199254740993',
  '-1',
  '1.5',
  'null',
  'true',
  'NaN',
  '"__proto__"',
  '"constructor":',
  '"lsn":',
  '"durable":99,',
  '"i"',
  '{"f":"NaN"}',
  '[[[[',
  ']]]]',
  'é',
  '\u{1f600}',
  '\ufeff',
]

/** `text` with up to four places cut out, doubled, or replaced by pieces. */
const mutated = (text: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .tuple(
      text,
      fc.array(
        fc.tuple(
          fc.double({ min: 0, max: 1, noNaN: true }),
          fc.nat(6),
          fc.oneof(fc.constantFrom('', ...PIECES), fc.string({ maxLength: 3 })),
        ),
        { minLength: 1, maxLength: 4 },
      ),
    )
    .map(([whole, changes]) =>
      changes.reduce((now, [where, length, piece]) => {
        const at = Math.floor(where * now.length)
        return now.slice(0, at) + piece + now.slice(at + length)
      }, whole),
    )

const HEADER = Buffer.from(
  encodeLine('{"varve":1,"store":"s","epoch":1,"generation":1,"firstLsn":5,"upper":3}'),
)

const LINES: readonly string[] = [
  '{"lsn":5,"durable":4,"at":17,"shard":"default:edge","update":{"data":[1,"a",null],"time":3,"diff":1}}',
  '{"lsn":5,"id":"c","import":{"id":"i","rows":3,"complete":false},"updates":{"a:b":[[[1,{"f":1}],3,-1],[[2,{"v":[1,"NaN"]}],4,2]],"c:d":[[["x"],3,1]]}}',
  '{"declare":{"a:b":[{"name":"x","type":"int64"},{"name":"y","type":"any"}]},"shard":"a:b","update":{"data":[{"i":"9223372036854775807"},{"b":"aGk="}],"time":9,"diff":1}}',
  '{"varve":1,"store":"s","epoch":1,"generation":1,"firstLsn":5,"upper":3}',
]

/** Reads a segment: what it says holds together, or it is refused with a place in it. */
const readLog = (bytes: Uint8Array): void => {
  try {
    const segment = readSegment('wal/current.wal', bytes, undefined)
    const { runs, offsets, end, size, lastLsn, damage } = segment
    const records = runs.flatMap(run => [...commitsOf(run)].map(({ record }) => record))
    expect(offsets.length).toBe(records.length)
    expect(size).toBe(bytes.length)
    expect(end).toBeLessThanOrEqual(size)
    expect(records.map(({ lsn }) => lsn)).toEqual(
      records.map((_, index) => lastLsn - records.length + 1 + index),
    )
    if (damage !== undefined) expect(damage.offset).toBe(end)
    else expect(bytes.subarray(end).every(byte => byte === 0)).toBe(true)
  } catch (cause) {
    if (!(cause instanceof CorruptionError)) throw cause
    expect(cause.code).toBe('WAL_INVALID')
    expect(cause.details).toMatchObject({ file: 'wal/current.wal', lsn: expect.any(Number) })
    expect(cause.details.offset).toBeLessThan(bytes.length)
  }
}

test('log lines: raw bytes', () => {
  fc.assert(
    fc.property(fc.boolean(), fc.uint8Array({ maxLength: 200 }), (header, bytes) =>
      readLog(new Uint8Array(header ? Buffer.concat([HEADER, bytes]) : bytes)),
    ),
    RUNS,
  )
})

test('log lines: mutated, with a checksum that holds', () => {
  fc.assert(
    fc.property(fc.boolean(), mutated(fc.constantFrom(...LINES)), (header, json) => {
      const line = encodeLine(json)
      readLog(new Uint8Array(header ? Buffer.concat([HEADER, line]) : line))
    }),
    RUNS,
  )
})

test('documents: mutated, with a checksum that holds', async () => {
  const files = await smallStore({ commits: 3, flushed: 2 })
  const { id } = JSON.parse(files['store.json']!)
  const body = (path: string): string => {
    const fields = decodeDocument(Buffer.from(files[path]!, 'latin1'), path, 'STORE_CORRUPT')
    return JSON.stringify(fields)
  }
  const bodies = { 'store.json': body('store.json'), 'shards/a_x.json': body('shards/a_x.json') }
  const disk = new MemoryDisk()
  await disk.makeDirectory('shards')
  for (const [path, whole] of Object.entries(bodies))
    await fc.assert(
      fc.asyncProperty(mutated(fc.constant(whole)), async json => {
        const cut = json.slice(0, -1)
        await put(disk, path, `${cut},"checksum":"${checksum(cut)}"}\n`)
        try {
          if (path === 'store.json') await readCatalog(disk)
          else await readMetadata(disk, 'a:x', id)
        } catch (cause) {
          if (!(cause instanceof CorruptionError || cause instanceof UnsupportedError)) throw cause
          expect(cause.details.file).toBe(path)
        }
      }),
      { numRuns: RUNS.numRuns / 2 },
    )
})

const isInput = (cause: unknown, codes: readonly string[]): InputError => {
  if (!(cause instanceof InputError)) throw cause
  expect(codes).toContain(cause.code)
  return cause
}

const TOML = `[storage]
data_dir = "./data"
[storage.persist]
enabled = true
durability_mode = "batched"
buffer_size = 10_000
max_wal_size_bytes = "64 MiB"
compaction_window = "all"
[storage.performance]
batch_size = 1000 # rows
`

test('config.toml: mutated', () => {
  const pieces = fc.constantFrom(
    '=',
    '[',
    ']',
    '[[',
    '"',
    "'",
    '"""',
    '\n',
    '#',
    '.',
    '{',
    '}',
    '__proto__ = 1\n',
    '[constructor]\n',
  )
  const text = fc.oneof(
    mutated(fc.constant(TOML)),
    fc
      .array(fc.oneof(pieces, fc.constantFrom(...TOML.split(/\b/)), fc.string({ maxLength: 4 })), {
        maxLength: 30,
      })
      .map(parts => parts.join('')),
  )
  fc.assert(
    fc.property(text, toml => {
      try {
        fileLayer(toml, '/etc/varve/config.toml')
      } catch (cause) {
        const { details } = isInput(cause, ['CONFIG_INVALID'])
        expect(details).toMatchObject({ file: '/etc/varve/config.toml', line: expect.any(Number) })
        expect(details.line).toBeGreaterThanOrEqual(1)
        expect(details.line).toBeLessThanOrEqual(toml.split('\n').length)
      }
    }),
    RUNS,
  )
})

test('the environment', () => {
  const known = NAMES.flatMap(name => {
    const { path } = KEYS[name]
    return path === undefined ? [] : [`VARVE_${path.replaceAll('.', '__').toUpperCase()}`]
  })
  const variable = fc.oneof(
    fc.constantFrom(...known, 'VARVE_', 'VARVE__PROTO__', '__proto__', 'VARVE_CONFIG'),
    mutated(fc.constantFrom(...known)),
  )
  const value = fc.oneof(
    fc.string(),
    fc.constantFrom('1', '-1', '1e9', '64 MiB', 'true', 'immediate', ' 7', '9'.repeat(400), '0x10'),
  )
  fc.assert(
    fc.property(fc.dictionary(variable, value, { maxKeys: 3, noNullPrototype: true }), environment => {
      try {
        environmentLayer(environment)
      } catch (cause) {
        const { details } = isInput(cause, ['CONFIG_INVALID'])
        expect(Object.keys(environment)).toContain(details.variable)
      }
    }),
    RUNS,
  )
})

const READERS = [
  [
    'CSV',
    csvFormat({ delimiter: ',', header: true }),
    'src,dst,name\n1,2,"a,b"\n3,,"x ""y"""\n5,6.5,2026-01-01\n',
  ],
  [
    'JSON lines',
    JSON_LINES,
    '{"src":1,"dst":2.5,"name":"a"}\n{"src":{"i":"5"},"dst":null,"name":{"b":"aGk="}}\n',
  ],
] as const

test.each(READERS)('%s: mutated', async (_, format, text) => {
  const codes = [
    'FILE_INVALID',
    'VALUE_INVALID',
    'SCHEMA_INVALID',
    'COLUMN_UNKNOWN',
    'TIME_INVALID',
    'DIFF_INVALID',
    'TYPE_MISMATCH',
    'ARITY_MISMATCH',
  ]
  const reading = async (content: string | Uint8Array): Promise<void> => {
    try {
      await updatesOf(await opened(format as never, content))
    } catch (cause) {
      const { details } = isInput(cause, codes)
      expect(details.file).toBe('f')
    }
  }
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        mutated(fc.constant(text)),
        mutated(fc.constant(text)).map(each => new Uint8Array(Buffer.from(each, 'latin1'))),
        fc.uint8Array({ maxLength: 60 }).map(bytes => new Uint8Array(bytes)),
      ),
      reading,
    ),
    RUNS,
  )
})
