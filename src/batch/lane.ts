// Owns one thread and the tasks that wait for it. The thread starts with the first task and stays for the next ones;
// while it has none the process can end. If it dies, the task that it had fails, and the next one gets a new thread.
import { Worker } from 'node:worker_threads'
import type { DiskLocation } from '../disk/location.ts'
import { CommitError } from '../errors.ts'
import { Turns } from '../turns.ts'
import { errorOf } from './failure.ts'
import type { BatchTask, MadeBatch, ReadRows } from './make.ts'
import { type Answer, madeOf, type Order, taskText } from './message.ts'
import { piecesOf, transfersOf } from './parcel.ts'

/** A thread that ended by itself. */
const ended = (cause: unknown): CommitError =>
  new CommitError('THREAD_ENDED', 'the thread that wrote a batch ended', 'determinate', {}, cause)

/** No thread can be started in this process. */
export class NoThread extends Error {}

class Thread {
  readonly #worker: Worker
  /** Undefined between two tasks. */
  #heard: ((answer: Answer) => void) | undefined
  #failed: ((cause: unknown) => void) | undefined
  #death: unknown
  isDead = false

  private constructor(entry: URL) {
    // Not the flags of the process: they may be for its own first module alone.
    this.#worker = new Worker(entry, { name: 'varve', execArgv: [] })
    this.#worker.on('message', (answer: Answer) => this.#heard?.(answer))
    this.#worker.on('error', cause => {
      this.#death = cause
    })
    // Only now has it let go of its files.
    this.#worker.on('exit', status => {
      this.isDead = true
      this.#failed?.(this.#death ?? new Error(`it exited with ${status}`))
    })
  }

  /** @throws {NoThread} */
  static async start(entry: URL): Promise<Thread> {
    try {
      const thread = new Thread(entry)
      await thread.#answer(() => {})
      return thread
    } catch (cause) {
      throw new NoThread('no thread can be started', { cause })
    }
  }

  /** The next answer but those of rows, which `read` is told of. */
  async #answer(read: ReadRows): Promise<Answer> {
    this.#worker.ref()
    try {
      return await new Promise((resolve, reject) => {
        this.#failed = reject
        this.#heard = answer => (answer.kind === 'read' ? read(answer.rows) : resolve(answer))
      })
    } finally {
      this.#failed = undefined
      this.#heard = undefined
      this.#worker.unref()
    }
  }

  #tell(order: Order): void {
    this.#worker.postMessage(order, order.kind === 'piece' ? transfersOf(order.piece) : [])
  }

  /** See {@link Lane.make}. */
  async make(location: DiskLocation, task: BatchTask, read: ReadRows): Promise<MadeBatch> {
    const { source } = task
    if (source.kind === 'buffer')
      for await (const piece of piecesOf(source.updates.columns)) this.#tell({ kind: 'piece', piece })
    let stop: { readonly cause: unknown } | undefined
    if (this.isDead) throw ended(this.#death)
    const answered = this.#answer(rows => {
      if (stop !== undefined) return
      try {
        read(rows)
      } catch (cause) {
        stop = { cause }
        this.#tell({ kind: 'stop' })
      }
    })
    this.#tell({ kind: 'make', location, task: taskText(task) })
    let answer: Answer
    try {
      answer = await answered
    } catch (cause) {
      throw ended(cause)
    }
    if (stop !== undefined) throw stop.cause
    if (answer.kind === 'made') return madeOf(answer)
    throw answer.kind === 'failed' ? errorOf(answer.failure) : new Error('the thread said something else')
  }
}

export class Lane {
  readonly #entry: URL
  readonly #turns = new Turns()
  #thread: Thread | undefined

  /** @param entry the module that a thread runs */
  constructor(entry: URL) {
    this.#entry = entry
  }

  /**
   * Makes a batch in the thread, after all that was handed in before. `read` is told of rows as they are read; if it
   * throws, the thread stops at its next row group, and the promise rejects with that: then there may be a file.
   *
   * @throws {NoThread} nothing happened
   * @throws {CommitError} THREAD_ENDED: there may be a file
   * @throws what making it failed with, as {@link makeBatch} does
   */
  make(location: DiskLocation, task: BatchTask, read: ReadRows): Promise<MadeBatch> {
    return this.#turns.take(async () => {
      if (this.#thread === undefined || this.#thread.isDead) this.#thread = await Thread.start(this.#entry)
      return this.#thread.make(location, task, read)
    })
  }
}
