import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { checksum, checksumNumber, checksumWithin, toHex } from '../../src/model/checksum.ts'
import { shortCrc32 } from '../../src/model/crc32.ts'

test('is CRC-32 as zlib has it: the check value of the standard (IL-10)', () => {
  expect(checksum('123456789')).toBe('cbf43926')
  expect(checksum(Buffer.from('123456789'))).toBe('cbf43926')
  expect(checksum('')).toBe('00000000')
})

test('text counts by its UTF-8 bytes', () => {
  expect(checksum('\u00e9\u{1f600}')).toBe(checksum(Buffer.from('\u00e9\u{1f600}', 'utf8')))
})

test('is always 8 lower-case hex digits', () => {
  expect(toHex(0)).toBe('00000000')
  expect(toHex(0xabc)).toBe('00000abc')
  expect(toHex(0xffffffff)).toBe('ffffffff')
})

test('continues from the number of the bytes before', () => {
  expect(checksum('6789', checksumNumber('12345'))).toBe('cbf43926')
})

test('every flipped bit shows (IL-12)', () => {
  const bytes = Buffer.from('{"lsn":7,"shard":"default:edge"}')
  const right = checksum(bytes)
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    bytes[bit >> 3]! ^= 1 << (bit & 7)
    expect(checksum(bytes)).not.toBe(right)
    bytes[bit >> 3]! ^= 1 << (bit & 7)
  }
  expect(checksum(bytes)).toBe(right)
})

test('of a part of bytes, short or long, is that of zlib', () => {
  const bounds = fc.tuple(fc.nat({ max: 9 }), fc.nat({ max: 9 }))
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 900, size: 'max' }), bounds, (bytes, [before, behind]) => {
      const from = Math.min(before, bytes.length)
      const to = Math.max(from, bytes.length - behind)
      const expected = crc32(bytes.subarray(from, to))
      expect(shortCrc32(bytes, from, to)).toBe(expected)
      expect(checksumWithin(bytes, from, to)).toBe(expected)
    }),
  )
})
