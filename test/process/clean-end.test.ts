// LD-28: a command that is told to end closes its store; and what a process leaves behind that ends without closing.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { access, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test, vi } from 'vitest'
import { openStore } from '../../src/store/open.ts'
import { scratchFolder } from '../support/scratch.ts'
import { read } from '../support/stores.ts'

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url))
const LEAVER = fileURLToPath(new URL('./leaver.js', import.meta.url))

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

describe('the prompt', () => {
  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('%s: what was acknowledged is flushed, and the directory let go', async (signal, code) => {
    const dataDir = join(await scratchFolder(), 'data')
    const child = spawn(process.execPath, [CLI, '--data-dir', dataDir, '--durability-mode', 'async'])
    const ended = once(child, 'close')
    let output = ''
    child.stderr.setEncoding('utf8').on('data', text => {
      output += text
    })
    child.stdout.setEncoding('utf8').on('data', text => {
      output += text
      // The last answer is out: nothing but the script's end is waited for.
      if (text.includes('Inserted 2')) child.kill(signal)
    })
    child.stdin.write('+edge(1, 2)\n+edge(2, 3)\n+edge[(3, 4), (4, 5)]\n')
    expect(await ended, output).toEqual([code, null])
    expect(await exists(join(dataDir, 'persist/LOCK'))).toBe(false)
    const store = await openStore({ dataDir })
    expect(store.status().recovery).toMatchObject({ applied: 0, corrupted: 0 })
    expect(await read(store, 'default:edge')).toEqual({ '[1,2]': 1, '[2,3]': 1, '[3,4]': 1, '[4,5]': 1 })
    await store.close()
  })

  test('the rest of a script is not carried out, and no error is printed for it', async () => {
    const folder = await scratchFolder()
    const dataDir = join(folder, 'data')
    const rows = Array.from({ length: 20_000 }, (_, row) => `+edge(${row}, 0)\n`)
    await writeFile(join(folder, 'long.iql'), rows.join(''))
    const child = spawn(process.execPath, [CLI, join(folder, 'long.iql'), '--data-dir', dataDir])
    const ended = once(child, 'close')
    let errors = ''
    let answers = 0
    child.stderr.on('data', text => {
      errors += text
    })
    child.stdout.setEncoding('utf8').on('data', text => {
      answers += text.split('Inserted').length - 1
      if (answers > 20 && !child.killed) child.kill('SIGTERM') // A second one would end it at once.
    })
    expect(await ended).toEqual([143, null])
    expect(errors).toBe('')
    const store = await openStore({ dataDir })
    const facts = Object.keys(await read(store, 'default:edge')).length
    await store.close()
    // One that was under way when the signal came may have no answer.
    expect(facts - answers).toBeGreaterThanOrEqual(0)
    expect(facts - answers).toBeLessThanOrEqual(1)
    expect(facts).toBeLessThan(rows.length)
  })
})

test('varve import: ends between two commits, and goes on from there when it is run again', async () => {
  const folder = await scratchFolder()
  const dataDir = join(folder, 'data')
  const file = join(folder, 'rows.csv')
  const ROWS = 200_000
  await writeFile(file, Array.from({ length: ROWS }, (_, row) => `${row},${row % 7}\n`).join(''))
  const words = [CLI, 'import', file, '--relation', 'a:rows', '--no-header', '--data-dir', dataDir]
  const child = spawn(process.execPath, words)
  const ended = once(child, 'close')
  const log = join(dataDir, 'persist/wal/current.wal')
  // As soon as there is a commit beside the header.
  await vi.waitUntil(async () => (await stat(log).catch(() => ({ size: 0 }))).size > 1000, {
    timeout: 60_000,
    interval: 2,
  })
  child.kill('SIGTERM')
  expect(await ended).toEqual([143, null])
  expect(await exists(join(dataDir, 'persist/LOCK'))).toBe(false)
  const again = spawnSync(process.execPath, [...words, '--json'], { encoding: 'utf8' })
  expect(again.status, again.stderr).toBe(0)
  const { resumedAt } = JSON.parse(again.stdout)
  expect(resumedAt).toBeGreaterThan(0)
  expect(resumedAt).toBeLessThan(ROWS)
  const store = await openStore({ dataDir })
  const snapshot = await store.snapshot()
  expect(await snapshot.count('a:rows')).toMatchObject({ distinct: ROWS, total: ROWS })
  await snapshot.close()
  await store.close()
})

describe('a process that does not close', () => {
  test.each([
    ['immediate', 'exit', 0],
    ['immediate', 'throw', 1],
    ['immediate', 'idle', 0],
    ['batched', 'exit', 0],
    ['batched', 'throw', 1],
    ['batched', 'idle', 0],
    // What these have acknowledged may not be written yet; with nothing else to do, a process writes it and then ends.
    ['async', 'idle', 0],
    ['none', 'idle', 0],
  ] as const)('in mode %s, by %s, loses nothing', async (mode, end, code) => {
    const dataDir = join(await scratchFolder(), 'data')
    const { status, stderr } = spawnSync(process.execPath, [LEAVER, dataDir, mode, end], { encoding: 'utf8' })
    expect(status, stderr).toBe(code)
    const store = await openStore({ dataDir })
    const all = Object.fromEntries(Array.from({ length: 100 }, (_, number) => [`[${number}]`, 1]))
    expect(await read(store, 'a:left')).toEqual(all)
    expect(await read(store, 'a:right')).toEqual(all)
    await store.close()
  })
})
