// The command line as a caller sees it: output, exit codes, errors with their place.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { COMMANDS, main } from '../../src/cli/main.ts'
import { openStore } from '../../src/store/open.ts'
import { read } from '../support/stores.ts'

const HISTORY = fileURLToPath(new URL('../../fixtures/line-history/updates.parquet', import.meta.url))
/** As DuckDB counts them in the file. */
const ROWS = 18_249
const HEAD = { distinct: 8_134, total: 14_925 }

let dir: string
let printed: string[]
let noted: string[]
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'varve-cli-'))
})
afterEach(() => rm(dir, { recursive: true }))

const varve = (...words: string[]): Promise<number> => {
  printed = []
  noted = []
  return main(words, { print: line => printed.push(line), note: line => noted.push(line) })
}

const json = (): Record<string, never> => JSON.parse(printed.join('\n'))

const place = (): string[] => ['--data-dir', join(dir, 'data')]

const importHistory = (...more: string[]): Promise<number> =>
  varve(
    'import',
    HISTORY,
    '--relation',
    'git:lines',
    '--time',
    'time',
    '--diff',
    'diff',
    ...place(),
    '--json',
    ...more,
  )

describe('varve import', () => {
  test('brings a file in, with its column names, and a second run has nothing to do (rules 9)', async () => {
    expect(await importHistory()).toBe(0)
    expect(json()).toMatchObject({ shard: 'git:lines', rows: ROWS, resumedAt: 0, lastTime: 40 })
    expect(await varve('status', ...place(), '--json')).toBe(0)
    expect(json()).toMatchObject({
      upper: 41,
      state: 'serving',
      shards: [{ name: 'git:lines', buffered: 0 }],
    })
    const store = await openStore({ dataDir: join(dir, 'data') })
    const snapshot = await store.snapshot()
    expect(await snapshot.count('git:lines')).toMatchObject(HEAD)
    await snapshot.close()
    await store.close()
    const document = JSON.parse(await readFile(join(dir, 'data/persist/shards/git_lines.json'), 'utf8'))
    expect(document.schema).toEqual([
      { name: 'path', type: 'string', declared: true },
      { name: 'line', type: 'string', declared: true },
    ])
    expect(await importHistory()).toBe(0)
    expect(json()).toMatchObject({ commits: 0, resumedAt: ROWS })
  })

  test('the progress survives flush, compaction and restart of the store', async () => {
    await importHistory()
    await varve('compact', ...place())
    await varve('compact', '--since', '40', ...place())
    expect(await importHistory()).toBe(0)
    expect(json()).toMatchObject({ commits: 0, resumedAt: ROWS })
  })

  test('times below upper are refused, and --retime gives new ones', async () => {
    await importHistory()
    expect(
      await varve(
        'import',
        HISTORY,
        '--relation',
        'git:copy',
        '--time',
        'time',
        '--diff',
        'diff',
        ...place(),
      ),
    ).toBe(1)
    expect(noted).toEqual([
      expect.stringMatching(/^varve import: TIME_BEFORE_UPPER: .*--retime.*time=1, upper=41$/),
    ])
    expect(
      await varve(
        'import',
        HISTORY,
        '--relation',
        'git:copy',
        '--time',
        'time',
        '--diff',
        'diff',
        '--retime',
        ...place(),
      ),
    ).toBe(0)
    const store = await openStore({ dataDir: join(dir, 'data') })
    expect(store.status().upper).toBe(81)
    const snapshot = await store.snapshot()
    expect(await snapshot.count('git:copy')).toMatchObject(HEAD)
    await snapshot.close()
    await store.close()
  })

  test('without time and diff columns every row is inserted at one time', async () => {
    const rows = join(dir, 'rows.parquet')
    const duck = await (await DuckDBInstance.create()).connect()
    await duck.run(`copy (select path, line from '${HISTORY}' limit 1000) to '${rows}'`)
    expect(await varve('import', rows, '--relation', 'git:rows', ...place(), '--json')).toBe(0)
    expect(json()).toMatchObject({ rows: 1000, commits: 1, lastTime: 0 })
    expect(await varve('import', rows, '--relation', 'git:again', ...place(), '--json')).toBe(0)
    expect(json()).toMatchObject({ lastTime: 1 })
  })

  test('a data column called time must be used as one', async () => {
    expect(await varve('import', HISTORY, '--relation', 'git:rows', '--diff', 'diff', ...place())).toBe(1)
    expect(noted[0]).toMatch(/FILE_INVALID: .*--time.*column=time/)
  })

  test.each([
    ['a file that is not there', ['/nowhere.parquet', '--relation', 'a:b'], 'DISK_MISSING'],
    [
      'a file that is no Parquet',
      ['package.json', '--format', 'parquet', '--relation', 'a:b'],
      'FILE_INVALID',
    ],
    ['a column that is not there', [HISTORY, '--relation', 'a:b', '--time', 'when'], 'FILE_INVALID'],
    ['an empty shard name', [HISTORY, '--relation', ''], 'SHARD_NAME_INVALID', 2],
  ])('%s', async (_, words, code, exit = 1) => {
    expect(await varve('import', ...words, ...place(), '--json')).toBe(exit)
    expect(json()).toMatchObject({ error: { code } })
    expect(noted[0]).toMatch(new RegExp(`^varve import: ${code}: `))
    expect(await readdir(dir)).toEqual([])
  })
})

