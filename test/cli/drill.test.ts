// `varve drill` as a user sees it. That its judge sees what it should: test/drill/judge.test.ts, test/process/kill.test.ts.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test, vi } from 'vitest'
import { drillLines } from '../../src/cli/drill-report.ts'
import { main } from '../../src/cli/main.ts'
import type { DrillReport } from '../../src/drill/drill.ts'
import { openStore } from '../../src/store/open.ts'
import { scratchFolder } from '../support/scratch.ts'

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url))

/** Runs a drill among the temporary files of its own. */
const drilled = (temporary: string, ...words: string[]) =>
  spawnSync(process.execPath, [CLI, 'drill', ...words], {
    encoding: 'utf8',
    cwd: temporary,
    env: { ...process.env, TMPDIR: temporary },
  })

test('--json: every figure; nothing is left behind', async () => {
  const temporary = await scratchFolder()
  const { status, stdout, stderr } = drilled(temporary, '--kills', '4', '--seed', '7', '--json')
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  const report = JSON.parse(stdout) as DrillReport
  expect(report).toEqual({
    mode: 'immediate',
    seed: 7,
    kills: 4,
    kept: true,
    acknowledged: report.recovered,
    recovered: expect.any(Number),
    lost: 0,
    unanswered: expect.any(Number),
    doubled: 0,
    torn: 0,
    disordered: 0,
    killedWhile: {
      opening: expect.any(Number),
      committing: expect.any(Number),
      flushing: expect.any(Number),
      compacting: expect.any(Number),
    },
    replayed: expect.any(Number),
    milliseconds: expect.any(Number),
  })
  expect(report.recovered).toBeGreaterThan(0)
  expect(Object.values(report.killedWhile).reduce((sum, times) => sum + times, 0)).toBe(4)
  expect(await readdir(temporary)).toEqual([])
})

test('--keep leaves the store, which is a store like any other', async () => {
  const temporary = await scratchFolder()
  const { status, stdout, stderr } = drilled(temporary, '--kills', '1', '--mode', 'batched', '--keep')
  expect(status, stderr).toBe(0)
  expect(stdout).toMatch(/^1 writer killed with SIGKILL in .*, mode batched, seed [0-9]+\n/)
  const [name] = await readdir(temporary)
  const dataDir = join(temporary, name!)
  expect(stderr).toBe(`The store is kept in ${dataDir}\n`)
  const store = await openStore({ dataDir })
  expect(store.status()).toMatchObject({ state: 'serving', recovery: { applied: 0 } })
  await store.close()
})

const REPORT: DrillReport = {
  mode: 'immediate',
  seed: 42,
  kills: 1000,
  kept: true,
  acknowledged: 51_204,
  recovered: 51_204,
  lost: 0,
  unanswered: 1,
  doubled: 0,
  torn: 0,
  disordered: 0,
  killedWhile: { committing: 310, flushing: 250, compacting: 240, opening: 200 },
  replayed: 17_003,
  milliseconds: 151_234,
}

describe('the text', () => {
  test('of promises that were kept', () => {
    expect(drillLines(REPORT)).toMatchInlineSnapshot(`
      [
        "1,000 writers killed with SIGKILL in 151.2 s, mode immediate, seed 42",
        "",
        "  acknowledged  51,204   commits that a writer was told are done",
        "  recovered     51,204   of these, found again, whole",
        "  lost               0   of these, gone",
        "  doubled            0   found more often than they were made",
        "  torn               0   found in one of their two shards, and not in the other",
        "  disordered         0   missing before a later one, or there at one opening and not at the next",
        "",
        "Killed 200 times while opening the store, 310 committing, 250 flushing, 240 compacting.",
        "17,003 commits came back from the log alone; 1 commit came through whose answer did not.",
        "The promise of mode immediate: neither a kill nor a power loss takes what was acknowledged.",
        "",
        "Kept: nothing lost, nothing doubled, nothing torn, nothing out of order.",
      ]
    `)
  })

  test('of a loss that the mode allows', () => {
    expect(
      drillLines({ ...REPORT, mode: 'async', lost: 12, recovered: 51_192 }).slice(-3),
    ).toMatchInlineSnapshot(`
      [
        "The promise of mode async: a kill may take what was acknowledged last, and leaves everything before it.",
        "",
        "Kept: what was lost is what mode async may lose; nothing doubled, nothing torn, nothing out of order.",
      ]
    `)
  })

  test('of a promise that was broken', () => {
    expect(
      drillLines({ ...REPORT, kept: false, lost: 1, recovered: 51_203 }).slice(-1),
    ).toMatchInlineSnapshot(`
      [
        "BROKEN: this should never happen. Please report it, with the store and the seed, 42.",
      ]
    `)
  })
})

