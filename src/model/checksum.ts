// Owns the checksum of everything on disk: CRC-32 (IEEE 802.3, as zlib's), written as 8 lower-case hex digits.
import { crc32 } from 'node:zlib'
import { shortCrc32 } from './crc32.ts'

/** The checksum of `bytes` as it is written. `seed` continues the number of the bytes before. */
export const checksum = (bytes: Uint8Array | string, seed = 0): string => toHex(crc32(bytes, seed))

/** As {@link checksum}, as the number to continue from. */
export const checksumNumber = (bytes: Uint8Array | string, seed = 0): number => crc32(bytes, seed)

/** Bytes from which on zlib is faster, although it has to be called: measured, docs/decisions/0013. */
const SHORT_BYTES = 400

/** The checksum of `bytes[from, to)` as a number: that of a line, which is mostly short. */
export const checksumWithin = (bytes: Uint8Array, from: number, to: number): number =>
  to - from < SHORT_BYTES ? shortCrc32(bytes, from, to) : crc32(bytes.subarray(from, to))

/** The written form of a checksum. */
export const toHex = (crc: number): string => crc.toString(16).padStart(8, '0')
