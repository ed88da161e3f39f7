// Owns the decision whether a commit may enter the log: made in LSN order, against the state that includes the
// commits of the same group before it. Nothing is changed by a refusal; a group that fails is simply dropped.
import { FrontierError, InputError } from '../errors.ts'
import { bytesOf, type Columns, GrowingColumns, valueAt } from '../model/columns.ts'
import { firstMismatch, floatIntegers, type Schema, untyped } from '../model/schema.ts'
import { TupleIndex } from '../model/tuple-index.ts'
import { TIME_MAX } from '../model/update.ts'
import { valueText } from '../model/value-json.ts'
import type { CommitId } from '../shard/catalog.ts'
import type { Shard } from '../shard/shard.ts'
import { type State, timeRange } from '../shard/state.ts'
import type { CommitRecord, ImportProgress } from '../wal/record.ts'
import { effectiveUpdates, type Known, type Wishes } from './membership.ts'

/** In a request, the time of an update that takes the commit's. */
export const NO_TIME = -1

/** Facts of one shard that are to be present or absent, and what is known of them so far. */
export interface FactRequest {
  readonly wishes: Wishes
  readonly known: Known
}

/** What of an update an error is about. */
export type PlacePart = 'tuple' | 'time' | number

/** A commit whose shape and values are already checked. */
export interface CommitRequest {
  /** What is to be logged, unless `facts` says what is to be true. */
  readonly updates: ReadonlyMap<string, Columns>
  /** Sets, by shard: what is logged is decided against the state. */
  readonly facts?: ReadonlyMap<string, FactRequest>
  /** Names what stands at a row of a shard's columns, for errors: its tuple, its time, or a column by its index. */
  placeOf?(shard: string, row: number, part: PlacePart): string
  /** For updates without a time of their own. @default the upper */
  readonly time?: number | undefined
  readonly id?: string | undefined
  readonly import?: ImportProgress
  readonly declare?: ReadonlyMap<string, Schema>
  /** Shards to drop; then there is nothing else. */
  readonly drop?: readonly string[]
}

/** What a request takes of memory whatever is in it. */
const REQUEST_BYTES = 512

/** About how much memory a request takes. */
export const bytesOfRequest = ({ updates, facts }: CommitRequest): number => {
  let bytes = REQUEST_BYTES
  for (const columns of updates.values()) bytes += bytesOf(columns)
  for (const { wishes } of facts?.values() ?? []) bytes += bytesOf(wishes.columns)
  return bytes
}

/** What a commit became. */
export interface Committed {
  /** The greatest time in it; the one before upper if nothing was to be logged. */
  readonly time: number
  /** The commit's, or that of the last one before if nothing was to be logged. */
  readonly lsn: number
  /** Updates that this call logged. */
  readonly updates: number
}

/** A shard came into being, or was dropped, between the lookup of facts and their admission: look them up again. */
export class StaleLookup extends Error {}

const placeOf = (request: CommitRequest, shard: string, row: number, part: PlacePart): string =>
  request.placeOf?.(shard, row, part) ?? `${shard}[${row}]`

const countOf = (updates: CommitRecord['updates']): number => {
  let count = 0
  for (const { length } of updates.values()) count += length
  return count
}

/** The columns that a request brings, by shard. */
const columnsOf = ({ updates, facts }: CommitRequest): Iterable<[string, Columns]> => {
  if (facts === undefined) return updates
  return [...facts].map(([shard, { wishes }]) => [shard, wishes.columns])
}

/** What the commits of a group hold of one shard, by tuple; taken in when a wish asks for it. */
class PendingUpdates {
  readonly #columns: GrowingColumns
  readonly #index: TupleIndex
  #taken = 0

  constructor(arity: number) {
    this.#columns = new GrowingColumns(arity)
    this.#index = new TupleIndex(this.#columns)
  }

  /** The index of all that was accepted. */
  with(accepted: readonly Columns[]): TupleIndex {
    for (; this.#taken < accepted.length; this.#taken++) {
      const columns = accepted[this.#taken]!
      this.#columns.appendRange(columns, 0, columns.length)
    }
    return this.#index
  }
}

/** The state as the commits of one group leave it, until they are applied. */
export class Draft {
  readonly #state: State
  readonly #schemas = new Map<string, Schema>()
  readonly #ids = new Map<string, CommitId>()
  readonly #accepted = new Map<string, Columns[]>()
  readonly #pending = new Map<string, PendingUpdates>()
  /** Shards of the state that are there no more. */
  readonly #dropped = new Set<string>()
  #lastLsn: number
  #upper: number

  constructor(state: State) {
    this.#state = state
    this.#lastLsn = state.lastLsn
    this.#upper = state.upper
  }

  get upper(): number {
    return this.#upper
  }

  /** What the id was committed as before this group. */
  applied(id: string): CommitId | undefined {
    return this.#state.committed(id)
  }

  /** What the id is to be committed as in this group. */
  admitted(id: string): CommitId | undefined {
    return this.#ids.get(id)
  }

  /** The shard as the state has it, unless this group drops it. */
  #shardOf(shard: string): Shard | undefined {
    return this.#dropped.has(shard) ? undefined : this.#state.shards.get(shard)
  }

