import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Columns, GrowingColumns, tupleAt } from '../../src/model/columns.ts'
import { valueText } from '../../src/model/value-json.ts'
import { type CommitRun, commitsOf, lastLsnOf, partOf, Runs } from '../../src/wal/commit-run.ts'
import { LineParser } from '../../src/wal/line-parser.ts'
import {
  type CommitRecord,
  decodeLine,
  decodeRecord,
  durableOf,
  encodeHeader,
  encodeLine,
  encodeRecord,
  PREFIX_BYTES,
} from '../../src/wal/record.ts'
import { readSegment } from '../../src/wal/segment.ts'
import { anyRecord } from './records.ts'

/** Everything that a commit says, as text. */
const told = ({ lsn, at, id, import: progress, declare, drop, updates }: CommitRecord): unknown => ({
  rest: [lsn, at, id, progress, declare, drop],
  updates: new Map(
    [...updates].map(([shard, columns]: [string, Columns]) => [
      shard,
      Array.from({ length: columns.length }, (_, row) => [
        tupleAt(columns, row).map(value => valueText(value)),
        columns.time[row],
        columns.diff[row],
      ]),
    ]),
  ),
})

const commitsIn = (runs: readonly CommitRun[]): CommitRecord[] =>
  runs.flatMap(run => [...commitsOf(run)].map(({ record }) => record))

/** What the fast way makes of a line; undefined if it leaves it to the plain one. */
const taken = (line: Uint8Array, lsn: number, upper: number) => {
  const parser = new LineParser(line)
  const runs = new Runs()
  const to = line.length - 1
  if (!parser.isWhole(0, to) || !runs.take(parser, PREFIX_BYTES, to, lsn, upper)) return undefined
  return { record: commitsIn(runs.finish())[0]!, durable: parser.durable, upper: parser.upper }
}

const timesIn = ({ updates }: CommitRecord): number[] =>
  [...updates.values()].flatMap(({ time, length }) => [...time.subarray(0, length)])

/** What is taken is what the plain way reads, and nothing that it refuses. */
const agrees = (line: Uint8Array, lsn: number, upper: number): boolean => {
  const fast = taken(line, lsn, upper)
  if (fast === undefined) return false
  const json = decodeLine(line.subarray(0, -1))
  const plain = decodeRecord(json, lsn)
  const times = timesIn(plain)
  expect(told(fast.record)).toEqual(told(plain))
  expect(fast.durable).toBe(durableOf(json) ?? 0)
  expect(fast.durable).toBeLessThan(lsn)
  expect(Math.min(...times)).toBeGreaterThanOrEqual(upper)
  expect(fast.upper).toBe(Math.max(...times) + 1)
  return true
}

