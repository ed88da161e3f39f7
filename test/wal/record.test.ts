import { crc32 } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { type Columns, GrowingColumns, tupleAt } from '../../src/model/columns.ts'
import { float, timestamp, type Value } from '../../src/model/value.ts'
import {
  type CommitRecord,
  decodeHeader,
  decodeLine,
  decodeRecord,
  durableOf,
  encodeHeader,
  encodeLine,
  encodeRecord,
  InvalidLine,
  isHeader,
  UnreadableLine,
} from '../../src/wal/record.ts'

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

const columnsOf = (...rows: [Value[], number, number][]): Columns => {
  const columns = new GrowingColumns(rows[0]![0].length)
  for (const [data, time, diff] of rows) columns.append(data, time, diff)
  return columns
}

const record = (updates: Record<string, Columns>, more: Partial<CommitRecord> = {}): CommitRecord => ({
  lsn: 7,
  at: 1000,
  updates: new Map(Object.entries(updates)),
  ...more,
})

const rowsOf = (columns: Columns): unknown[] =>
  Array.from({ length: columns.length }, (_, row) => [
    tupleAt(columns, row),
    columns.time[row],
    columns.diff[row],
  ])

const lineOf = (bytes: Uint8Array): Uint8Array => bytes.subarray(0, bytes.length - 1)

describe('a commit as a line', () => {
  test('one update is the line that the guide shows, with LSN and wall clock (IL-10)', () => {
    const line = text(encodeRecord(record({ 'default:edge': columnsOf([[1, 2], 3, 1]) }), undefined))
    const json = '{"lsn":7,"at":1000,"shard":"default:edge","update":{"data":[1,2],"time":3,"diff":1}}'
    expect(line).toBe(`${crc32(json).toString(16).padStart(8, '0')}:${json}\n`)
  })

  test('several updates, also of several shards, are one line (ND-21)', () => {
    const line = text(
      encodeRecord(
        record({
          'default:edge': columnsOf([[1, 2], 2, 1], [[2, 3], 2, -1]),
          'default:node': columnsOf([['a'], 2, 1]),
        }),
        6,
      ),
    )
    expect(line.slice(9)).toBe(
      '{"lsn":7,"durable":6,"at":1000,"updates":{"default:edge":[[[1,2],2,1],[[2,3],2,-1]],"default:node":[[["a"],2,1]]}}\n',
    )
  })

  test('what is encoded comes back, with every kind of value and every key', () => {
    const all: Value[] = [
      null,
      true,
      1,
      2n ** 62n,
      1.5,
      float(2),
      Number.NaN,
      timestamp(5),
      'ü\n"',
      new Uint8Array([1]),
    ]
    const declare = new Map([['x:y', [{ name: 'a', type: 'any', declared: true } as const]]])
    const given = record(
      { 'x:z': columnsOf([all, 9, -4]), __proto__x: columnsOf([[], 9, 1]) },
      { id: 'retry-1', import: { id: 'f', rows: 3, complete: false }, declare },
    )
    const json = decodeLine(lineOf(encodeRecord(given, 5)))
    expect(durableOf(json)).toBe(5)
    const back = decodeRecord(json, 7)
    expect({ ...back, updates: 0 }).toEqual({ ...given, updates: 0 })
    expect(rowsOf(back.updates.get('x:z')!)).toEqual([[all, 9, -4]])
    expect(rowsOf(back.updates.get('__proto__x')!)).toEqual([[[], 9, 1]])
  })

  test('a shard may be called __proto__', () => {
    const updates = new Map([['__proto__', columnsOf([[1], 0, 1], [[2], 0, 1])]])
    const back = decodeRecord(decodeLine(lineOf(encodeRecord({ lsn: 1, at: 0, updates }, 0))), 1)
    expect([...back.updates.keys()]).toEqual(['__proto__'])
  })

  test('a drop of shards is one line, and comes back (IL-48)', () => {
    const given = record({}, { id: 'once', drop: ['default:edge', 'default:node'] })
    const line = encodeRecord(given, 6)
    expect(text(line).slice(9)).toBe(
      '{"lsn":7,"durable":6,"at":1000,"id":"once","drop":["default:edge","default:node"]}\n',
    )
    expect(decodeRecord(decodeLine(lineOf(line)), 7)).toEqual(given)
  })

  test('a line without LSN has the one that follows (rules 2)', () => {
    const line = encodeLine('{"shard":"a:b","update":{"data":[1],"time":4,"diff":1}}')
    expect(decodeRecord(decodeLine(lineOf(line)), 12)).toMatchObject({ lsn: 12, at: 0 })
  })
})

