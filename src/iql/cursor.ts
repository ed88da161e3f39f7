// Owns the parser's way through the tokens of a statement: it only goes forward, one token ahead.
import type { InputError } from '../errors.ts'
import { type Source, statementError } from './source.ts'
import { type Token, type TokenKind, tokenize } from './token.ts'

/** A token as an error names it. */
const shown = ({ kind, text }: Token): string => (kind === 'end' ? 'the end of the statement' : text)

export class Cursor {
  readonly #source: Source
  readonly #tokens: readonly Token[]
  #at = 0

  /** @throws {InputError} STATEMENT_INVALID if the text has no tokens: see tokenize */
  constructor(source: Source) {
    this.#source = source
    this.#tokens = tokenize(source)
  }

  /** The token that comes next. */
  get next(): Token {
    return this.#tokens[this.#at]!
  }

  /** The next tokens, fewer at the end. */
  ahead(count: number): readonly Token[] {
    return this.#tokens.slice(this.#at, this.#at + count)
  }

  /** Whether a symbol comes next. */
  sees(symbol: string): boolean {
    return this.next.kind === 'symbol' && this.next.text === symbol
  }

  /** Goes on, and returns what was passed. The end is never passed. */
  take(): Token {
    const token = this.next
    if (token.kind !== 'end') this.#at++
    return token
  }

  /** Passes a symbol if it comes next, and says whether it did. */
  takes(symbol: string): boolean {
    const seen = this.sees(symbol)
    if (seen) this.#at++
    return seen
  }

  /** Passes a token of one kind; `wanted` names it in the error. */
  expect(kind: TokenKind, wanted: string): Token {
    if (this.next.kind !== kind) throw this.expected(wanted)
    return this.take()
  }

  /** Requires that nothing is left. */
  expectEnd(): void {
    if (this.next.kind !== 'end') throw this.expected('the end of the statement')
  }

  /** The error for another token than the one that comes next. */
  expected(wanted: string): InputError {
    return this.error(`expected ${wanted}, found ${shown(this.next)}`)
  }

  /** What the grammar has and this version has not, beginning at `token`. */
  later(what: string, token: Token = this.next): InputError {
    return this.error(`${what} come in a later version`, token)
  }

  /** An error at a token. */
  error(message: string, token: { readonly offset: number } = this.next): InputError {
    return statementError(this.#source, token.offset, message)
  }
}
