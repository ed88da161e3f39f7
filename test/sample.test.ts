// The sample store in shards/: sound, true to the public record, and the same as a count of the package it was made from.
import { execFile } from 'node:child_process'
import { cp, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { DuckDBInstance } from '@duckdb/node-api'
import compatibility from '@mdn/browser-compat-data/forLegacyNode'
import { expect, test } from 'vitest'
import { main } from '../src/cli/main.ts'
import { openStore } from '../src/store/open.ts'
import { unread } from './support/processes.ts'
import { scratchFolder } from './support/scratch.ts'
import { read } from './support/stores.ts'

const SHARDS = fileURLToPath(new URL('../shards', import.meta.url))
const SUPPORT = 'default:support'
const RELEASE = 'default:release'

/** Runs a script of scripts/ as a process without a terminal; rejects unless it ends with 0. */
const run = async (
  script: string,
  words: string[],
  { cwd, environment }: { cwd?: string; environment?: Record<string, string> } = {},
): Promise<string> => {
  const path = fileURLToPath(new URL(`../scripts/${script}`, import.meta.url))
  const env = { ...process.env, ...environment }
  return (await promisify(execFile)(process.execPath, [path, ...words], { cwd, env })).stdout
}

const duck = async (sql: string): Promise<Record<string, unknown>[]> => {
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  return (await connection.runAndReadAll(sql)).getRowObjectsJson()
}

/** The batches that a shard's document in `folder` names, as DuckDB reads them. */
const batchesOf = async (folder: string, document: string): Promise<string> => {
  const persist = join(folder, 'persist')
  const { batches } = JSON.parse(await readFile(join(persist, 'shards', document), 'utf8'))
  return `read_parquet([${batches.map(({ path }: { path: string }) => `'${join(persist, path)}'`)}])`
}

const copyOfShards = async (): Promise<string> => {
  const folder = join(await scratchFolder(), 'data')
  await cp(SHARDS, folder, { recursive: true })
  return folder
}

/** Facts about a feature as of a day: version by browser. */
const supporters = async (
  dataDir: string,
  feature: string,
  asOf: number,
): Promise<Record<string, string>> => {
  const store = await openStore({ dataDir })
  const snapshot = await store.snapshot({ asOf })
  const found: Record<string, string> = {}
  for await (const { data, diff } of snapshot.rows(SUPPORT, { where: { feature } })) {
    expect(diff).toBe(1)
    found[String(data[1])] = String(data[2])
  }
  await snapshot.close()
  await store.close()
  return found
}

interface Totals {
  added: number
  removed: number
  days: Set<number>
}

/** Counts the package in its own way: by hand down the tree, dates compared as text. */
const recount = (): { support: Totals; release: Totals } => {
  const support: Totals = { added: 0, removed: 0, days: new Set() }
  const release: Totals = { added: 0, removed: 0, days: new Set() }
  const today = compatibility.__meta.timestamp.substring(0, 10)
  const dateOf = (browser: string, version: unknown): string | undefined => {
    const browsers: Record<string, { releases: Record<string, { release_date?: string }> }> =
      compatibility.browsers
    const date = browsers[browser]!.releases[String(version).replace(/^≤/, '')]?.release_date
    return date === undefined || date > today ? undefined : date
  }
  const count = (totals: Totals, date: string, what: 'added' | 'removed'): void => {
    totals[what]++
    const [year, month, day] = date.split('-').map(Number)
    totals.days.add(year! * 10_000 + month! * 100 + day!)
  }
  for (const [browser, { type, releases }] of Object.entries(compatibility.browsers))
    for (const version of type === 'server' ? [] : Object.keys(releases)) {
      const date = dateOf(browser, version)
      if (date !== undefined) count(release, date, 'added')
    }
  const servers = ['bun', 'deno', 'nodejs']
  const visit = (node: Record<string, unknown>): void => {
    for (const [key, child] of Object.entries(node)) {
      if (key !== '__compat') {
        if (typeof child === 'object' && child !== null) visit(child as Record<string, unknown>)
        continue
      }
      const statements = (child as { support: Record<string, object | object[]> }).support
      for (const [browser, given] of Object.entries(statements)) {
        if (servers.includes(browser)) continue
        for (const statement of (Array.isArray(given) ? given : [given]) as Record<string, unknown>[]) {
          const keys = ['flags', 'prefix', 'alternative_name', 'partial_implementation']
          const came = dateOf(browser, statement.version_added)
          if (came === undefined || keys.some(each => statement[each] !== undefined)) continue
          count(support, came, 'added')
          const went = dateOf(browser, statement.version_removed)
          if (went !== undefined) count(support, went, 'removed')
        }
      }
    }
  }
  for (const part of [compatibility.css, compatibility.html, compatibility.javascript])
    visit(part as Record<string, unknown>)
  return { support, release }
}

test('is small, closed, and names its source', async () => {
  const files = await readdir(SHARDS, { recursive: true })
  const sizes = await Promise.all(files.map(async file => (await stat(join(SHARDS, file))).size))
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(1_000_000)
  expect(files).not.toContain(join('persist', 'LOCK'))
  const readme = await readFile(join(SHARDS, 'README.md'), 'utf8')
  expect(readme).toContain('CC0')
  expect(readme).toContain(compatibility.__meta.version)
})

test('verifies clean as it stands in the repository', async () => {
  const printed: string[] = []
  const output = { print: (line: string) => printed.push(line), note: (line: string) => printed.push(line) }
  expect(await main(['verify', '--data-dir', await copyOfShards(), '--json'], output)).toBe(0)
  const { support, release } = recount()
  expect(JSON.parse(printed.join('\n'))).toMatchObject({
    problems: [],
    shards: 2,
    batches: 2,
    rows: support.added + support.removed + release.added,
    commits: 0,
  })
})

test('opens, all history there, with declared columns', async () => {
  const store = await openStore({ dataDir: await copyOfShards() })
  const { state, recovery, shards, upper } = store.status()
  expect(state).toBe('serving')
  expect(recovery).toMatchObject({ applied: 0, corrupted: 0, quarantined: [] })
  expect(shards.map(({ name, since, batches, buffered }) => ({ name, since, batches, buffered }))).toEqual([
    { name: RELEASE, since: 0, batches: 1, buffered: 0 },
    { name: SUPPORT, since: 0, batches: 1, buffered: 0 },
  ])
  const { support, release } = recount()
  const days = new Set([...support.days, ...release.days])
  expect(upper).toBe(Math.max(...days) + 1)
  expect(store.status().lsn).toBe(2 + days.size)
  const now = await store.snapshot()
  const current = support.added - support.removed
  expect(await now.count(SUPPORT)).toMatchObject({ distinct: current, total: current })
  expect(await now.count(RELEASE)).toMatchObject({ distinct: release.added, total: release.added })
  await now.close()
  const before = await store.snapshot({ asOf: Math.min(...days) - 1 })
  expect(await before.count(RELEASE)).toMatchObject({ distinct: 0, total: 0 })
  await before.close()
  await store.close()
})

test('knows when CSS grid came: Firefox 52, Chrome 57, Safari 10.1, all in March 2017', async () => {
  const dataDir = await copyOfShards()
  const grid = (asOf: number) => supporters(dataDir, 'css.properties.grid', asOf)
  expect(await grid(20170306)).toEqual({})
  expect(await grid(20170307)).toEqual({ firefox: '52', firefox_android: '52' })
  expect(await grid(20170308)).not.toHaveProperty('chrome')
  expect(await grid(20170309)).toMatchObject({ chrome: '57', firefox: '52' })
  expect(await grid(20170326)).not.toHaveProperty('safari')
  expect(await grid(20170327)).toMatchObject({ safari: '10.1', safari_ios: '10.3' })
  expect(await grid(20171016)).not.toHaveProperty('edge')
  expect(await grid(20171017)).toMatchObject({ edge: '16' })
  expect(await grid(20200101)).not.toHaveProperty('ie')
})

test('knows what left: iterator helpers came to Chrome with 117, went with 119, came back with 122', async () => {
  const dataDir = await copyOfShards()
  const chrome = async (asOf: number) =>
    (await supporters(dataDir, 'javascript.builtins.Iterator.map', asOf)).chrome
  expect(await chrome(20230911)).toBeUndefined()
  expect(await chrome(20230912)).toBe('117')
  expect(await chrome(20231030)).toBe('117')
  expect(await chrome(20231031)).toBeUndefined()
  expect(await chrome(20240219)).toBeUndefined()
  expect(await chrome(20240220)).toBe('122')
})

test('dates its releases', async () => {
  const store = await openStore({ dataDir: await copyOfShards() })
  const contents = await read(store, RELEASE, 20170309)
  expect(contents).toHaveProperty(['["chrome","57",20170309]'], 1)
  expect(contents).not.toHaveProperty(['["safari","10.1",20170327]'])
  expect(Object.keys(contents).filter(text => text.startsWith('["ie",'))).toHaveLength(12)
  await store.close()
})

test('DuckDB reads its batches as the document says, and counts the same', async () => {
  const { support } = recount()
  const counts = await duck(`
    SELECT (count(*) FILTER (diff = 1))::INT AS added, (count(*) FILTER (diff = -1))::INT AS removed,
      count(*)::INT AS rows, count(DISTINCT time)::INT AS days
    FROM ${await batchesOf(SHARDS, 'default_support.json')}`)
  const { added, removed, days } = support
  expect(counts).toEqual([{ added, removed, rows: added + removed, days: days.size }])
  // The question that its README asks.
  const readme = await readFile(join(SHARDS, 'README.md'), 'utf8')
  const [, question] = /duckdb -c "(.*)"/.exec(readme)!
  const [first] = await duck(question!.replace('shards/', `${SHARDS}/`))
  expect(first).toMatchObject({ feature: 'css.properties.grid', time: '20170307', diff: '1' })
})

test('npm run sample makes it again, row by row', async () => {
  const folder = join(await scratchFolder(), 'again')
  await run('sample.js', [folder])
  for (const document of ['default_support.json', 'default_release.json']) {
    const ours = await batchesOf(SHARDS, document)
    const again = await batchesOf(folder, document)
    expect(
      await duck(`(FROM ${ours} EXCEPT ALL FROM ${again}) UNION ALL (FROM ${again} EXCEPT ALL FROM ${ours})`),
    ).toEqual([])
  }
  expect(await readFile(join(folder, 'README.md'), 'utf8')).toBe(
    await readFile(join(SHARDS, 'README.md'), 'utf8'),
  )
})

test('npm start shows a copy of it, leaves it alone, and cleans up behind itself', async () => {
  const contents = async (): Promise<string[]> => {
    const files = (await readdir(SHARDS, { recursive: true, withFileTypes: true })).filter(file =>
      file.isFile(),
    )
    const paths = files.map(({ parentPath, name }) => join(parentPath, name)).sort()
    return Promise.all(paths.map(async path => `${path} ${await readFile(path, 'base64')}`))
  }
  const before = await contents()
  const TMPDIR = join(await scratchFolder(), 'tmp')
  await mkdir(TMPDIR)
  const printed = await run('start.js', [], { environment: { TMPDIR } })
  const asked = '> ?support("css.properties.grid", Browser, Version) @ '
  expect(printed).toContain(`${asked}20170101\nNo results.\n${asked}20200101\n┌─`)
  for (const answer of ['"57"    │', '+1 edge 16', '-1 chrome 117', 'serving', '2.parquet'])
    expect(printed).toContain(answer)
  expect(await readdir(TMPDIR)).toEqual([])
  expect(await contents()).toEqual(before)
})

test('npm start heeds no configuration that is meant for other stores', async () => {
  const folder = await scratchFolder()
  const enabled = '[storage.persist]\nenabled = false\n'
  await writeFile(join(folder, 'config.toml'), enabled)
  const printed = await run('start.js', [], {
    cwd: folder,
    environment: { VARVE_STORAGE__PERSIST__ENABLED: 'false', VARVE_CONFIG: 'nowhere.toml' },
  })
  expect(printed).toContain('"57"    │')
  expect(await readdir(folder)).toEqual(['config.toml'])
})

test('npm start ends quietly when nobody reads it', async () => {
  const path = fileURLToPath(new URL('../scripts/start.js', import.meta.url))
  expect(await unread(path, [])).toEqual({ status: 141, stderr: '' })
})
