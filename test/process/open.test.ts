// GB-05, LD-26: many processes and one directory. All are real; only those started here are ended, by their own id.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openStore } from '../../src/store/open.ts'
import { openReader } from '../../src/store/open-reader.ts'
import { LONG } from '../support/long.ts'
import { scratchFolder } from '../support/scratch.ts'
import { contentsOf, read } from '../support/stores.ts'

const OPENER = fileURLToPath(new URL('./opener.js', import.meta.url))
const PROCESSES = 8
const ROUNDS = LONG ? 500 : 50

interface Answer {
  readonly won?: boolean
  readonly lsn?: number
  readonly state?: string
  readonly corrupted?: number
  readonly quarantined?: number
  readonly code?: string
  readonly message?: string
  readonly holder?: number
}

/** Another process, which does what it is told. */
class Opener {
  readonly child: ChildProcessWithoutNullStreams
  readonly #answers: AsyncIterator<string>

  constructor(dataDir: string) {
    this.child = spawn(process.execPath, [OPENER, dataDir])
    this.child.stderr.pipe(process.stderr)
    this.#answers = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]()
    onTestFinished(() => this.kill())
  }

  get pid(): number {
    return this.child.pid!
  }

  async tell(word: string): Promise<Answer> {
    this.child.stdin.write(`${word}\n`)
    const { value, done } = await this.#answers.next()
    if (done) throw new Error(`the process ended at ${word}`)
    return JSON.parse(value)
  }

  /** Resolves when the process is gone. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return
    const exit = once(this.child, 'exit')
    this.child.kill('SIGKILL')
    await exit
  }
}

const upTo = (count: number): Record<string, number> =>
  Object.fromEntries(Array.from({ length: count }, (_, number) => [`[${number}]`, 1]))

describe('many processes and one directory', () => {
  test(`of ${PROCESSES} that open at once exactly one wins, ${ROUNDS} rounds, and nothing is damaged`, async () => {
    const dataDir = await scratchFolder()
    const openers = Array.from({ length: PROCESSES }, () => new Opener(dataDir))
    let named = 0
    for (let round = 0; round < ROUNDS; round++) {
      const answers = await Promise.all(openers.map(opener => opener.tell('open')))
      const place = `round ${round}: ${JSON.stringify(answers)}`
      const winner = answers.findIndex(({ won }) => won)
      // Both shards of each commit, and none of the rounds before is missing: at once, or out of the log.
      expect(answers[winner], place).toEqual({
        won: true,
        lsn: round,
        state: 'serving',
        corrupted: 0,
        quarantined: 0,
      })
      const { pid } = openers[winner]!
      for (const [index, { won, code, holder }] of answers.entries()) {
        if (index === winner) continue
        expect({ won, code }, place).toEqual({ won: false, code: 'LOCKED' })
        // Who loses before the winner has said who it is hears of nobody, but never of somebody else.
        if (holder !== undefined) expect(holder, place).toBe(pid)
        if (holder === pid) named++
      }
      // One that asks later is always told.
      const late = openers[(winner + 1) % PROCESSES]!
      expect(await late.tell('open'), place).toMatchObject({ won: false, code: 'LOCKED', holder: pid })
      expect(await openers[winner]!.tell(`commit ${round}`), place).toEqual({ lsn: round + 1 })
      if (round % 3 === 1) {
        await openers[winner]!.kill()
        openers[winner] = new Opener(dataDir)
      } else await openers[winner]!.tell('close')
    }
    expect(named).toBeGreaterThan(ROUNDS)
    for (const opener of openers) await opener.kill()
    const store = await openStore({ dataDir })
    expect(store.status()).toMatchObject({ state: 'serving', lsn: ROUNDS, epoch: ROUNDS + 1 })
    expect(await read(store, 't:a')).toEqual(upTo(ROUNDS))
    expect(await read(store, 't:b')).toEqual(upTo(ROUNDS))
    await store.close()
  }, 300_000)

  test.each([
    ['stopped', (holder: Opener) => Promise.resolve(holder.child.kill('SIGSTOP'))],
    ['blocked', (holder: Opener) => holder.tell('block')],
  ])(
    'a holder that is %s is not robbed, and can be read beside; killed it is replaced at once',
    async (_, hold) => {
      const dataDir = await scratchFolder()
      const holder = new Opener(dataDir)
      const other = new Opener(dataDir)
      expect(await holder.tell('open')).toMatchObject({ won: true })
      await holder.tell('commit 0')
      await holder.tell('commit 1')
      await hold(holder)
      for (const word of ['open', 'break', 'open'])
        expect(await other.tell(word)).toMatchObject({ won: false, code: 'LOCKED', holder: holder.pid })
      const reader = await openReader({ dataDir })
      expect(reader.status()).toMatchObject({ lsn: 1, unproven: 1 })
      const snapshot = await reader.snapshot()
      expect(await contentsOf(snapshot, 't:b')).toEqual(upTo(1))
      await holder.kill()
      expect(await other.tell('open')).toMatchObject({ won: true, lsn: 2, state: 'serving' })
      await reader.refresh()
      expect(reader.status()).toMatchObject({ lsn: 2, unproven: 0, epoch: 2 })
      expect(await contentsOf(snapshot, 't:b')).toEqual(upTo(1))
      await other.tell('commit 2')
      await other.tell('close')
      await reader.refresh()
      await using now = await reader.snapshot()
      expect(await contentsOf(now, 't:a')).toEqual(upTo(3))
      await reader.close()
    },
    60_000,
  )
})
