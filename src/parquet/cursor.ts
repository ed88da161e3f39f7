// Owns reading forward through bytes that nobody vouches for: every read is checked against the end.
import { MalformedParquet } from './malformed.ts'

/** Most bytes of a variable-length integer of 64 bits. */
const VARINT_BYTES_MAX = 10

/** Bytes behind the end that may be looked at, so that bits are taken four bytes at a time. */
const PADDING_BYTES = 8

/** The same bytes with room behind them, and as no Buffer, whose slices are no copies; a copy only if there is no room. */
const padded = (bytes: Uint8Array): Uint8Array => {
  const { buffer, byteOffset, length } = bytes
  if (byteOffset + length + PADDING_BYTES <= buffer.byteLength)
    return bytes.constructor === Uint8Array ? bytes : new Uint8Array(buffer, byteOffset, length)
  const copy = new Uint8Array(bytes.length + PADDING_BYTES)
  copy.set(bytes)
  return copy.subarray(0, bytes.length)
}

/** A place in bytes. `view` begins where `bytes` do and goes at least 8 bytes beyond them. */
export class Cursor {
  readonly bytes: Uint8Array
  readonly view: DataView
  readonly end: number
  at = 0

  constructor(bytes: Uint8Array) {
    this.bytes = padded(bytes)
    this.end = bytes.length
    const { buffer, byteOffset } = this.bytes
    this.view = new DataView(buffer, byteOffset, bytes.length + PADDING_BYTES)
  }

  get left(): number {
    return this.end - this.at
  }

  /** Moves on by `count` bytes, which must be there, and returns where they begin. */
  skip(count: number): number {
    if (!(count >= 0 && count <= this.left)) throw new MalformedParquet('the bytes end too early')
    const from = this.at
    this.at = from + count
    return from
  }

  byte(): number {
    if (this.at >= this.end) throw new MalformedParquet('the bytes end too early')
    return this.bytes[this.at++]!
  }

  uint32(): number {
    return this.view.getUint32(this.skip(4), true)
  }

  /** An unsigned integer in LEB128. From 2^53 on it is rounded. */
  varint(): number {
    const first = this.byte()
    // Nearly all are short. In a process that has just begun nothing is compiled, and every step counts.
    if (first < 0x80) return first
    let value = first & 0x7f
    let scale = 0x80
    for (let count = 1; count < VARINT_BYTES_MAX; count++) {
      const byte = this.byte()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
      scale *= 0x80
    }
    throw new MalformedParquet('an integer is too long')
  }

  /** A signed integer in zigzag LEB128; undefined if it is not from -2^52 to 2^52-1. */
  zigzag(): number | undefined {
    const value = this.varint()
    if (value < 2 ** 31) return (value >>> 1) ^ -(value & 1)
    if (value >= 2 ** 53) return undefined
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }

  /** A signed integer of 64 bits in zigzag LEB128. */
  wideZigzag(): bigint {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.byte()
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n))
    }
    throw new MalformedParquet('an integer is too long')
  }
}
