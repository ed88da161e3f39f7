// Owns reading the common lines of the log from their bytes, straight into columns: as this Varve writes them, without
// an object per update. Invariant: what it takes means, to the last bit, what `decodeLine` and `decodeRecord` make of the
// line; of everything else, and of all that could be wrong with a line, it says nothing and leaves it to them.

import { isUtf8 } from 'node:buffer'
import { checksumWithin } from '../model/checksum.ts'
import { type Column, type Columns, grown } from '../model/columns.ts'
import { Heap } from '../model/heap.ts'
import { COLUMNS_MAX } from '../model/schema.ts'
import { TIME_MAX } from '../model/update.ts'
import { type HeapValue, Kind } from '../model/value.ts'
import { AT, ascii, DIFF, DURABLE, FALSE, LSN, NULL, TIME, TRUE } from './line-text.ts'

const FIRST_ROWS = 16
/** Bytes of a shard's name that is looked at here. */
const NAME_BYTES_MAX = 128

const SHARD = ascii(',"shard":"')
const UPDATE = ascii('","update":{"data":')
const END = ascii('}}')
const UPDATES = ascii(',"updates":{"')
const LIST = ascii('":[')
const FLOAT = ascii('{"f":')
const TIMESTAMP = ascii('{"t":')

// Of this module: the parser is a tenth slower when it looks into another one for each.
const QUOTE = 0x22
const COMMA = 0x2c
const MINUS = 0x2d
const POINT = 0x2e
const ZERO = 0x30
const NINE = 0x39
const COLON = 0x3a
const OPEN = 0x5b
const BACKSLASH = 0x5c
const CLOSE = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

interface RowColumn extends Column {
  kinds: Uint8Array
  payload: Float64Array
}

/** Updates of one shard, as they are read. The row behind the last may be half done. */
export class Rows implements Columns {
  length = 0
  readonly data: RowColumn[] = []
  time: Float64Array = new Float64Array(FIRST_ROWS)
  diff: Float64Array = new Float64Array(FIRST_ROWS)
  #capacity = FIRST_ROWS

