// Owns what the modes `async` and `none` have acknowledged and not yet written: it is written in the background, in
// order. Invariant: what was acknowledged is never dropped to let something later in; a full disk is tried again,
// anything else poisons the log.
import { CommitError, DiskError } from '../errors.ts'
import type { Log } from '../wal/log.ts'

/** Bytes that may wait in memory before commits wait. */
const BACKLOG_BYTES_MAX = 16 * 1024 * 1024
/** How long a full disk is left alone before it is tried again, in ms. */
const FULL_DISK_RETRY_MS = 200

/** Lines that are acknowledged and not yet in the log. */
interface Unwritten {
  readonly lines: Uint8Array
  readonly lastLsn: number
  readonly upper: number
}

/** Work behind the lines before it. */
interface Task {
  readonly run: () => Promise<void>
  /** Told why it is not run, because what is before it waits. */
  readonly refuse: (cause: Error) => void
}

const isFullDisk = (error: unknown): boolean =>
  error instanceof CommitError &&
  error.code === 'LOG_WRITE_FAILED' &&
  error.cause instanceof DiskError &&
  error.cause.code === 'DISK_FULL'

export class Backlog {
  readonly #log: Log
  /** Called after each append. */
  readonly #appended: () => Promise<void>
  #waiting: (Unwritten | Task)[] = []
  #bytes = 0
  #draining: Promise<void> | undefined
  #retry: NodeJS.Timeout | undefined
  #blocked: Error | undefined
  #failure: Error | undefined

  constructor(log: Log, appended: () => Promise<void>) {
    this.#log = log
    this.#appended = appended
  }

  get bytes(): number {
    return this.#bytes
  }

  get isFull(): boolean {
    return this.#bytes >= BACKLOG_BYTES_MAX
  }

  /** The full disk that it waits for, if so. */
  get blocked(): Error | undefined {
    return this.#blocked
  }

  /** The last write that failed. */
  get failure(): Error | undefined {
    return this.#failure
  }

  add(unwritten: Unwritten): void {
    this.#waiting.push(unwritten)
    this.#bytes += unwritten.lines.length
    this.#start()
  }

  /**
   * Runs `work` when everything added before is written, with no append going on. Rejects with the full disk, if that
   * has to wait for one: who asked may be what the next commits wait for.
   */
  after<T>(work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ run: () => work().then(resolve, reject), refuse: reject })
      this.#start()
    })
  }

  /** Resolves when nothing waits, or a full disk is waited for. Tries such a disk again at once. */
  async settled(): Promise<void> {
    if (this.#waiting.length > 0) this.#start()
    await this.#draining
  }

  #start(): void {
    this.#draining ??= this.#drain().finally(() => {
      this.#draining = undefined
      // Something may have come between the end of the loop and here; a full disk is for the timer.
      if (this.#waiting.length > 0 && this.#blocked === undefined) this.#start()
    })
  }

  async #drain(): Promise<void> {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if ('run' in next) {
        this.#waiting.shift()
        await next.run()
      } else if (this.#log.poison !== undefined) {
        // Never written, as whoever syncs, flushes or closes is told; what waits behind it must not wait for ever.
        this.#waiting.shift()
        this.#bytes -= next.lines.length
      } else if (await this.#write(next)) {
        this.#waiting.shift()
        this.#bytes -= next.lines.length
        await this.#appended()
      } else if (this.#log.poison === undefined) {
        this.#refuseTasks()
        return
      }
    }
  }

  #refuseTasks(): void {
    const [tasks, lines] = [[] as Task[], [] as Unwritten[]]
    for (const each of this.#waiting) {
      if ('run' in each) tasks.push(each)
      else lines.push(each)
    }
    this.#waiting = lines
    for (const { refuse } of tasks) refuse(this.#blocked!)
  }

  async #write({ lines, lastLsn, upper }: Unwritten): Promise<boolean> {
    try {
      await this.#log.append(lines, lastLsn, upper)
      this.#blocked = undefined
      this.#failure = undefined
      return true
    } catch (cause) {
      this.#failure = cause as Error
      // It was acknowledged and cannot be written: nothing may follow it.
      if (!isFullDisk(cause)) this.#log.poisonWith(cause)
      else {
        this.#blocked = cause as Error
        this.#retry ??= setTimeout(() => {
          this.#retry = undefined
          this.#start()
        }, FULL_DISK_RETRY_MS).unref()
      }
      return false
    }
  }

  /** Stops trying: what was acknowledged and still waits for room is lost, and the log says so from now on. */
  close(): void {
    clearTimeout(this.#retry)
    if (this.#blocked !== undefined) this.#log.poisonWith(this.#blocked)
  }
}
