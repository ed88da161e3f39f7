// IL-06, IL-07, IL-08, IL-30, GB-37, ND-16, ND-21, LD-13: kill -9 in every mode, with flushes and compactions going on.
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import type { DurabilityMode } from '../../src/config/settings.ts'
import { openStore } from '../../src/store/open.ts'
import { read } from '../support/stores.ts'

const WRITER = fileURLToPath(new URL('./writer.js', import.meta.url))
const KILLS = 100

/** Numbers from a seed, so that a failing run can be run again. */
const random = (seed: number): (() => number) => {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

interface Killed {
  /** Numbers that were acknowledged, in the order they were. */
  readonly acknowledged: number[]
  readonly errors: string
}

/** Runs a writer until it has acknowledged `count` commits, then kills it. */
const killAfter = (dataDir: string, mode: DurabilityMode, first: number, count: number): Promise<Killed> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [WRITER, dataDir, mode, String(first)])
    let output = ''
    let errors = ''
    let acks = 0
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
      acks += text.split('\n').length - 1
      if (acks >= count) child.kill('SIGKILL')
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors += text
    })
    child.on('error', reject)
    child.on('close', () => {
      const lines = output.split('\n').slice(0, -1)
      resolve({ acknowledged: lines.map(Number), errors })
    })
  })

const upTo = (count: number): Record<string, number> =>
  Object.fromEntries(Array.from({ length: count }, (_, number) => [`[${number}]`, 1]))

describe.concurrent('kill -9', () => {
  test.each([
    ['immediate', true],
    ['batched', true],
    ['async', false],
  ] as const)(
    `mode %s: ${KILLS} times`,
    async (mode, keepsAll) => {
      const seed = 20_261_121
      const next = random(seed + mode.length)
      const dataDir = await mkdtemp(join(tmpdir(), `varve-kill-${mode}-`))
      let survived = 0
      let replayed = 0
      for (let kill = 0; kill < KILLS; kill++) {
        const { acknowledged, errors } = await killAfter(
          dataDir,
          mode,
          survived,
          1 + Math.floor(next() * 120),
        )
        const place = `seed ${seed}, mode ${mode}, kill ${kill}`
        expect(errors, place).toBe('')
        const store = await openStore({ dataDir, bufferSize: 1_000_000 })
        const { recovery } = store.status()
        replayed += recovery.applied
        const contents = await read(store, 'bank:from')
        const before = survived
        survived = Object.keys(contents).length
        // A prefix, nothing doubled; both shards agree on every commit; what was there before is still there.
        expect(contents, place).toEqual(upTo(survived))
        expect(await read(store, 'bank:to'), place).toEqual(upTo(survived))
        expect(survived, place).toBeGreaterThanOrEqual(before)
        if (keepsAll) expect(survived, place).toBeGreaterThan(Math.max(-1, ...acknowledged))
        await store.close()
      }
      // The kills hit commits that were in no batch yet, or this test would show nothing.
      expect(replayed).toBeGreaterThan(0)
      await rm(dataDir, { recursive: true })
    },
    600_000,
  )
})