describe('varve export', () => {
  test('writes the contents as of a time, which import takes back', async () => {
    await importHistory()
    const out = join(dir, 'out.parquet')
    expect(await varve('export', 'git:lines', out, '--as-of', '25', ...place(), '--json')).toBe(0)
    expect(json()).toMatchObject({ shard: 'git:lines', asOf: 25, rows: 3_969 })
    const other = join(dir, 'other')
    expect(
      await varve(
        'import',
        out,
        '--relation',
        'git:old',
        '--time',
        'time',
        '--diff',
        'diff',
        '--data-dir',
        other,
      ),
    ).toBe(0)
    const store = await openStore({ dataDir: other })
    const origin = await openStore({ dataDir: join(dir, 'data') })
    expect(await read(store, 'git:old')).toEqual(await read(origin, 'git:lines', 25))
    await store.close()
    await origin.close()
  })

  test('of a shard that is not there, and of a time that is not known', async () => {
    await importHistory()
    expect(await varve('export', 'git:none', join(dir, 'x.parquet'), ...place())).toBe(1)
    expect(noted[0]).toMatch(/SHARD_NAME_INVALID.*shard=git:none/)
    expect(await varve('export', 'git:lines', join(dir, 'x.parquet'), '--as-of', '41', ...place())).toBe(1)
    expect(noted[0]).toMatch(/AS_OF_NOT_BEFORE_UPPER.*asOf=41, upper=41/)
    expect(await readdir(dir)).toEqual(['data'])
  })
})

describe('varve status, flush, compact', () => {
  test('status for people names directory, state, log, buffers and shards (IL-28)', async () => {
    await importHistory()
    expect(await varve('status', ...place())).toBe(0)
    const text = printed.join('\n')
    expect(text).toContain(`Data directory:  ${join(dir, 'data/persist')}`)
    expect(text).toMatch(/^Health: {10}serving$/m)
    expect(text).toMatch(/^WAL size: {8}\d+ B in 1 segment\(s\), replay from LSN 3$/m)
    expect(text).toMatch(/^Shards: {10}1$/m)
    expect(text).toMatch(/^ {2}git:lines +11198 +2 /m)
  })

  test.each([['status'], ['flush'], ['compact'], ['export', 'a:b', 'x.csv']])(
    '%s of a store that is not there makes none',
    async (...words) => {
      expect(await varve(...words, ...place(), '--json')).toBe(1)
      expect(json()).toMatchObject({
        error: { code: 'DISK_MISSING', details: { path: join(dir, 'data/persist') } },
      })
      expect(await readdir(dir)).toEqual([])
    },
  )

  test('compact merges, and with --since gives history up', async () => {
    await importHistory()
    expect(await varve('compact', ...place(), '--json')).toBe(0)
    expect(json()).toMatchObject({
      shards: [{ shard: 'git:lines', batchesBefore: 2, batchesAfter: 1, since: 0 }],
    })
    expect(await varve('compact', '--since', '40', ...place(), '--json')).toBe(0)
    expect(json()).toMatchObject({ shards: [{ since: 40, rowsAfter: HEAD.distinct }] })
    expect(await varve('compact', ...place())).toBe(0)
    expect(printed).toEqual(['Compaction complete.', '  nothing to merge'])
  })

  test('flush says what there was', async () => {
    await importHistory()
    expect(await varve('flush', ...place(), '--json')).toBe(0)
    expect(json()).toMatchObject({ recovered: 0, buffers: [] })
    printed.length = 0
    expect(await varve('flush', ...place())).toBe(0)
    expect(printed).toEqual(['Flush complete.', '  0 commits of the log had been flushed on opening'])
  })

  test('a flag reaches the store', async () => {
    await importHistory()
    const flags = ['--durability-mode', 'batched', '--buffer-size', '7']
    expect(await varve('-c', '.status', ...flags, ...place(), '--json')).toBe(0)
    expect(json()).toMatchObject({ status: { mode: 'batched', buffer: { size: 7 } } })
    expect(await varve('status', '--buffer-size', 'seven', ...place())).toBe(2)
    expect(noted[0]).toMatch(/SETTING_INVALID.*setting=bufferSize, value=seven/)
    expect(await varve('compact', '--since', 'now', ...place())).toBe(2)
    expect(noted[0]).toMatch(/SETTING_INVALID.*flag=--since/)
  })
})

