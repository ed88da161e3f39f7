// IL-38, R8: what a store needs of memory follows from its settings, not from how much it holds. A process that cannot
// hold an eighth of a shard as objects writes, compacts, reopens and reads all of it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { scratchFolder } from '../support/scratch.ts'

const CHILD = fileURLToPath(new URL('./memory.js', import.meta.url))
const OLD_SPACE_MB = 24
const ROWS = 1_440_000

/** What a step says, or how it died. */
const run = async (step: string, dataDir: string, rows: number): Promise<unknown> => {
  const words = [
    `--max-old-space-size=${OLD_SPACE_MB}`,
    '--max-semi-space-size=1',
    CHILD,
    step,
    dataDir,
    String(rows),
  ]
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'pipe'] })
  const output = text(child.stdout)
  const errors = text(child.stderr)
  const [status] = (await once(child, 'close')) as [number | null]
  if (status === 0) return JSON.parse(await output)
  return /heap out of memory/.test(await errors) ? 'heap out of memory' : await errors
}

test('a shard eight times larger than fits into memory as objects is written, compacted, reopened and read', async () => {
  const dataDir = join(await scratchFolder(), 'data')
  expect(await run('objects', dataDir, ROWS / 8)).toBe('heap out of memory')
  // How many there are depends on when a flush comes to its turn; far more than are merged at once.
  expect(((await run('ingest', dataDir, ROWS)) as { batches: number }).batches).toBeGreaterThan(20)
  expect(await run('compact', dataDir, ROWS)).toEqual({ batches: 1, rows: ROWS })
  expect(await run('read', dataDir, ROWS)).toEqual({
    replayed: 0,
    total: ROWS,
    found: ROWS,
    sum: (ROWS * (ROWS - 1)) / 2,
    inOrder: true,
  })
}, 600_000)
