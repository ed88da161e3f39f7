// Owns the edge of a commit: from what the caller hands over to columns of canonical values. Pure: whatever is
// wrong with the call itself is found here, before anything waits in a queue, and named by its place.

import { checkShardName } from '../disk/shard-file.ts'
import { InputError } from '../errors.ts'
import { GrowingColumns } from '../model/columns.ts'
import { COLUMNS_MAX, canonicalIn, isFloatColumn, type Schema } from '../model/schema.ts'
import { checkCommitId, checkDiff, checkTime, type Update } from '../model/update.ts'
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

const checkTuple: (data: unknown, place: string) => asserts data is readonly unknown[] = (data, place) => {
  if (!Array.isArray(data) || data.length > COLUMNS_MAX)
    throw new InputError('UPDATE_INVALID', `a tuple is a list of at most ${COLUMNS_MAX} values`, { place })
}

/** What is known of the columns of a shard when a call is made. */
export type SchemaOf = (shard: string) => Schema | undefined

const canonicalTuple = (data: readonly unknown[], schema: Schema | undefined, place: string): Value[] => {
  const tuple: Value[] = []
  for (let column = 0; column < data.length; column++) {
    const value = data[column]
    const known = schema?.[column]
    // What is most common is canonical once -0 is 0; all else needs a look, and a place for its error.
    const isPlain = typeof value === 'number' && Number.isSafeInteger(value)
    tuple.push(
      isPlain
        ? value + 0
        : canonicalIn(known !== undefined && isFloatColumn(known), value, `${place}[${column}]`),
    )
  }
  return tuple
}

const checkArity = (
  shard: string,
  columns: GrowingColumns,
  data: readonly unknown[],
  place: string,
): void => {
  if (columns.data.length !== data.length)
    throw new InputError('ARITY_MISMATCH', 'every tuple of a shard has the same arity', {
      place,
      shard,
      arity: columns.data.length,
      found: data.length,
    })
}

class Preparation {
  readonly updates = new Map<string, GrowingColumns>()
  readonly positions = new Map<string, number[]>()
  readonly #schemaOf: SchemaOf

  constructor(schemaOf: SchemaOf) {
    this.#schemaOf = schemaOf
  }

  add(update: Update, index: number): void {
    const place = `updates[${index}]`
    if (typeof update !== 'object' || update === null)
      throw new InputError('UPDATE_INVALID', 'an update is {shard, data, diff}', { place })
    const { shard, data } = update
    let columns = typeof shard === 'string' ? this.updates.get(shard) : undefined
    checkTuple(data, `${place}.data`)
    if (columns === undefined) {
      columns = new GrowingColumns(data.length, 1)
      this.updates.set(checkShardName(shard, `${place}.shard`), columns)
      this.positions.set(shard, [])
    }
    checkArity(shard, columns, data, `${place}.data`)
    const tuple = canonicalTuple(data, this.#schemaOf(shard), `${place}.data`)
    const time = update.time === undefined ? NO_TIME : checkTime(update.time, `${place}.time`)
    columns.append(tuple, time, checkDiff(update.diff, `${place}.diff`))
    this.positions.get(shard)!.push(index)
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
  checkOptions(options, ['time', 'id'])
  if (!Array.isArray(updates) || updates.length === 0)
    throw new InputError('UPDATE_INVALID', 'a commit is a list of at least one update', { place: 'updates' })
  const preparation = new Preparation(schemaOf)
  for (let index = 0; index < updates.length; index++) preparation.add(updates[index]!, index)
  return {
    updates: preparation.updates,
    placeOf: (shard, row, part) => {
      const update = `updates[${preparation.positions.get(shard)![row]}]`
      return typeof part === 'number' ? `${update}.data[${part}]` : update
    },
    ...(options.time === undefined ? {} : { time: checkTime(options.time, 'options.time') }),
    ...(options.id === undefined ? {} : { id: checkCommitId(options.id, 'options.id') }),
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
  let columns: GrowingColumns | undefined
  for (let index = 0; index < tuples.length; index++) {
    const place = `tuples[${index}]`
    const data: unknown = tuples[index]
    checkTuple(data, place)
    columns ??= new GrowingColumns(data.length, tuples.length)
    checkArity(shard, columns, data, place)
    columns.append(canonicalTuple(data, schema, place), NO_TIME, diff)
  }
  if (columns === undefined)
    throw new InputError('UPDATE_INVALID', 'there is at least one fact', { place: 'tuples' })
  return columns
}
