// Golden stores, one of every format, found by a loop and frozen once released (rules 26, 27): what they hold was worked
// out without Varve when they were made, and three readers agree on it: this Varve, a few lines over the log, DuckDB.
import { cpSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { crc32 } from 'node:zlib'
import { DuckDBInstance } from '@duckdb/node-api'
import { describe, expect, test } from 'vitest'
import { openEngineAt, openStore } from '../../src/store/open.ts'
import type { Store } from '../../src/store/store.ts'
import { scratchFolder } from '../support/scratch.ts'
import { type Contents, read } from '../support/stores.ts'

const FIXTURES = fileURLToPath(new URL('../../fixtures', import.meta.url))

interface Expected {
  readonly id: string
  readonly lsn: number
  readonly upper: number
  readonly ids: readonly string[]
  readonly dropped: readonly string[]
  readonly commits: readonly {
    readonly lsn: number
    readonly id?: string
    readonly import?: { readonly id: string; readonly rows: number; readonly complete: boolean }
    readonly drops?: readonly string[]
    /** Updates by shard. */
    readonly shards: Readonly<Record<string, number>>
  }[]
  readonly shards: readonly {
    readonly name: string
    readonly since: number
    /** What it holds, by time. */
    readonly at: Readonly<Record<string, Contents>>
  }[]
}

const jsonOf = (path: string): never => JSON.parse(readFileSync(path, 'utf8')) as never

/** A line of a log without its checksum, which must hold. */
const bodyOf = (line: string): string => {
  const body = line.slice(9)
  expect(line.slice(0, 9)).toBe(`${crc32(body).toString(16).padStart(8, '0')}:`)
  return body
}

/** What a line of a log may say, of what is looked at here. */
interface Line {
  readonly varve?: number
  readonly lsn: number
  readonly id?: string
  readonly drop?: readonly string[]
  readonly import?: { readonly id: string; readonly rows: number; readonly complete: boolean }
  readonly shard?: string
  readonly update?: { readonly diff: number }
  readonly updates?: Readonly<Record<string, readonly [unknown, number, number][]>>
}

/** The diffs that a line has for each shard. */
const diffsOf = ({ shard, update, updates = {} }: Line): [string, number[]][] => [
  ...(shard === undefined || update === undefined ? [] : [[shard, [update.diff]] as [string, number[]]]),
  ...Object.entries(updates).map(([name, rows]): [string, number[]] => [
    name,
    rows.map(([, , diff]) => diff),
  ]),
]

/** Every line of a log, as docs/format.md says, without Varve. */
const linesOf = (wal: string): Line[] =>
  readdirSync(wal)
    .sort()
    .flatMap(name => readFileSync(join(wal, name), 'utf8').replace(/\0*$/, '').split('\n').slice(0, -1))
    .map(line => JSON.parse(bodyOf(line)))

describe.each(readdirSync(FIXTURES).filter(name => name.startsWith('format-')))('%s', name => {
  const golden = join(FIXTURES, name)
  const expected: Expected = jsonOf(join(golden, 'expected.json'))

  /** A copy of it, as a data directory. */
  const copied = async (): Promise<string> => {
    const dataDir = await scratchFolder()
    cpSync(join(golden, 'persist'), join(dataDir, 'persist'), { recursive: true })
    return dataDir
  }

  const expectContents = async (store: Store): Promise<void> => {
    const { shards, lsn, upper } = store.status()
    expect({ lsn, upper }).toEqual({ lsn: expected.lsn, upper: expected.upper })
    expect(shards.map(shard => shard.name).sort()).toEqual(expected.shards.map(shard => shard.name).sort())
    for (const shard of expected.shards) {
      expect(shards.find(found => found.name === shard.name)!.since, shard.name).toBe(shard.since)
      for (const [time, contents] of Object.entries(shard.at))
        expect(await read(store, shard.name, Number(time)), `${shard.name} at ${time}`).toEqual(contents)
      if (shard.since > 0)
        await expect(read(store, shard.name, shard.since - 1)).rejects.toMatchObject({
          code: 'AS_OF_BEFORE_SINCE',
        })
    }
  }

  test('opens, and holds at every time what it was given', async () => {
    const dataDir = await copied()
    const { walStart } = jsonOf(join(golden, 'persist/store.json')) as { walStart: number }
    const total = expected.commits.filter(({ lsn }) => lsn >= walStart).length
    const store = await openStore({ dataDir })
    expect(store.status()).toMatchObject({
      state: 'serving',
      recovery: { total, corrupted: 0, bytesCut: 0, quarantined: [] },
    })
    expect(total).toBeGreaterThan(3)
    await expectContents(store)
    await store.close()
    const again = await openStore({ dataDir })
    expect(again.status().recovery.total).toBe(0)
    await expectContents(again)
    await again.close()
  })

  test('knows its commit ids and imports', async () => {
    const engine = await openEngineAt({ dataDir: await copied() }, { create: false })
    const imported = expected.commits.find(commit => commit.import !== undefined)!.import!
    expect(engine.importProgress(imported.id)).toMatchObject(imported)
    await engine.close()
    const store = await openStore({ dataDir: await copied() })
    for (const id of expected.ids) {
      const { lsn } = expected.commits.find(commit => commit.id === id)!
      expect((await store.commit([{ shard: 'default:any', data: [1], diff: 1 }], { id })).lsn).toBe(lsn)
    }
    expect((await store.commit([{ shard: 'default:any', data: [1], diff: 1 }])).lsn).toBe(expected.lsn + 1)
    await store.close()
  })

  test('its log is what a few lines over it read', () => {
    const persist = join(golden, 'persist')
    const lines = linesOf(join(persist, 'wal'))
    const headers = lines.filter(line => 'varve' in line)
    expect(headers.length).toBeGreaterThan(1)
    for (const header of headers) expect(header).toMatchObject({ varve: 1, store: expected.id })
    const found = lines
      .filter(line => !('varve' in line))
      .map(line => ({
        lsn: line.lsn,
        ...(line.id === undefined ? {} : { id: line.id }),
        ...(line.drop === undefined ? {} : { drops: line.drop }),
        ...(line.import === undefined ? {} : { import: line.import }),
        shards: Object.fromEntries(diffsOf(line).map(([shard, diffs]) => [shard, diffs.length])),
      }))
    const { walStart } = jsonOf(join(persist, 'store.json')) as { walStart: number }
    expect(found).toEqual(expected.commits.filter(({ lsn }) => lsn >= walStart))
    const active = readFileSync(join(persist, 'wal/current.wal'))
    expect(active.at(-1), 'the active segment ends in padding').toBe(0)
  })

  test('the sums of its batches are those of DuckDB', async () => {
    const persist = join(golden, 'persist')
    const lines = linesOf(join(persist, 'wal'))
    const connection = await (await DuckDBInstance.create(':memory:')).connect()
    for (const file of readdirSync(join(persist, 'shards'))) {
      const document = jsonOf(join(persist, 'shards', file)) as {
        name: string
        flushedLsn: number
        batches: readonly { path: string; len: number }[]
      }
      // What lies in the batches and what the log still has of the shard are all that it was given.
      let sum = 0n
      for (const { path, len: rows } of document.batches) {
        const from = join(persist, path).replaceAll("'", "''")
        const result = await connection.runAndReadAll(
          `SELECT count(*), sum(diff)::BIGINT FROM read_parquet('${from}')`,
        )
        const [[count, total]] = result.getRowsJS() as [[bigint, bigint]]
        expect(count, path).toBe(BigInt(rows))
        sum += total
      }
      const shard = expected.shards.find(({ name }) => name === document.name)
      if (shard === undefined) {
        expect(document.batches, document.name).toEqual([])
        continue
      }
      for (const line of lines.filter(({ lsn }) => lsn > document.flushedLsn))
        for (const [name, diffs] of diffsOf(line))
          if (name === document.name) for (const diff of diffs) sum += BigInt(diff)
      const latest = Object.values(shard.at).at(-1)!
      expect(sum, document.name).toBe(Object.values(latest).reduce((all, diff) => all + BigInt(diff), 0n))
    }
  })
})
