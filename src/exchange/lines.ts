// Owns how the bytes of a text file are read: block by block, each of whole lines. Invariants: the blocks together
// are the file without its byte order mark; each is valid UTF-8; memory is bounded by the longest line that may be.
import { isUtf8 } from 'node:buffer'
import type { DiskFile } from '../disk/disk.ts'
import { MalformedText } from './text-format.ts'

/** Where the bytes come from. */
export type ByteSource = Pick<DiskFile, 'read' | 'size'>

/** Some whole lines of a text file. */
export interface LineBlock {
  readonly text: string
  /** The number of the first line, from 1. */
  readonly line: number
}

/** Read at once. */
const READ_BYTES = 256 * 1024

/** Nobody writes longer lines on purpose; a file without any would have to be kept in memory. */
export const MAX_LINE_BYTES: number = 64 * 1024 * 1024

const NEWLINE = 10

const BYTE_ORDER_MARK = Buffer.from('\ufeff')

const withoutMark = (bytes: Uint8Array): Uint8Array =>
  BYTE_ORDER_MARK.equals(bytes.subarray(0, BYTE_ORDER_MARK.length))
    ? bytes.subarray(BYTE_ORDER_MARK.length)
    : bytes

/** The offset behind each line of a block. */
function* endsOf(bytes: Uint8Array): Generator<number> {
  for (let from = 0; from < bytes.length; ) {
    const found = bytes.indexOf(NEWLINE, from)
    from = found === -1 ? bytes.length : found + 1
    yield from
  }
}

/** @param line the number of the first line in `bytes` */
const textOf = (bytes: Buffer, line: number): string => {
  if (isUtf8(bytes)) return bytes.toString()
  let [at, start] = [line, 0]
  for (const end of endsOf(bytes)) {
    if (!isUtf8(bytes.subarray(start, end))) break
    start = end
    at++
  }
  throw new MalformedText('the line is not UTF-8', at)
}

/**
 * The lines of a file, in blocks; a byte order mark is passed over.
 * @param progress is told the bytes read so far and the size of the file
 * @throws {MalformedText} for a line that is not UTF-8, or longer than {@link MAX_LINE_BYTES}
 */
export async function* lineBlocks(
  source: ByteSource,
  progress: (doneBytes: number, totalBytes: number) => void = () => {},
): AsyncGenerator<LineBlock, void, undefined> {
  const size = await source.size()
  let line = 1
  let pieces: Uint8Array[] = []
  let held = 0
  for (let offset = 0; offset < size; ) {
    const read = await source.read(offset, Math.min(READ_BYTES, size - offset))
    if (read.length === 0) throw new MalformedText('the file became shorter while it was read', line)
    const piece = offset === 0 ? withoutMark(read) : read
    offset += read.length
    const end = offset === size ? piece.length : piece.lastIndexOf(NEWLINE) + 1
    pieces.push(piece.subarray(0, end))
    held += piece.length
    if (end > 0) {
      const bytes = Buffer.concat(pieces)
      yield { text: textOf(bytes, line), line }
      for (const _ of endsOf(bytes)) line++
      pieces = []
      held = piece.length - end
    } else if (held > MAX_LINE_BYTES)
      throw new MalformedText(`the line is longer than ${MAX_LINE_BYTES} bytes`, line)
    pieces.push(piece.subarray(end))
    progress(offset, size)
  }
}
