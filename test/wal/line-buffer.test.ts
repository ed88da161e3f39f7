import fc from 'fast-check'
import { expect, test } from 'vitest'
import { GrowingColumns } from '../../src/model/columns.ts'
import { LineBuffer } from '../../src/wal/line-buffer.ts'
import { type CommitRecord, encodeRecord } from '../../src/wal/record.ts'
import { anyRecord } from './records.ts'

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')

test('every line is, to the byte, the one that the plain encoder makes', () => {
  const buffer = new LineBuffer()
  fc.assert(
    fc.property(
      fc.array(fc.tuple(anyRecord(), fc.option(fc.maxSafeNat(), { nil: undefined })), { maxLength: 4 }),
      given => {
        buffer.clear()
        const lines = given.map(([record, durable]) => {
          const line = encodeRecord(record, durable)
          expect(buffer.append(record, durable)).toBe(line.length)
          return line
        })
        expect(text(buffer.lines)).toBe(text(Buffer.concat(lines)))
        expect(buffer.length).toBe(buffer.lines.length)
      },
    ),
    { numRuns: 1500 },
  )
})

const record = (rows: number, value: string | number): CommitRecord => {
  const columns = new GrowingColumns(1, rows)
  for (let row = 0; row < rows; row++) columns.append([value], row, 1)
  return { lsn: 1, at: 1, updates: new Map([['a:b', columns]]) }
}

test('it grows as far as a line needs, and keeps the lines before', () => {
  const buffer = new LineBuffer()
  const small = encodeRecord(record(1, 7), undefined)
  const large = encodeRecord(record(3, 'ü'.repeat(100_000)), 5)
  const long = encodeRecord(record(300_000, 123_456_789), undefined)
  buffer.append(record(1, 7), undefined)
  buffer.append(record(3, 'ü'.repeat(100_000)), 5)
  buffer.append(record(300_000, 123_456_789), undefined)
  expect(Buffer.compare(buffer.lines, Buffer.concat([small, large, long]))).toBe(0)
  buffer.cut(small.length)
  expect(text(buffer.lines)).toBe(text(small))
  buffer.clear()
  expect(buffer.length).toBe(0)
  buffer.append(record(1, 7), undefined)
  expect(text(buffer.lines)).toBe(text(small))
})
