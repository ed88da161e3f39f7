// Owns the decision whether a commit may enter the log: made in LSN order, against the state that includes the
// commits of the same group before it. Nothing is changed by a refusal; a group that fails is simply dropped.
import { FrontierError, InputError } from '../errors.ts'
import type { Columns, GrowingColumns } from '../model/columns.ts'
import { valueAt } from '../model/columns.ts'
import { firstMismatch, floatIntegers, type Schema, untyped } from '../model/schema.ts'
import { TIME_MAX } from '../model/update.ts'
import { valueText } from '../model/value-json.ts'
import type { CommitId } from '../shard/catalog.ts'
import { type State, timeRange } from '../shard/state.ts'
import type { CommitRecord, ImportProgress } from '../wal/record.ts'

/** In a request, the time of an update that takes the commit's. */
export const NO_TIME = -1

/** A commit whose shape and values are already checked. */
export interface CommitRequest {
  readonly updates: ReadonlyMap<string, GrowingColumns>
  /** Per shard and row, where the update stood in the call, for errors. Absent where the rows are a file's. */
  readonly positions?: ReadonlyMap<string, readonly number[]>
  /** For updates without a time of their own. @default the upper */
  readonly time?: number
  readonly id?: string
  readonly import?: ImportProgress
  readonly declare?: ReadonlyMap<string, Schema>
}

/** What a commit became. */
export interface Committed {
  /** The greatest time in it. */
  readonly time: number
  readonly lsn: number
}

const placeOf = (request: CommitRequest, shard: string, row: number): string => {
  const position = request.positions?.get(shard)?.[row]
  return position === undefined ? `${shard}[${row}]` : `updates[${position}]`
}

/** The state as the commits of one group leave it, until they are applied. */
export class Draft {
  readonly #state: State
  readonly #schemas = new Map<string, Schema>()
  readonly #ids = new Map<string, CommitId>()
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

  #schemaOf(shard: string): Schema | undefined {
    return this.#schemas.get(shard) ?? this.#state.shards.get(shard)?.schema
  }

  #setTimes(request: CommitRequest): void {
    const time = request.time ?? this.#upper
    if (time > TIME_MAX)
      throw new FrontierError('TIME_EXHAUSTED', 'there is no time left', { upper: this.#upper })
    const upper = this.#upper
    for (const [shard, columns] of request.updates) {
      const times = columns.time
      for (let row = 0; row < columns.length; row++) {
        if (times[row] === NO_TIME) times[row] = time
        if (times[row]! >= upper) continue
        throw new FrontierError(
          'TIME_BEFORE_UPPER',
          'a time below upper would change an answer already given',
          {
            place: placeOf(request, shard, row),
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
        place: `${placeOf(request, shard, row)}.data[${index}]`,
        shard,
        column: name,
        type,
        value: valueText(valueAt(column, row)),
      })
    })
  }

  #checkShards(request: CommitRequest, schemas: Map<string, Schema>): void {
    for (const [shard, schema] of request.declare ?? []) {
      this.#state.shards.get(shard)?.requireSound()
      if (this.#schemaOf(shard) !== undefined)
        throw new InputError('SCHEMA_INVALID', 'a schema is declared before the first update of a shard', {
          shard,
        })
      schemas.set(shard, schema)
    }
    for (const [shard, columns] of request.updates) {
      this.#state.shards.get(shard)?.requireSound()
      const arity = columns.data.length
      const schema = schemas.get(shard) ?? this.#schemaOf(shard) ?? untyped(arity)
      if (schema.length !== arity)
        throw new InputError('ARITY_MISMATCH', 'every tuple of a shard has the same arity', {
          place: placeOf(request, shard, 0),
          shard,
          arity: schema.length,
          found: arity,
        })
      this.#checkTypes(request, shard, columns, schema)
      schemas.set(shard, schema)
    }
  }

  /**
   * The record that the request would become. Fills in its times; a refused request is not used again.
   *
   * @throws {FrontierError} TIME_BEFORE_UPPER, TIME_EXHAUSTED
   * @throws {InputError} ARITY_MISMATCH, TYPE_MISMATCH, SCHEMA_INVALID
   * @throws {CommitError} SHARD_DAMAGED
   */
  admit(request: CommitRequest, at: number): CommitRecord {
    this.#setTimes(request)
    const schemas = new Map<string, Schema>()
    this.#checkShards(request, schemas)
    return {
      lsn: this.#lastLsn + 1,
      at,
      ...(request.id === undefined ? {} : { id: request.id }),
      ...(request.import === undefined ? {} : { import: request.import }),
      ...(request.declare === undefined ? {} : { declare: request.declare }),
      updates: request.updates,
    }
  }

  /** Counts an admitted record in. */
  accept(record: CommitRecord): Committed {
    const last = timeRange(record.updates)?.last
    const time = last ?? Math.max(0, this.#upper - 1)
    if (last !== undefined && last >= this.#upper) this.#upper = last + 1
    this.#lastLsn = record.lsn
    for (const [shard, schema] of record.declare ?? []) this.#schemas.set(shard, schema)
    for (const [shard, { data }] of record.updates)
      if (this.#schemaOf(shard) === undefined) this.#schemas.set(shard, untyped(data.length))
    if (record.id !== undefined) this.#ids.set(record.id, { id: record.id, lsn: record.lsn, time })
    return { time, lsn: record.lsn }
  }
}
