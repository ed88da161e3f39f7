// Owns the syntax of CSV on the way in (RFC 4180): text to records of fields. Lines end in LF or CRLF; a field in quotes
// may hold both, delimiters, and quotes written twice. Nothing is trimmed, skipped or guessed.
// Written here because no parser that was tried says cheaply whether a field was quoted, which is what tells null from ''.
import { type CsvCell, Quoted } from './csv-cell.ts'
import { type LineBlock, MAX_LINE_BYTES } from './lines.ts'
import { MalformedText, type TextRecord } from './text-format.ts'

const QUOTE = '"'

const count = (text: string, wanted: string): number => {
  let found = 0
  for (let at = text.indexOf(wanted); at !== -1; at = text.indexOf(wanted, at + 1)) found++
  return found
}

/** Where `wanted` is next, or behind the end. */
const nextIn = (text: string, wanted: string, from: number): number => {
  const found = text.indexOf(wanted, from)
  return found === -1 ? text.length : found
}

/** Reads a text that ends where a line does, record by record. */
class Cursor {
  readonly #text: string
  readonly #delimiter: string
  #at = 0
  /** The next delimiter and the next end of a line at or behind `#at`: looked for again only once they are passed. */
  #nextDelimiter = -1
  #nextNewline = -1
  /** Of the record that is read, from 1. */
  line: number
  /** Lines within quotes so far in the record. */
  #inner = 0
  /** Where the record begins. */
  start = 0

  constructor(text: string, delimiter: string, line: number) {
    this.#text = text
    this.#delimiter = delimiter
    this.line = line
  }

  /** The next record; undefined at the end, or if the text ends within quotes. */
  next(): TextRecord<CsvCell> | undefined {
    this.start = this.#at
    if (this.#at === this.#text.length) return undefined
    const cells: CsvCell[] = []
    for (;;) {
      const cell = this.#text[this.#at] === QUOTE ? this.#quoted() : this.#plain()
      if (cell === undefined) return undefined
      cells.push(cell)
      const isLast = this.#text[this.#at] !== this.#delimiter
      // Behind the delimiter, the LF, or the end of the text.
      this.#at = Math.min(this.#at + 1, this.#text.length)
      if (isLast) break
    }
    const { line } = this
    this.line += 1 + this.#inner
    this.#inner = 0
    return { line, cells }
  }

  /** A field without quotes; stops at the delimiter or LF behind it. */
  #plain(): CsvCell {
    const from = this.#at
    if (this.#nextDelimiter < from) this.#nextDelimiter = nextIn(this.#text, this.#delimiter, from)
    if (this.#nextNewline < from) this.#nextNewline = nextIn(this.#text, '\n', from)
    this.#at = Math.min(this.#nextDelimiter, this.#nextNewline)
    const isCrlf = this.#at > from && this.#text.startsWith('\r\n', this.#at - 1)
    const text = this.#text.slice(from, isCrlf ? this.#at - 1 : this.#at)
    if (text.includes(QUOTE))
      throw new MalformedText('a quote stands within a field without quotes', this.line)
    return text === '' ? null : text
  }

  /** A field in quotes; stops as {@link #plain} does. */
  #quoted(): Quoted | undefined {
    const from = this.#at + 1
    let end = this.#text.indexOf(QUOTE, from)
    let hasQuotes = false
    while (end !== -1 && this.#text[end + 1] === QUOTE) {
      hasQuotes = true
      end = this.#text.indexOf(QUOTE, end + 2)
    }
    if (end === -1) return undefined
    this.#at = end + 1
    if (this.#text.startsWith('\r\n', this.#at)) this.#at++
    const behind = this.#text[this.#at]
    if (behind !== undefined && behind !== this.#delimiter && behind !== '\n')
      throw new MalformedText('there is text behind the quotes of a field', this.line)
    const text = this.#text.slice(from, end)
    this.#inner += count(text, '\n')
    return new Quoted(hasQuotes ? text.replaceAll('""', QUOTE) : text)
  }
}

/**
 * The records of a file, some for each block.
 * @throws {MalformedText} for what is not CSV
 */
export async function* csvRecords(
  blocks: AsyncIterable<LineBlock>,
  delimiter: string,
): AsyncGenerator<readonly TextRecord<CsvCell>[], void, undefined> {
  let line = 1
  /** The beginning of a record whose quotes end in a later block. */
  let rest = ''
  for await (const block of blocks) {
    const text = rest + block.text
    const cursor = new Cursor(text, delimiter, line)
    const records: TextRecord<CsvCell>[] = []
    for (let record = cursor.next(); record !== undefined; record = cursor.next()) records.push(record)
    line = cursor.line
    rest = text.slice(cursor.start)
    if (rest.length > MAX_LINE_BYTES)
      throw new MalformedText(`the record is longer than ${MAX_LINE_BYTES} characters`, line)
    yield records
  }
  if (rest !== '') throw new MalformedText('the quotes of a field do not end', line)
}
