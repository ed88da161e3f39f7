// Threads write the batches of a process that has many rows: it ends as it did without them, and a kill while one writes leaves what a crash
// leaves.
import { spawnSync } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { settingsFrom } from '../../src/config/settings.ts'
import { openFolder } from '../../src/disk/folder.ts'
import { verify } from '../../src/recovery/verify.ts'
import { openStore } from '../../src/store/open.ts'
import { scratchFolder } from '../support/scratch.ts'

const BULK = fileURLToPath(new URL('./bulk.js', import.meta.url))
const COMMITS = 25
const ROWS = 8000

const run = (dataDir: string, ...words: string[]) => {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [BULK, dataDir, ...words], {
    encoding: 'utf8',
  })
  const lines = stdout.split('\n').slice(0, -1)
  return {
    status,
    signal,
    stderr,
    commits: lines.filter(line => line === 'committed').length,
    threads: lines.at(-1),
  }
}

/** A process that was killed at a point: on a busy machine the file may be gone before anybody sees it, then another one. */
const killedAt = async (step: string, point: string) => {
  for (let attempt = 0; attempt < 20; attempt++) {
    const dataDir = join(await scratchFolder(), 'data')
    const ended = run(dataDir, step, point)
    if (ended.status !== 0) return { dataDir, killed: ended }
  }
  throw new Error('a file that is there for a moment was never seen')
}

/** How many rows are there, if they are the first ones, each once. */
const rowsIn = async (dataDir: string): Promise<number> => {
  const store = await openStore({ dataDir })
  const snapshot = await store.snapshot()
  let rows = 0
  for await (const { data, diff } of snapshot.rows('a:b')) {
    if (data[0] !== rows || diff !== 1) expect([data[0], diff]).toEqual([rows, 1])
    rows++
  }
  await snapshot.close()
  await store.close()
  return rows
}

test.each([
  ['closes', 'close', '1'],
  ['compacts and closes', 'compact', '2'],
  ['does not close, and has nothing else to do', 'idle', '1'],
])('a process that %s ends by itself, and everything is there', async (_, step, threads) => {
  const dataDir = join(await scratchFolder(), 'data')
  const ended = run(dataDir, step)
  expect(ended, ended.stderr).toMatchObject({ status: 0, commits: COMMITS, threads })
  expect(await rowsIn(dataDir)).toBe(COMMITS * ROWS)
})

test.each([
  ['a flush writes', 'close', '.tmp'],
  ['a flush has written and not published', 'close', '.parquet'],
  ['a compaction writes', 'compact', '.tmp'],
  ['a compaction has written and not published', 'compact', '.parquet'],
] as const)(
  'killed while %s in a thread, a store has all that was acknowledged and goes on',
  async (_, step, point) => {
    const { dataDir, killed } = await killedAt(step, point)
    expect(killed, killed.stderr).toMatchObject({ signal: 'SIGKILL' })
    const left = await rowsIn(dataDir)
    // One may have been under way.
    expect([killed.commits * ROWS, (killed.commits + 1) * ROWS]).toContain(left)
    if (step === 'compact') expect(killed.commits).toBe(COMMITS)
    const again = run(dataDir, 'close')
    expect(again, again.stderr).toMatchObject({ status: 0, commits: COMMITS })
    expect(await rowsIn(dataDir)).toBe(left + COMMITS * ROWS)
    const files = await readdir(join(dataDir, 'persist/batches'))
    expect(files.filter(name => !name.endsWith('.parquet'))).toEqual([])
    const { disk } = await openFolder(dataDir, { create: false })
    expect((await verify(disk, settingsFrom({}), Date.now)).problems).toEqual([])
  },
)
