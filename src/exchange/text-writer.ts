// Owns writing the contents of a shard as text: one line a tuple, with its multiplicity as the last field, `diff`.
import type { Columns } from '../model/columns.ts'
import { columnText } from '../model/value-json.ts'
import { cellText } from './csv-cell.ts'

/** How a text format writes rows. */
export interface TextWriter {
  /** What comes before the first row. */
  readonly header: readonly string[]
  /** The text of each row, without the end of its line. */
  readonly lines: (columns: Columns) => string[]
}

const linesOf = (columns: Columns, line: (row: number) => string): string[] =>
  Array.from({ length: columns.length }, (_, row) => line(row))

/**
 * CSV with a header (RFC 4180, but lines end in LF). Null is an empty field, the empty string `""`; a string that
 * would be read as something else is quoted; bytes are base64, vectors JSON.
 *
 * Writing throws {@link InputError} VALUE_INVALID for a timestamp that ISO 8601 has no form for.
 * @param names of the data columns
 */
export const csvWriter = (names: readonly string[], delimiter: ',' | '\t'): TextWriter => ({
  header: [[...names, 'diff'].join(delimiter)],
  lines: columns =>
    linesOf(columns, row => {
      const cells = columns.data.map((column, index) => cellText(column, row, names[index]!))
      return [...cells, columns.diff[row]].join(delimiter)
    }),
})

/**
 * JSON lines: an object a line, the values in the JSON form of the log, which keeps every one of them.
 * @param names of the data columns
 */
export const jsonLinesWriter = (names: readonly string[]): TextWriter => {
  const keys = names.map(name => `${JSON.stringify(name)}:`)
  return {
    header: [],
    lines: columns =>
      linesOf(columns, row => {
        const fields = columns.data.map((column, index) => keys[index] + columnText(column, row))
        return `{${[...fields, `"diff":${columns.diff[row]}`].join(',')}}`
      }),
  }
}
