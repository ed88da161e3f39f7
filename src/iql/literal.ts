// Owns the values that tokens stand for: numbers, strings, vectors, and the constructors of what has no token.
import { canonical, float, timestamp, type Value } from '../model/value.ts'
import type { Cursor } from './cursor.ts'
import type { Token } from './token.ts'

const INT64_MAX = 2n ** 63n - 1n

/** The integer of a token, negated if a sign stood before it. */
const intOf = (cursor: Cursor, token: Token, negative: boolean): Value => {
  // Twenty digits are more than 64 bits have: a number of a million digits is not worked out.
  const digits = token.text.replace(/^0+(?=[0-9])/, '')
  const magnitude = digits.length < 20 ? BigInt(digits) : INT64_MAX + 2n
  const value = negative ? -magnitude : magnitude
  if (value > INT64_MAX || value < -INT64_MAX - 1n)
    throw cursor.error('an integer must fit 64 bits; write 1.0e20 for a float', token)
  return canonical(value, 'term')
}

const floatOf = (cursor: Cursor, token: Token, negative: boolean): Value => {
  const magnitude = Number(token.text)
  if (!Number.isFinite(magnitude)) throw cursor.error('the number is too large for a float', token)
  return canonical(float(negative ? -magnitude : magnitude), 'term')
}

/** Passes a number, which may have a sign. */
const numberAt = (cursor: Cursor): Value => {
  const negative = cursor.takes('-')
  if (cursor.next.kind === 'int') return intOf(cursor, cursor.take(), negative)
  return floatOf(cursor, cursor.expect('float', 'a number'), negative)
}

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
}

const ESCAPE = /\\(?:u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|(["\\/bfnrt])|(.?))/gu

/** Passes a string. Its escapes are those of JSON, and `\u{…}`. */
const stringAt = (cursor: Cursor): string => {
  const token = cursor.expect('string', 'a string')
  const text = token.text
    .slice(1, -1)
    .replace(ESCAPE, (written, braced?: string, hex?: string, letter?: string) => {
      if (letter !== undefined) return ESCAPES[letter]!
      const code = braced ?? hex
      if (code === undefined || Number.parseInt(code, 16) > 0x10ffff)
        throw cursor.error(`${written} is no escape; write \\\\ for a backslash`, token)
      return String.fromCodePoint(Number.parseInt(code, 16))
    })
  if (!text.isWellFormed()) throw cursor.error('a string must not hold a lone surrogate', token)
  return text
}

/** Passes a vector: numbers in brackets. */
const vectorAt = (cursor: Cursor): Float32Array => {
  cursor.take()
  const elements: number[] = []
  while (!cursor.takes(']')) {
    if (elements.length > 0 && !cursor.takes(',')) throw cursor.expected(', or ] after an element')
    const token = cursor.next
    const element = numberAt(cursor)
    const value = Math.fround(
      Number(typeof element === 'object' ? (element as { value: number }).value : element),
    )
    if (!Number.isFinite(value)) throw cursor.error('an element of a vector is a 32-bit float', token)
    elements.push(value)
  }
  return Float32Array.from(elements)
}

// A day, which begins at midnight UTC, or a moment with its zone: nothing that depends on where it is read.
const MOMENT =
  /^([0-9]{4}-[0-9]{2}-[0-9]{2})(?:T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,3})?)?(?:Z|[+-][0-9]{2}:[0-9]{2}))?$/

/** Milliseconds since the epoch; NaN if the text is no {@link MOMENT}. */
const momentOf = (text: string): number => {
  const day = MOMENT.exec(text)?.[1]
  if (day === undefined) return Number.NaN
  // `Date` takes the 30th of February for the 2nd of March.
  const start = Date.parse(day)
  return Number.isNaN(start) || !new Date(start).toISOString().startsWith(day) ? Number.NaN : Date.parse(text)
}

/** Values that have no token of their own, made of the constant in parentheses. */
const CONSTRUCTORS: Readonly<Record<string, (cursor: Cursor) => Value>> = {
  timestamp: cursor => {
    const token = cursor.next
    const at = token.kind === 'string' ? momentOf(stringAt(cursor)) : numberAt(cursor)
    if (typeof at !== 'number' || !Number.isSafeInteger(at))
      throw cursor.error('a timestamp is made of whole ms, "2026-01-31" or "2026-01-31T12:00:00Z"', token)
    return timestamp(at)
  },
  bytes: cursor => {
    const token = cursor.next
    const hex = stringAt(cursor)
    if (hex.length % 2 !== 0 || /[^0-9a-fA-F]/.test(hex))
      throw cursor.error('bytes are made of pairs of hexadecimal digits, as "00ff"', token)
    return new Uint8Array(Buffer.from(hex, 'hex'))
  },
}

const NAMED: ReadonlyMap<string, Value> = new Map<string, Value>([
  ['true', true],
  ['false', false],
  ['null', null],
])

/** What a name is as a term: a value, a constructor's value, or undefined if it is none and nothing was passed. */
const namedAt = (cursor: Cursor): Value | undefined => {
  const { text } = cursor.next
  const calls = cursor.ahead(2)[1]?.text === '('
  const construct = Object.hasOwn(CONSTRUCTORS, text) ? CONSTRUCTORS[text] : undefined
  if (calls && construct !== undefined) {
    cursor.take()
    cursor.take()
    const value = construct(cursor)
    if (!cursor.takes(')')) throw cursor.expected(`) behind the argument of ${text}`)
    return value
  }
  const value = NAMED.get(text)
  if (value !== undefined) cursor.take()
  return value
}

/**
 * Passes the constant that comes next; undefined, and nothing is passed, if there is none.
 * @throws {InputError} STATEMENT_INVALID for a constant that no value can be
 */
export const constantAt = (cursor: Cursor): Value | undefined => {
  const { kind, text } = cursor.next
  if (kind === 'int' || kind === 'float' || (kind === 'symbol' && text === '-')) return numberAt(cursor)
  if (kind === 'string') return stringAt(cursor)
  if (kind === 'symbol' && text === '[') return vectorAt(cursor)
  return kind === 'name' ? namedAt(cursor) : undefined
}
