// Owns which tuples a read asks for: a conjunction of conditions, each on one column.
// Laws: a condition looks at data alone, so that all updates of a tuple meet it or none does; `mayHold` is false only
// where `holds` is false for every value between the bounds.
import { InputError } from '../errors.ts'
import { type Column, type Columns, contentAt, gather, isHeapKind, slice } from './columns.ts'
import { isPlainObject } from './plain-object.ts'
import { rowsBeginningWith } from './prefix.ts'
import { canonicalIn, isFloatColumn, type Schema } from './schema.ts'
import {
  compareValues,
  Float,
  type HeapValue,
  Kind,
  kindOf,
  rankOfKind,
  Timestamp,
  type Value,
} from './value.ts'

/**
 * Values between bounds; at least one is given, and bounds of both sides are of one kind. Numbers compare by their
 * value, integers and floats alike. Only values of the bounds' kind are in the range: never null, never NaN.
 */
export interface Range {
  readonly gt?: Value
  readonly gte?: Value
  readonly lt?: Value
  readonly lte?: Value
}

/**
 * What a tuple must meet, by column name; several columns must all be met. A value asks for equality: null for null,
 * and `1` is not `float(1)`, except in a column declared `float64`. See {@link Range} for the rest.
 */
export type Where = Readonly<Record<string, Value | Range>>

/** What is known of a column of many rows. */
export interface Bounds {
  /** Least and greatest value but null, or wider; undefined if not known. */
  readonly min: Value | undefined
  readonly max: Value | undefined
  /** Whether a row may be null, and whether one may be something else. */
  readonly someNull: boolean
  readonly someValue: boolean
}

/** What is known to keep rows from mattering, without looking at one. */
export interface Exclusion {
  /** Index of the column. */
  readonly column: number
  /** Whether some row within the bounds may matter. */
  readonly mayHold: (bounds: Bounds) => boolean
}

/** What one column must be. */
export interface Condition extends Exclusion {
  /** The one value that it asks for, if so: few rows are expected to meet it. */
  readonly point: Value | undefined
  /** Tells for a row of the column whether it holds. */
  readonly on: (column: Column) => (row: number) => boolean
}

/** Asks for one value, which is canonical. */
export const equality = (column: number, value: Value): Condition => {
  const kind = kindOf(value)
  const payload = value instanceof Float ? value.value : value instanceof Timestamp ? value.ms : Number(value)
  return {
    column,
    point: value,
    on: ({ kinds, payload: payloads, heap }) => {
      if (kind === Kind.null) return row => kinds[row] === Kind.null
      const wanted = isHeapKind(kind) ? heap.find(value as HeapValue) : payload
      if (wanted === undefined) return () => false
      if (Number.isNaN(wanted)) return row => kinds[row] === kind && Number.isNaN(payloads[row])
      return row => payloads[row] === wanted && kinds[row] === kind
    },
    mayHold: ({ min, max, someNull, someValue }) => {
      if (value === null) return someNull
      if (!someValue) return false
      // The bounds that Parquet keeps leave NaN out.
      if (Number.isNaN(value)) return true
      if (min !== undefined && compareValues(value, min) < 0) return false
      return max === undefined || compareValues(value, max) <= 0
    },
  }
}

/** Compares a value of the same rank with a bound; numbers by value alone, so that 1 and 1.0 are equal. */
const compareInRange = (value: Value, bound: Value): number => {
  const a = value instanceof Float ? value.value : value
  const b = bound instanceof Float ? bound.value : bound
  if ((typeof a === 'number' || typeof a === 'bigint') && (typeof b === 'number' || typeof b === 'bigint')) {
    if (Number.isNaN(a) || Number.isNaN(b)) return Number.NaN
    return a < b ? -1 : a > b ? 1 : 0
  }
  return compareValues(a, b)
}

const rankOf = (value: Value): number => rankOfKind(kindOf(value))

/** One side of a range. */
interface Side {
  readonly value: Value
  readonly inclusive: boolean
}

const inRange =
  (rank: number, lower: Side | undefined, upper: Side | undefined) =>
  (value: Value): boolean => {
    if (rankOf(value) !== rank) return false
    if (lower !== undefined) {
      const order = compareInRange(value, lower.value)
      if (!(order > 0 || (order === 0 && lower.inclusive))) return false
    }
    if (upper === undefined) return true
    const order = compareInRange(value, upper.value)
    return order < 0 || (order === 0 && upper.inclusive)
  }

const contentValue = (kind: Kind, content: number | HeapValue): Value => {
  if (kind === Kind.boolean) return content === 1
  return kind === Kind.timestamp ? new Timestamp(content as number) : (content as Value)
}