  /** Sees to it that there is a place for the row behind the last. */
  reserve(): void {
    if (this.length < this.#capacity) return
    this.#capacity *= 2
    for (const column of this.data) {
      column.kinds = grown(column.kinds, this.#capacity)
      column.payload = grown(column.payload, this.#capacity)
    }
    this.time = grown(this.time, this.#capacity)
    this.diff = grown(this.diff, this.#capacity)
  }

  /** Whether there is a column `index`; the first row makes them. */
  hasColumn(index: number): boolean {
    if (index < this.data.length) return true
    if (this.length > 0 || index >= COLUMNS_MAX) return false
    this.data.push({
      kinds: new Uint8Array(this.#capacity),
      payload: new Float64Array(this.#capacity),
      heap: new Heap(),
    })
    return true
  }

  set(index: number, kind: Kind, payload: number): void {
    const column = this.data[index]!
    column.kinds[this.length] = kind
    column.payload[this.length] = payload
  }

  setHeap(index: number, kind: Kind, value: HeapValue): void {
    this.set(index, kind, this.data[index]!.heap.intern(value))
  }
}

/** What the header of a segment, or the line before, says that comes next. */
export interface Expected {
  readonly lsn: number
  /** No time may lie below. */
  readonly upper: number
}

export class LineParser {
  readonly #bytes: Uint8Array
  readonly #buffer: Buffer
  #at = 0
  #to = 0
  /** Of the last line that was taken. */
  durable = 0
  at = 0
  /** One more than its greatest time. */
  upper = 0
  /** Where the last number that was read is kept. */
  #number = 0
  /** The shard that was read last, and where its name stands. */
  #shard = ''
  #shardFrom = 0
  #shardTo = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** Whether bytes `[from, to)` begin with the checksum of the rest. */
  isWhole(from: number, to: number): boolean {
    const bytes = this.#bytes
    if (to - from < 11 || bytes[from + 8] !== COLON) return false
    let crc = 0
    for (let at = from; at < from + 8; at++) {
      const digit = bytes[at]!
      const value = digit >= 0x61 && digit <= 0x66 ? digit - 0x57 : digit - ZERO
      if (value < 0 || value > 15 || (value > 9 && digit < 0x61)) return false
      crc = (crc << 4) | value
    }
    return crc >>> 0 === checksumWithin(bytes, from + 9, to)
  }

  /**
   * Adds the update of a line that has one, of the shard `shard`, to `rows`. Returns whether it could: if not, `rows` has
   * the rows that it had, and if these are none it is not to be used again.
   * @param from where the JSON of the line begins. @param to where it ends
   */
  addOne(from: number, to: number, expected: Expected, shard: string, rows: Rows): boolean {
    return this.#head(from, to, expected) && this.#one(expected.upper, shard, rows)
  }

  /** The shard of a line with one update; undefined if it cannot be told here. */
  shardOf(from: number, to: number, expected: Expected): string | undefined {
    return this.#head(from, to, expected) && this.#is(SHARD) && this.#name() ? this.#shard : undefined
  }

  /** The updates of a line that has several, by shard; undefined if it is none, or they are to be read otherwise. */
  updates(from: number, to: number, expected: Expected): Map<string, Rows> | undefined {
    if (!this.#head(from, to, expected) || !this.#is(UPDATES)) return undefined
    const updates = new Map<string, Rows>()
    this.upper = expected.upper
    for (;;) {
      if (!this.#name() || updates.has(this.#shard) || !this.#is(LIST)) return undefined
      const rows = new Rows()
      do {
        if (!this.#triple(expected.upper, rows)) return undefined
      } while (this.#skip(COMMA))
      if (!this.#skip(CLOSE)) return undefined
      updates.set(this.#shard, rows)
      if (!this.#skip(COMMA)) break
      if (!this.#skip(QUOTE)) return undefined
    }
    return this.#is(END) && this.#at === this.#to ? updates : undefined
  }

  #head(from: number, to: number, { lsn }: Expected): boolean {
    this.#at = from
    this.#to = to
    if (!this.#is(LSN) || !this.#natural() || this.#number !== lsn) return false
    this.durable = 0
    if (this.#is(DURABLE)) {
      if (!this.#natural() || this.#number >= lsn) return false
      this.durable = this.#number
    }
    if (!this.#is(AT) || !this.#natural()) return false
    this.at = this.#number
    return true
  }

  #one(upper: number, shard: string, rows: Rows): boolean {
    if (!this.#is(SHARD) || !this.#name() || this.#shard !== shard) return false
    rows.reserve()
    if (!this.#is(UPDATE) || !this.#tuple(rows)) return false
    if (!this.#is(TIME) || !this.#time(upper, rows)) return false
    if (!this.#is(DIFF) || !this.#diff(rows)) return false
    if (!this.#is(END) || this.#at !== this.#to) return false
    this.upper = rows.time[rows.length]! + 1
    rows.length++
    return true
  }

  #triple(upper: number, rows: Rows): boolean {
    rows.reserve()
    if (!this.#skip(OPEN) || !this.#tuple(rows)) return false
    if (!this.#skip(COMMA) || !this.#time(upper, rows)) return false
    if (!this.#skip(COMMA) || !this.#diff(rows) || !this.#skip(CLOSE)) return false
    const time = rows.time[rows.length]!
    if (time >= this.upper) this.upper = time + 1
    rows.length++
    return true
  }

  #time(upper: number, rows: Rows): boolean {
    if (!this.#natural() || this.#number < upper || this.#number > TIME_MAX) return false
    rows.time[rows.length] = this.#number
    return true
  }

  #diff(rows: Rows): boolean {
    if (!this.#integer() || this.#number === 0) return false
    rows.diff[rows.length] = this.#number
    return true
  }

  #tuple(rows: Rows): boolean {
    if (!this.#skip(OPEN)) return false
    if (this.#skip(CLOSE)) return rows.data.length === 0
    let index = 0
    do {
      if (!rows.hasColumn(index) || !this.#value(rows, index)) return false
      index++
    } while (this.#skip(COMMA))
    return index === rows.data.length && this.#skip(CLOSE)
  }

  #value(rows: Rows, index: number): boolean {
    switch (this.#bytes[this.#at]) {
      case QUOTE:
        return this.#string(rows, index)
      case 0x6e:
        rows.set(index, Kind.null, 0)
        return this.#is(NULL)
      case 0x74:
        rows.set(index, Kind.boolean, 1)
        return this.#is(TRUE)
      case 0x66:
        rows.set(index, Kind.boolean, 0)
        return this.#is(FALSE)
      case OPEN_OBJECT:
        return this.#tagged(rows, index)
      default:
        return this.#plainNumber(rows, index)
    }
  }

  #tagged(rows: Rows, index: number): boolean {
    const kind = this.#is(FLOAT) ? Kind.float : this.#is(TIMESTAMP) ? Kind.timestamp : undefined
    if (kind === undefined || !this.#integer()) return false
    rows.set(index, kind, this.#number)
    return this.#skip(CLOSE_OBJECT)
  }

  #plainNumber(rows: Rows, index: number): boolean {
    const bytes = this.#bytes
    const start = this.#at
    if (this.#integer()) {
      if (bytes[this.#at] !== POINT) {
        rows.set(index, Kind.int, this.#number)
        return true
      }
    } else if (bytes[start] === MINUS && bytes[start + 1] === ZERO && bytes[start + 2] === POINT) {
      this.#at = start + 2
    } else return false
    const fraction = ++this.#at
    while (this.#isDigit()) this.#at++
    const value = Number(this.#buffer.toString('latin1', start, this.#at))
    // What has an exponent stops here, and is no tuple.
    if (this.#at === fraction || Number.isInteger(value)) return false
    rows.set(index, Kind.float, value)
    return true
  }

  #string(rows: Rows, index: number): boolean {
    const bytes = this.#bytes
    const start = ++this.#at
    let all = 0
    for (let byte = bytes[start]!; byte !== QUOTE; byte = bytes[++this.#at]!) {
      if (byte < 0x20 || byte === BACKSLASH || this.#at >= this.#to) return false
      all |= byte
    }
    const end = this.#at++
    if (all < 0x80) rows.setHeap(index, Kind.string, this.#buffer.toString('latin1', start, end))
    else if (isUtf8(bytes.subarray(start, end)))
      rows.setHeap(index, Kind.string, this.#buffer.toString('utf8', start, end))
    else return false
    return true
  }

  /** A shard's name, up to the quotation mark behind it. Mostly that of the line before. */
  #name(): boolean {
    const bytes = this.#bytes
    const length = this.#shardTo - this.#shardFrom
    let same = 0
    while (same < length && bytes[this.#at + same] === bytes[this.#shardFrom + same]) same++
    if (length > 0 && same === length && bytes[this.#at + same] === QUOTE) {
      this.#at += length
      return true
    }
    const start = this.#at
    // A key of digits alone would change its place among the others.
    if (this.#isDigit()) return false
    for (let byte = bytes[start]!; byte !== QUOTE; byte = bytes[++this.#at]!)
      if (byte < 0x20 || byte > 0x7e || byte === BACKSLASH || this.#at - start >= NAME_BYTES_MAX) return false
    if (this.#at === start) return false
    this.#shardFrom = start
    this.#shardTo = this.#at
    this.#shard = this.#buffer.toString('latin1', start, this.#at)
    return true
  }

  #natural(): boolean {
    return this.#bytes[this.#at] !== MINUS && this.#integer()
  }

  /** A whole number within ±(2^53-1), as JSON writes it; but for -0. */
  #integer(): boolean {
    const bytes = this.#bytes
    let at = this.#at
    const isNegative = bytes[at] === MINUS
    if (isNegative) at++
    const start = at
    let value = 0
    for (let digit = bytes[at]! - ZERO; digit >= 0 && digit <= 9; digit = bytes[++at]! - ZERO)
      value = value * 10 + digit
    const digits = at - start
    if (digits === 0 || digits > 16 || value > Number.MAX_SAFE_INTEGER) return false
    if (bytes[start] === ZERO && (digits > 1 || isNegative)) return false
    this.#number = isNegative ? -value : value
    this.#at = at
    return true
  }

  #isDigit(): boolean {
    const byte = this.#bytes[this.#at]!
    return byte >= ZERO && byte <= NINE
  }

  #is(text: Uint8Array): boolean {
    const bytes = this.#bytes
    const at = this.#at
    for (let index = 0; index < text.length; index++) if (bytes[at + index] !== text[index]) return false
    this.#at = at + text.length
    return true
  }

  #skip(byte: number): boolean {
    if (this.#bytes[this.#at] !== byte) return false
    this.#at++
    return true
  }
}
