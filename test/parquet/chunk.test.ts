// Which codec a chunk gets: judged by all of it, but where its pages are alike by the first of them.
import { expect, test } from 'vitest'
import { type Column, columnOfValues } from '../../src/model/columns.ts'
import { Codec } from '../../src/parquet/compression.ts'
import { encodeChunk } from '../../src/parquet/encode-chunk.ts'
import type { ParquetColumn } from '../../src/parquet/schema.ts'
import { Sink } from '../../src/parquet/sink.ts'

const PAGE = 4096
const ROWS = 16 * PAGE

const INT64: ParquetColumn = { name: 'n', type: 'int64', required: true }
const STRING: ParquetColumn = { name: 's', type: 'string', required: true }

const codecOf = (column: Column, type: ParquetColumn): number => {
  const sink = new Sink()
  const { codec, length, uncompressedLength } = encodeChunk(sink, 0, column, ROWS, type, {
    isTuned: true,
    codec: Codec.snappy,
  })
  expect(length).toBe(sink.length)
  if (codec === Codec.none) expect(uncompressedLength).toBe(length)
  else expect(length).toBeLessThan(uncompressedLength)
  return codec
}

/** The same sequence each time, of 32 bits. */
const noise = (row: number): number => Math.imul(row ^ (row >>> 15), 0x2c1b3c6d) ^ Math.imul(row, 0x297a2d39)

/** Deltas that come again after a few rows. */
const regular = (row: number): number => row * 1000 + (row % 7) * 30

test('numbers of which the first pages shrink are compressed, those of which they do not are not tried on', () => {
  const numbers = (at: (row: number) => number): number => codecOf(columnOfValues(ROWS, at), INT64)
  expect(numbers(regular)).toBe(Codec.snappy)
  expect(numbers(noise)).toBe(Codec.none)
  expect(numbers(row => (row < 3 * PAGE ? noise(row) : regular(row)))).toBe(Codec.none)
  expect(numbers(row => (row < 2 * PAGE ? noise(row) : regular(row)))).toBe(Codec.snappy)
  // The first pages promise what the others do not keep.
  expect(numbers(row => (row < 3 * PAGE ? regular(row) : noise(row)))).toBe(Codec.none)
})

test('texts are tried to the end', () => {
  const unlike = (row: number): string => `${noise(row)}${noise(row * 31 + 7)}${noise(row * 17 + 3)}`
  const column = columnOfValues(ROWS, row =>
    row < 4 * PAGE ? unlike(row) : `${row}${' text again'.repeat(4)}`,
  )
  expect(codecOf(column, STRING)).toBe(Codec.snappy)
})
