// Owns the process of a writer as its killer sees it: what it said, and how it ended.
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { StoreError } from '../errors.ts'
import { type Activity, type Assignment, wordOf, wordsOf } from './task.ts'

/** What an error that nobody caught looks like among what Node prints about it. */
const UNCAUGHT = /^\S*Error\b.*/m

/** A writer ended by itself: the drill cannot go on, and no promise is judged by it. All that it said is the `cause`. */
class WriterError extends StoreError<'WRITER_FAILED'> {
  override readonly name = 'WriterError'
  constructor(run: number, status: number | string | null, said: string) {
    const why = UNCAUGHT.exec(said)?.[0] ?? (said.trim() || 'it did not say why')
    super('WRITER_FAILED', `a writer ended by itself: ${why}`, { run, status }, new Error(said))
  }
}

export class WriterProcess {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>
  readonly #ended: Promise<unknown>
  readonly #run: number
  readonly #acknowledged = new Set<number>()
  #activity: Activity | undefined
  #line = ''
  #errors = ''
  /** Called at each word. */
  #heard = (): void => {}

  /** Loads it; it does nothing before {@link start}. @param script what Node runs */
  constructor(script: string, assignment: Assignment) {
    this.#run = assignment.run
    this.#child = spawn(process.execPath, [script, ...wordsOf(assignment)], {
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    this.#ended = once(this.#child, 'close')
    this.#ended.catch(() => {}) // Somebody who waits for it hears of it.
    this.#child.stdin.on('error', () => {}) // It is dead, which `close` tells.
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => this.#hear(text))
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#errors += text
    })
  }

  /** What it is at; undefined if it has not begun. */
  get activity(): Activity | undefined {
    return this.#activity
  }

  /** Commits that it was told are done. */
  get acknowledged(): ReadonlySet<number> {
    return this.#acknowledged
  }

  #hear(text: string): void {
    const lines = (this.#line + text).split('\n')
    this.#line = lines.pop()!
    for (const line of lines) {
      const word = wordOf(line)
      if (typeof word === 'number') this.#acknowledged.add(word)
      else this.#activity = word
    }
    this.#heard()
  }

  start(): void {
    this.#child.stdin.write('\n')
  }

  /**
   * Resolves when `isReached` holds, which is asked at each word.
   * @throws {WriterError} WRITER_FAILED if it ends before
   */
  async until(isReached: () => boolean): Promise<void> {
    const reached = new Promise<void>(resolve => {
      this.#heard = () => {
        if (isReached()) resolve()
      }
      this.#heard()
    })
    const isAlive = await Promise.race([reached.then(() => true), this.#ended.then(() => false)])
    if (!isAlive) this.#fail()
  }

  #fail(): never {
    throw new WriterError(this.#run, this.#child.exitCode ?? this.#child.signalCode, this.#errors)
  }

  /**
   * Kills it; resolves when it is gone and everything that it said was heard.
   * @throws {WriterError} WRITER_FAILED if it had ended by itself
   */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended
    if (this.#child.signalCode !== 'SIGKILL') this.#fail()
  }

  /** Kills it, whatever became of it. */
  async discard(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended.catch(() => {})
  }
}
