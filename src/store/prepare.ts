// Owns the edge of a commit: from what the caller hands over to columns of canonical values. Pure: whatever is
// wrong with the call itself is found here, before anything waits in a queue, and named by its place.

import { checkShardName } from '../disk/shard-file.ts'
import { InputError } from '../errors.ts'
import { GrowingColumns, type Growth } from '../model/columns.ts'
import { SHARED_MEMORY } from '../model/memory.ts'
import { COLUMNS_MAX, canonicalIn, isFloatColumn, type Schema } from '../model/schema.ts'
import { checkCommitId, checkDiff, checkTime, isDiff, isTime, type Update } from '../model/update.ts'
import type { Value } from '../model/value.ts'
import { type CommitRequest, NO_TIME, type PlacePart } from './admission.ts'
import { checkOptions } from './options.ts'

/** What can be said of a commit as a whole. */
export interface CommitOptions {
  /** Time of the updates that have none. A whole number, at least the store's `upper`. @default `upper` */
  readonly time?: number
  /**
   * The caller's name for this commit: 1 to 256 characters. A second commit with the same id changes nothing and
   * gets the answer of the first, also after a restart, for at least the last 1,024 ids: so that a retry is safe.
   */
  readonly id?: string
}

/** @throws {InputError} with `details.place` */
export const optionsOf = (options: CommitOptions): Pick<CommitRequest, 'time' | 'id'> => {
  checkOptions(options, ['time', 'id'])
  const checked: { time?: number; id?: string } = {}
  if (options.time !== undefined) checked.time = checkTime(options.time, 'options.time')
  if (options.id !== undefined) checked.id = checkCommitId(options.id, 'options.id')
  return checked
}

/** Most commits are small. */
const FEW_ROWS: Growth = { memory: SHARED_MEMORY }

const isTuple = (data: unknown): data is readonly unknown[] =>
  Array.isArray(data) && data.length <= COLUMNS_MAX

const notATuple = (place: string): InputError =>
  new InputError('UPDATE_INVALID', `a tuple is a list of at most ${COLUMNS_MAX} values`, { place })

/** What is known of the columns of a shard when a call is made. */
export type SchemaOf = (shard: string) => Schema | undefined

/** Names the place of a value by its row and column: asked only where one has to be refused. */
type PlaceOf = (row: number, column: number) => string

const placeInUpdates: PlaceOf = (row, column) => `updates[${row}].data[${column}]`
const placeInTuples: PlaceOf = (row, column) => `tuples[${row}][${column}]`

/** The canonical form of a value of a column. @throws {InputError} VALUE_INVALID with its place */
export const canonicalAt = (
  known: Schema[number] | undefined,
  value: unknown,
  placeOf: PlaceOf,
  row: number,
  column: number,
): Value => {
  // What is most common is canonical once -0 is 0; all else needs a look.
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value + 0
  const isFloat = known !== undefined && isFloatColumn(known)
  try {
    return canonicalIn(isFloat, value, '')
  } catch {
    return canonicalIn(isFloat, value, placeOf(row, column))
  }
}

const canonicalTuple = (
  data: readonly unknown[],
  schema: Schema | undefined,
  placeOf: PlaceOf,
  row: number,
): Value[] => {
  const tuple: Value[] = new Array(data.length)
  for (let column = 0; column < data.length; column++)
    tuple[column] = canonicalAt(schema?.[column], data[column], placeOf, row, column)
  return tuple
}

const wrongArity = (shard: string, arity: number, found: number, place: string): InputError =>
  new InputError('ARITY_MISMATCH', 'every tuple of a shard has the same arity', {
    place,
    shard,
    arity,
    found,
  })

/** The request of a commit of rows, as it is made. One object of it all: there is one for each commit. */
class RowsRequest implements CommitRequest {
  readonly updates = new Map<string, GrowingColumns>()
  readonly time: number | undefined
  readonly id: string | undefined
  /** By shard, where in the call its rows stood; with one shard that is the row itself. */
  #positions: Map<string, number[]> | undefined
  readonly #schemaOf: SchemaOf

  constructor({ time, id }: Pick<CommitRequest, 'time' | 'id'>, schemaOf: SchemaOf) {
    this.time = time
    this.id = id
    this.#schemaOf = schemaOf
  }

