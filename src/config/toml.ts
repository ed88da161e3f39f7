// Owns the TOML library: a text becomes a tree, or an error with its line and column.
import { parse } from 'toml'
import { InputError } from '../errors.ts'

/** A table of TOML. It has no prototype, so that `__proto__` and `constructor` are names like others. */
export type Table = Readonly<Record<string, unknown>>

/** Tables and lists within each other. A configuration needs three. */
const DEPTH_MAX = 16

/** Whether a value of TOML is a table. */
export const isTable = (value: unknown): value is Table =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)

interface ParserError {
  readonly message: string
  readonly line?: number
  readonly column?: number
  readonly location?: { readonly start: { readonly line: number; readonly column: number } }
}

/** It may hold a name of any length. */
const REASON_MAX = 120

/** What the parser says, without its list of everything that could have stood there. */
const reasonOf = (message: string): string =>
  message
    .replace(/^Expected [\s\S]* but ([\s\S]*) found\.$/, 'unexpected $1')
    .replace(/\.$/, '')
    .slice(0, REASON_MAX)

/**
 * Parses a document. Its integers are bigints: one beyond 2^53 - 1 is TOML, and for its key to refuse.
 * @param file its name, for errors
 * @throws {InputError} CONFIG_INVALID with `details` file, line, column
 */
export const parseToml = (text: string, file: string): Table => {
  try {
    return parse(text, { maxDepth: DEPTH_MAX, bigint: true }) as Table
  } catch (cause) {
    const { message, line, column, location } = cause as ParserError
    throw new InputError('CONFIG_INVALID', `this is not TOML: ${reasonOf(message)}`, {
      file,
      line: location?.start.line ?? line,
      column: location?.start.column ?? column,
    })
  }
}
