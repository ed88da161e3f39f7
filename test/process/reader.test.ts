// IL-35, GB-18, LD-12: reading while another process writes, flushes and compacts, is killed and comes back. The writer
// only moves money between shards: half a commit, or shards of different moments, would change the sum.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { DurabilityMode } from '../../src/config/settings.ts'
import { openStore } from '../../src/store/open.ts'
import { openReader } from '../../src/store/open-reader.ts'
import type { Snapshot } from '../../src/store/snapshot.ts'
import { LONG } from '../support/long.ts'
import { scratchFolder } from '../support/scratch.ts'

const BANK = fileURLToPath(new URL('./reader-bank.js', import.meta.url))
const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url))
const ACCOUNTS = ['bank:a', 'bank:b', 'bank:c', 'bank:d']
const MONEY = 4000
const REFRESHES = LONG ? 2000 : 120

const killed = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
}

/** Starts a writer; resolves when there is something to read. */
const startBank = async (dataDir: string, mode: DurabilityMode): Promise<ChildProcess> => {
  const child = spawn(process.execPath, [BANK, dataDir, mode], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => killed(child))
  await once(child.stdout!, 'data')
  return child
}

const balances = async (snapshot: Snapshot): Promise<number[]> => {
  const found: number[] = []
  for (const account of ACCOUNTS) found.push((await snapshot.count(account)).total)
  return found
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)

describe('a reader beside a writer', () => {
  test.each(['immediate', 'async'] as const)(
    `mode %s: the sum is constant in each of ${REFRESHES} snapshots and more, also across a kill`,
    async mode => {
      const dataDir = await scratchFolder()
      let bank = await startBank(dataDir, mode)
      const reader = await openReader({ dataDir })
      const kept: { snapshot: Snapshot; found: number[] }[] = []
      const epochs = new Set<number>()
      const seen = new Set<number>()
      const sinces = new Set<number>()
      let lsn = 0
      // It has to be written, compacted and opened meanwhile, or this would show nothing.
      const isEnough = (): boolean => seen.size > REFRESHES / 3 && sinces.size > 3 && epochs.size === 2
      for (let round = 0; round < REFRESHES || !isEnough(); round++) {
        if (round === Math.floor(REFRESHES / 2)) {
          await killed(bank)
          await reader.refresh()
          bank = await startBank(dataDir, mode)
        }
        await reader.refresh()
        const status = reader.status()
        const place = `round ${round}: ${JSON.stringify(status)}`
        expect(status.state, place).toBe('serving')
        expect(status.lsn, place).toBeGreaterThanOrEqual(lsn)
        lsn = status.lsn
        seen.add(lsn)
        epochs.add(status.epoch)
        const since = Math.max(...status.shards.map(each => each.since))
        sinces.add(since)
        const snapshot = await reader.snapshot()
        const found = await balances(snapshot)
        expect(sum(found), `${place} ${found}`).toBe(MONEY)
        const past = await reader.snapshot({ asOf: since + (round % (status.upper - since)) })
        expect(sum(await balances(past)), `${place} as of ${past.asOf}`).toBe(MONEY)
        await past.close()
        if (round % 10 === 0) kept.push({ snapshot, found })
        else await snapshot.close()
      }
      await killed(bank)
      for (const { snapshot, found } of kept) expect(await balances(snapshot)).toEqual(found)
      const store = await openStore({ dataDir })
      expect(store.status().lsn).toBeGreaterThanOrEqual(lsn)
      await using own = await store.snapshot()
      const last = await balances(own)
      expect(sum(last)).toBe(MONEY)
      await store.close()
      await reader.refresh()
      await using now = await reader.snapshot()
      expect(await balances(now)).toEqual(last)
      await reader.close()
    },
    600_000,
  )
})

describe('the command line beside a writer', () => {
  test('status, verify, export and --read-only work; what writes is refused', async () => {
    const dataDir = await scratchFolder()
    const bank = await startBank(dataDir, 'immediate')
    const varve = (...words: string[]): { status: number | null; stdout: string; stderr: string } => {
      const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...words, '--data-dir', dataDir], {
        encoding: 'utf8',
      })
      return { status, stdout, stderr }
    }
    const status = varve('status', '--json')
    expect(status).toMatchObject({ status: 0, stderr: '' })
    expect(JSON.parse(status.stdout)).toMatchObject({ access: 'read', state: 'serving', epoch: 1 })
    const verified = varve('verify', '--json')
    expect(verified).toMatchObject({ status: 0 })
    expect(JSON.parse(verified.stdout)).toMatchObject({ problems: [], shards: ACCOUNTS.length })
    const file = join(dataDir, 'out.jsonl')
    expect(varve('export', 'bank:b', file, '--json').status).toBe(0)
    const line = JSON.parse((await readFile(file, 'utf8')).split('\n').at(-2)!)
    expect(line).toMatchObject({ col0: 'coin' })
    const script = ['.kg use bank', '?a(X)', '.rel', '+new(1)', '.flush', '.rel drop a'].join('\n')
    const session = varve('--read-only', '--json', '-c', script)
    expect(session.status).toBe(1)
    const answers = session.stdout
      .trim()
      .split('\n')
      .map(text => JSON.parse(text))
    expect(answers.map(({ error }) => error?.code)).toEqual([
      undefined,
      undefined,
      undefined,
      'READ_ONLY',
      'READ_ONLY',
      'READ_ONLY',
    ])
    expect(answers[1]).toMatchObject({ rows: [['coin']] })
    expect(varve('flush')).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(`LOCKED: process ${bank.pid} `),
    })
    expect(bank.exitCode).toBe(null)
  }, 60_000)
})