  #schemaOf(shard: string): Schema | undefined {
    return this.#schemas.get(shard) ?? this.#shardOf(shard)?.schema
  }

  #setTimes(request: CommitRequest, updates: CommitRequest['updates']): void {
    const time = request.time ?? this.#upper
    if (time > TIME_MAX)
      throw new FrontierError('TIME_EXHAUSTED', 'there is no time left', { upper: this.#upper })
    const upper = this.#upper
    for (const [shard, columns] of updates) {
      const times = columns.time
      for (let row = 0; row < columns.length; row++) {
        if (times[row] === NO_TIME) times[row] = time
        if (times[row]! >= upper) continue
        throw new FrontierError(
          'TIME_BEFORE_UPPER',
          'a time below upper would change an answer already given',
          {
            place: placeOf(request, shard, row, 'time'),
            shard,
            time: times[row],
            upper,
          },
        )
      }
    }
  }

  #checkTypes(request: CommitRequest, shard: string, columns: Columns, schema: Schema): void {
    schema.forEach(({ name, type, declared }, index) => {
      if (!declared) return
      const column = columns.data[index]!
      if (type === 'float64') floatIntegers(column, columns.length)
      const row = firstMismatch(type, column, columns.length)
      if (row === -1) return
      throw new InputError('TYPE_MISMATCH', 'the value is not of the type its column was declared with', {
        place: placeOf(request, shard, row, index),
        shard,
        column: name,
        type,
        value: valueText(valueAt(column, row)),
      })
    })
  }

  #checkShards(request: CommitRequest): void {
    request.drop?.forEach((shard, index) => {
      if (this.#schemaOf(shard) === undefined)
        throw new InputError('SHARD_UNKNOWN', 'there is no such shard', { place: `shards[${index}]`, shard })
    })
    for (const shard of request.declare?.keys() ?? []) {
      this.#shardOf(shard)?.requireSound()
      if (this.#schemaOf(shard) !== undefined)
        throw new InputError('SCHEMA_INVALID', 'a schema is declared before the first update of a shard', {
          shard,
        })
    }
    for (const [shard, columns] of columnsOf(request)) {
      this.#shardOf(shard)?.requireSound()
      const arity = columns.data.length
      const schema = request.declare?.get(shard) ?? this.#schemaOf(shard) ?? untyped(arity)
      if (schema.length !== arity)
        throw new InputError('ARITY_MISMATCH', 'every tuple of a shard has the same arity', {
          place: placeOf(request, shard, 0, 'tuple'),
          shard,
          arity: schema.length,
          found: arity,
        })
      this.#checkTypes(request, shard, columns, schema)
    }
  }

  /** What makes the wishes of a request true. */
  #decide(facts: ReadonlyMap<string, FactRequest>): Map<string, GrowingColumns> {
    const decided = new Map<string, GrowingColumns>()
    for (const [shard, { wishes, known }] of facts) {
      const { active } = known
      const isStale =
        active === undefined
          ? this.#schemaOf(shard) !== undefined
          : this.#shardOf(shard)?.continues(active) !== true
      if (isStale) throw new StaleLookup()
      const updates = effectiveUpdates(shard, wishes, known, this.#pendingOf(shard))
      if (updates.length > 0) decided.set(shard, updates)
    }
    return decided
  }

  /** What this group has for a shard, by tuple. */
  #pendingOf(shard: string): TupleIndex | undefined {
    const accepted = this.#accepted.get(shard)
    if (accepted === undefined) return undefined
    const known = this.#pending.get(shard) ?? new PendingUpdates(accepted[0]!.data.length)
    this.#pending.set(shard, known)
    return known.with(accepted)
  }

  /**
   * The record that the request would become, or undefined if all that it wishes is true. Fills in times; a refused
   * request is not used again.
   *
   * @throws {FrontierError} TIME_BEFORE_UPPER, TIME_EXHAUSTED, DIFF_OVERFLOW
   * @throws {InputError} ARITY_MISMATCH, TYPE_MISMATCH, SCHEMA_INVALID, SHARD_UNKNOWN
   * @throws {CommitError} SHARD_DAMAGED
   * @throws {StaleLookup}
   */
  admit(request: CommitRequest, at: number): CommitRecord | undefined {
    this.#checkShards(request)
    const updates = request.facts === undefined ? request.updates : this.#decide(request.facts)
    if (request.facts !== undefined && updates.size === 0) return undefined
    this.#setTimes(request, updates)
    const { id, import: progress, declare, drop } = request
    const plain = { lsn: this.#lastLsn + 1, at, updates }
    if (id === undefined && progress === undefined && declare === undefined && drop === undefined)
      return plain
    return {
      ...plain,
      ...(id === undefined ? {} : { id }),
      ...(progress === undefined ? {} : { import: progress }),
      ...(declare === undefined ? {} : { declare }),
      ...(drop === undefined ? {} : { drop }),
    }
  }

  /** What a request without effect became. */
  get nothing(): Committed {
    return { time: this.#upper - 1, lsn: this.#lastLsn, updates: 0 }
  }

  /** Counts an admitted record in. */
  accept(record: CommitRecord): Committed {
    const last = timeRange(record.updates)?.last
    const time = last ?? Math.max(0, this.#upper - 1)
    if (last !== undefined && last >= this.#upper) this.#upper = last + 1
    this.#lastLsn = record.lsn
    if (record.drop !== undefined)
      for (const shard of record.drop) {
        this.#dropped.add(shard)
        for (const known of [this.#schemas, this.#accepted, this.#pending]) known.delete(shard)
      }
    if (record.declare !== undefined)
      for (const [shard, schema] of record.declare) this.#schemas.set(shard, schema)
    for (const [shard, columns] of record.updates) {
      if (this.#schemaOf(shard) === undefined) this.#schemas.set(shard, untyped(columns.data.length))
      const accepted = this.#accepted.get(shard)
      if (accepted === undefined) this.#accepted.set(shard, [columns])
      else accepted.push(columns)
    }
    if (record.id !== undefined) this.#ids.set(record.id, { id: record.id, lsn: record.lsn, time })
    return { time, lsn: record.lsn, updates: countOf(record.updates) }
  }
}
