// Makes the bytes of whole files, by our own code and by parquet-wasm, and reads them again by either.
import { ColumnChunks, decodeGroup } from '../../src/batch/decode-group.ts'
import { encodeGroups, type OwnCompression } from '../../src/batch/encode-groups.ts'
import { type Layout, layoutOf, layoutText } from '../../src/batch/layout.ts'
import { WasmReader } from '../../src/batch/wasm-reader.ts'
import { wasmEncodeGroups } from '../../src/batch/wasm-writer.ts'
import type { ParquetCompression, ParquetProfile } from '../../src/config/settings.ts'
import type { Columns } from '../../src/model/columns.ts'
import type { Schema } from '../../src/model/schema.ts'
import { type ParquetFooter, readFooter } from '../../src/parquet/footer.ts'
import { streamed } from '../batch/columns-of.ts'

const joined = async (pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> => {
  const all: Uint8Array[] = []
  for await (const piece of pieces) all.push(piece)
  return Uint8Array.from(Buffer.concat(all))
}

const identity = (layout: Layout): string => layoutText({ shard: 's', layout, origin: undefined })

export const ownFile = (
  schema: Schema,
  groups: readonly Columns[],
  profile: ParquetProfile = 'tuned',
  compression: OwnCompression = 'snappy',
): Promise<Uint8Array<ArrayBuffer>> => {
  const layout = layoutOf(schema)
  return joined(encodeGroups(layout, streamed(groups), profile, compression, identity(layout)))
}

export const wasmFile = (
  schema: Schema,
  groups: readonly Columns[],
  profile: ParquetProfile = 'tuned',
  compression: ParquetCompression = 'snappy',
): Promise<Uint8Array<ArrayBuffer>> => {
  const layout = layoutOf(schema)
  return joined(wasmEncodeGroups(layout, streamed(groups), profile, compression, identity(layout)))
}

export const chunksOf = (
  bytes: Uint8Array,
  { rowGroups }: ParquetFooter,
  index: number,
): ReadonlyMap<string, Uint8Array> =>
  new Map(
    rowGroups[index]!.chunks.map(({ column, offset, length }) => [
      column,
      bytes.slice(offset, offset + length),
    ]),
  )

/** The row groups of a file as our own code reads them. */
export const ownRead = (schema: Schema, bytes: Uint8Array): Columns[] => {
  const footer = readFooter(bytes)
  return footer.rowGroups.map((_, index) =>
    decodeGroup(layoutOf(schema), new ColumnChunks(footer, index, chunksOf(bytes, footer, index))),
  )
}

/** The row groups of a file as parquet-wasm reads them. */
export const wasmRead = async (schema: Schema, bytes: Uint8Array): Promise<Columns[]> => {
  const footer = readFooter(bytes)
  const last = footer.rowGroups.at(-1)?.chunks.at(-1)
  const end = last === undefined ? 4 : last.offset + last.length
  const reader = await WasmReader.open(footer, bytes.length, end, bytes.slice(end))
  try {
    const read: Columns[] = []
    for (const index of footer.rowGroups.keys())
      read.push(await reader.read(layoutOf(schema), index, chunksOf(bytes, footer, index)))
    return read
  } finally {
    reader.free()
  }
}
