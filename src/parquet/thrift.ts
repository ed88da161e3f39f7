// Owns Thrift's compact protocol, as far as the headers and the footer of a Parquet file use it:
// https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
// A structure that is read is its fields by number, whatever they mean: unknown ones do no harm.
import type { Cursor } from './cursor.ts'
import { MalformedParquet } from './malformed.ts'
import { Sink } from './sink.ts'

const TRUE = 1
const FALSE = 2
const BYTE = 3
const I16 = 4
const I32 = 5
const I64 = 6
const DOUBLE = 7
const BINARY = 8
const LIST = 9
const SET = 10
const MAP = 11
const STRUCT = 12

/** Structures within each other: a footer needs eight. */
const DEPTH_MAX = 64

/** `undefined`: an integer that a number does not hold, or something that Parquet has no use for. */
type ThriftValue = boolean | number | Uint8Array | readonly ThriftValue[] | ThriftStruct | undefined

const text = new TextDecoder('utf-8', { ignoreBOM: true })

const otherwise = (id: number): never => {
  throw new MalformedParquet(`field ${id} of a header is not what it must be`)
}

/** The fields of a structure by number. What is absent is undefined; what is of another type is refused. */
export class ThriftStruct {
  /** By their numbers, which are small. An array is made in a fraction of the time of a map, and a file has many. */
  readonly #fields: ThriftValue[] = []

  set(id: number, value: ThriftValue): void {
    this.#fields[id] = value
  }

  has(id: number): boolean {
    return id in this.#fields
  }

  /** A safe integer. */
  integer(id: number): number | undefined {
    const value = this.#fields[id]
    if (value === undefined && !this.has(id)) return undefined
    return typeof value === 'number' ? value : otherwise(id)
  }

  /** A natural number that must be there. */
  natural(id: number): number {
    const value = this.integer(id)
    return value !== undefined && value >= 0 ? value : otherwise(id)
  }

  boolean(id: number): boolean | undefined {
    const value = this.#fields[id]
    return value === undefined || typeof value === 'boolean' ? value : otherwise(id)
  }

  binary(id: number): Uint8Array | undefined {
    const value = this.#fields[id]
    return value === undefined || value instanceof Uint8Array ? value : otherwise(id)
  }

  string(id: number): string | undefined {
    const bytes = this.binary(id)
    return bytes === undefined ? undefined : text.decode(bytes)
  }

  struct(id: number): ThriftStruct | undefined {
    const value = this.#fields[id]
    return value === undefined || value instanceof ThriftStruct ? value : otherwise(id)
  }

  #list(id: number): readonly ThriftValue[] {
    const value = this.#fields[id]
    return value === undefined || Array.isArray(value) ? (value ?? []) : otherwise(id)
  }

  /** A list of structures; empty where there is none. */
  structs(id: number): ThriftStruct[] {
    return this.#list(id).map(each => (each instanceof ThriftStruct ? each : otherwise(id)))
  }

  /** A list of safe integers. */
  integers(id: number): number[] {
    return this.#list(id).map(each => (typeof each === 'number' ? each : otherwise(id)))
  }

  /** A list of strings. */
  strings(id: number): string[] {
    return this.#list(id).map(each => (each instanceof Uint8Array ? text.decode(each) : otherwise(id)))
  }
}

const readBinary = (cursor: Cursor): Uint8Array => {
  const length = cursor.varint()
  const from = cursor.skip(length)
  return cursor.bytes.subarray(from, from + length)
}

const readList = (cursor: Cursor, depth: number): ThriftValue[] => {
  const header = cursor.byte()
  const size = header >> 4 === 15 ? cursor.varint() : header >> 4
  // Every element has at least one byte: so no size asks for more memory than the bytes are worth.
  if (size > cursor.left) throw new MalformedParquet('a list is longer than its bytes')
  const type = header & 15
  const list: ThriftValue[] = []
  for (let index = 0; index < size; index++)
    list.push(type === TRUE || type === FALSE ? cursor.byte() === TRUE : readValue(cursor, type, depth))
  return list
}

