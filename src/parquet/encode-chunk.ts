// Owns the way from one column of a row group to the bytes of its chunk: levels, values, pages, compression. Everything
// is judged by the data of the chunk alone.
import { assert } from '../errors.ts'
import type { Column } from '../model/columns.ts'
import { extentOf } from '../model/extent.ts'
import { binaryBounds, booleanBounds, floatBounds, integerBounds } from './bounds.ts'
import { Codec, compressed } from './compression.ts'
import { type Dense, denseOf } from './dense.ts'
import { binariesWriter } from './encode-binaries.ts'
import { bigIntsOf, booleansWriter, floatsWriter, integersWriter } from './encode-integers.ts'
import { Encoding } from './encoding.ts'
import type { WrittenChunk } from './footer.ts'
import { writeHybrid } from './hybrid.ts'
import { writePage } from './page.ts'
import { type Pool, poolOf } from './pool.ts'
import type { ParquetColumn, ValueType } from './schema.ts'
import { Sink } from './sink.ts'
import type { WrittenStatistics } from './statistics.ts'
import type { ValuesWriter } from './values.ts'

/** How chunks are written. */
export interface ChunkSettings {
  /** Whether encodings are chosen to suit the data; if not, all is PLAIN, for the simplest readers. */
  readonly isTuned: boolean
  /** Where it makes a chunk smaller by enough. */
  readonly codec: Codec
}

/** A chunk that was written. */
export interface EncodedChunk extends WrittenChunk {
  /** How many rows have a value of the column's type. */
  readonly held: number
}

/** Rows of a page: where few rows of a row group are wanted, few pages are decoded. */
const PAGE_ROWS = 4096
/** About the most bytes of strings and the like in a page. */
const PAGE_BYTES = 1024 * 1024

/** What is to be written of a column. */
interface Plan {
  readonly writer: ValuesWriter
  readonly bounds: Omit<WrittenStatistics, 'nulls'>
  /** Bytes of a value without a fixed size, by its place; undefined where all have one. */
  readonly bytesAt: ((place: number) => number) | undefined
}

const NO_BOUNDS = { min: undefined, max: undefined, exact: true } as const

const integerPlan = (dense: Dense, { heap }: Column, bits: 32 | 64, isTuned: boolean): Plan => {
  const writeBounds = (): Plan['bounds'] => {
    if (dense.count === 0) return NO_BOUNDS
    if (dense.isWide === undefined) return integerBounds(bits, BigInt(extent.lowest), BigInt(extent.highest))
    const sorted = bigIntsOf(dense, heap).sort()
    return integerBounds(bits, sorted[0]!, sorted.at(-1)!)
  }
  const extent = dense.isWide === undefined ? extentOf(dense.payload) : { lowest: 0, highest: 0 }
  const { lowest, highest } = extent
  assert(bits === 64 || (lowest >= -(2 ** 31) && highest < 2 ** 31), 'an int32 column holds 32-bit integers')
  return {
    writer: integersWriter(dense, heap, bits, extent, isTuned),
    bounds: writeBounds(),
    bytesAt: undefined,
  }
}

const binaryPlan = (pool: Pool, isText: boolean, isTuned: boolean): Plan => ({
  writer: binariesWriter(pool, isTuned),
  bounds: binaryBounds(pool, isText),
  bytesAt: place => {
    const ordinal = pool.ordinals[place]!
    return pool.offsets[ordinal + 1]! - pool.offsets[ordinal]!
  },
})

const vectorPlan = ({ payload }: Dense, { heap }: Column): Plan => {
  const vectorAt = (place: number) => heap.values[payload[place]!] as Float32Array
  return {
    writer: {
      encoding: Encoding.plain,
      dictionary: undefined,
      write: (sink, from, to) => {
        for (let place = from; place < to; place++) {
          const { buffer, byteOffset, byteLength } = vectorAt(place)
          sink.append(new Uint8Array(buffer, byteOffset, byteLength))
        }
      },
    },
    bounds: NO_BOUNDS,
    bytesAt: place => vectorAt(place).byteLength,
  }
}

