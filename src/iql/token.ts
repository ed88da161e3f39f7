// Owns cutting the text of a statement into tokens: all that the grammar has, whether or not a statement uses it yet.
import { type Source, statementError } from './source.ts'

/**
 * `name` begins with a lower-case letter, `variable` with an upper-case one or `_`; `int` and `float` have no sign;
 * `symbol` is one of `<- <= >= != ( ) [ ] , : < > = ? ! + - * / % @`; `end` is behind the last.
 */
export type TokenKind = 'name' | 'variable' | 'int' | 'float' | 'string' | 'symbol' | 'end'

export interface Token {
  readonly kind: TokenKind
  /** As written, with a string's quotes; empty at the end. */
  readonly text: string
  /** Where in the statement's text it begins. */
  readonly offset: number
}

const TOKEN =
  /(?<name>[a-z][A-Za-z0-9_]*)|(?<variable>[A-Z_][A-Za-z0-9_]*)|(?<float>[0-9]+(?:\.[0-9]+(?:[eE][+-]?[0-9]+)?|[eE][+-]?[0-9]+))|(?<int>[0-9]+)|(?<symbol><-|[<>!]=|[()[\],:<>=?!+\-*/%@])/y

const BLANK = /\s*/y

/** The offset behind the string that opens at `offset`, or -1 if its line ends first. */
export const endOfString = (text: string, offset: number): number => {
  for (let at = offset + 1; at < text.length && text[at] !== '\n'; at++) {
    if (text[at] === '"') return at + 1
    // A backslash at the end of a line escapes nothing: the line ends the string.
    if (text[at] === '\\' && text[at + 1] !== '\n') at++
  }
  return -1
}

/** The offset of the first bracket that nothing closes; -1 if there is none, or if a string or a comment is open. */
const openBracket = (text: string): number => {
  const open: number[] = []
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!
    if (character === '/' && text[at + 1] === '*') return -1
    if (character === '"') {
      const end = endOfString(text, at)
      if (end === -1) return -1
      at = end - 1
    } else if (character === '(' || character === '[') open.push(at)
    // One too many is the parser's to report.
    else if ((character === ')' || character === ']') && open.pop() === undefined) return -1
  }
  return open[0] ?? -1
}

const HINTS: Readonly<Record<string, string>> = {
  "'": '; strings are in double quotes',
  '.': '; a statement ends with its line',
  ';': '; a statement ends with its line',
}

/**
 * The tokens of a statement, the last of kind `end`.
 * @throws {InputError} STATEMENT_INVALID for a bracket, a string or a comment without end, and a character that begins
 * no token
 */
export const tokenize = (source: Source): Token[] => {
  const { text } = source
  // First of all: what such a statement swallowed would be blamed for being no part of it.
  const open = openBracket(text)
  if (open !== -1) throw statementError(source, open, 'the bracket is not closed')
  const tokens: Token[] = []
  let offset = 0
  for (;;) {
    BLANK.lastIndex = offset
    BLANK.test(text)
    offset = BLANK.lastIndex
    if (offset === text.length) break
    let kind: TokenKind
    let end: number
    if (text[offset] === '"') {
      kind = 'string'
      end = endOfString(text, offset)
      if (end === -1) throw statementError(source, offset, 'the string is not closed on its line')
    } else if (text.startsWith('/*', offset)) {
      throw statementError(source, offset, 'the comment is not closed')
    } else {
      TOKEN.lastIndex = offset
      const groups = TOKEN.exec(text)?.groups
      if (groups === undefined) {
        const character = String.fromCodePoint(text.codePointAt(offset)!)
        throw statementError(source, offset, `unexpected ${character}${HINTS[character] ?? ''}`)
      }
      kind = Object.keys(groups).find(group => groups[group] !== undefined) as TokenKind
      end = TOKEN.lastIndex
    }
    tokens.push({ kind, text: text.slice(offset, end), offset })
    offset = end
  }
  tokens.push({ kind: 'end', text: '', offset: text.trimEnd().length })
  return tokens
}
