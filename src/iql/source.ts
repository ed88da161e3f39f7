// Owns where a statement stands and how a mistake in it is reported: with line and column, both counted from 1.
import { type ErrorDetails, InputError } from '../errors.ts'

/** The text of one statement, without comments, and where it comes from. */
export interface Source {
  /** One or several lines; comments are blanked, so that every character is where it was written. */
  readonly text: string
  /** The line that the text begins on, in its script; 1 for a statement by itself. */
  readonly line: number
  /** The script's name; absent for what is typed in. */
  readonly file?: string
}

/** A line and a column; the column counts UTF-16 units, as editors do. */
interface Place {
  readonly line: number
  readonly column: number
}

/** Where the character at `offset` of the text stands. Requires `0 <= offset <= text.length`. */
const placeOf = ({ text, line }: Source, offset: number): Place => {
  const before = text.slice(0, offset)
  const lineStart = before.lastIndexOf('\n') + 1
  return { line: line + before.split('\n').length - 1, column: offset - lineStart + 1 }
}

/** Line, column and, where there is one, file of a character: the details of an error about it. */
export const detailsOf = (source: Source, offset: number): ErrorDetails => ({
  ...placeOf(source, offset),
  file: source.file,
})

/** What is wrong with the statement, at a character of it. */
export const statementError = (source: Source, offset: number, message: string): InputError =>
  new InputError('STATEMENT_INVALID', message, detailsOf(source, offset))
