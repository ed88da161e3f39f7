// Owns the edge of a commit that comes as columns: arrays become columns of canonical values without an object or a
// value of its own per row, wherever the arrays are typed. What is wrong is named by array and row.
import type { ArrowTable } from '../batch/arrow.ts'
import { checkShardName } from '../disk/shard-file.ts'
import { InputError } from '../errors.ts'
import { type Column, type Columns, columnOfValues } from '../model/columns.ts'
import { Heap } from '../model/heap.ts'
import { SHARED_MEMORY } from '../model/memory.ts'
import { isPlainObject } from '../model/plain-object.ts'
import { COLUMNS_MAX, type Schema } from '../model/schema.ts'
import { checkDiff, checkTime, isDiff, isTime } from '../model/update.ts'
import { Kind, type Value } from '../model/value.ts'
import { type CommitRequest, NO_TIME } from './admission.ts'
import { type CommitOptions, canonicalAt, optionsOf, type SchemaOf } from './prepare.ts'

type IntegerArray = Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array

/**
 * The values of one column, one a row. An array of integers holds integers, one of floats floats, also integral ones;
 * any other array holds values as they stand in a tuple.
 */
export type ColumnValues = IntegerArray | BigInt64Array | Float32Array | Float64Array | readonly Value[]

/** Updates of one shard as columns: all arrays have the same length, at least 1. They are copied. */
export interface UpdateColumns {
  /** One array for each column of the shard, in order. */
  readonly data: readonly ColumnValues[]
  /** One for all rows, or one a row: as {@link Update.time}. @default the commit's time */
  readonly time?: number | ArrayLike<number>
  /** One for all rows, or one a row: as {@link Update.diff}. @default 1 */
  readonly diff?: number | ArrayLike<number>
}

/** Whether updates come as an Arrow table, of whatever copy of the library. */
export const isArrowTable = (given: unknown): given is ArrowTable =>
  typeof given === 'object' && given !== null && 'batches' in given && 'schema' in given

const isIntegerArray = (values: unknown): values is IntegerArray =>
  values instanceof Int32Array ||
  values instanceof Uint32Array ||
  values instanceof Int16Array ||
  values instanceof Uint16Array ||
  values instanceof Int8Array ||
  values instanceof Uint8Array

const { bytes, numbers } = SHARED_MEMORY

const numbersFrom = (values: IntegerArray | Float32Array | Float64Array): Float64Array => {
  const copy = numbers(values.length)
  copy.set(values)
  return copy
}

const integers = (values: IntegerArray): Column => ({
  kinds: bytes(values.length).fill(Kind.int),
  payload: numbersFrom(values),
  heap: new Heap(),
})

const floats = (values: Float32Array | Float64Array): Column => {
  const payload = numbersFrom(values)
  // There is one zero and one NaN: see canonical().
  for (let row = 0; row < payload.length; row++) {
    const value = payload[row]!
    if (value === 0) payload[row] = 0
    else if (Number.isNaN(value)) payload[row] = Number.NaN
  }
  return { kinds: bytes(values.length).fill(Kind.float), payload, heap: new Heap() }
}

const columnOf = (values: unknown, known: Schema[number] | undefined, place: string): Column => {
  if (isIntegerArray(values)) return integers(values)
  if (values instanceof Float64Array || values instanceof Float32Array) return floats(values)
  if (values instanceof BigInt64Array || Array.isArray(values)) {
    const placeOf = (row: number): string => `${place}[${row}]`
    return columnOfValues(values.length, row => canonicalAt(known, values[row], placeOf, row, 0))
  }
  throw new InputError('UPDATE_INVALID', 'a column is an array of values, or a typed array of numbers', {
    place,
  })
}

/** What times are checked by, or diffs. */
interface NumberCheck {
  readonly isValid: (value: unknown) => boolean
  /** Throws what says why it is not. */
  readonly check: (value: unknown, place: string) => number
}

const TIMES: NumberCheck = { isValid: isTime, check: checkTime }
const DIFFS: NumberCheck = { isValid: isDiff, check: checkDiff }

