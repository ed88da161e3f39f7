// Owns the commits of a segment as they are replayed: those in a row that have one update each, of one shard, are together
// in one set of columns, because an object for each would cost more than everything else about it.

import { type Columns, slice } from '../model/columns.ts'
import { type LineParser, Rows } from './line-parser.ts'
import type { CommitRecord } from './record.ts'

/** One commit, or several in a row. */
export interface CommitRun {
  /**
   * The commit, or the first of them: `updates` has those of all. If there are several it has nothing else, of one shard, and
   * row `i` is the commit `lsn + i`.
   */
  readonly record: CommitRecord
  /** The wall clock of each. */
  readonly ats: readonly number[]
  /** Place of the first among the commits of its segment. */
  readonly index: number
}

/** The LSN of the last commit of a run. */
export const lastLsnOf = ({ record, ats }: CommitRun): number => record.lsn + ats.length - 1

/** Those of a run from LSN `first` through `last`, which it has. */
export const partOf = (run: CommitRun, first: number, last: number): CommitRun => {
  const { record, ats, index } = run
  const from = first - record.lsn
  const to = last - record.lsn + 1
  if (from === 0 && to === ats.length) return run
  const updates = new Map<string, Columns>()
  for (const [shard, columns] of record.updates) updates.set(shard, slice(columns, from, to))
  return { record: { lsn: first, at: ats[from]!, updates }, ats: ats.slice(from, to), index: index + from }
}

/** The commits of a run, one by one. */
export function* commitsOf(run: CommitRun): Generator<CommitRun> {
  for (let lsn = run.record.lsn; lsn <= lastLsnOf(run); lsn++) yield partOf(run, lsn, lsn)
}

/** Puts the commits of a segment together, in order. */
export class Runs {
  readonly #runs: CommitRun[] = []
  #index = 0
  /** The run that may go on. */
  #open: { shard: string; rows: Rows; lsn: number; ats: number[] } | undefined

  /** All of them. */
  finish(): CommitRun[] {
    this.#close()
    return this.#runs
  }

  /** Adds a commit by itself. */
  add(record: CommitRecord): void {
    this.#close()
    this.#runs.push({ record, ats: [record.at], index: this.#index++ })
  }

  /**
   * Adds the commit of a line whose checksum holds, if the line is one of the common ones.
   * @param from where its JSON begins. @param to where it ends. @param upper no time may lie below
   */
  take(parser: LineParser, from: number, to: number, lsn: number, upper: number): boolean {
    const expected = { lsn, upper }
    const open = this.#open
    if (open !== undefined && parser.addOne(from, to, expected, open.shard, open.rows)) {
      open.ats.push(parser.at)
      return true
    }
    const shard = parser.shardOf(from, to, expected)
    if (shard === undefined) {
      const updates = parser.updates(from, to, expected)
      if (updates !== undefined) this.add({ lsn, at: parser.at, updates })
      return updates !== undefined
    }
    const rows = new Rows()
    if (!parser.addOne(from, to, expected, shard, rows)) return false
    this.#close()
    this.#open = { shard, rows, lsn, ats: [parser.at] }
    return true
  }

  #close(): void {
    if (this.#open === undefined) return
    const { shard, rows, lsn, ats } = this.#open
    this.#runs.push({
      record: { lsn, at: ats[0]!, updates: new Map([[shard, rows]]) },
      ats,
      index: this.#index,
    })
    this.#index += ats.length
    this.#open = undefined
  }
}
