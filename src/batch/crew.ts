// Owns who makes a batch: one of the two threads that all stores of the process share, or whoever asks. A flush never
// waits behind a compaction, which may take minutes.
import type { Disk } from '../disk/disk.ts'
import { TEMPORARY } from '../disk/replace.ts'
import { Lane, NoThread } from './lane.ts'
import { type BatchSource, type BatchTask, type MadeBatch, makeBatch, type ReadRows } from './make.ts'
import { discard } from './writer.ts'

/** Fewer rows are not worth their way to a thread. */
export const ROWS_IN_THREAD_MIN = 8192

const rowsOf = (source: BatchSource): number =>
  source.kind === 'buffer'
    ? source.updates.columns.length
    : source.inputs.reduce((sum, { description }) => sum + description.len, 0)

export class Crew {
  /** Absent once it was seen that no thread can be started. */
  #lanes: Readonly<Record<BatchSource['kind'], Lane>> | undefined

  /** @param entry the module that a thread runs; undefined if there is none */
  constructor(entry: URL | undefined) {
    this.#lanes = entry && { buffer: new Lane(entry), batches: new Lane(entry) }
  }

  /** See {@link makeBatchAside}. */
  async make(disk: Disk, task: BatchTask, read: ReadRows): Promise<MadeBatch> {
    const { location } = disk
    const lane = this.#lanes?.[task.source.kind]
    if (lane === undefined || location === undefined || rowsOf(task.source) < ROWS_IN_THREAD_MIN)
      return makeBatch(disk, task, read)
    try {
      return await lane.make(location, task, read)
    } catch (cause) {
      if (cause instanceof NoThread) {
        this.#lanes = undefined
        return makeBatch(disk, task, read)
      }
      for (const left of [task.path + TEMPORARY, task.path]) await discard(disk, left)
      throw cause
    }
  }
}

/** Threads of Node 20 take JavaScript alone: where the sources run without being compiled there are none. */
const crew = new Crew(import.meta.url.endsWith('.js') ? new URL('./thread.js', import.meta.url) : undefined)

/**
 * As {@link makeBatch}, beside the event loop where that pays: the disk can be opened by another thread, there is one,
 * and the rows are many. Else it is done here.
 *
 * @throws {CommitError} THREAD_ENDED: the thread died. No file is left, as far as the disk lets it
 */
export const makeBatchAside = (disk: Disk, task: BatchTask, read: ReadRows): Promise<MadeBatch> =>
  crew.make(disk, task, read)