describe('varve verify (GB-34)', () => {
  test('is content with a sound store and changes nothing', async () => {
    await importHistory()
    const before = await readdir(join(dir, 'data'), { recursive: true })
    expect(await varve('verify', ...place(), '--json')).toBe(0)
    expect(json()).toMatchObject({ problems: [], shards: 1, batches: 2, rows: 11_198, commits: 0 })
    expect(await readdir(join(dir, 'data'), { recursive: true })).toEqual(before)
  })

  test('names damage by file and place, all of it, and exits with 1', async () => {
    await importHistory()
    for (const [file, offset] of [
      ['batches/1.parquet', 1000],
      ['batches/2.parquet', 2000],
      ['wal/current.wal', 30],
    ] as const) {
      const path = join(dir, 'data/persist', file)
      const bytes = await readFile(path)
      bytes[offset]! ^= 1
      await writeFile(path, bytes)
    }
    expect(await varve('verify', ...place(), '--json')).toBe(1)
    expect(json()).toMatchObject({
      problems: [
        { code: 'BATCH_CORRUPT', details: { file: 'batches/1.parquet', rowGroup: 0 } },
        { code: 'BATCH_CORRUPT', details: { file: 'batches/2.parquet', rowGroup: 0 } },
        { code: 'WAL_CORRUPT', details: { file: 'wal/current.wal', offset: 0 } },
      ],
    })
    expect(await varve('verify', ...place())).toBe(1)
    expect(printed.at(-2)).toMatch(/^3 problem\(s\): /)
    expect(printed.at(-1)).toBe(
      'What to do: varve repair --dry-run says what is left and what can be done, varve repair does it.',
    )
  })

  test('where there is no store', async () => {
    expect(await varve('verify', ...place())).toBe(1)
    expect(noted[0]).toMatch(/DISK_MISSING/)
  })
})

describe('the words of a call', () => {
  test('help lists every command, and every command has help for every flag', async () => {
    expect(await varve('help')).toBe(0)
    for (const { name } of COMMANDS) expect(printed.join('\n')).toContain(`  ${name} `)
    for (const command of COMMANDS) {
      expect(await varve(command.name, '--help')).toBe(0)
      for (const flag of Object.keys(command.flags)) expect(printed.join('\n')).toContain(`  --${flag}`)
    }
  })

  test('help is also -h, and help COMMAND; the version is that of the package', async () => {
    for (const words of [['-h'], ['--help']]) {
      expect(await varve(...words)).toBe(0)
      expect(printed[0]).toMatch(/^varve: the crash-safe/)
    }
    for (const words of [
      ['import', '-h'],
      ['import', '--help'],
      ['help', 'import'],
      ['import', '--json', '-h'],
    ]) {
      expect(await varve(...words)).toBe(0)
      expect(printed[0]).toMatch(/^varve import FILE\n/)
    }
    expect(await varve('-c', '--help', '--enabled', 'false')).toBe(1)
    expect(noted[0]).toMatch(/^STATEMENT_INVALID: /)
    const { version } = JSON.parse(
      await readFile(fileURLToPath(new URL('../../package.json', import.meta.url)), 'utf8'),
    )
    expect(await varve('--version')).toBe(0)
    expect(printed).toEqual([version])
  })

  test.each([
    [['improt'], "varve: there is no command 'improt' (did you mean import?); varve help lists them"],
    [['help', 'stats'], "varve: there is no command 'stats' (did you mean status?); varve help lists them"],
    [['nonsense'], "varve: there is no command 'nonsense'; varve help lists them"],
    [['--data-dir', 'd', 'status'], 'varve: the command comes first: varve status --data-dir d'],
    [
      ['--data-dir', 'd', 'import', 'e.csv', '--relation', 'a:b'],
      'varve: the command comes first: varve import --data-dir d e.csv --relation a:b',
    ],
    [['status', '--jsno'], 'there is no flag --jsno (did you mean --json?)'],
    [['status', '-x'], 'there is no flag -x'],
    [['status', '--json', '--json'], '--json is given twice'],
    [['-c', '+a(1)', '--command=+a(2)'], '--command is given twice'],
    [['status', '--data-dir', 'a', '--data-dir', 'a'], '--data-dir is given twice'],
    [['status', '--json=yes'], '--json takes no value'],
    [['status', '--data-dir'], '--data-dir takes a value, DIR'],
    [['status', '--data-dir', '--json'], '--data-dir takes a value, DIR, and --json looks like a flag'],
    [['repl', '-c'], '-c takes a value, TEXT'],
  ])('%j is a wrong call', async (words, message) => {
    expect(await varve(...words)).toBe(2)
    const name = words[0]!.startsWith('-') ? 'repl' : words[0]
    expect(noted).toEqual([
      message.startsWith('varve') ? message : `varve ${name}: ${message}; varve ${name} --help shows how`,
    ])
    expect(await readdir(dir)).toEqual([])
  })

  test.each([
    ['an unknown command', ['improt'], 2],
    ['an unknown flag', ['status', '--verbose'], 2],
    ['a missing value', ['status', '--data-dir'], 2],
    ['a missing argument', ['import', '--relation', 'a:b'], 2],
    ['a surplus argument', ['status', 'now'], 2],
    ['import without a relation', ['import', HISTORY], 2],
  ])('%s', async (_, words, code) => {
    expect(await varve(...words)).toBe(code)
    expect(noted.length).toBe(1)
    expect(await readdir(dir)).toEqual([])
  })
})