describe('a line that is read from its bytes', () => {
  test('is, if it is taken, what the plain way reads, whatever we wrote', () => {
    let count = 0
    fc.assert(
      fc.property(anyRecord(), fc.option(fc.maxSafeNat(), { nil: undefined }), (record, durable) => {
        const upper = Math.min(...timesIn(record), Number.MAX_SAFE_INTEGER)
        const before = durable === undefined ? undefined : Math.min(durable, record.lsn - 1)
        if (agrees(encodeRecord(record, before), record.lsn, upper)) count++
      }),
      { numRuns: 2000 },
    )
    expect(count).toBeGreaterThan(50)
  })

  const LINES: readonly string[] = [
    '{"lsn":5,"durable":4,"at":17,"shard":"default:edge","update":{"data":[1,"a",null],"time":3,"diff":1}}',
    '{"lsn":5,"at":17,"shard":"a","update":{"data":[-0.25,"ü",true,{"f":1},{"t":-5}],"time":3,"diff":-12}}',
    '{"lsn":5,"at":17,"updates":{"a:b":[[[1,0],3,-1],[[20,false],4,2]],"c:d":[[["x"],3,1]]}}',
  ]
  const PIECES = [
    ...'0123456789-+.eE"\\[]{},: \tx',
    '\0',
    '\u00e9',
    '"a"',
    '1e3',
    '-0',
    '00',
    '1.0',
    'null',
    ',"x":1',
    '{"f":1}',
    '9007199254740992',
  ]

  test('is, if it is taken, what the plain way reads, whatever somebody else wrote', () => {
    let count = 0
    fc.assert(
      fc.property(
        fc.constantFrom(...LINES),
        fc.array(fc.tuple(fc.nat({ max: 110 }), fc.nat({ max: 3 }), fc.constantFrom('', ...PIECES)), {
          maxLength: 2,
        }),
        fc.constantFrom(4, 5, 6),
        fc.constantFrom(0, 3, 4),
        (json, changes, lsn, upper) => {
          let text = json
          for (const [at, cut, piece] of changes) text = text.slice(0, at) + piece + text.slice(at + cut)
          if (agrees(encodeLine(text), lsn, upper)) count++
        },
      ),
      { numRuns: 6000 },
    )
    expect(count).toBeGreaterThan(50)
  })

  test.each(LINES)('is taken if it is common: %s', json => {
    expect(agrees(encodeLine(json), 5, 3)).toBe(true)
  })

  test.each([
    ['an LSN that does not follow', LINES[0]!, 6, 3],
    ['a time below the upper', LINES[0]!, 5, 4],
    ['nothing durable before it', LINES[0]!.replace('"durable":4', '"durable":5'), 5, 3],
    ['a diff of 0', LINES[0]!.replace('"diff":1', '"diff":0'), 5, 3],
    ['a time that is none', LINES[0]!.replace('"time":3', '"time":9007199254740991'), 5, 3],
    ['tuples of different arity', LINES[2]!.replace('[20,false]', '[20]'), 5, 3],
    ['a shard twice', LINES[2]!.replace('c:d', 'a:b'), 5, 3],
    ['a string that is not UTF-8', LINES[0]!, 5, 3],
  ])('is left to the plain way: %s', (_, json, lsn, upper) => {
    const line = encodeLine(json)
    if (_.includes('UTF-8')) {
      const bytes = Buffer.from(line)
      bytes[bytes.indexOf('"a"') + 1] = 0xff
      expect(new LineParser(bytes).isWhole(0, bytes.length - 1)).toBe(false)
      const runs = new Runs()
      expect(runs.take(new LineParser(bytes), PREFIX_BYTES, bytes.length - 1, lsn, upper)).toBe(false)
    } else expect(taken(line, lsn, upper)).toBeUndefined()
  })
})

const one = (lsn: number, shard: string, tuple: (number | string)[]): CommitRecord => {
  const columns = new GrowingColumns(tuple.length)
  columns.append(tuple, 10 + lsn, 1)
  return { lsn, at: 1000 + lsn, updates: new Map([[shard, columns]]) }
}

describe('commits in a row', () => {
  const header = encodeHeader({ store: 's', epoch: 1, generation: 1, firstLsn: 5, upper: 10 })
  const records = [
    one(5, 'a', [1, 'x']),
    one(6, 'a', [2, 'y']),
    { ...one(7, 'a', [3, 'x']), id: 'by itself' },
    one(8, 'a', [4, 'z']),
    one(9, 'b', [5, 'z']),
    one(10, 'b', [6]),
    ...Array.from({ length: 40 }, (_, index) => one(11 + index, 'b', [index])),
  ]
  const { runs, offsets } = readSegment(
    'wal/current.wal',
    Buffer.concat([header, ...records.map(record => encodeRecord(record, undefined))]),
    undefined,
  )

  test('are together as long as shard and arity are the same, and come apart again', () => {
    expect(runs.map(run => [run.record.lsn, lastLsnOf(run), run.index])).toEqual([
      [5, 6, 0],
      [7, 7, 2],
      [8, 8, 3],
      [9, 9, 4],
      [10, 50, 5],
    ])
    expect(commitsIn(runs).map(told)).toEqual(records.map(told))
    expect(offsets.length).toBe(records.length)
  })

  test('a part of them has their LSNs, their wall clocks and their rows', () => {
    const run = runs.at(-1)!
    expect(partOf(run, 10, 50)).toBe(run)
    const part = partOf(run, 20, 22)
    expect([part.index, part.ats, lastLsnOf(part)]).toEqual([15, [1020, 1021, 1022], 22])
    expect(commitsIn([part]).map(told)).toEqual(records.slice(15, 18).map(told))
  })
})
