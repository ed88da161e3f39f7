// Laws: JSON lines keep every value of every kind; CSV keeps what it has a form for, and with the types given also
// bytes, vectors and columns of several types.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { csvFormat } from '../../src/exchange/csv.ts'
import { JSON_LINES } from '../../src/exchange/json-lines.ts'
import type { FileType, TextFormat } from '../../src/exchange/text-format.ts'
import { csvWriter, jsonLinesWriter, type TextWriter } from '../../src/exchange/text-writer.ts'
import { timestamp, type Value } from '../../src/model/value.ts'
import {
  anyFloat,
  anyInteger,
  anyText,
  anyTuple,
  anyValue,
  columnsFrom,
  type PlainUpdate,
} from '../support/values.ts'
import { opened, updatesOf } from './source.ts'

const RUNS = { numRuns: 500 }

const anyDiff = (): fc.Arbitrary<number> => fc.maxSafeInteger().filter(diff => diff !== 0)

const updates = (tuple: fc.Arbitrary<Value[]>): fc.Arbitrary<PlainUpdate[]> =>
  fc.array(fc.record({ data: tuple, time: fc.constant(0), diff: anyDiff() }), { minLength: 1, maxLength: 8 })

const NAMES = ['a', 'b', 'c']

const textOf = ({ header, lines }: TextWriter, rows: readonly PlainUpdate[]): string =>
  [...header, ...lines(columnsFrom(rows[0]!.data.length, rows))].map(line => `${line}\n`).join('')

const returns = async <Cell>(
  writer: TextWriter,
  format: TextFormat<Cell>,
  rows: readonly PlainUpdate[],
  types: ReadonlyMap<string, FileType> = new Map(),
): Promise<readonly FileType[]> => {
  const file = await opened(format, textOf(writer, rows), { diff: 'diff', types })
  expect(await updatesOf(file)).toEqual(rows)
  return file.columns.map(({ type }) => type)
}

test('JSON lines keep values of every kind, also in one column', async () => {
  await fc.assert(
    fc.asyncProperty(updates(anyTuple(3)), async rows => {
      await returns(jsonLinesWriter(NAMES), JSON_LINES, rows)
    }),
    RUNS,
  )
})

/** Those that ISO 8601 has a form for. */
const anyTimestamp = (): fc.Arbitrary<Value> =>
  fc
    .oneof(
      fc.constantFrom(0, -1, 8.64e15, -8.64e15, -62_198_755_200_000, -62_135_596_800_001),
      fc.integer({ min: -8.64e15, max: 8.64e15 }),
    )
    .map(timestamp)

const CSV_KINDS: readonly (readonly [FileType, fc.Arbitrary<Value>])[] = [
  ['boolean', fc.boolean()],
  ['int64', anyInteger()],
  ['float64', anyFloat()],
  ['timestamp', anyTimestamp()],
  ['string', anyText()],
]

for (const delimiter of [',', '\t'] as const) {
  const format = csvFormat({ delimiter, header: true })
  test.each(CSV_KINDS)(
    `CSV between ${JSON.stringify(delimiter)} keeps columns of type %s and nulls`,
    async (type, value) => {
      const tuple = fc
        .tuple(value, fc.oneof(fc.constant(null), value), anyText())
        .map(values => values as Value[])
      await fc.assert(
        fc.asyncProperty(updates(tuple), async rows => {
          const [first] = await returns(csvWriter(NAMES, delimiter), format, rows)
          expect(first).toBe(type)
        }),
        RUNS,
      )
    },
  )
}

test('CSV keeps columns of several types as `any`', async () => {
  const value = fc.oneof(fc.constant(null), ...CSV_KINDS.map(([, kind]) => kind))
  const tuple = fc.tuple(value, value).map(values => values as Value[])
  await fc.assert(
    fc.asyncProperty(updates(tuple), async rows => {
      const types = new Map<string, FileType>([
        ['a', 'any'],
        ['b', 'any'],
      ])
      await returns(csvWriter(['a', 'b'], ','), csvFormat({ delimiter: ',', header: true }), rows, types)
    }),
    RUNS,
  )
})

test.each([
  ['bytes', Uint8Array],
  ['vector', Float32Array],
] as const)('CSV keeps %s where the type is given', async (type, kind) => {
  const tuple = fc
    .tuple(
      anyValue().filter(value => value === null || value instanceof kind),
      anyInteger(),
    )
    .map(values => values as Value[])
  await fc.assert(
    fc.asyncProperty(updates(tuple), async rows => {
      await returns(
        csvWriter(['a', 'b'], ','),
        csvFormat({ delimiter: ',', header: true }),
        rows,
        new Map([['a', type]]),
      )
    }),
    { numRuns: 100 },
  )
})

test('how CSV looks', () => {
  const tuple: Value[] = [
    null,
    '',
    'plain',
    'a "b", c',
    'x\ny',
    '7',
    'true',
    1,
    2n ** 62n,
    1.5,
    1e21,
    true,
    timestamp(0),
    Uint8Array.of(1),
    new Uint8Array(),
    Float32Array.of(1, 0.5),
  ]
  const names = tuple.map((_, index) => `c${index}`)
  expect(textOf(csvWriter(names, ','), [{ data: tuple, time: 0, diff: 3 }])).toBe(
    `${names.join(',')},diff\n` +
      ',"",plain,"a ""b"", c","x\ny","7","true",1,4611686018427387904,1.5,1e+21,true,' +
      '1970-01-01T00:00:00.000Z,AQ==,"","[1,0.5]",3\n',
  )
})

test('a time beyond ISO 8601 is refused by CSV, and kept by JSON lines', async () => {
  const far: PlainUpdate[] = [{ data: [timestamp(8.64e15 + 1)], time: 0, diff: 1 }]
  expect(() => textOf(csvWriter(['a'], ','), far)).toThrow(
    expect.objectContaining({ code: 'VALUE_INVALID', details: { place: 'a', ms: 8.64e15 + 1 } }),
  )
  await returns(jsonLinesWriter(['a']), JSON_LINES, far)
})
