// Owns the making of a batch file: streamed to a temporary name, synced, renamed, the folder synced.
// Invariants: what is written is sorted and consolidated, or nothing is; the checksums are of the bytes that a read
// of the file gives, not of those that were meant; a failure leaves no file behind.
import type { ParquetCompression, ParquetProfile } from '../config/settings.ts'
import type { Disk, DiskFile } from '../disk/disk.ts'
import { folderOf, TEMPORARY } from '../disk/replace.ts'
import { assert } from '../errors.ts'
import { checksum } from '../model/checksum.ts'
import type { Columns } from '../model/columns.ts'
import type { Schema } from '../model/schema.ts'
import { FOOTER_TAIL_BYTES, footerLength, MAGIC, type ParquetFooter, readFooter } from '../parquet/footer.ts'
import type { BatchDescription, RowGroupDescription } from './description.ts'
import { encodeGroups } from './encode-groups.ts'
import { rowGroups } from './groups.ts'
import { type BatchOrigin, layoutOf, layoutText } from './layout.ts'
import { OrderCheck } from './order.ts'
import { Span } from './span.ts'

export interface BatchOptions {
  /** The shard's name, so that a file of another shard is noticed. */
  readonly shard: string
  readonly schema: Schema
  /** Absent for a file outside of a store. */
  readonly origin?: BatchOrigin
  readonly profile: ParquetProfile
  readonly compression: ParquetCompression
}

/** Checks the order of row groups, and notes what they span, as they pass by. */
async function* checked(
  first: Columns | undefined,
  rest: AsyncIterable<Columns>,
  span: Span,
): AsyncGenerator<Columns, void, undefined> {
  const order = new OrderCheck()
  const check = (group: Columns): Columns => {
    assert(
      order.firstWrong(group) === -1,
      'a batch is sorted by (data, time), consolidated and without zero diffs',
    )
    span.add(group)
    return group
  }
  if (first !== undefined) yield check(first)
  for await (const group of rest) yield check(group)
}

/** The bytes of a file of the row group `first` and those behind it. */
async function* fileBytes(
  { shard, schema, origin, profile, compression }: BatchOptions,
  first: Columns | undefined,
  rest: AsyncIterable<Columns>,
  span: Span,
): AsyncGenerator<Uint8Array, void, undefined> {
  const layout = layoutOf(schema)
  const groups = checked(first, rest, span)
  const text = layoutText({ shard, layout, origin })
  if (compression === 'zstd') {
    const { wasmEncodeGroups } = await import('./wasm-writer.ts')
    yield* wasmEncodeGroups(layout, groups, profile, compression, text)
  } else yield* encodeGroups(layout, groups, profile, compression, text)
}

/**
 * The bytes of a batch file, for someone who puts them elsewhere: of rows as {@link writeBatch} takes them. Without rows
 * it is a file of columns and no row groups, which is no batch.
 */
export async function* batchBytes(
  options: BatchOptions,
  chunks: AsyncIterable<Columns>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const arity = options.schema.length
  yield* fileBytes(options, undefined, rowGroups(chunks, arity), new Span(arity))
}

/** The checksums of a row group, from what is in the file. Its chunks follow one another. */
const describeGroup = async (
  file: DiskFile,
  { rows, chunks }: ParquetFooter['rowGroups'][number],
): Promise<RowGroupDescription> => {
  const { offset } = chunks[0]!
  const bytes = await file.read(
    offset,
    chunks.reduce((sum, { length }) => sum + length, 0),
  )
  const checksums = chunks.map(chunk =>
    checksum(bytes.subarray(chunk.offset - offset, chunk.offset - offset + chunk.length)),
  )
  return { len: rows, offset, chunks: checksums }
}

/** What a file holds, read from the file itself, which must be as a Varve writes it. */
export const describe = async (
  file: DiskFile,
  bytes: number,
): Promise<Pick<BatchDescription, 'bytes' | 'footer' | 'rowGroups'> & { rows: number }> => {
  const tail = await file.read(bytes - FOOTER_TAIL_BYTES, FOOTER_TAIL_BYTES)
  const length = footerLength(tail)
  assert(length !== undefined, 'the codec ends a file in its footer')
  const footer = readFooter(await file.read(bytes - length, length))
  let end = MAGIC.length
  for (const { chunks } of footer.rowGroups) {
    for (const chunk of chunks) {
      assert(chunk.offset === end, 'column chunks follow one another without gaps')
      end += chunk.length
    }
  }
  const rowGroups: RowGroupDescription[] = []
  for (const group of footer.rowGroups) rowGroups.push(await describeGroup(file, group))
  const crc32 = checksum(await file.read(end, bytes - end))
  return { bytes, rows: footer.rows, footer: { offset: end, crc32 }, rowGroups }
}

const writeAll = async (file: DiskFile, pieces: AsyncIterable<Uint8Array>): Promise<number> => {
  let bytes = 0
  for await (const piece of pieces) {
    await file.write(bytes, piece)
    bytes += piece.length
  }
  return bytes
}

/**
 * Writes a batch of the rows of `chunks`, which are sorted by (data, time) and consolidated and follow one another
 * in order. Keeps about one row group in memory. The file is at `path`, durably, when the promise resolves; nothing
 * refers to it yet. Without rows there is no file and no description.
 *
 * When it rejects, no file is at `path` and none is left under the temporary name, as far as the disk lets it.
 */
export const writeBatch = async (
  disk: Disk,
  path: string,
  options: BatchOptions,
  chunks: AsyncIterable<Columns> | Iterable<Columns>,
): Promise<BatchDescription | undefined> => {
  const { schema } = options
  const groups = rowGroups(chunks, schema.length)
  const first = await groups.next()
  if (first.done === true) return undefined
  const span = new Span(schema.length)
  const temporary = path + TEMPORARY
  let left: string | undefined
  try {
    const file = await disk.open(temporary, 'create')
    left = temporary
    let written: Awaited<ReturnType<typeof describe>>
    try {
      const bytes = await writeAll(file, fileBytes(options, first.value, groups, span))
      await file.sync('B5')
      written = await describe(file, bytes)
    } finally {
      await file.close()
    }
    const { rows, ...described } = written
    assert(rows === span.len, 'the codec wrote every row')
    await disk.rename(temporary, path)
    left = path
    await disk.syncDirectory(folderOf(path), 'B6')
    return { ...described, ...span.describe(schema.map(({ type }) => type)) }
  } catch (cause) {
    if (left !== undefined) await discard(disk, left)
    throw cause
  } finally {
    await groups.return()
  }
}

/**
 * Removes what a failed write may have left at `path`. If the disk refuses that as well, the next open finds and explains
 * it.
 */
export const discard = async (disk: Disk, path: string): Promise<void> => {
  try {
    if ((await disk.stat(path)) !== undefined) await disk.remove(path)
  } catch {
    // The failure that led here is the one to report.
  }
}
