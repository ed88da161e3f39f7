// Owns CRC-32 in plain JavaScript, for stretches of bytes too short to be worth a call into zlib. Slicing-by-8: eight
// bytes at a time through eight tables (Kounavis and Berry, "A Systematic Approach to Building High Performance
// Software-Based CRC Generators", 2005).

const POLYNOMIAL = 0xedb88320 // IEEE 802.3, reflected

/** Table `n`, at `256 * n`: what a byte does to the checksum when `n` more bytes follow it. */
const TABLES: Int32Array = (() => {
  const tables = new Int32Array(8 * 256)
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? POLYNOMIAL : 0)
    tables[byte] = crc
  }
  for (let index = 256; index < tables.length; index++) {
    const before = tables[index - 256]!
    tables[index] = (before >>> 8) ^ tables[before & 0xff]!
  }
  return tables
})()

/** CRC-32 of `bytes[from, to)`, from 0 to 2^32-1, as `zlib.crc32` has it. Costs about a nanosecond a byte, and no call. */
export const shortCrc32 = (bytes: Uint8Array, from: number, to: number): number => {
  const tables = TABLES
  let crc = -1
  let at = from
  for (const end = to - 7; at < end; at += 8) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    crc =
      tables[0x700 | (crc & 0xff)]! ^
      tables[0x600 | ((crc >>> 8) & 0xff)]! ^
      tables[0x500 | ((crc >>> 16) & 0xff)]! ^
      tables[0x400 | (crc >>> 24)]! ^
      tables[0x300 | bytes[at + 4]!]! ^
      tables[0x200 | bytes[at + 5]!]! ^
      tables[0x100 | bytes[at + 6]!]! ^
      tables[bytes[at + 7]!]!
  }
  for (; at < to; at++) crc = (crc >>> 8) ^ tables[(crc ^ bytes[at]!) & 0xff]!
  return ~crc >>> 0
}
