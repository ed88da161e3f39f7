// Owns bytes that grow at the end, for encoders.

/** How much memory stays for what is written next. */
const KEPT_BYTES = 4 * 1024 * 1024

/** Bytes that are being written. Hot loops reserve room, write into `view` and move `length` on themselves. */
export class Sink {
  bytes: Uint8Array<ArrayBuffer>
  view: DataView
  length = 0

  constructor(capacity = 1024) {
    this.bytes = new Uint8Array(capacity)
    this.view = new DataView(this.bytes.buffer)
  }

  /** Makes room for `count` more bytes. `bytes` and `view` may be others afterwards. */
  reserve(count: number): void {
    const needed = this.length + count
    if (needed <= this.bytes.length) return
    const larger = new Uint8Array(Math.max(needed, this.bytes.length * 2))
    larger.set(this.bytes.subarray(0, this.length))
    this.bytes = larger
    this.view = new DataView(larger.buffer)
  }

  byte(value: number): void {
    this.reserve(1)
    this.bytes[this.length++] = value
  }

  uint32(value: number): void {
    this.reserve(4)
    this.view.setUint32(this.length, value, true)
    this.length += 4
  }

  append(bytes: Uint8Array): void {
    this.reserve(bytes.length)
    this.bytes.set(bytes, this.length)
    this.length += bytes.length
  }

  /** A natural number up to 2^53 in LEB128. */
  varint(value: number): void {
    this.reserve(8)
    let rest = value
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) this.bytes[this.length++] = (rest % 0x80) | 0x80
    this.bytes[this.length++] = rest
  }

  /** An integer within ±2^52 in zigzag LEB128. */
  zigzag(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value)
  }

  /** An integer of 64 bits in zigzag LEB128. */
  wideZigzag(value: bigint): void {
    let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
    for (; rest >= 0x80n; rest >>= 7n) this.byte(Number(rest & 0x7fn) | 0x80)
    this.byte(Number(rest))
  }

  /** Forgets what was written, and memory that few need. */
  reset(): void {
    this.length = 0
    if (this.bytes.length <= KEPT_BYTES) return
    this.bytes = new Uint8Array(KEPT_BYTES)
    this.view = new DataView(this.bytes.buffer)
  }

  /** What was written; the same memory, until more is. */
  written(): Uint8Array<ArrayBuffer> {
    return this.bytes.subarray(0, this.length)
  }
}
