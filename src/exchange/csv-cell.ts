// Owns what the fields of a CSV file mean, both ways. Law: what `cellText` writes for a value, other than bytes and
// vectors, is that value for `valueOfCell`; those two are text to CSV, and become themselves where the type says so.
import { InputError } from '../errors.ts'
import { type Column, contentAt } from '../model/columns.ts'
import { canonical, Float, Kind, Timestamp, type Value } from '../model/value.ts'
import { MalformedValue, valueFromJson } from '../model/value-json.ts'
import type { FileType } from './text-format.ts'

/** The text of a field that stood in quotes. */
export class Quoted {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** A field: null if it is empty without quotes. */
export type CsvCell = null | string | Quoted

// As in JSON: no plus sign, no leading zeros. What has them is a number to nobody who would lose them.
const INTEGER = /^(?:0|-?[1-9][0-9]{0,18})$/
const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/
/** Digits that are a safe integer, whatever they are. */
const SAFE_DIGITS = 15

const WORDS: ReadonlyMap<string, Value> = new Map<string, Value>([
  ['true', true],
  ['false', false],
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
])

/** An ISO 8601 date and time with a zone, to the millisecond. */
const DATE_TIME =
  /^(\d{4}|[+-]\d{6})-(\d\d)-(\d\d)T(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.(\d{1,3})0*)?)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/

// JavaScript takes 30 February for 1 March. 400 years are a whole number of weeks, and begin again.
const daysOf = (year: number, month: number): number =>
  new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate()

const dateTime = (text: string): Timestamp | undefined => {
  const [, year, month, day] = DATE_TIME.exec(text) ?? []
  if (year === undefined || Number(day) > daysOf(Number(year), Number(month))) return undefined
  const ms = Date.parse(text)
  return Number.isNaN(ms) ? undefined : new Timestamp(ms)
}

/** A number that says all that the text does; undefined for an integer of more than 64 bits, or a float beyond all. */
const numeric = (text: string): Value | undefined => {
  if (text.length <= SAFE_DIGITS && INTEGER.test(text)) return Number(text)
  if (INTEGER.test(text)) {
    const integer = BigInt(text)
    return BigInt.asIntN(64, integer) === integer ? canonical(integer, 'value') : undefined
  }
  if (!NUMBER.test(text) || !/[.eE]/.test(text)) return undefined
  const value = Number(text)
  return Number.isFinite(value) ? canonical(new Float(value), 'value') : undefined
}

/** Characters that a number or a date begins with. */
const NUMERIC_START = /^[-+0-9]/

/** What text says by itself; a string if it is nothing else. */
const valueOfText = (text: string): Value => {
  if (NUMERIC_START.test(text)) {
    const found = numeric(text) ?? dateTime(text)
    if (found !== undefined) return found
  }
  return WORDS.get(text) ?? text
}

/** What a field says by itself. */
export const valueOfCell = (cell: CsvCell): Value =>
  typeof cell === 'string' ? valueOfText(cell) : cell === null ? null : cell.text

const vectorOf = (text: string): Value => {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    throw new MalformedValue('a vector is a list of numbers, as in JSON')
  }
  return valueFromJson({ v: json })
}

/**
 * What a field says in a column of a type, in quotes or not.
 * @throws {MalformedValue} for bytes that are not base64, and vectors that are not JSON
 */
export const valueOfCellAs = (cell: CsvCell, type: FileType): Value => {
  if (cell === null) return null
  if (type === 'any') return valueOfCell(cell)
  const text = typeof cell === 'string' ? cell : cell.text
  switch (type) {
    case 'string':
      return text
    case 'bytes':
      return valueFromJson({ b: text })
    case 'vector':
      return vectorOf(text)
    default:
      return valueOfText(text)
  }
}

const maskOf = (...kinds: Kind[]): number => kinds.reduce<number>((mask, kind) => mask | (1 << kind), 0)

/** From the narrowest on: the first that has room for all kinds of a column is its type. */
const ROOM: readonly (readonly [FileType, number])[] = [
  ['string', maskOf(Kind.null)],
  ['boolean', maskOf(Kind.null, Kind.boolean)],
  ['int64', maskOf(Kind.null, Kind.int, Kind.wide)],
  // Not an integer beyond 2^53: as a float it would be another number.
  ['float64', maskOf(Kind.null, Kind.int, Kind.float)],
  ['timestamp', maskOf(Kind.null, Kind.timestamp)],
]

/** The type of a column with fields of these kinds; `string` if nothing else holds them all. */
export const typeOfCells = (kinds: number): FileType =>
  ROOM.find(([, room]) => (kinds & ~room) === 0)?.[0] ?? 'string'

const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`

// An empty field would be null, and a tab ends one in TSV.
const NEEDS_QUOTES = /^$|[",\t\r\n]/

const plain = (text: string): string => (NEEDS_QUOTES.test(text) ? quoted(text) : text)

const floatText = (value: number): string => {
  const text = String(value)
  return Number.isInteger(value) && !text.includes('e') ? `${text}.0` : text
}

const dateTimeText = (ms: number, name: string): string => {
  const date = new Date(ms)
  if (!Number.isNaN(date.getTime())) return date.toISOString()
  throw new InputError('VALUE_INVALID', 'ISO 8601 has no form for a time this far off; JSON lines have', {
    place: name,
    ms,
  })
}

const vectorText = (vector: Float32Array): string =>
  JSON.stringify(Array.from(vector, x => (Number.isFinite(x) ? x : String(x))))

/**
 * A field for what a row of the column `name` holds.
 * @throws {InputError} VALUE_INVALID for a timestamp beyond the year 275760
 */
export const cellText = (column: Column, row: number, name: string): string => {
  const content = contentAt(column, row)
  switch (column.kinds[row]) {
    case Kind.null:
      return ''
    case Kind.boolean:
      return content === 1 ? 'true' : 'false'
    case Kind.float:
      return floatText(content as number)
    case Kind.timestamp:
      return dateTimeText(content as number, name)
    case Kind.string:
      return typeof valueOfText(content as string) === 'string'
        ? plain(content as string)
        : quoted(content as string)
    case Kind.bytes:
      return plain(Buffer.from(content as Uint8Array).toString('base64'))
    case Kind.vector:
      return plain(vectorText(content as Float32Array))
    default:
      return String(content)
  }
}
