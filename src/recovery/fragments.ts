// Owns what is left of a damaged segment: the lines whose checksums hold, wherever they stand, and the bytes between.
// Decides nothing: what a line means, and what its absence means, is salvage.ts.
import { decodeLine, InvalidLine, type LineJson, UnreadableLine } from '../wal/record.ts'

/** A line whose checksum holds. */
export interface Fragment {
  readonly offset: number
  readonly end: number
  readonly json: LineJson
}

/** Bytes `[offset, end)` that belong to no valid line. */
export interface Stretch {
  readonly offset: number
  readonly end: number
  readonly reason: string
}

/** A segment, taken apart: fragments and stretches cover every byte but padding. */
export interface Fragments {
  readonly lines: readonly Fragment[]
  readonly bad: readonly Stretch[]
}

const NEWLINE = 10

/**
 * Where one of our lines may start. Within a line it can stand nowhere else: a quotation mark inside JSON text is
 * escaped. So a newline that was damaged costs neither of its neighbours.
 */
const START = /[0-9a-f]{8}:\{"(?:lsn|varve)":/g

const tryLine = (bytes: Uint8Array, offset: number, end: number): LineJson | string => {
  try {
    return decodeLine(bytes.subarray(offset, end))
  } catch (cause) {
    if (cause instanceof UnreadableLine || cause instanceof InvalidLine) return cause.message
    throw cause
  }
}

/** The valid lines among bytes `[from, to)`, which are no valid line as a whole. */
const linesWithin = (bytes: Uint8Array, from: number, to: number): Fragment[] => {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('latin1')
  const starts = Array.from(text.matchAll(START), ({ index }) => from + index)
  return starts.flatMap((offset, index) => {
    const next = starts[index + 1]
    // Behind it stands the end of the bytes, or one damaged byte that was a newline and then the next line.
    const end = next === undefined ? to : next - 1
    const json = tryLine(bytes, offset, end)
    return typeof json === 'string' ? [] : [{ offset, end, json }]
  })
}

const isZero = (bytes: Uint8Array, from: number, to: number): boolean =>
  bytes.subarray(from, to).every(byte => byte === 0)

/** Takes the bytes of a segment apart. */
export const fragmentsOf = (bytes: Uint8Array): Fragments => {
  const lines: Fragment[] = []
  const bad: Stretch[] = []
  const spoilt = (offset: number, end: number, reason: string): void => {
    if (offset >= end) return
    const last = bad.at(-1)
    if (last?.end === offset) bad[bad.length - 1] = { ...last, end }
    else bad.push({ offset, end, reason })
  }
  for (let from = 0; from < bytes.length; ) {
    const newline = bytes.indexOf(NEWLINE, from)
    const to = newline === -1 ? bytes.length : newline
    const next = newline === -1 ? to : newline + 1
    if (newline === -1 && isZero(bytes, from, to)) break // padding
    const json = newline === -1 ? 'the line has no end' : tryLine(bytes, from, to)
    if (typeof json !== 'string') lines.push({ offset: from, end: next, json })
    else {
      let at = from
      for (const line of linesWithin(bytes, from, to)) {
        spoilt(at, line.offset, json)
        lines.push(line)
        at = line.end
      }
      spoilt(at, at === to && newline !== -1 ? at : next, json)
    }
    from = next
  }
  return { lines, bad }
}
