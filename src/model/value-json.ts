// Owns the JSON form of values, in log lines and in shard metadata: docs/format.md#values.
// JSON alone would round integers beyond 2^53, make NaN null and forget that 1.0 is a float; tagged objects keep them.
import { type Column, contentAt } from './columns.ts'
import { canonical, Float, Kind, Timestamp, type Value } from './value.ts'

const floatText = (value: number): string => {
  if (Number.isFinite(value)) return Number.isInteger(value) ? `{"f":${value}}` : String(value)
  return `{"f":"${value}"}`
}

const base64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')

const vectorText = (vector: Float32Array): string =>
  `{"v":[${Array.from(vector, x => (Number.isFinite(x) ? String(x) : `"${x}"`)).join(',')}]}`

/** The JSON text of what a row of a column holds, without making a value of it. */
export const columnText = (column: Column, row: number): string => {
  const content = contentAt(column, row)
  switch (column.kinds[row]) {
    case Kind.null:
      return 'null'
    case Kind.boolean:
      return content === 1 ? 'true' : 'false'
    case Kind.int:
      return String(content)
    case Kind.wide:
      return `{"i":"${content}"}`
    case Kind.float:
      return floatText(content as number)
    case Kind.timestamp:
      return `{"t":${content}}`
    case Kind.string:
      return JSON.stringify(content)
    case Kind.bytes:
      return `{"b":"${base64(content as Uint8Array)}"}`
    default:
      return vectorText(content as Float32Array)
  }
}

/** The JSON text of a canonical value. */
export const valueText = (value: Value): string => {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : floatText(value)
  if (typeof value === 'bigint') return `{"i":"${value}"}`
  if (typeof value === 'string') return JSON.stringify(value)
  if (value instanceof Float) return floatText(value.value)
  if (value instanceof Timestamp) return `{"t":${value.ms}}`
  return value instanceof Uint8Array ? `{"b":"${base64(value)}"}` : vectorText(value)
}

/** Thrown by {@link valueFromJson}; whoever reads the file says which file, line and LSN it was. */
export class MalformedValue extends Error {}

const SPECIAL: ReadonlyMap<unknown, number> = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
])

/** A number as JSON has it: digits that say more than any float does were read as an infinity. */
const finite = (json: number): number => {
  if (!Number.isFinite(json)) throw new MalformedValue('a number is beyond the range of floats')
  return json
}

const number = (json: unknown): number => {
  if (typeof json === 'number') return finite(json)
  const special = SPECIAL.get(json)
  if (special === undefined) throw new MalformedValue('a number or "NaN", "Infinity", "-Infinity" is wanted')
  return special
}

/** A number without a tag. */
const plainNumber = (json: number): number => {
  if (Number.isInteger(finite(json)) && !Number.isSafeInteger(json))
    throw new MalformedValue('an integer beyond 2^53-1 is written {"i":"…"}, a float {"f":…}')
  return json + 0 // no -0
}

/** An element of a vector. A number too large for one is refused: it would be read as an infinity. */
const element = (json: unknown): number => {
  const value = number(json)
  if (Number.isFinite(value) && !Number.isFinite(Math.fround(value)))
    throw new MalformedValue('an element of a vector is a 32-bit float')
  return value
}

// No repeated group: V8 keeps one place to return to for each repetition, and has none left after some megabytes.
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/

const fromBase64 = (text: string): Uint8Array => {
  if (text.length % 4 !== 0 || !BASE64.test(text)) throw new MalformedValue('bytes are padded base64')
  return Buffer.from(text, 'base64')
}

const INTEGER = /^(?:0|-?[1-9][0-9]{0,18})$/

const wide = (text: string): bigint => {
  const integer = BigInt(text)
  if (BigInt.asIntN(64, integer) !== integer) throw new MalformedValue('an integer does not fit 64 bits')
  return integer
}

const tagged = (
  json: Readonly<Record<string, unknown>>,
): bigint | Float | Timestamp | Uint8Array | Float32Array => {
  const keys = Object.keys(json)
  const tag = keys[0]
  const content = keys.length === 1 && tag !== undefined ? json[tag] : undefined
  switch (tag) {
    case 'i':
      if (typeof content === 'string' && INTEGER.test(content)) return wide(content)
      break
    case 'f':
      return new Float(number(content))
    case 't':
      if (Number.isSafeInteger(content)) return new Timestamp(content as number)
      throw new MalformedValue('a timestamp is {"t":…} with a whole number of ms')
    case 'b':
      if (typeof content === 'string') return fromBase64(content)
      break
    case 'v':
      if (Array.isArray(content)) return Float32Array.from(content, element)
      break
  }
  throw new MalformedValue('an object is a tagged value: {"i":"…"}, {"f":…}, {"t":…}, {"b":"…"} or {"v":[…]}')
}

/**
 * The canonical value of parsed JSON.
 * @throws {MalformedValue} if it is not the JSON form of a value
 */
export const valueFromJson = (json: unknown): Value => {
  switch (typeof json) {
    case 'boolean':
      return json
    case 'number':
      return plainNumber(json)
    case 'string':
      if (json.isWellFormed()) return json
      throw new MalformedValue('a string has a lone surrogate, half of a character')
    case 'object':
      if (json === null) return null
      if (Array.isArray(json)) throw new MalformedValue('a list is no value; a vector is written {"v":[…]}')
      return canonical(tagged(json as Record<string, unknown>), 'value')
    default:
      throw new MalformedValue('a value has a JSON form')
  }
}
