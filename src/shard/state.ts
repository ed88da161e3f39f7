// Owns the state of the whole store in memory: clock, last commit, shards, remembered ids.
// It changes only by {@link State.apply}, in LSN order, whether the commit is new or comes out of the log.

import type { Columns } from '../model/columns.ts'
import { type Schema, untyped } from '../model/schema.ts'
import type { CommitRecord, ImportProgress } from '../wal/record.ts'
import { COMMIT_IDS_KEPT, type CommitId, type ShardImport } from './catalog.ts'
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

interface ImportStep extends ShardImport {
  readonly lsn: number
}

export class State {
  /** The least time that a commit may still have. */
  upper: number
  lastLsn: number
  /** Those that are there. */
  readonly shards: Map<string, Shard> = new Map()
  /** Those that were dropped and not made anew, until `store.json` has forgotten them. */
  readonly dropped: Map<string, Shard> = new Map()
  /** First LSN that the log had when the store was opened. */
  readonly #floor: number
  readonly #ids = new Map<string, CommitId>()
  /** Per import, its steps that a crash may still take back, and the last one before them. */
  readonly #imports = new Map<string, ImportStep[]>()

  constructor(upper: number, lastLsn: number, shards: ReadonlyMap<string, Shard>, floor: number) {
    this.#floor = floor
    this.upper = upper
    this.lastLsn = lastLsn
    for (const [name, shard] of shards) (shard.metadata.dropped ? this.dropped : this.shards).set(name, shard)
  }

  /** The shards that are there and those that were dropped: all that there is something to publish of. */
  get all(): Shard[] {
    return [...this.shards.values(), ...this.dropped.values()]
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
  importsBefore(lsn: number): ShardImport[] {
    const progress: ShardImport[] = []
    for (const [id, steps] of this.#imports) {
      const behind = steps.findLastIndex(step => step.lsn < lsn)
      if (behind === -1) continue
      this.#imports.set(id, steps.slice(behind))
      const { lsn: _, ...step } = steps[behind]!
      progress.push(step)
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

  rememberImport(progress: ShardImport, lsn: number): void {
    const steps = this.#imports.get(progress.id) ?? []
    steps.push({ ...progress, lsn })
    this.#imports.set(progress.id, steps)
  }

  /** Imports into a shard that is dropped begin at its first row again. */
  #forgetImports(shard: string, lsn: number): void {
    for (const [id, steps] of this.#imports)
      if (steps.at(-1)?.shard === shard) this.rememberImport({ id, shard, rows: 0, complete: false }, lsn)
  }

  /** The shard, made if a commit mentions it for the first time, or for the first time since it was dropped. */
  #shardFor(name: string, lsn: number, arity: number): Shard {
    const known = this.shards.get(name)
    if (known !== undefined) return known
    const dropped = this.dropped.get(name)
    // A commit before the drop: the fence of the tombstone is for it.
    if (dropped !== undefined && lsn <= dropped.metadata.flushedLsn) return dropped
    const shard = dropped ?? new Shard(newMetadata(name, untyped(arity)), lsn)
    dropped?.begin(lsn, arity)
    this.dropped.delete(name)
    this.shards.set(name, shard)
    return shard
  }

  #drop(name: string, lsn: number): boolean {
    this.#forgetImports(name, lsn)
    const known = this.shards.get(name)
    if (known === undefined || lsn <= known.metadata.flushedLsn) return false
    // What is wrong with a damaged shard goes with it; whoever pinned it goes on being told.
    const shard = known.damage === undefined ? known : new Shard(known.metadata, known.firstLsn)
    shard.drop(lsn, this.upper)
    this.shards.delete(name)
    this.dropped.set(name, shard)
    return true
  }

  /**
   * Takes a commit in. What is behind a shard's fence is already in a batch and skipped for that shard.
   * @param lastLsn of several in a row that are handed over as one, all or none of them behind the fence of their shard
   * @returns whether anything of it was new to a shard
   */
  apply(record: CommitRecord, lastLsn: number = record.lsn): boolean {
    let applied = false
    if (record.drop !== undefined)
      for (const name of record.drop) if (this.#drop(name, record.lsn)) applied = true
    // Nearly every commit has nothing but updates: no map is made for it.
    if (record.declare === undefined) {
      for (const [name, updates] of record.updates)
        if (this.#applyTo(name, record.lsn, updates, undefined)) applied = true
    } else {
      for (const [name, { updates, schema }] of touchedBy(record))
        if (this.#applyTo(name, record.lsn, updates, schema)) applied = true
    }
    const last = timeRange(record.updates)?.last
    if (last !== undefined && last >= this.upper) this.upper = last + 1
    this.lastLsn = Math.max(this.lastLsn, lastLsn)
    if (record.id !== undefined) {
      this.rememberId({ id: record.id, lsn: record.lsn, time: last ?? Math.max(0, this.upper - 1) })
    }
    if (record.import !== undefined) {
      const [shard] = touchedBy(record).keys()
      if (shard !== undefined) this.rememberImport({ ...record.import, shard }, record.lsn)
    }
    return applied
  }

  #applyTo(name: string, lsn: number, updates: Columns | undefined, schema: Schema | undefined): boolean {
    const shard = this.#shardFor(name, lsn, schema?.length ?? updates?.data.length ?? 0)
    if (shard.damage !== undefined || lsn <= shard.metadata.flushedLsn) return false
    shard.apply(lsn, updates, schema)
    return true
  }

  /** The first LSN that is still to be published of a shard, damaged ones aside, or the one after the last commit. */
  get firstUnflushedLsn(): number {
    let first = this.lastLsn + 1
    for (const shard of this.all) {
      const dirty = shard.firstDirtyLsn
      if (dirty !== undefined && dirty < first) first = dirty
    }
    return first
  }

  /** The upper of what is published of the shards: commits behind it may not be durable yet, or not be known to be. */
  get publishedUpper(): number {
    const published = this.all.filter(({ isDropPending }) => !isDropPending)
    return Math.max(0, ...published.map(({ metadata }) => metadata.upper))
  }

  /** The first LSN that the log has to keep. */
  get walStart(): number {
    // What the log still has of a damaged shard is kept until somebody has mended it: rules 14.
    for (const { damage } of this.shards.values()) if (damage !== undefined) return this.#floor
    return this.firstUnflushedLsn
  }

  /**
   * The dropped shards whose tombstones have done their work once `walStart` is raised: no line that the log will be
   * read from can bring anything of them back, and their files are gone.
   */
  get spentTombstones(): Shard[] {
    const { walStart } = this
    return [...this.dropped.values()].filter(
      ({ metadata }) => metadata.retired.length === 0 && metadata.flushedLsn < walStart,
    )
  }
}
