// Owns the edge of a commit: from what the caller hands over to columns of canonical values. Pure: whatever is
// wrong with the call itself is found here, before anything waits in a queue, and named by its place.

import { checkShardName } from '../disk/shard-file.ts'
import { InputError } from '../errors.ts'
import { GrowingColumns } from '../model/columns.ts'
import { COLUMNS_MAX, canonicalIn, isFloatColumn, type Schema } from '../model/schema.ts'
import { checkCommitId, checkDiff, checkTime, isDiff, isTime, type Update } from '../model/update.ts'
import type { Value } from '../model/value.ts'
import { type CommitRequest, NO_TIME } from './admission.ts'
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

const isTuple = (data: unknown): data is readonly unknown[] =>
  Array.isArray(data) && data.length <= COLUMNS_MAX

const notATuple = (place: string): InputError =>
  new InputError('UPDATE_INVALID', `a tuple is a list of at most ${COLUMNS_MAX} values`, { place })

/** What is known of the columns of a shard when a call is made. */
export type SchemaOf = (shard: string) => Schema | undefined

/** Names the place of one of several values: only where it has to be refused. */
type PlaceOf = (index: number) => string

/** The canonical form of a value of a column. @throws {InputError} VALUE_INVALID with its place */
export const canonicalAt = (
  known: Schema[number] | undefined,
  value: unknown,
  placeOf: PlaceOf,
  index: number,
): Value => {
  // What is most common is canonical once -0 is 0; all else needs a look.
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value + 0
  const isFloat = known !== undefined && isFloatColumn(known)
  try {
    return canonicalIn(isFloat, value, '')
  } catch {
    return canonicalIn(isFloat, value, placeOf(index))
  }
}

const canonicalTuple = (data: readonly unknown[], schema: Schema | undefined, placeOf: PlaceOf): Value[] => {
  const tuple: Value[] = []
  for (let column = 0; column < data.length; column++)
    tuple.push(canonicalAt(schema?.[column], data[column], placeOf, column))
  return tuple
}

const wrongArity = (shard: string, arity: number, found: number, place: string): InputError =>
  new InputError('ARITY_MISMATCH', 'every tuple of a shard has the same arity', {
    place,
    shard,
    arity,
    found,
  })

class Preparation {
  readonly updates = new Map<string, GrowingColumns>()
  /** By shard, where in the call its rows stood; with one shard that is the row itself. */
  #positions: Map<string, number[]> | undefined
  readonly #schemaOf: SchemaOf
  /** The update that is looked at. */
  #index = 0
  readonly #placeOf = (column: number): string => `${this.#place}.data[${column}]`

  constructor(schemaOf: SchemaOf) {
    this.#schemaOf = schemaOf
  }

  get #place(): string {
    return `updates[${this.#index}]`
  }

  /** Where in the call the row of a shard stood. */
  positionOf(shard: string, row: number): number {
    return this.#positions?.get(shard)?.[row] ?? row
  }

  #begin(shard: string, arity: number): GrowingColumns {
    if (this.updates.size === 1)
      this.#positions = new Map(
        [...this.updates].map(([first, { length }]) => [first, Array.from({ length }, (_, row) => row)]),
      )
    const columns = new GrowingColumns(arity, 1)
    this.updates.set(checkShardName(shard, `${this.#place}.shard`), columns)
    this.#positions?.set(shard, [])
    return columns
  }

  add(update: Update, index: number): void {
    this.#index = index
    if (typeof update !== 'object' || update === null)
      throw new InputError('UPDATE_INVALID', 'an update is {shard, data, diff}', { place: this.#place })
    const { shard, data, time, diff } = update
    if (!isTuple(data)) throw notATuple(`${this.#place}.data`)
    const columns = this.updates.get(shard) ?? this.#begin(shard, data.length)
    const arity = columns.data.length
    if (arity !== data.length) throw wrongArity(shard, arity, data.length, `${this.#place}.data`)
    const tuple = canonicalTuple(data, this.#schemaOf(shard), this.#placeOf)
    if (time !== undefined && !isTime(time)) checkTime(time, `${this.#place}.time`)
    if (!isDiff(diff)) checkDiff(diff, `${this.#place}.diff`)
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
  const checked = optionsOf(options)
  if (!Array.isArray(updates) || updates.length === 0)
    throw new InputError('UPDATE_INVALID', 'a commit is a list of at least one update', { place: 'updates' })
  const preparation = new Preparation(schemaOf)
  for (let index = 0; index < updates.length; index++) preparation.add(updates[index]!, index)
  return {
    updates: preparation.updates,
    placeOf: (shard, row, part) => {
      const update = `updates[${preparation.positionOf(shard, row)}]`
      return typeof part === 'number' ? `${update}.data[${part}]` : update
    },
    ...checked,
  }
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
  let index = 0
  const placeOf: PlaceOf = column => `tuples[${index}][${column}]`
  let columns: GrowingColumns | undefined
  for (; index < tuples.length; index++) {
    const data: unknown = tuples[index]
    if (!isTuple(data)) throw notATuple(`tuples[${index}]`)
    columns ??= new GrowingColumns(data.length, tuples.length)
    const arity = columns.data.length
    if (arity !== data.length) throw wrongArity(shard, arity, data.length, `tuples[${index}]`)
    columns.append(canonicalTuple(data, schema, placeOf), NO_TIME, diff)
  }
  if (columns === undefined)
    throw new InputError('UPDATE_INVALID', 'there is at least one fact', { place: 'tuples' })
  return columns
}
