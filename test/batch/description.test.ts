// Descriptions in documents: exact, and nothing hostile gets through or crashes.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type BatchDescription, descriptionFields, descriptionFromJson } from '../../src/batch/description.ts'
import { writeBatch } from '../../src/batch/writer.ts'
import { consolidate } from '../../src/model/consolidate.ts'
import { MalformedJson } from '../../src/model/json.ts'
import { anyValue, columnsOf, schemaOf } from './columns-of.ts'
import { WatchedDisk } from './watched-disk.ts'

const DESCRIPTION: BatchDescription = {
  bytes: 1000,
  len: 5,
  lower: 3,
  upper: 9,
  footer: { offset: 700, crc32: '00c0ffee' },
  rowGroups: [
    { len: 3, offset: 4, chunks: ['00000001', '00000002', '00000003'] },
    { len: 2, offset: 300, chunks: ['00000004', '00000005', '00000006'] },
  ],
  columns: [{ type: 'string', min: 'a', max: 'b', nulls: 1 }],
}

const json = (): Record<string, never> => JSON.parse(JSON.stringify(descriptionFields(DESCRIPTION)))

test('a description of any columns is the same after a trip through JSON text', async () => {
  const row = fc.tuple(fc.tuple(anyValue, anyValue), fc.nat(9), fc.constant(1))
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 20 }), async rows => {
      const columns = consolidate(columnsOf(rows))
      const options = {
        shard: 's',
        schema: schemaOf(columns),
        profile: 'tuned',
        compression: 'snappy',
      } as const
      const written = (await writeBatch(new WatchedDisk(), 'b', options, [columns]))!
      const text = JSON.stringify(descriptionFields(written))
      expect(descriptionFromJson(JSON.parse(text), 'batches[0]')).toEqual(written)
    }),
    { numRuns: 60 },
  )
})

const change = (path: readonly (string | number)[], value: unknown): unknown => {
  const document = json() as Record<string | number, unknown>
  let at = document
  for (const key of path.slice(0, -1)) at = at[key] as Record<string | number, unknown>
  at[path[path.length - 1]!] = value
  return document
}

test.each<[string, readonly (string | number)[], unknown, string]>([
  ['a negative length', ['len'], -1, 'b.len'],
  ['a length that is not the sum', ['len'], 6, 'b.len'],
  ['a fraction', ['bytes'], 1.5, 'b.bytes'],
  ['an unsafe number', ['bytes'], 2 ** 53, 'b.bytes'],
  ['an empty range', ['upper'], 3, 'b.upper'],
  ['a footer outside the file', ['footer', 'offset'], 1000, 'b.footer.offset'],
  ['a footer that is a list', ['footer'], [], 'b.footer'],
  ['a checksum in capitals', ['footer', 'crc32'], '00C0FFEE', 'b.footer.crc32'],
  ['a short checksum', ['rowGroups', 1, 'chunks', 2], '123', 'b.rowGroups[1].chunks[2]'],
  ['too few chunks', ['rowGroups', 0, 'chunks'], ['00000001', '00000002'], 'b.rowGroups[0].chunks'],
  ['row groups out of order', ['rowGroups', 1, 'offset'], 4, 'b.rowGroups[1].offset'],
  ['a row group behind the footer', ['rowGroups', 1, 'offset'], 700, 'b.rowGroups[1].offset'],
  ['an empty row group', ['rowGroups', 0, 'len'], 0, 'b.rowGroups[0].len'],
  ['row groups that are no list', ['rowGroups'], { length: 1 }, 'b.rowGroups'],
  ['an unknown type', ['columns', 0, 'type'], 'constructor', 'b.columns[0].type'],
  ['a bound that is no value', ['columns', 0, 'min'], { x: 1 }, 'b.columns[0].min'],
  ['a bound that is null', ['columns', 0, 'max'], null, 'b.columns[0].max'],
  ['bounds the wrong way round', ['columns', 0, 'max'], 'A', 'b.columns[0].max'],
  ['more nulls than rows', ['columns', 0, 'nulls'], 6, 'b.columns[0].nulls'],
])('%s is refused with its place', (_, path, value, place) => {
  expect(descriptionFromJson(json(), 'b')).toEqual(DESCRIPTION)
  expect(() => descriptionFromJson(change(path, value), 'b')).toThrow(
    expect.objectContaining({ constructor: MalformedJson, place }),
  )
})

test('no JSON at all makes anything but a description or a MalformedJson', () => {
  const key = fc.constantFrom('len', 'bytes', 'lower', 'upper', 'footer', 'rowGroups', 'columns', '__proto__')
  fc.assert(
    fc.property(
      fc.oneof(
        fc.jsonValue(),
        fc
          .tuple(key, fc.jsonValue())
          .map(([at, value]) => ({ ...json(), ...JSON.parse(`{"${at}":${JSON.stringify(value)}}`) })),
      ),
      document => {
        try {
          descriptionFromJson(document, 'b')
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedJson)
        }
      },
    ),
    { numRuns: 3000 },
  )
})
