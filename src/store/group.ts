// Owns the forming of a group: the commits that are written with one write and, in mode `immediate`, one sync.
import { InputError } from '../errors.ts'
import type { LineBuffer } from '../wal/line-buffer.ts'
import { type CommitRecord, LINE_BYTES_MAX } from '../wal/record.ts'
import type { CommitRequest, Committed, Draft } from './admission.ts'

/** Commits that are written at once; more wait for the next write. */
const GROUP_COMMITS_MAX = 4096
/** Bytes after which a group is closed. */
const GROUP_BYTES_MAX = 16 * 1024 * 1024

/** A commit whose caller waits. */
export interface Waiting {
  readonly request: CommitRequest
  /** About how much memory it takes. */
  readonly bytes: number
  readonly resolve: (committed: Committed) => void
  readonly reject: (error: unknown) => void
}

export class Group {
  /** Its commits: who waits for each, what is logged, and what it becomes. */
  readonly #members: Waiting[] = []
  readonly records: CommitRecord[] = []
  readonly #committed: Committed[] = []
  /** What has nothing to log but may rest on a member, having its id or wishing what it makes true: shares its fate. */
  readonly #followers: { waiting: Waiting; committed: Committed }[] = []
  /** The lines of its commits, in order. */
  readonly #lines: LineBuffer

  /** @param lines empty; the group's until the next one is formed */
  constructor(lines: LineBuffer) {
    this.#lines = lines
  }

  get isFull(): boolean {
    return this.#members.length >= GROUP_COMMITS_MAX || this.#lines.length >= GROUP_BYTES_MAX
  }

  /** LSN of its last commit; undefined if there is nothing to write. */
  get lastLsn(): number | undefined {
    return this.records.at(-1)?.lsn
  }

  /**
   * Admits a commit; one that is refused is told so at once, and the group is as before.
   * @param durableLsn goes into the group's first line, where anything is ever durable. @param now the wall clock in ms
   */
  admit(waiting: Waiting, draft: Draft, durableLsn: number | undefined, now: number): void {
    try {
      this.#admit(waiting, draft, durableLsn, now)
    } catch (cause) {
      waiting.reject(cause)
    }
  }

  #admit(waiting: Waiting, draft: Draft, durableLsn: number | undefined, now: number): void {
    const { request } = waiting
    const applied = request.id === undefined ? undefined : draft.applied(request.id)
    // Long since committed: whatever becomes of this group, that is the answer.
    if (applied !== undefined) {
      waiting.resolve({ time: applied.time, lsn: applied.lsn, updates: 0 })
      return
    }
    const before = request.id === undefined ? undefined : draft.admitted(request.id)
    if (before !== undefined) {
      this.#followers.push({ waiting, committed: { time: before.time, lsn: before.lsn, updates: 0 } })
      return
    }
    const record = draft.admit(request, now)
    if (record === undefined) {
      this.#followers.push({ waiting, committed: draft.nothing })
      return
    }
    const start = this.#lines.length
    const bytes = this.#lines.append(record, start === 0 ? durableLsn : undefined)
    if (bytes > LINE_BYTES_MAX) {
      this.#lines.cut(start)
      throw new InputError(
        'COMMIT_TOO_LARGE',
        'the commit is too large for one line of the log; make several',
        { bytes, most: LINE_BYTES_MAX },
      )
    }
    this.#committed.push(draft.accept(record))
    this.records.push(record)
    this.#members.push(waiting)
  }

  resolve(): void {
    for (let index = 0; index < this.#members.length; index++)
      this.#members[index]!.resolve(this.#committed[index]!)
    for (const { waiting, committed } of this.#followers) waiting.resolve(committed)
  }

  reject(error: unknown): void {
    for (const waiting of this.#members) waiting.reject(error)
    for (const { waiting } of this.#followers) waiting.reject(error)
  }
}