const planOf = (type: ValueType, dense: Dense, column: Column, isTuned: boolean): Plan => {
  const { payload } = dense
  switch (type) {
    case 'int32':
      return integerPlan(dense, column, 32, isTuned)
    case 'int64':
    case 'uint64':
    case 'timestamp':
      return integerPlan(dense, column, 64, isTuned)
    case 'boolean':
      return { writer: booleansWriter(payload), bounds: booleanBounds(payload), bytesAt: undefined }
    case 'float64':
      return { writer: floatsWriter(payload), bounds: floatBounds(payload), bytesAt: undefined }
    case 'string':
    case 'bytes':
      return binaryPlan(poolOf(payload, column.heap), type === 'string', isTuned)
    case 'vector':
      return vectorPlan(dense, column)
    default:
      return type satisfies never
  }
}

/** Levels of a page in which nothing is null. */
const ONES = new Uint32Array(PAGE_ROWS).fill(1)

/** Writes levels of up to 2 bits behind their length. */
const writeLevels = (sink: Sink, width: number, levels: Uint32Array): void => {
  const from = sink.length
  sink.uint32(0)
  writeHybrid(sink, width, levels, 0, levels.length)
  sink.view.setUint32(from, sink.length - from - 4, true)
}

/** A part of the rows, and which of the values are theirs. */
interface PageRange {
  readonly firstRow: number
  readonly lastRow: number
  readonly from: number
  readonly to: number
}

function* pageRanges(rows: number, { defined }: Dense, { bytesAt }: Plan): Generator<PageRange> {
  let from = 0
  for (let firstRow = 0; firstRow < rows; ) {
    const most = Math.min(rows, firstRow + PAGE_ROWS)
    let lastRow = firstRow
    let to = from
    if (defined === undefined && bytesAt === undefined) {
      lastRow = most
      to = most
    }
    for (let bytes = 0; lastRow < most && bytes < PAGE_BYTES; lastRow++) {
      if (defined !== undefined && defined[lastRow] === 0) continue
      if (bytesAt !== undefined) bytes += bytesAt(to)
      to++
    }
    yield { firstRow, lastRow, from, to }
    firstRow = lastRow
    from = to
  }
}

/** The levels of lists; returns how many there are. */
const writeListLevels = (
  sink: Sink,
  { firstRow, lastRow, from }: PageRange,
  { defined }: Dense,
  lengthAt: (place: number) => number,
): number => {
  const repetition: number[] = []
  const definition: number[] = []
  let place = from
  for (let row = firstRow; row < lastRow; row++) {
    const isNull = defined !== undefined && defined[row] === 0
    const length = isNull ? 0 : lengthAt(place++)
    repetition.push(0)
    definition.push(isNull ? 0 : length === 0 ? 1 : 2)
    for (let index = 1; index < length; index++) {
      repetition.push(1)
      definition.push(2)
    }
  }
  writeLevels(sink, 1, Uint32Array.from(repetition))
  writeLevels(sink, 2, Uint32Array.from(definition))
  return repetition.length
}

/** A page before it is compressed: a part of what a sink holds. */
interface Body {
  readonly isDictionary: boolean
  readonly encoding: number
  readonly values: number
  readonly from: number
  readonly to: number
}

const writeBodies = (
  sink: Sink,
  { type, required }: ParquetColumn,
  rows: number,
  dense: Dense,
  plan: Plan,
): Body[] => {
  const { writer, bytesAt } = plan
  const bodies: Body[] = []
  if (writer.dictionary !== undefined) {
    const { size, bytes } = writer.dictionary
    sink.append(bytes)
    bodies.push({ isDictionary: true, encoding: Encoding.plain, values: size, from: 0, to: sink.length })
  }
  for (const range of pageRanges(rows, dense, plan)) {
    const start = sink.length
    const { firstRow, lastRow, from, to } = range
    let values = lastRow - firstRow
    if (type === 'vector') values = writeListLevels(sink, range, dense, place => bytesAt!(place) / 4)
    else if (!required)
      writeLevels(
        sink,
        1,
        dense.defined === undefined ? ONES.subarray(0, values) : dense.defined.subarray(firstRow, lastRow),
      )
    writer.write(sink, from, to)
    bodies.push({ isDictionary: false, encoding: writer.encoding, values, from: start, to: sink.length })
  }
  return bodies
}

