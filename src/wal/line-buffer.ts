// Owns the lines of a group as bytes: encoded one behind another into one growing array, without strings or copies.
// Invariant: what it holds is, to the byte, what `encodeRecord` makes of the same commits, each line whole.
// Members and values that are rare come from there as text: this is the fast path of the common ones.

import { checksumWithin } from '../model/checksum.ts'
import { type Column, type Columns, contentAt } from '../model/columns.ts'
import { Kind } from '../model/value.ts'
import { columnText } from '../model/value-json.ts'
import { INTEGER_BYTES, putInteger } from './digits.ts'
import { areIntegers, integerRowBytes, putIntegerRows } from './integer-rows.ts'
import { AT, ascii, DIFF, DURABLE, FALSE, LSN, NULL, TIME, TRUE } from './line-text.ts'
import { type CommitRecord, PREFIX_BYTES, rareMembers } from './record.ts'

const FIRST_BYTES = 64 * 1024
/** What is kept of the array between groups: one large commit must not hold its memory for ever. */
const KEPT_BYTES = 4 * 1024 * 1024
/** Room that is made at once for rows of integers. */
const ROWS_BYTES = 64 * 1024
/** What stands around the values of an update, with its time and diff; and before all of them in a line. */
const UPDATE_BYTES = 128
/** Shard names whose JSON is remembered. */
const NAMES_KEPT = 1024
/** The longest string that is looked at character by character. */
const SHORT_STRING = 64

const SHARD = ascii(',"shard":')
const UPDATE = ascii(',"update":{"data":')
const UPDATES = ascii(',"updates":{')
const HEX = ascii('0123456789abcdef')

const [QUOTE, BACKSLASH, COMMA, COLON, OPEN, CLOSE, END, NEWLINE] = ascii('"\\,:[]}\n') as never as [
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
]

export class LineBuffer {
  #bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES)
  #view = new DataView(this.#bytes.buffer)
  #length = 0
  readonly #names = new Map<string, Uint8Array>()

  /** Bytes of all lines. */
  get length(): number {
    return this.#length
  }

  /** The lines. Valid until the next is appended or the buffer is cleared. */
  get lines(): Uint8Array {
    // No Buffer: whoever takes a slice of one has a view where everybody else has a copy.
    return new Uint8Array(this.#bytes.buffer, 0, this.#length)
  }

  /** Forgets all lines. */
  clear(): void {
    this.#length = 0
    if (this.#bytes.length > KEPT_BYTES) this.#use(Buffer.allocUnsafeSlow(FIRST_BYTES))
  }

  /** Forgets the lines behind the first `length` bytes. */
  cut(length: number): void {
    this.#length = length
  }

  /**
   * Appends the line of a commit. Returns its bytes. If it throws, for text too long to be, it holds what it held.
   * @param durable as {@link encodeRecord} takes it
   */
  append(record: CommitRecord, durable: number | undefined): number {
    const start = this.#length
    try {
      this.#line(record, durable)
    } catch (cause) {
      this.#length = start
      throw cause
    }
    return this.#length - start
  }

  #line(record: CommitRecord, durable: number | undefined): void {
    const start = this.#length
    this.#reserve(UPDATE_BYTES + 3 * INTEGER_BYTES)
    this.#length += PREFIX_BYTES
    this.#copy(LSN)
    this.#integer(record.lsn)
    if (durable !== undefined) {
      this.#copy(DURABLE)
      this.#integer(durable)
    }
    this.#copy(AT)
    this.#integer(record.at)
    const rare = rareMembers(record)
    if (rare !== '') this.#text(rare)
    if (record.updates.size > 0) this.#updates(record.updates)
    this.#reserve(2)
    this.#byte(END)
    this.#seal(start)
    this.#byte(NEWLINE)
  }

  /** Puts the checksum in front of the JSON that was written. */
  #seal(start: number): void {
    const bytes = this.#bytes
    const crc = checksumWithin(bytes, start + PREFIX_BYTES, this.#length)
    for (let digit = 0; digit < 8; digit++) bytes[start + digit] = HEX[(crc >>> (28 - 4 * digit)) & 15]!
    bytes[start + 8] = COLON
  }

  #updates(updates: CommitRecord['updates']): void {
    let isFirst = true
    for (const [shard, columns] of updates) {
      const name = this.#name(shard)
      this.#reserve(name.length + UPDATE_BYTES)
      if (updates.size === 1 && columns.length === 1) {
        this.#copy(SHARD)
        this.#copy(name)
        this.#only(columns)
        return
      }
      if (isFirst) this.#copy(UPDATES)
      else this.#byte(COMMA)
      isFirst = false
      this.#copy(name)
      this.#byte(COLON)
      this.#triples(columns)
    }
    this.#reserve(1)
    this.#byte(END)
  }