const range = (column: number, lower: Side | undefined, upper: Side | undefined): Condition => {
  const rank = rankOf((lower ?? upper)!.value)
  const contains = inRange(rank, lower, upper)
  return {
    column,
    point: undefined,
    on: at => {
      // A value of the heap is compared once, however many rows have it.
      const ofCode = new Map<number, boolean>()
      return row => {
        const kind = at.kinds[row] as Kind
        if (rankOfKind(kind) !== rank) return false
        if (!isHeapKind(kind)) return contains(contentValue(kind, at.payload[row]!))
        const code = at.payload[row]!
        let holds = ofCode.get(code)
        if (holds === undefined) {
          holds = contains(contentAt(at, row) as HeapValue)
          ofCode.set(code, holds)
        }
        return holds
      }
    },
    mayHold: ({ min, max, someValue }) => {
      if (!someValue) return false
      if (max !== undefined && lower !== undefined) {
        if (rankOf(max) < rank) return false
        // NaN, the greatest number, compares as nothing: then nothing is excluded.
        if (rankOf(max) === rank && compareInRange(max, lower.value) < (lower.inclusive ? 0 : 1)) return false
      }
      if (min !== undefined && upper !== undefined) {
        if (rankOf(min) > rank) return false
        if (rankOf(min) === rank && compareInRange(min, upper.value) > (upper.inclusive ? 0 : -1))
          return false
      }
      return true
    },
  }
}

const SIDES: ReadonlySet<string> = new Set(['gt', 'gte', 'lt', 'lte'])

const sideOf = (
  given: Range,
  strict: 'gt' | 'lt',
  inclusive: 'gte' | 'lte',
  isFloat: boolean,
  place: string,
): Side | undefined => {
  const key = given[strict] === undefined ? inclusive : strict
  if (given[key] === undefined) return undefined
  if (given[strict] !== undefined && given[inclusive] !== undefined)
    throw new InputError('WHERE_INVALID', `${strict} and ${inclusive} exclude each other`, { place })
  const value = canonicalIn(isFloat, given[key], `${place}.${key}`)
  if (value === null || Number.isNaN(value))
    throw new InputError('WHERE_INVALID', 'a bound is neither null nor NaN', { place: `${place}.${key}` })
  return { value, inclusive: key === inclusive }
}

const rangeFrom = (column: number, given: Range, isFloat: boolean, place: string): Condition => {
  for (const key of Object.keys(given))
    if (!SIDES.has(key))
      throw new InputError('WHERE_INVALID', 'a range has gt, gte, lt, lte and nothing else', {
        place: `${place}.${key}`,
      })
  const lower = sideOf(given, 'gt', 'gte', isFloat, place)
  const upper = sideOf(given, 'lt', 'lte', isFloat, place)
  if (lower === undefined && upper === undefined)
    throw new InputError('WHERE_INVALID', 'a range has at least one bound', { place })
  if (lower !== undefined && upper !== undefined && rankOf(lower.value) !== rankOf(upper.value))
    throw new InputError('WHERE_INVALID', 'the bounds of a range are of one kind', { place })
  return range(column, lower, upper)
}

/**
 * The index of a named column.
 * @throws {InputError} COLUMN_UNKNOWN
 */
export const columnIndex = (schema: Schema, name: string, place: string): number => {
  const index = schema.findIndex(column => column.name === name)
  if (index === -1)
    throw new InputError('COLUMN_UNKNOWN', 'the shard has no such column', {
      place,
      column: name,
      columns: schema.map(column => column.name).join(', '),
    })
  return index
}

/**
 * The conditions of `where` on the columns of `schema`.
 * @throws {InputError} COLUMN_UNKNOWN, WHERE_INVALID, VALUE_INVALID with `details.place`
 */
export const conditionsOf = (where: Where, schema: Schema): Condition[] => {
  if (!isPlainObject(where))
    throw new InputError('WHERE_INVALID', 'where is an object of columns', { place: 'where' })
  return Object.entries(where).map(([name, given]) => {
    const place = `where.${name}`
    const column = columnIndex(schema, name, place)
    const isFloat = isFloatColumn(schema[column]!)
    if (isPlainObject(given)) return rangeFrom(column, given as Range, isFloat, place)
    const value = canonicalIn(isFloat, given, place)
    return equality(column, value)
  })
}

/** The rows that meet all conditions; the columns themselves if all do. */
export const matching = (columns: Columns, conditions: readonly Condition[]): Columns => {
  if (conditions.length === 0) return columns
  const tests = conditions.map(({ column, on }) => on(columns.data[column]!))
  const rows = new Uint32Array(columns.length)
  let count = 0
  for (let row = 0; row < columns.length; row++) {
    let holds = true
    for (let index = 0; holds && index < tests.length; index++) holds = tests[index]!(row)
    if (holds) rows[count++] = row
  }
  return count === columns.length ? columns : gather(columns, rows.subarray(0, count))
}

/** The values that the first columns are asked for, as far as each of them is asked for one. */
export const leadingPoints = (conditions: readonly Condition[]): Value[] => {
  const points: Value[] = []
  for (;;) {
    const point = conditions.find(({ column }) => column === points.length)?.point
    if (point === undefined) return points
    points.push(point)
  }
}

/**
 * The part of sorted rows outside which no row meets the conditions: found by binary search, as far as the first columns
 * are each asked for one value. Law: `matching` finds the same in it as in all.
 */
export const narrowed = (columns: Columns, conditions: readonly Condition[]): Columns => {
  const { from, to } = rowsBeginningWith(columns, leadingPoints(conditions))
  return to - from === columns.length ? columns : slice(columns, from, to)
}
