import { describe, expect, test } from 'vitest'
import { type Columns, GrowingColumns, tupleAt } from '../../src/model/columns.ts'
import { commitsOf } from '../../src/wal/commit-run.ts'
import { encodeHeader, encodeLine, encodeRecord } from '../../src/wal/record.ts'
import { readSegment, type Segment, sealedFirstLsn, sealedPath } from '../../src/wal/segment.ts'

const PATH = 'wal/current.wal'
const header = encodeHeader({ store: 's', epoch: 1, generation: 1, firstLsn: 5, upper: 10 })

const line = (lsn: number, durable: number | undefined, value: number, time = 10 + lsn): Uint8Array => {
  const columns = new GrowingColumns(1)
  columns.append([value], time, 1)
  return encodeRecord({ lsn, at: 0, updates: new Map([['a:b', columns as Columns]]) }, durable)
}

/** Three commits, each written alone, so that each says that the one before was durable. */
const lines = [line(5, 4, 100), line(6, 5, 200), line(7, 6, 300)]
const whole = Buffer.concat([header, ...lines])

const valuesIn = (segment: Segment): unknown[] =>
  segment.runs.flatMap(run =>
    [...commitsOf(run)].map(({ record }) => tupleAt(record.updates.get('a:b')!, 0)[0]),
  )

describe('a whole segment', () => {
  test('gives its commits, and ends where its bytes end', () => {
    const segment = readSegment(PATH, whole, undefined)
    expect(valuesIn(segment)).toEqual([100, 200, 300])
    expect(segment).toMatchObject({ lastLsn: 7, end: whole.length, damage: undefined })
    expect(segment.offsets).toEqual([
      header.length,
      header.length + lines[0]!.length,
      whole.length - lines[2]!.length,
    ])
  })

  test('padding of zeros is no damage (rules 4)', () => {
    const segment = readSegment(PATH, Buffer.concat([whole, Buffer.alloc(1000)]), undefined)
    expect(segment).toMatchObject({ lastLsn: 7, end: whole.length, damage: undefined })
  })

  test('sealed names sort as the log does', () => {
    expect(sealedPath(42)).toBe('wal/00000000000000000042.wal')
    expect(sealedFirstLsn('00000000000000000042.wal')).toBe(42)
    expect(sealedFirstLsn('current.wal')).toBeUndefined()
  })
})

