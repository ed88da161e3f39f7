// What takes long to load is loaded by those who use it, and by nobody else.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { scratchFolder } from '../support/scratch.ts'

const CHILD = fileURLToPath(new URL('./loaded.js', import.meta.url))

/** The libraries that a process loads, by their folders, and how many rows it saw. */
const loadedBy = async (...words: string[]): Promise<{ libraries: string[]; rows: number }> => {
  const dataDir = join(await scratchFolder(), 'data')
  const child = spawn(process.execPath, [CHILD, dataDir, ...words], { stdio: ['ignore', 'pipe', 'pipe'] })
  const output = text(child.stdout)
  const urls = (await text(child.stderr)).split('\n')
  await once(child, 'close')
  expect(urls.some(url => url.endsWith('/dist/index.js'))).toBe(true)
  const libraries = urls.flatMap(url => /node_modules\/([^/]+)/.exec(url)?.[1] ?? [])
  return { libraries: [...new Set(libraries)].sort(), rows: Number(await output) }
}

test('to open, commit, flush, compact and read loads no library', async () => {
  expect(await loadedBy()).toEqual({ libraries: [], rows: 50 })
})

test('who asks for Arrow loads Arrow, and no codec', async () => {
  const { libraries, rows } = await loadedBy('arrow')
  expect(rows).toBe(50)
  expect(libraries).toContain('apache-arrow')
  expect(libraries).not.toContain('parquet-wasm')
})