  #only(columns: Columns): void {
    this.#copy(UPDATE)
    this.#tuple(columns, 0)
    this.#reserve(UPDATE_BYTES)
    this.#copy(TIME)
    this.#integer(columns.time[0]!)
    this.#copy(DIFF)
    this.#integer(columns.diff[0]!)
    this.#byte(END)
  }

  #triples(columns: Columns): void {
    this.#reserve(2)
    this.#byte(OPEN)
    if (areIntegers(columns)) this.#integerRows(columns)
    else this.#rows(columns)
    this.#reserve(1)
    this.#byte(CLOSE)
  }

  #integerRows(columns: Columns): void {
    const rowBytes = integerRowBytes(columns.data.length)
    const step = Math.ceil(ROWS_BYTES / rowBytes)
    for (let from = 0; from < columns.length; from += step) {
      const to = Math.min(columns.length, from + step)
      this.#reserve(1 + (to - from) * rowBytes)
      if (from > 0) this.#byte(COMMA)
      this.#length = putIntegerRows(this.#view, this.#length, columns, from, to)
    }
  }

  #rows(columns: Columns): void {
    const { time, diff, length } = columns
    for (let row = 0; row < length; row++) {
      this.#reserve(UPDATE_BYTES)
      if (row > 0) this.#byte(COMMA)
      this.#byte(OPEN)
      this.#tuple(columns, row)
      this.#reserve(UPDATE_BYTES)
      this.#byte(COMMA)
      this.#integer(time[row]!)
      this.#byte(COMMA)
      this.#integer(diff[row]!)
      this.#byte(CLOSE)
    }
  }

  #tuple({ data }: Columns, row: number): void {
    this.#byte(OPEN)
    for (let index = 0; index < data.length; index++) {
      this.#reserve(INTEGER_BYTES + 2)
      if (index > 0) this.#byte(COMMA)
      this.#value(data[index]!, row)
    }
    this.#reserve(1)
    this.#byte(CLOSE)
  }

  #value(column: Column, row: number): void {
    switch (column.kinds[row]) {
      case Kind.int:
        this.#integer(column.payload[row]!)
        break
      case Kind.string:
        this.#string(contentAt(column, row) as string)
        break
      case Kind.null:
        this.#copy(NULL)
        break
      case Kind.boolean:
        this.#copy(column.payload[row] === 1 ? TRUE : FALSE)
        break
      default:
        this.#text(columnText(column, row))
    }
  }

  #string(text: string): void {
    const start = this.#length
    this.#reserve(SHORT_STRING + 2)
    if (text.length <= SHORT_STRING) {
      const bytes = this.#bytes
      let at = start
      bytes[at++] = QUOTE
      let index = 0
      for (; index < text.length; index++) {
        const code = text.charCodeAt(index)
        if (code < 0x20 || code > 0x7e || code === QUOTE || code === BACKSLASH) break
        bytes[at++] = code
      }
      if (index === text.length) {
        bytes[at++] = QUOTE
        this.#length = at
        return
      }
    }
    this.#text(JSON.stringify(text))
  }

  /** The JSON of a shard's name. */
  #name(shard: string): Uint8Array {
    let name = this.#names.get(shard)
    if (name === undefined) {
      if (this.#names.size === NAMES_KEPT) this.#names.clear()
      name = Buffer.from(JSON.stringify(shard))
      this.#names.set(shard, name)
    }
    return name
  }

  /** A safe integer. There is room for it. */
  #integer(value: number): void {
    this.#length = putInteger(this.#view, this.#length, value)
  }

  #text(text: string): void {
    this.#reserve(3 * text.length)
    this.#length += this.#bytes.write(text, this.#length)
  }

  /** Few bytes, for which there is room: a call would cost more than the loop. */
  #copy(bytes: Uint8Array): void {
    const target = this.#bytes
    let at = this.#length
    for (let index = 0; index < bytes.length; index++) target[at++] = bytes[index]!
    this.#length = at
  }

  #byte(byte: number): void {
    this.#bytes[this.#length++] = byte
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes
    if (needed <= this.#bytes.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#bytes.length))
    grown.set(this.lines)
    this.#use(grown)
  }

  #use(bytes: Buffer): void {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer)
  }
}