describe('damage', () => {
  // ND-17, ND-18: a record is there whole or not at all, wherever the file ends.
  test('cut at every length, a segment keeps exactly the whole lines', () => {
    let offset = header.length
    const ends = lines.map(each => {
      offset += each.length
      return offset
    })
    for (let length = 0; length <= whole.length; length++) {
      const segment = readSegment(PATH, whole.subarray(0, length), undefined)
      const kept = ends.filter(end => end <= length).length
      expect(valuesIn(segment), `cut at ${length}`).toEqual([100, 200, 300].slice(0, kept))
      const end = length < header.length ? 0 : kept === 0 ? header.length : ends[kept - 1]!
      expect(segment.end, `cut at ${length}`).toBe(end)
      expect(segment.damage === undefined, `cut at ${length}`).toBe(end === length)
      expect(segment.damage?.provenDurable ?? false).toBe(false)
    }
  })

  // IL-12, ND-19
  test('every single bit flipped: no damaged record is applied, and no other one changes', () => {
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const bytes = Buffer.from(whole)
      bytes[bit >> 3]! ^= 1 << (bit & 7)
      const segment = readSegment(PATH, bytes, undefined)
      const values = valuesIn(segment)
      expect([100, 200, 300].slice(0, values.length), `bit ${bit}`).toEqual(values)
      expect(segment.damage, `bit ${bit}`).toBeDefined()
      const at = bit >> 3
      // Damage before the last line is told from a torn write: a later line proves that it was durable.
      const lastLine = whole.length - lines[2]!.length
      if (at >= header.length && at < lastLine - 1)
        expect(segment.damage!.provenDurable, `bit ${bit}`).toBe(true)
    }
  })

  test('a complete last line without zero bytes is ambiguous, an incomplete one is torn', () => {
    const flipped = Buffer.from(whole)
    flipped[whole.length - 3]! ^= 1
    expect(readSegment(PATH, flipped, undefined).damage).toMatchObject({ ambiguous: true, lsn: 7 })
    expect(readSegment(PATH, whole.subarray(0, -1), undefined).damage).toMatchObject({
      ambiguous: false,
      lsn: 7,
    })
    // ND-20: a sector that never reached the disk reads as zeros.
    const zeroed = Buffer.from(whole)
    zeroed.fill(0, whole.length - 20, whole.length - 5)
    expect(readSegment(PATH, zeroed, undefined).damage).toMatchObject({ ambiguous: false, lsn: 7 })
  })

  test('in front of padding the last line is judged as at the end of the file', () => {
    const padding = Buffer.alloc(600)
    const flipped = Buffer.concat([whole, padding])
    flipped[whole.length - 3]! ^= 1
    expect(readSegment(PATH, flipped, undefined).damage).toMatchObject({ ambiguous: true, lsn: 7 })
    // A write that was torn: what is missing of it is as it was before.
    for (let written = 1; written < lines[2]!.length; written++) {
      const torn = Buffer.concat([whole, padding])
      torn.fill(0, whole.length - lines[2]!.length + written, whole.length)
      const segment = readSegment(PATH, torn, undefined)
      expect(segment, `${written}`).toMatchObject({ lastLsn: 6, end: whole.length - lines[2]!.length })
      expect(segment.damage, `${written}`).toMatchObject({
        ambiguous: false,
        provenDurable: false,
        lsn: 7,
      })
    }
    // Its first bytes are missing, and its last ones are there.
    const front = Buffer.concat([whole, padding])
    front.fill(0, whole.length - lines[2]!.length, whole.length - 9)
    expect(readSegment(PATH, front, undefined).damage).toMatchObject({ ambiguous: false, lsn: 7 })
    // Something stands in the padding, and before it a bad line.
    const group = Buffer.concat([flipped, lines[2]!])
    expect(readSegment(PATH, group, undefined).damage).toMatchObject({ ambiguous: false, lsn: 7 })
  })

  test('a bad line of a write whose later lines are valid is torn: nothing behind proves it durable', () => {
    const group = [line(5, 4, 1), line(6, undefined, 2), line(7, undefined, 3)]
    const bytes = Buffer.concat([header, ...group])
    bytes[header.length + 12]! ^= 1
    const segment = readSegment(PATH, bytes, undefined)
    expect(segment.damage).toMatchObject({
      offset: header.length,
      lsn: 5,
      provenDurable: false,
      ambiguous: false,
    })
  })

  test('a valid line behind zero bytes still proves what was durable', () => {
    const bytes = Buffer.concat([header, lines[0]!, Buffer.alloc(lines[1]!.length), lines[2]!])
    expect(readSegment(PATH, bytes, undefined).damage).toMatchObject({ lsn: 6, provenDurable: true })
  })
})

describe('a valid checksum with content that cannot be is refused (rules 5)', () => {
  const refused = (bytes: Uint8Array, details: Record<string, unknown>, first?: number): void => {
    let error: unknown
    try {
      readSegment(PATH, bytes, first)
    } catch (cause) {
      error = cause
    }
    expect(error).toMatchObject({ code: 'WAL_INVALID', details: { file: PATH, ...details } })
  }

  test('a doubled line', () => {
    refused(Buffer.concat([whole, lines[2]!]), { offset: whole.length, lsn: 8 })
  })
  test('a missing line', () => {
    refused(Buffer.concat([header, lines[0]!, lines[2]!]), {
      offset: header.length + lines[0]!.length,
      lsn: 6,
    })
  })
  test('a time below the upper of the line before', () => {
    refused(Buffer.concat([header, lines[0]!, line(6, 5, 1, 15)]), { lsn: 6 })
  })
  test('a time below the upper in the header', () => {
    refused(Buffer.concat([header, line(5, 4, 1, 9)]), { offset: header.length, lsn: 5 })
  })
  test('a header inside', () => {
    refused(Buffer.concat([whole, header]), { offset: whole.length })
  })
  test('a header that says another first LSN than the name', () => {
    refused(whole, { offset: 0 }, 6)
  })
  test('a line that calls itself durable', () => {
    refused(Buffer.concat([header, line(5, 5, 1)]), { offset: header.length, lsn: 5 })
  })
  test('an unknown kind of record', () => {
    refused(Buffer.concat([header, encodeLine('{"lsn":5,"prepare":{}}')]), { offset: header.length, lsn: 5 })
  })
})
