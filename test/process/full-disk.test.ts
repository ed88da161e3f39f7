// GB-31, ND-25, IL-08: a disk that is full, and later has room again; a real one, in every mode.
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { DurabilityMode } from '../../src/config/settings.ts'
import { diskKinds } from '../support/full-disk.ts'

const OBEDIENT = fileURLToPath(new URL('./obedient.js', import.meta.url))

/** What a deed came to. */
interface Answer {
  // biome-ignore lint/suspicious/noExplicitAny: whatever the store says of it, looked at by tests alone
  readonly value?: any
  readonly error?: {
    readonly code: string
    readonly outcome?: string
    /** Whether a full disk is behind it. */
    readonly full: boolean
    readonly message: string
  }
}

/** A process with a store. */
class Obedient {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>
  readonly #answers: AsyncIterator<string>
  constructor(dataDir: string, mode: DurabilityMode) {
    this.#child = spawn(process.execPath, [OBEDIENT, dataDir, mode], { stdio: ['pipe', 'pipe', 'inherit'] })
    const lines: Interface = createInterface({ input: this.#child.stdout })
    this.#answers = lines[Symbol.asyncIterator]()
    onTestFinished(() => {
      this.#child.kill('SIGKILL')
    })
  }

  get pid(): number {
    return this.#child.pid!
  }

  async ask(deed: string, number?: number): Promise<Answer> {
    this.#child.stdin.write(`${JSON.stringify({ deed, number })}\n`)
    const { value, done } = await this.#answers.next()
    if (done) throw new Error(`the process ended at ${deed}`)
    return JSON.parse(value)
  }

  /** What a deed came to that must succeed. */
  async do(deed: string, number?: number): Promise<Answer['value']> {
    const { value, error } = await this.ask(deed, number)
    expect(error, deed).toBeUndefined()
    return value
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await once(this.#child, 'close')
  }

  /** Ends the process in good order, which closes no store. */
  async leave(): Promise<void> {
    this.#child.stdin.end()
    await once(this.#child, 'close')
  }
}

const both = (numbers: readonly number[]) => {
  const rows = numbers.map(number => [number, 1])
  return { left: rows, right: rows }
}

/** Lines of a group, and of a queue, that a disk with less than a page of room cannot take. */
const TRIES = 1000

const MODES: readonly DurabilityMode[] = ['immediate', 'batched', 'async', 'none']

describe.each(diskKinds())('$name', kind => {
  test.each(MODES)('mode %s: full, then not, without reopening; then full and killed', async mode => {
    const { dataDir, fill, free } = await kind.make()
    const acknowledgesFirst = mode === 'async' || mode === 'none'
    let worker = new Obedient(dataDir, mode)
    let number = 0
    const kept: number[] = []
    const commits = async (count: number): Promise<void> => {
      for (let index = 0; index < count; index++) {
        await worker.do('commit', number)
        kept.push(number++)
      }
    }
    /** Commits until one is refused; it is told why, and that it did not happen. */
    const untilRefused = async (): Promise<void> => {
      for (let index = 0; index < TRIES; index++) {
        const { error } = await worker.ask('commit', number)
        if (error !== undefined) {
          expect(error).toMatchObject({
            code: acknowledgesFirst ? 'BUSY' : 'LOG_WRITE_FAILED',
            outcome: 'determinate',
            full: true,
          })
          number++
          return
        }
        kept.push(number++)
      }
      throw new Error('the disk was never full')
    }
    const log = (): Promise<string> => readFile(join(dataDir, 'persist/wal/current.wal'), 'latin1')

    await worker.do('open')
    await commits(10)
    await worker.do('flush')
    await commits(10)
    await worker.do('flush')
    await commits(10)
    await worker.do('sync')
    await fill(worker.pid, 'line')
    // A process that asks when a commit is durable, and does not wait, goes on all the same.
    if (acknowledgesFirst) {
      await worker.do('commit, and print all of the result', number)
      kept.push(number++)
    }
    await untilRefused()
    // No torn line is left before the next good one.
    expect((await log()).endsWith('\n')).toBe(true)
    // Reads go on: everything that was acknowledged, nothing that was refused.
    expect(await worker.do('read')).toEqual(both(kept))
    await fill(worker.pid, 'nothing')
    expect((await worker.ask('flush')).error).toMatchObject({ full: true })
    expect((await worker.ask('compact')).error).toMatchObject({ full: true })
    expect(await worker.do('status')).toMatchObject({ state: 'degraded' })
    expect(await worker.do('read')).toEqual(both(kept))

    await free(worker.pid)
    // What was acknowledged first goes on by itself, or when somebody asks for it; but whoever asks while the disk is
    // being tried hears what came of that, which may have begun before there was room.
    await vi.waitUntil(async () => (await worker.ask('sync')).error === undefined, 60_000)
    await commits(5)
    expect(
      (await log())
        .split('\n')
        .slice(0, -1)
        .every(line => /^[0-9a-f]{8}:/.test(line)),
    ).toBe(true)
    await worker.do('flush')
    await worker.do('compact')
    const { state, shards } = await worker.do('status')
    expect(state).toBe('serving')
    expect(shards).toMatchObject([{ batches: 1 }, { batches: 1 }])
    expect(await worker.do('read')).toEqual(both(kept))

    await commits(5)
    await worker.do('sync')
    const sure = kept.length
    await fill(worker.pid, 'nothing')
    await untilRefused()
    await worker.kill()
    if (kind.name === 'a small file system') {
      // Nor can it be opened while it is full; that changes nothing.
      worker = new Obedient(dataDir, mode)
      expect((await worker.ask('open')).error).toMatchObject({ code: 'DISK_FULL' })
      await worker.leave()
      await free(worker.pid)
    }
    worker = new Obedient(dataDir, mode)
    await worker.do('open')
    const { left, right } = await worker.do('read')
    expect(right).toEqual(left)
    const least = acknowledgesFirst ? sure : kept.length
    expect(left.length).toBeGreaterThanOrEqual(least)
    expect(left).toEqual(both(kept.slice(0, left.length)).left)
    await worker.do('close')
    await worker.leave()
  })

  test.each(MODES)('mode %s: closed while it is full', async mode => {
    const { dataDir, fill, free } = await kind.make()
    const worker = new Obedient(dataDir, mode)
    await worker.do('open')
    const kept: number[] = []
    for (let number = 0; number < 20; number++) {
      await worker.do('commit', number)
      kept.push(number)
    }
    await worker.do('sync')
    const sure = kept.length
    await fill(worker.pid, 'nothing')
    for (let number = 20; (await worker.ask('commit', number)).error === undefined; number++)
      kept.push(number)
    const { error } = await worker.ask('close')
    expect(error).toMatchObject({ full: true })
    // The directory is let go all the same.
    await free(worker.pid)
    const other = new Obedient(dataDir, mode)
    await other.do('open')
    const { left, right } = await other.do('read')
    expect(right).toEqual(left)
    expect(left).toEqual(both(kept.slice(0, left.length)).left)
    expect(left.length).toBeGreaterThanOrEqual(sure)
    // Whatever is lost of it, whoever closed was told.
    if (left.length < kept.length) expect(error).toMatchObject({ code: 'POISONED', outcome: 'indeterminate' })
    await other.do('close')
    await other.leave()
    await worker.leave()
  })
})
