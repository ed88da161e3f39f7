// Owns reading bytes of a batch and proving by their checksums that they are those that were written. No others are
// decoded (rules 15).
import type { DiskFile } from '../disk/disk.ts'
import { CorruptionError, type ErrorDetails } from '../errors.ts'
import { checksum } from '../model/checksum.ts'
import type { ColumnChunk } from '../parquet/footer.ts'

export const corrupt = (why: string, details: ErrorDetails, cause?: unknown): CorruptionError =>
  new CorruptionError('BATCH_CORRUPT', why, details, cause)

/** @throws {CorruptionError} BATCH_CORRUPT with `details` if bytes have not the checksum that they must have */
export const requireChecksum = (bytes: Uint8Array, expected: string, details: ErrorDetails): void => {
  const found = checksum(bytes)
  if (found !== expected)
    throw corrupt('the checksum of a batch does not match', { ...details, expected, found })
}

/** What is read in vain between chunks that are wanted, rather than reading twice. */
const GAP_BYTES_MAX = 128 * 1024

/** Where the last chunk ends that is read at once with those from `first` on, which is wanted; none after it are. */
const endOfRead = (chunks: readonly ColumnChunk[], first: number, names: ReadonlySet<string>): number => {
  let { offset: end } = chunks[first]!
  for (const { column, offset, length } of chunks.slice(first))
    if (offset - end > GAP_BYTES_MAX) break
    else if (names.has(column)) end = offset + length
  return end
}

/**
 * The column chunks that are named, each verified, by name. Those that follow one another are read at once.
 *
 * @param chunks of a row group, which follow one another
 * @param expected their checksums
 * @param details of errors: file and row group
 * @throws {CorruptionError} BATCH_CORRUPT with column and offset
 */
export const readVerifiedChunks = async (
  source: DiskFile,
  chunks: readonly ColumnChunk[],
  expected: readonly string[],
  names: ReadonlySet<string>,
  details: ErrorDetails,
): Promise<ReadonlyMap<string, Uint8Array>> => {
  const bytesOf = new Map<string, Uint8Array>()
  let bytes = new Uint8Array()
  /** Where `bytes` are. */
  let start = 0
  for (const [index, { column, offset, length }] of chunks.entries()) {
    if (!names.has(column)) continue
    if (offset >= start + bytes.length) {
      start = offset
      bytes = await source.read(start, endOfRead(chunks, index, names) - start)
    }
    const own = bytes.subarray(offset - start, offset - start + length)
    requireChecksum(own, expected[index]!, { ...details, column, offset })
    bytesOf.set(column, own)
  }
  return bytesOf
}
