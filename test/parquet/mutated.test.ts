// Column chunks whose bytes are not what they were: a typed error, or some column of the right length; never another
// error, never an end of the process. The checksum is what notices damage: here it would have held.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { layoutOf, parquetColumns } from '../../src/batch/layout.ts'
import { GrowingColumns } from '../../src/model/columns.ts'
import type { ColumnType, Schema } from '../../src/model/schema.ts'
import { float, timestamp, type Value } from '../../src/model/value.ts'
import { Codec } from '../../src/parquet/compression.ts'
import { OpenChunk } from '../../src/parquet/decode-chunk.ts'
import { encodeChunk } from '../../src/parquet/encode-chunk.ts'
import { type ColumnChunk, readFooter } from '../../src/parquet/footer.ts'
import { MalformedParquet } from '../../src/parquet/malformed.ts'
import type { ParquetColumn } from '../../src/parquet/schema.ts'
import { Sink } from '../../src/parquet/sink.ts'
import { typed } from '../batch/columns-of.ts'
import { chunksOf, ownFile, wasmFile } from './bytes-of.ts'

const ROWS = 300

/** A column of each type, and one more of strings: what is in a row. */
const COLUMNS: readonly (readonly [ColumnType, (row: number) => Value])[] = [
  ['boolean', row => row % 3 === 0],
  ['int32', row => row * 7],
  ['int64', row => (row % 50 === 0 ? 2n ** 62n - BigInt(row) : row ** 3)],
  ['float64', row => float(row / 4)],
  ['timestamp', row => timestamp(1_700_000_000_000 + row * row)],
  ['string', row => `name ${row % 9}`],
  ['string', row => `a longer text that many begin with: ${row} é`],
  ['bytes', row => Uint8Array.of(row & 255, 1, 2)],
  ['vector', row => Float32Array.from({ length: row % 4 }, (_, index) => index + row)],
]

const SCHEMA: Schema = typed(...COLUMNS.map(([type]) => type))

const sample = (): GrowingColumns => {
  const columns = new GrowingColumns(SCHEMA.length)
  for (let row = 0; row < ROWS; row++)
    columns.append(
      COLUMNS.map(([, valueAt], index) => ((row + index) % 13 === 0 ? null : valueAt(row))),
      row >> 2,
      row % 5 === 0 ? -1 : 1,
    )
  return columns
}

interface Chunk {
  readonly label: string
  readonly column: ParquetColumn
  readonly chunk: ColumnChunk
  readonly bytes: Uint8Array
}

const chunks: Chunk[] = []
for (const write of [ownFile, wasmFile])
  for (const profile of ['tuned', 'compatible'] as const)
    for (const compression of ['snappy', 'none', 'gzip'] as const) {
      const bytes = await write(SCHEMA, [sample().view()], profile, compression)
      const footer = readFooter(bytes)
      const bytesOf = chunksOf(bytes, footer, 0)
      for (const column of parquetColumns(layoutOf(SCHEMA)))
        chunks.push({
          label: `${column.name} ${profile} ${compression}`,
          column,
          chunk: footer.rowGroups[0]!.chunks.find(each => each.column === column.name)!,
          bytes: bytesOf.get(column.name)!,
        })
    }

/** How many rows come out; -1 if the bytes are refused. Anything but a MalformedParquet fails the test. */
const outcome = ({ chunk, column }: Chunk, bytes: Uint8Array): number => {
  try {
    const { kinds, payload, heap } = new OpenChunk(bytes, chunk, column, ROWS).decode()
    // Every code is one of the heap.
    for (const [row, kind] of kinds.entries())
      if (kind === 3 || kind >= 6) expect(heap.values[payload[row]!]).toBeDefined()
    return payload.length
  } catch (error) {
    if (!(error instanceof MalformedParquet)) throw error
    return -1
  }
}

test('they decode as they are', () => {
  for (const each of chunks) expect(outcome(each, each.bytes), each.label).toBe(ROWS)
})

const edits = fc.array(
  fc.oneof(
    fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), set: fc.integer({ min: 0, max: 255 }) }),
    fc.record({
      at: fc.double({ min: 0, max: 0.2, noNaN: true }),
      set: fc.constantFrom(0, 0x7f, 0x80, 0xff),
    }),
  ),
  { minLength: 1, maxLength: 4 },
)

test('rows before a page that is damaged are decoded; its own are not, and all together are not', () => {
  const rows = 10_000
  const behindTwoPages = 8192
  const valueAt = (row: number): number => 1000 * (row % 7) + row
  const columns = new GrowingColumns(1, rows)
  for (let row = 0; row < rows; row++) columns.append([valueAt(row)], 0, 1)
  const type: ParquetColumn = { name: 'n', type: 'int32', required: false }
  const encoded = (count: number) => {
    const sink = new Sink()
    const chunk = encodeChunk(sink, 0, columns.data[0]!, count, type, { isTuned: true, codec: Codec.none })
    return { chunk, bytes: sink.written() }
  }
  const { chunk, bytes } = encoded(rows)
  const decoded = (from: number, to: number): number[] => [
    ...new OpenChunk(bytes, chunk, type, rows).decode({ from, to }).payload,
  ]
  expect(decoded(0, rows)[9000]).toBe(valueAt(9000))
  // The header of the third page.
  bytes.fill(0xff, encoded(behindTwoPages).bytes.length, encoded(behindTwoPages).bytes.length + 8)
  expect(decoded(4095, 4098)).toEqual([4095, 4096, 4097].map(valueAt))
  expect(decoded(behindTwoPages - 1, behindTwoPages)).toEqual([valueAt(behindTwoPages - 1)])
  expect(() => decoded(behindTwoPages, behindTwoPages + 1)).toThrow(MalformedParquet)
  expect(() => decoded(0, rows)).toThrow(MalformedParquet)
})

test('changed bytes', () => {
  fc.assert(
    fc.property(fc.constantFrom(...chunks), edits, (each, changes) => {
      const bytes = each.bytes.slice()
      for (const { at, set } of changes)
        bytes[Math.min(bytes.length - 1, Math.floor(at * bytes.length))] = set
      expect([-1, ROWS]).toContain(outcome(each, bytes))
    }),
    { numRuns: 6000 },
  )
})

test('bytes that end early, or go on', () => {
  for (const each of chunks) {
    for (let length = 0; length < each.bytes.length; length += 1 + (each.bytes.length >> 6))
      expect(outcome(each, each.bytes.slice(0, length)), `${each.label} ${length}`).toBe(-1)
    expect(outcome(each, Buffer.concat([each.bytes, each.bytes])), each.label).toBe(-1)
    expect(outcome(each, Buffer.concat([each.bytes, Buffer.alloc(9)])), each.label).toBe(-1)
  }
})

test('a chunk taken for one of another type', () => {
  for (const each of chunks)
    for (const other of chunks)
      if (other.column.name !== each.column.name)
        expect([-1, ROWS]).toContain(outcome({ ...each, column: other.column }, each.bytes))
})

test('a code beyond its dictionary is refused', () => {
  const coded = chunks.filter(({ label }) => label === 'col5 tuned none')
  expect(coded.length).toBe(2)
  for (const each of coded) {
    // Nine names: codes of four bits, the last of which are at the end.
    const bytes = each.bytes.slice().fill(0xff, each.bytes.length - 8)
    expect(outcome(each, bytes)).toBe(-1)
  }
})