/** One number for all rows, or one for each. */
const numbersOf = (given: unknown, length: number, place: string, { isValid, check }: NumberCheck) => {
  const checked = numbers(length)
  if (typeof given === 'number') return checked.fill(check(given, place))
  if (!Array.isArray(given) && !(ArrayBuffer.isView(given) && !(given instanceof DataView)))
    throw new InputError('UPDATE_INVALID', 'this is a number, or an array of one number a row', { place })
  const values = given as ArrayLike<number>
  if (values.length !== length)
    throw new InputError('UPDATE_INVALID', 'all columns have the same length', {
      place,
      length,
      found: values.length,
    })
  for (let row = 0; row < length; row++) {
    const value = values[row]!
    if (!isValid(value)) check(value, `${place}[${row}]`)
    checked[row] = value + 0
  }
  return checked
}

const columnsOf = (given: UpdateColumns, schema: Schema | undefined): Columns => {
  if (!isPlainObject(given))
    throw new InputError('UPDATE_INVALID', 'columns are {data, time, diff}', { place: 'columns' })
  const unknown = Object.keys(given).find(name => !['data', 'time', 'diff'].includes(name))
  if (unknown !== undefined)
    throw new InputError('UPDATE_INVALID', 'columns are {data, time, diff}', { place: `columns.${unknown}` })
  const { data, time, diff = 1 } = given
  if (!Array.isArray(data))
    throw new InputError('UPDATE_INVALID', 'columns are a list of arrays', { place: 'columns.data' })
  const columns = data.map((values, index) => columnOf(values, schema?.[index], `columns.data[${index}]`))
  const length = columns[0]?.payload.length ?? 0
  const odd = columns.findIndex(({ payload }) => payload.length !== length)
  if (odd !== -1)
    throw new InputError('UPDATE_INVALID', 'all columns have the same length', {
      place: `columns.data[${odd}]`,
      length,
      found: columns[odd]!.payload.length,
    })
  return {
    length,
    data: columns,
    time: time === undefined ? numbers(length).fill(NO_TIME) : numbersOf(time, length, 'columns.time', TIMES),
    diff: numbersOf(diff, length, 'columns.diff', DIFFS),
  }
}

/** At least one column and one row. */
const checkExtent = ({ data, length }: Columns): void => {
  if (data.length === 0 || data.length > COLUMNS_MAX)
    throw new InputError('UPDATE_INVALID', `a shard has 1 to ${COLUMNS_MAX} columns`, {
      place: 'columns.data',
    })
  if (length === 0)
    throw new InputError('UPDATE_INVALID', 'a commit is at least one update', { place: 'columns.data' })
}

/**
 * The request of a commit of one shard's updates as columns.
 * @throws {InputError} with `details.place`, e.g. `columns.data[1][3]`
 */
export const prepareColumns = (
  shard: string,
  given: UpdateColumns,
  options: CommitOptions,
  schemaOf: SchemaOf,
): CommitRequest => {
  const checked = optionsOf(options)
  checkShardName(shard, 'shard')
  const columns = columnsOf(given, schemaOf(shard))
  checkExtent(columns)
  return {
    updates: new Map([[shard, columns]]),
    placeOf: (_, row, part) => {
      if (part === 'tuple') return 'columns.data'
      return part === 'time' ? `columns.time[${row}]` : `columns.data[${part}][${row}]`
    },
    ...checked,
  }
}

/** As {@link prepareColumns}, of an Arrow table. @throws {InputError} with `details.place`, e.g. `columns.price[3]` */
export const prepareTable = async (
  shard: string,
  table: ArrowTable,
  options: CommitOptions,
  schemaOf: SchemaOf,
): Promise<CommitRequest> => {
  const checked = optionsOf(options)
  checkShardName(shard, 'shard')
  // Arrow takes longer to load than a store to open: so only who has a table waits for it.
  const { columnsOfTable } = await import('../batch/table-columns.ts')
  const { columns, names } = columnsOfTable(table, schemaOf(shard), { time: NO_TIME, diff: 1 })
  checkExtent(columns)
  return {
    updates: new Map([[shard, columns]]),
    placeOf: (_, row, part) =>
      part === 'tuple' ? 'columns' : `columns.${part === 'time' ? part : names[part]}[${row}]`,
    ...checked,
  }
}