/** Processes that were given a folder, and still are. */
const processesIn = (folder: string): string[] =>
  readdirSync('/proc').filter(pid => {
    try {
      return /^[0-9]+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder)
    } catch {
      return false // It ended meanwhile.
    }
  })

describe('a drill that is interrupted', () => {
  /** A drill that has a store and writers. */
  const running = async (temporary: string, ...words: string[]): Promise<ChildProcess> => {
    const child = spawn(process.execPath, [CLI, 'drill', '--kills', '100000', ...words], {
      stdio: 'ignore',
      detached: true, // A group of its own, as a shell makes it.
      env: { ...process.env, TMPDIR: temporary },
    })
    await vi.waitUntil(async () => {
      const [name] = await readdir(temporary)
      return name !== undefined && (await readdir(join(temporary, name))).includes('persist')
    }, 60_000)
    expect(processesIn(temporary).length).toBeGreaterThan(0)
    return child
  }

  test('by Ctrl-C, which all of its processes get: nothing is left behind', async () => {
    const temporary = await scratchFolder()
    const child = await running(temporary)
    process.kill(-child.pid!, 'SIGINT')
    expect(await once(child, 'close')).toEqual([130, null])
    expect(await readdir(temporary)).toEqual([])
    expect(processesIn(temporary)).toEqual([])
  })

  test('by SIGTERM, with --keep: the store is left', async () => {
    const temporary = await scratchFolder()
    const child = await running(temporary, '--keep')
    child.kill('SIGTERM')
    expect(await once(child, 'close')).toEqual([143, null])
    expect(await readdir(temporary)).toHaveLength(1)
    expect(processesIn(temporary)).toEqual([])
  })

  test('by a kill: its writers end by themselves', async () => {
    const temporary = await scratchFolder()
    const child = await running(temporary)
    child.kill('SIGKILL')
    await once(child, 'close')
    await vi.waitUntil(() => processesIn(temporary).length === 0, 60_000)
  })
})

describe('a wrong call', () => {
  const varve = async (...words: string[]) => {
    const printed: string[] = []
    const noted: string[] = []
    const code = await main(['drill', ...words], {
      print: line => printed.push(line),
      note: line => noted.push(line),
    })
    return { code, printed, noted }
  }

  test.each([
    [['--kills', '0'], '--kills must be 1 or more. flag=--kills, value=0'],
    [['--kills', 'many'], '--kills must be a whole number. flag=--kills, value=many'],
    [['--seed', '1.5'], '--seed must be a whole number. flag=--seed, value=1.5'],
    [
      ['--mode', 'sometimes'],
      '--mode must be one of immediate, batched, async, none. flag=--mode, setting=durabilityMode, value=sometimes',
    ],
  ])('%s', async (words, why) => {
    expect(await varve(...words)).toEqual({
      code: 2,
      printed: [],
      noted: [`varve drill: SETTING_INVALID: ${why}`],
    })
  })

  test.each([
    [['--kils', '3'], 'there is no flag --kils (did you mean --kills?)'],
    [['3'], 'drill takes no argument'],
    [['--data-dir', 'x'], 'there is no flag --data-dir'],
  ])('%s', async (words, why) => {
    const { code, noted } = await varve(...words)
    expect(code).toBe(2)
    expect(noted[0]).toContain(why)
  })

  test('the help says every default', async () => {
    const { printed } = await varve('--help')
    for (const text of ['how often [25]', '[immediate]', '[random]'])
      expect(printed.join('\n')).toContain(text)
  })
})
