// Owns the state of the whole store in memory: clock, last commit, shards, remembered ids.
// It changes only by {@link State.apply}, in LSN order, whether the commit is new or comes out of the log.

import type { Columns } from '../model/columns.ts'
import { type Schema, untyped } from '../model/schema.ts'
import type { CommitRecord, ImportProgress } from '../wal/record.ts'
import { COMMIT_IDS_KEPT, type CommitId } from './catalog.ts'
import { newMetadata } from './metadata.ts'
import { Shard } from './shard.ts'

/** The least and greatest time of updates, or undefined if there are none. */
export const timeRange = (
  updates: ReadonlyMap<string, Columns>,
): { first: number; last: number } | undefined => {
  let first = Number.POSITIVE_INFINITY
  let last = -1
  for (const { time, length } of updates.values()) {
    for (let row = 0; row < length; row++) {
      const at = time[row]!
      if (at < first) first = at
      if (at > last) last = at
    }
  }
  return last === -1 ? undefined : { first, last }
}

/** The shards that a commit touches, with what it has for each. */
export const touchedBy = (record: CommitRecord): Map<string, { updates?: Columns; schema?: Schema }> => {
  const touched = new Map<string, { updates?: Columns; schema?: Schema }>()
  for (const [shard, schema] of record.declare ?? []) touched.set(shard, { schema })
  for (const [shard, updates] of record.updates) touched.set(shard, { ...touched.get(shard), updates })
  return touched
}

interface ImportStep extends ImportProgress {
  readonly lsn: number
}

export class State {
  /** The least time that a commit may still have. */
  upper: number
  lastLsn: number
  readonly shards: Map<string, Shard>
  /** First LSN that the log had when the store was opened. */
  readonly #floor: number
  readonly #ids = new Map<string, CommitId>()
  /** Per import, its steps that a crash may still take back, and the last one before them. */
  readonly #imports = new Map<string, ImportStep[]>()

  constructor(upper: number, lastLsn: number, shards: Map<string, Shard>, floor: number) {
    this.#floor = floor
    this.upper = upper
    this.lastLsn = lastLsn
    this.shards = shards
  }

  /** What was committed under `id`, if it is remembered. */
  committed(id: string): CommitId | undefined {
    return this.#ids.get(id)
  }

  importProgress(id: string): ImportProgress | undefined {
    const last = this.#imports.get(id)?.at(-1)
    return last === undefined ? undefined : { id, rows: last.rows, complete: last.complete }
  }

  get ids(): CommitId[] {
    return [...this.#ids.values()]
  }

  /** How far each import had come before `lsn`; steps before that are forgotten. */
  importsBefore(lsn: number): ImportProgress[] {
    const progress: ImportProgress[] = []
    for (const [id, steps] of this.#imports) {
      const behind = steps.findLastIndex(step => step.lsn < lsn)
      if (behind === -1) continue
      this.#imports.set(id, steps.slice(behind))
      const { rows, complete } = steps[behind]!
      progress.push({ id, rows, complete })
    }
    return progress
  }

  rememberId(id: CommitId): void {
    this.#ids.delete(id.id)
    this.#ids.set(id.id, id)
    if (this.#ids.size <= COMMIT_IDS_KEPT) return
    for (const oldest of this.#ids.keys()) {
      this.#ids.delete(oldest)
      break
    }
  }

  rememberImport(progress: ImportProgress, lsn: number): void {
    const steps = this.#imports.get(progress.id) ?? []
    steps.push({ ...progress, lsn })
    this.#imports.set(progress.id, steps)
  }

  /** The shard, made if a commit mentions it for the first time. */
  #shardFor(name: string, lsn: number, arity: number): Shard {
    const known = this.shards.get(name)
    if (known !== undefined) return known
    const shard = new Shard(newMetadata(name, untyped(arity)), lsn)
    this.shards.set(name, shard)
    return shard
  }

  /**
   * Takes a commit in. What is behind a shard's fence is already in a batch and skipped for that shard.
   * @returns whether anything of it was new to a shard
   */
  apply(record: CommitRecord): boolean {
    let applied = false
    for (const [name, { updates, schema }] of touchedBy(record)) {
      const shard = this.#shardFor(name, record.lsn, schema?.length ?? updates?.data.length ?? 0)
      if (shard.damage !== undefined || record.lsn <= shard.metadata.flushedLsn) continue
      shard.apply(record.lsn, updates, schema)
      applied = true
    }
    const last = timeRange(record.updates)?.last
    if (last !== undefined && last >= this.upper) this.upper = last + 1
    this.lastLsn = Math.max(this.lastLsn, record.lsn)
    if (record.id !== undefined) {
      this.rememberId({ id: record.id, lsn: record.lsn, time: last ?? Math.max(0, this.upper - 1) })
    }
    if (record.import !== undefined) this.rememberImport(record.import, record.lsn)
    return applied
  }

  /** The first LSN that is in no batch of its shard, damaged ones aside, or the one after the last commit. */
  get firstUnflushedLsn(): number {
    let first = this.lastLsn + 1
    for (const shard of this.shards.values()) {
      const dirty = shard.firstDirtyLsn
      if (dirty !== undefined && dirty < first) first = dirty
    }
    return first
  }

  /** The first LSN that the log has to keep. */
  get walStart(): number {
    // What the log still has of a damaged shard is kept until somebody has mended it: rules 14.
    for (const { damage } of this.shards.values()) if (damage !== undefined) return this.#floor
    return this.firstUnflushedLsn
  }
}