/** What compression must save at least, as a part: less is not worth decompressing. */
const WORTHWHILE = 1 / 16

/** Pages of numbers that are tried first, with the dictionary if there is one; what saves less of these is not tried on. */
const TRIED_PAGES = 3
const PROMISING = WORTHWHILE / 4

const bytesOf = (pages: readonly Uint8Array[]): number => pages.reduce((sum, { length }) => sum + length, 0)

/**
 * The codec and the pages as they are stored: compressed where all of them together become small enough.
 * @param isEven whether its pages are alike. Numbers, in as many bits as they need, are; matches of texts are far apart
 */
const stored = (
  pages: readonly Uint8Array[],
  wanted: Codec,
  isEven: boolean,
): { codec: Codec; pages: readonly Uint8Array[] } => {
  if (wanted === Codec.none) return { codec: Codec.none, pages }
  const smaller: Uint8Array[] = []
  for (const page of pages) {
    smaller.push(compressed(wanted, page))
    if (!isEven || smaller.length !== TRIED_PAGES) continue
    const tried = bytesOf(pages.slice(0, TRIED_PAGES))
    if (bytesOf(smaller) > tried * (1 - PROMISING)) return { codec: Codec.none, pages }
  }
  return bytesOf(smaller) < bytesOf(pages) * (1 - WORTHWHILE)
    ? { codec: wanted, pages: smaller }
    : { codec: Codec.none, pages }
}

/** Pages before they are compressed; the memory is used again for the next chunk. */
const scratch = new Sink()

/**
 * Appends the chunk of `rows` rows of a column to `out`; values of other types than the column's count as nulls.
 * @param start where in the file `out` begins
 */
export const encodeChunk = (
  out: Sink,
  start: number,
  column: Column,
  rows: number,
  type: ParquetColumn,
  { isTuned, codec: wanted }: ChunkSettings,
): EncodedChunk => {
  const dense = denseOf(column, type.type, rows)
  const plan = planOf(type.type, dense, column, isTuned)
  scratch.reset()
  const bodies = writeBodies(scratch, type, rows, dense, plan)
  const { codec, pages } = stored(
    bodies.map(({ from, to }) => scratch.bytes.subarray(from, to)),
    wanted,
    plan.bytesAt === undefined,
  )
  const begin = out.length
  let saved = 0
  let dataBegin = begin
  bodies.forEach((body, index) => {
    const page = pages[index]!
    writePage(out, body, body.to - body.from, page)
    saved += body.to - body.from - page.length
    if (body.isDictionary) dataBegin = out.length
  })
  return {
    offset: start + begin,
    length: out.length - begin,
    uncompressedLength: out.length - begin + saved,
    codec,
    encodings: [...new Set([Encoding.rle, ...bodies.map(({ encoding }) => encoding)])],
    values: bodies.reduce((sum, { isDictionary, values }) => sum + (isDictionary ? 0 : values), 0),
    dataOffset: start + dataBegin,
    statistics: { ...plan.bounds, nulls: rows - dense.count },
    unencodedBytes: unencodedBytes(type.type, dense, plan),
    held: dense.count,
  }
}

const unencodedBytes = (type: ValueType, { count }: Dense, { bytesAt }: Plan): number | undefined => {
  if (bytesAt === undefined || type === 'vector') return undefined
  let bytes = 0
  for (let place = 0; place < count; place++) bytes += bytesAt(place)
  return bytes
}
