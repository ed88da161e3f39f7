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
  for (let from = 0; from < chunks.length; from++) {
    let to = from
    while (to < chunks.length && names.has(chunks[to]!.column)) to++
    if (to === from) continue
    const { offset } = chunks[from]!
    const last = chunks[to - 1]!
    const bytes = await source.read(offset, last.offset + last.length - offset)
    for (; from < to; from++) {
      const chunk = chunks[from]!
      const own = bytes.subarray(chunk.offset - offset, chunk.offset - offset + chunk.length)
      requireChecksum(own, expected[from]!, { ...details, column: chunk.column, offset: chunk.offset })
      bytesOf.set(chunk.column, own)
    }
  }
  return bytesOf
}
