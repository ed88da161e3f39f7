// Owns the checksum of everything on disk: CRC-32 (IEEE 802.3, as zlib's), written as 8 lower-case hex digits.
import { crc32 } from 'node:zlib'

/** The checksum of `bytes` as it is written. `seed` continues the number of the bytes before. */
export const checksum = (bytes: Uint8Array | string, seed = 0): string => toHex(crc32(bytes, seed))

/** As {@link checksum}, as the number to continue from. */
export const checksumNumber = (bytes: Uint8Array | string, seed = 0): number => crc32(bytes, seed)

/** The written form of a checksum. */
export const toHex = (crc: number): string => crc.toString(16).padStart(8, '0')
