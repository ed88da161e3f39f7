// The syntax of CSV against somebody else's parser, on texts made of what a parser can stumble over.
import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type CsvCell, Quoted } from '../../src/exchange/csv-cell.ts'
import { csvRecords } from '../../src/exchange/csv-record.ts'
import { lineBlocks } from '../../src/exchange/lines.ts'
import { sourceOf } from './source.ts'

const theirs = (text: string, delimiter: string): unknown[][] | undefined => {
  try {
    return parse(text, {
      delimiter,
      record_delimiter: ['\r\n', '\n'],
      relax_column_count: true,
      cast: (field, { quoting }) => (quoting ? { quoted: field } : field === '' ? null : field),
    }) as unknown as unknown[][]
  } catch {
    return undefined
  }
}

const plain = (cell: CsvCell): unknown => (cell instanceof Quoted ? { quoted: cell.text } : cell)

const ours = async (text: string, delimiter: string): Promise<unknown[][] | undefined> => {
  const records: unknown[][] = []
  try {
    for await (const some of csvRecords(lineBlocks(sourceOf(text)), delimiter))
      for (const { cells } of some) records.push(cells.map(plain))
  } catch {
    return undefined
  }
  return records
}

const part = fc.constantFrom(
  'a',
  ' ',
  ',',
  '\t',
  '"',
  '""',
  '\n',
  '\r\n',
  '\r',
  '1',
  '"x"',
  '",',
  '"\n',
  'ä\u{1f600}',
)

test.each([',', '\t'])('every text is read, or refused, as another parser does: %j', async delimiter => {
  await fc.assert(
    fc.asyncProperty(fc.array(part, { minLength: 1, maxLength: 14 }), async parts => {
      const text = parts.join('')
      expect(await ours(text, delimiter)).toEqual(theirs(text, delimiter))
    }),
    { numRuns: 5000 },
  )
})

test('a record may reach over several blocks, and the lines still count', async () => {
  const field = 'long "" line\r\n'.repeat(60_000)
  const lines: number[] = []
  const fields: unknown[] = []
  for await (const some of csvRecords(lineBlocks(sourceOf(`a\n"${field}",b\r\nc\nd\n`)), ','))
    for (const { line, cells } of some) {
      lines.push(line)
      fields.push(...cells.map(plain))
    }
  expect(lines).toEqual([1, 2, 60_003, 60_004])
  expect(fields).toEqual(['a', { quoted: field.replaceAll('""', '"') }, 'b', 'c', 'd'])
})