describe('what is not a line is told from what cannot be one', () => {
  test.each([
    ['nothing', ''],
    ['no checksum', 'hello, this is no line'],
    ['a capital in the checksum', `${text(encodeLine('{"lsn":1}')).slice(0, 8).toUpperCase()}:{"lsn":10}`],
    ['another checksum', '00000000:{"lsn":1}'],
    ['only a checksum', '00000000:'],
  ])('%s is unreadable', (_, line) => {
    expect(() => decodeLine(new TextEncoder().encode(line))).toThrow(UnreadableLine)
  })

  test.each([
    ['a list', '[1,2]'],
    ['no JSON', '{"lsn":'],
  ])('%s with a valid checksum is invalid', (_, json) => {
    expect(() => decodeLine(lineOf(encodeLine(json)))).toThrow(InvalidLine)
  })

  test.each([
    ['another LSN', '{"lsn":8}', /LSN 8 does not follow, 7 does/],
    ['an unknown kind (rules 5)', '{"lsn":7,"transmute":1}', /"transmute"/],
    ['a time that is none', '{"lsn":7,"shard":"a","update":{"data":[],"time":-1,"diff":1}}', /time/],
    [
      'a time beyond the last',
      '{"lsn":7,"shard":"a","update":{"data":[],"time":9007199254740991,"diff":1}}',
      /time/,
    ],
    ['a zero diff', '{"lsn":7,"shard":"a","update":{"data":[],"time":1,"diff":0}}', /diff/],
    ['tuples of different arity', '{"lsn":7,"updates":{"a":[[[1],1,1],[[1,2],1,1]]}}', /arity/],
    ['an update that is no triple', '{"lsn":7,"updates":{"a":[[[1],1]]}}', /\[data,time,diff\]/],
    ['a shard without a name', '{"lsn":7,"shard":"","update":{"data":[],"time":1,"diff":1}}', /shard name/],
    [
      'a lone surrogate',
      '{"lsn":7,"shard":"a","update":{"data":["\\ud800"],"time":1,"diff":1}}',
      /surrogate/,
    ],
    ['an unknown tag', '{"lsn":7,"shard":"a","update":{"data":[{"q":1}],"time":1,"diff":1}}', /tagged/],
    ['an id that is no string', '{"lsn":7,"id":3}', /"id"/],
    ['an import that is none', '{"lsn":7,"import":{"id":"x"}}', /"import"/],
    ['nothing', '{"lsn":7}', /has updates, declares columns or drops/],
    ['a shard without updates', '{"lsn":7,"updates":{"a":[]}}', /has updates, declares columns or drops/],
    ['a drop of nothing', '{"lsn":7,"drop":[]}', /"drop"/],
    ['a drop that is no list', '{"lsn":7,"drop":"a"}', /"drop"/],
    ['a drop of one shard twice', '{"lsn":7,"drop":["a","a"]}', /"drop"/],
    ['a drop of a shard without a name', '{"lsn":7,"drop":["a",""]}', /shard name/],
    ['a drop with updates', '{"lsn":7,"drop":["a"],"updates":{"b":[[[],1,1]]}}', /does nothing else/],
    [
      'a drop that declares',
      '{"lsn":7,"drop":["a"],"declare":{"a":[{"name":"x","type":"any"}]}}',
      /does nothing else/,
    ],
    [
      'a drop with an import',
      '{"lsn":7,"drop":["a"],"import":{"id":"x","rows":1,"complete":true}}',
      /does nothing else/,
    ],
    [
      'an unknown key in an update',
      '{"lsn":7,"shard":"a","update":{"data":[],"time":1,"diff":1,"x":1}}',
      /"x"/,
    ],
    ['a shard name that is too long', `{"lsn":7,"updates":{"${'a'.repeat(1025)}":[[[],1,1]]}}`, /shard name/],
    ['an empty id', '{"lsn":7,"id":"","updates":{"a":[[[],1,1]]}}', /"id"/],
    ['a schema that is none', '{"lsn":7,"declare":{"a":[{"name":"1x","type":"any"}]}}', /column name/],
  ])('%s is invalid', (_, json, why) => {
    const line = decodeLine(lineOf(encodeLine(json)))
    expect(() => decodeRecord(line, 7)).toThrow(InvalidLine)
    expect(() => decodeRecord(line, 7)).toThrow(why)
  })
})

describe('a segment header', () => {
  const header = { store: 'id', epoch: 2, generation: 3, firstLsn: 4, upper: 5 }

  test('comes back', () => {
    const json = decodeLine(lineOf(encodeHeader(header)))
    expect(isHeader(json)).toBe(true)
    expect(decodeHeader(json)).toEqual(header)
  })

  test('of a newer format is refused', () => {
    const json = decodeLine(lineOf(encodeLine('{"varve":2,"store":"id","epoch":1}')))
    expect(() => decodeHeader(json)).toThrow(/log format 2 is not 1/)
  })
})