  placeOf(shard: string, row: number, part: PlacePart): string {
    const update = `updates[${this.#positions?.get(shard)?.[row] ?? row}]`
    return typeof part === 'number' ? `${update}.data[${part}]` : update
  }

  #begin(shard: string, arity: number, index: number): GrowingColumns {
    if (this.updates.size === 1)
      this.#positions = new Map(
        [...this.updates].map(([first, { length }]) => [first, Array.from({ length }, (_, row) => row)]),
      )
    const columns = new GrowingColumns(arity, 1, FEW_ROWS)
    this.updates.set(checkShardName(shard, `updates[${index}].shard`), columns)
    this.#positions?.set(shard, [])
    return columns
  }

  add(update: Update, index: number): void {
    if (typeof update !== 'object' || update === null)
      throw new InputError('UPDATE_INVALID', 'an update is {shard, data, diff}', {
        place: `updates[${index}]`,
      })
    const { shard, data, time, diff } = update
    if (!isTuple(data)) throw notATuple(`updates[${index}].data`)
    const columns = this.updates.get(shard) ?? this.#begin(shard, data.length, index)
    const arity = columns.data.length
    if (arity !== data.length) throw wrongArity(shard, arity, data.length, `updates[${index}].data`)
    const tuple = canonicalTuple(data, this.#schemaOf(shard), placeInUpdates, index)
    if (time !== undefined && !isTime(time)) checkTime(time, `updates[${index}].time`)
    if (!isDiff(diff)) checkDiff(diff, `updates[${index}].diff`)
    columns.append(tuple, time === undefined ? NO_TIME : time + 0, diff)
    this.#positions?.get(shard)?.push(index)
  }
}

/**
 * The request of a commit.
 * @throws {InputError} with `details.place`, e.g. `updates[3].data[1]`
 */
export const prepare = (
  updates: readonly Update[],
  options: CommitOptions,
  schemaOf: SchemaOf,
): CommitRequest => {
  const request = new RowsRequest(optionsOf(options), schemaOf)
  if (!Array.isArray(updates) || updates.length === 0)
    throw new InputError('UPDATE_INVALID', 'a commit is a list of at least one update', { place: 'updates' })
  for (let index = 0; index < updates.length; index++) request.add(updates[index]!, index)
  return request
}

/**
 * The request that drops shards; each is named once, however often the call names it.
 * @throws {InputError} with `details.place`, e.g. `shards[3]`
 */
export const prepareDrop = (shards: string | readonly string[]): CommitRequest => {
  const names: unknown = typeof shards === 'string' ? [shards] : shards
  if (!Array.isArray(names) || names.length === 0)
    throw new InputError('UPDATE_INVALID', 'what is dropped is a shard, or a list of at least one', {
      place: 'shards',
    })
  const drop = new Set(names.map((name, index) => checkShardName(name, `shards[${index}]`)))
  return { updates: new Map(), drop: [...drop] }
}

/** What can be said of an insert or a delete. */
export interface FactOptions {
  /** Time of the change: a whole number, at least the store's `upper`. @default `upper` */
  readonly time?: number
}

/**
 * Tuples as columns, in the order of the call.
 * @param diff 1 for facts that are to be present, -1 for absent ones
 * @throws {InputError} with `details.place`, e.g. `tuples[3][1]`
 */
export const prepareTuples = (
  shard: string,
  tuples: readonly (readonly Value[])[],
  diff: 1 | -1,
  schemaOf: SchemaOf,
): GrowingColumns => {
  checkShardName(shard, 'shard')
  if (!Array.isArray(tuples))
    throw new InputError('UPDATE_INVALID', 'facts are a list of tuples', { place: 'tuples' })
  const schema = schemaOf(shard)
  let columns: GrowingColumns | undefined
  for (let index = 0; index < tuples.length; index++) {
    const data: unknown = tuples[index]
    if (!isTuple(data)) throw notATuple(`tuples[${index}]`)
    columns ??= new GrowingColumns(data.length, tuples.length)
    const arity = columns.data.length
    if (arity !== data.length) throw wrongArity(shard, arity, data.length, `tuples[${index}]`)
    columns.append(canonicalTuple(data, schema, placeInTuples, index), NO_TIME, diff)
  }
  if (columns === undefined)
    throw new InputError('UPDATE_INVALID', 'there is at least one fact', { place: 'tuples' })
  return columns
}
