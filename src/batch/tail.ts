// Owns finding the footer of a file that nobody has a checksum of. Invariant: what it says of places lies in the file.
import type { DiskFile } from '../disk/disk.ts'
import { FOOTER_TAIL_BYTES, footerLength, MAGIC, type ParquetFooter, readFooter } from '../parquet/footer.ts'

/** Where the bytes come from. */
export type ByteSource = Pick<DiskFile, 'read' | 'size'>

/** Bytes `[offset, offset + length)`; rejects if the file ends before. */
export const readExactly = async (
  source: ByteSource,
  offset: number,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> => {
  const bytes = await source.read(offset, length)
  if (bytes.length !== length) throw new Error(`the file ends at ${offset + bytes.length}`)
  return bytes
}

/** The end of the last column chunk. */
const endOfChunks = (footer: ParquetFooter, size: number): number => {
  let end = MAGIC.length
  for (const { offset, length } of footer.rowGroups.flatMap(({ chunks }) => chunks)) {
    if (!(offset >= MAGIC.length && length >= 0 && offset + length <= size))
      throw new Error('a column chunk lies outside the file')
    end = Math.max(end, offset + length)
  }
  return end
}

const readTail = async (source: ByteSource, size: number): Promise<Uint8Array<ArrayBuffer>> => {
  if (size < MAGIC.length + FOOTER_TAIL_BYTES) throw new Error('the file is too short')
  const length = footerLength(await readExactly(source, size - FOOTER_TAIL_BYTES, FOOTER_TAIL_BYTES))
  if (length === undefined) throw new Error('the file does not end in PAR1')
  if (length + MAGIC.length > size) throw new Error('the footer is longer than the file')
  return readExactly(source, size - length, length)
}

/** A footer and where it is. */
export interface Tail {
  readonly footer: ParquetFooter
  readonly size: number
  /** The end of the last column chunk. */
  readonly end: number
}

/** Finds the footer of a file. Rejects if it is not a Parquet file. */
export const openTail = async (source: ByteSource): Promise<Tail> => {
  const size = await source.size()
  const footer = readFooter(await readTail(source, size))
  return { footer, size, end: endOfChunks(footer, size) }
}
