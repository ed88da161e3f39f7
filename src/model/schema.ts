// Owns what is known of a shard's columns: name, type, and whether somebody declared it or it was inferred.
// Invariant: an inferred type only widens (null -> any one type -> any; int32 -> int64), so every batch ever
// written still fits; a declared type never changes.
import { InputError } from '../errors.ts'
import { type Column, type Columns, onlyKind } from './columns.ts'
import { extentOf } from './extent.ts'
import { canonical, Float, Kind, type Value } from './value.ts'

/** `null`: nothing but nulls so far. `any`: several types in one column, each value with its own, losslessly. */
export type ColumnType =
  | 'null'
  | 'boolean'
  | 'int32'
  | 'int64'
  | 'float64'
  | 'timestamp'
  | 'string'
  | 'bytes'
  | 'vector'
  | 'any'

/** What an application can say of a column; nulls are always allowed. */
export interface ColumnDeclaration {
  /** `[A-Za-z_][A-Za-z0-9_]*`, at most 63 characters, unique in the shard, not `time` or `diff`. */
  readonly name: string
  readonly type: Exclude<ColumnType, 'null'>
}

export interface ColumnSchema {
  readonly name: string
  readonly type: ColumnType
  readonly declared: boolean
}

export type Schema = readonly ColumnSchema[]

const TYPES: ReadonlySet<string> = new Set([
  'boolean',
  'int32',
  'int64',
  'float64',
  'timestamp',
  'string',
  'bytes',
  'vector',
  'any',
])

/** Whether `text` names a type that a schema can have. */
export const isColumnType = (text: string): text is ColumnType => text === 'null' || TYPES.has(text)

const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/

/** Most columns of a shard: more would be a mistake, and no reader of Parquet likes them. */
export const COLUMNS_MAX = 1000

/** A schema of which only the number of columns is known: `col0`, `col1`, … */
export const untyped = (arity: number): Schema =>
  Array.from({ length: arity }, (_, index) => ({ name: `col${index}`, type: 'null', declared: false }))

/**
 * A schema as an application declares it.
 * @throws {InputError} SCHEMA_INVALID with the place of the first column that cannot be
 */
export const declaredSchema = (columns: readonly ColumnDeclaration[], place: string): Schema => {
  if (!Array.isArray(columns))
    throw new InputError('SCHEMA_INVALID', 'a schema is a list of columns', { place })
  if (columns.length > COLUMNS_MAX)
    throw new InputError('SCHEMA_INVALID', `a schema has at most ${COLUMNS_MAX} columns`, { place })
  const seen = new Set<string>(['time', 'diff'])
  return Array.from(columns, (column: ColumnDeclaration, index) => {
    const at = `${place}[${index}]`
    const { name, type } = column ?? {}
    if (typeof name !== 'string' || !NAME.test(name))
      throw new InputError('SCHEMA_INVALID', 'a column name is a letter or _, then letters, digits or _', {
        place: at,
      })
    if (seen.has(name.toLowerCase()))
      throw new InputError('SCHEMA_INVALID', 'a column name is used once, and is not time or diff', {
        place: at,
        name,
      })
    seen.add(name.toLowerCase())
    if (!TYPES.has(type))
      throw new InputError('SCHEMA_INVALID', 'unknown column type', { place: at, type: String(type) })
    return { name, type, declared: true }
  })
}

/** Whether every number in the column is a float. */
export const isFloatColumn = ({ declared, type }: ColumnSchema): boolean => declared && type === 'float64'

/**
 * {@link canonical} for a column: where every number is a float, any `number` is one.
 * @throws {InputError} VALUE_INVALID
 */
export const canonicalIn = (isFloat: boolean, value: unknown, place: string): Value =>
  canonical(isFloat && typeof value === 'number' ? new Float(value) : value, place)

const INT32_MIN = -(2 ** 31)
const INT32_MAX = 2 ** 31 - 1

const TYPE_OF_KIND: Readonly<Record<Kind, ColumnType>> = {
  [Kind.null]: 'null',
  [Kind.boolean]: 'boolean',
  [Kind.int]: 'int64',
  [Kind.wide]: 'int64',
  [Kind.float]: 'float64',
  [Kind.timestamp]: 'timestamp',
  [Kind.string]: 'string',
  [Kind.bytes]: 'bytes',
  [Kind.vector]: 'vector',
}

/** The type of one value, given as kind and payload. */
const typeOf = (kind: Kind, payload: number): ColumnType =>
  kind === Kind.int && payload >= INT32_MIN && payload <= INT32_MAX ? 'int32' : TYPE_OF_KIND[kind]

/** The narrowest type that holds both. */
export const joinTypes = (a: ColumnType, b: ColumnType): ColumnType => {
  if (a === b || b === 'null') return a
  if (a === 'null') return b
  const integers = (a === 'int32' || a === 'int64') && (b === 'int32' || b === 'int64')
  return integers ? 'int64' : 'any'
}

/** The narrowest type that holds every value of rows `[0, length)`. */
export const typeOfColumn = (column: Column, length: number): ColumnType => {
  if (onlyKind(column, length) === Kind.int) {
    const { lowest, highest } = extentOf(column.payload, length)
    return joinTypes(typeOf(Kind.int, lowest), typeOf(Kind.int, highest))
  }
  let type: ColumnType = 'null'
  let lastKind: number = Kind.null
  for (let row = 0; row < length && type !== 'any'; row++) {
    const kind = column.kinds[row]!
    // One kind throughout costs one comparison; int32 may still widen and is always looked at.
    if (kind === lastKind && type !== 'int32') continue
    lastKind = kind
    type = joinTypes(type, typeOf(kind as Kind, column.payload[row]!))
  }
  return type
}

/** The schema widened to hold `columns`, which have its arity. Declared columns stay as they are. */
export const widen = (schema: Schema, columns: Columns): Schema =>
  schema.map((column, index) =>
    column.declared
      ? column
      : { ...column, type: joinTypes(column.type, typeOfColumn(columns.data[index]!, columns.length)) },
  )

/** `schema` with types that hold what those of `other`, which has its arity, hold. Declared columns stay as they are. */
export const joinSchemas = (schema: Schema, other: Schema): Schema =>
  schema.map((column, index) =>
    column.declared ? column : { ...column, type: joinTypes(column.type, other[index]!.type) },
  )

/** The first row of the column that a declared type does not allow, or -1. */
export const firstMismatch = (type: ColumnType, column: Column, length: number): number => {
  if (type === 'any') return -1
  for (let row = 0; row < length; row++) {
    const kind = column.kinds[row] as Kind
    if (kind !== Kind.null && joinTypes(type, typeOf(kind, column.payload[row]!)) !== type) return row
  }
  return -1
}

/** Makes floats of the integers in a column declared `float64`. An integer beyond ±(2^53-1) stays, and is a mismatch. */
export const floatIntegers = (column: Column, length: number): void => {
  for (let row = 0; row < length; row++) if (column.kinds[row] === Kind.int) column.kinds[row] = Kind.float
}