const skipMap = (cursor: Cursor, depth: number): undefined => {
  const size = cursor.varint()
  if (size === 0) return undefined
  if (size > cursor.left) throw new MalformedParquet('a map is longer than its bytes')
  const types = cursor.byte()
  for (let index = 0; index < size; index++) {
    readValue(cursor, types >> 4, depth)
    readValue(cursor, types & 15, depth)
  }
  return undefined
}

const readValue = (cursor: Cursor, type: number, depth: number): ThriftValue => {
  if (depth > DEPTH_MAX) throw new MalformedParquet('a header is nested too deeply')
  switch (type) {
    case TRUE:
      return true
    case FALSE:
      return false
    case BYTE:
      return cursor.byte()
    case I16:
    case I32:
    case I64:
      return cursor.zigzag()
    case DOUBLE:
      cursor.skip(8)
      return undefined
    case BINARY:
      return readBinary(cursor)
    case LIST:
    case SET:
      return readList(cursor, depth + 1)
    case MAP:
      return skipMap(cursor, depth + 1)
    case STRUCT:
      return readStruct(cursor, depth + 1)
    default:
      throw new MalformedParquet('a header has a field of no known type')
  }
}

/** The structure that begins at the cursor, which is behind it afterwards. */
export const readStruct = (cursor: Cursor, depth = 0): ThriftStruct => {
  const struct = new ThriftStruct()
  let id = 0
  for (let header = cursor.byte(); header !== 0; header = cursor.byte()) {
    const step = header >> 4
    id = step === 0 ? (cursor.zigzag() ?? 0) : id + step
    const type = header & 15
    // Most are integers, and those of a file that was just opened are read by code that is not compiled yet.
    struct.set(id, type === I32 || type === I64 ? cursor.zigzag() : readValue(cursor, type, depth))
  }
  return struct
}

/** Writes one structure; its fields in ascending order of their numbers. */
export class ThriftWriter {
  readonly #sink: Sink
  #last = 0

  constructor(sink: Sink = new Sink()) {
    this.#sink = sink
  }

  #field(id: number, type: number): void {
    const step = id - this.#last
    if (step >= 1 && step <= 15) this.#sink.byte((step << 4) | type)
    else {
      this.#sink.byte(type)
      this.#sink.zigzag(id)
    }
    this.#last = id
  }

  i32(id: number, value: number): this {
    this.#field(id, I32)
    this.#sink.zigzag(value)
    return this
  }

  i64(id: number, value: number): this {
    this.#field(id, I64)
    this.#sink.zigzag(value)
    return this
  }

  i8(id: number, value: number): this {
    this.#field(id, BYTE)
    this.#sink.byte(value)
    return this
  }

  boolean(id: number, value: boolean): this {
    this.#field(id, value ? TRUE : FALSE)
    return this
  }

  binary(id: number, value: Uint8Array | string): this {
    this.#field(id, BINARY)
    this.#bytes(value)
    return this
  }

  #bytes(value: Uint8Array | string): void {
    const bytes = typeof value === 'string' ? Buffer.from(value) : value
    this.#sink.varint(bytes.length)
    this.#sink.append(bytes)
  }

  struct(id: number, write: (struct: ThriftWriter) => void): this {
    this.#field(id, STRUCT)
    this.#nested(write)
    return this
  }

  #nested(write: (struct: ThriftWriter) => void): void {
    const nested = new ThriftWriter(this.#sink)
    write(nested)
    nested.end()
  }

  #list(id: number, type: number, size: number): void {
    this.#field(id, LIST)
    this.#sink.byte((Math.min(size, 15) << 4) | type)
    if (size >= 15) this.#sink.varint(size)
  }

  structs<T>(id: number, items: readonly T[], write: (struct: ThriftWriter, item: T) => void): this {
    this.#list(id, STRUCT, items.length)
    for (const item of items) this.#nested(struct => write(struct, item))
    return this
  }

  integers(id: number, items: readonly number[]): this {
    this.#list(id, I32, items.length)
    for (const item of items) this.#sink.zigzag(item)
    return this
  }

  strings(id: number, items: readonly string[]): this {
    this.#list(id, BINARY, items.length)
    for (const item of items) this.#bytes(item)
    return this
  }

  /** Ends the structure. */
  end(): void {
    this.#sink.byte(0)
  }
}
