// Owns CSV as a format of files: the header, the shape of its rows, and what its fields mean.
import { type CsvCell, Quoted, typeOfCells, valueOfCell, valueOfCellAs } from './csv-cell.ts'
import { csvRecords } from './csv-record.ts'
import type { LineBlock } from './lines.ts'
import { MalformedText, positionalNames, type RecordBlock, type TextFormat } from './text-format.ts'

export interface CsvDialect {
  readonly delimiter: ',' | '\t'
  /** Whether the first record has the names of the columns. */
  readonly header: boolean
}

const nameOf = (cell: CsvCell): string => (cell instanceof Quoted ? cell.text : (cell ?? ''))

async function* rowsOf(
  blocks: AsyncIterable<LineBlock>,
  { delimiter, header }: CsvDialect,
): AsyncGenerator<RecordBlock<CsvCell>, void, undefined> {
  let names: readonly string[] | undefined
  for await (const all of csvRecords(blocks, delimiter)) {
    const first = all[0]
    if (first === undefined) continue
    const records = names === undefined && header ? all.slice(1) : all
    names ??= header ? first.cells.map(nameOf) : positionalNames(first.cells.length)
    for (const { line, cells } of records)
      if (cells.length !== names.length)
        throw new MalformedText(`the line has ${cells.length} fields, and not ${names.length}`, line)
    yield { names, named: header, records }
  }
  if (names === undefined && header) throw new MalformedText('the file has no header', 1)
}

/** CSV of a dialect. A field without quotes may be a value of any kind, a quoted one is a string. */
export const csvFormat = (dialect: CsvDialect): TextFormat<CsvCell> => ({
  records: blocks => rowsOf(blocks, dialect),
  valueOf: valueOfCell,
  valueAs: valueOfCellAs,
  typeOf: typeOfCells,
})
