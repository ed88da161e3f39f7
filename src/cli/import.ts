// Owns `varve import`.
import { openForeign } from '../batch/foreign.ts'
import type { DiskFile } from '../disk/disk.ts'
import { checkShardName } from '../disk/shard-file.ts'
import { hashOf, openUserFile } from '../disk/user-file.ts'
import { csvFormat } from '../exchange/csv.ts'
import { JSON_LINES } from '../exchange/json-lines.ts'
import type { TextMapping } from '../exchange/survey.ts'
import { TextFile } from '../exchange/text-file.ts'
import type { TextFormat } from '../exchange/text-format.ts'
import { type Call, type Command, JSON_FLAG, STORE_FLAGS, UsageError } from './command.ts'
import { type FileFormat, FORMAT_FLAG, formatOf, typesOf } from './file-format.ts'
import { type ImportReport, importRows, type RowSource } from './import-rows.ts'
import { withProgress } from './progress.ts'
import { withEngine } from './status.ts'

/** What the call says of the file. */
interface Reading extends TextMapping {
  readonly path: string
  readonly format: FileFormat
  readonly header: boolean
}

/** A flag that was given, under a name; nothing otherwise. */
const given = <K extends string, V>(name: K, value: V | undefined): { readonly [name in K]?: V } =>
  value === undefined ? {} : ({ [name]: value } as { [name in K]: V })

const readingOf = (call: Call): Reading => {
  const path = call.positionals[0]!
  const format = formatOf(call, path)
  const { time, diff } = call.flags as Record<string, string | undefined>
  const types = typesOf(call)
  if (format === 'parquet' && types !== undefined) throw new UsageError('a Parquet file has its own types')
  const header = call.flags['no-header'] !== true
  if (!header && format !== 'csv' && format !== 'tsv') throw new UsageError('--no-header is for CSV and TSV')
  return { path, format, header, ...given('time', time), ...given('diff', diff), ...given('types', types) }
}

/** What the rows are, as far as it depends on file and flags: the same id goes on where it stopped. */
const idOf = (hash: string, shard: string, { format, header, time, diff, types }: Reading): string =>
  JSON.stringify({
    file: hash,
    shard,
    time: time ?? null,
    diff: diff ?? null,
    ...(format === 'parquet' ? {} : { format, header, types: [...(types ?? [])] }),
  })

const openText = async <Cell>(
  call: Call,
  format: TextFormat<Cell>,
  source: DiskFile,
  reading: Reading,
): Promise<TextFile<Cell>> => {
  const file = await withProgress('reading', progress =>
    TextFile.open(format, source, reading.path, reading, progress),
  )
  for (const { from, to } of file.renamed) call.output.note(`column ${JSON.stringify(from)} is called ${to}`)
  return file
}

const openRows = (call: Call, source: DiskFile, reading: Reading): Promise<RowSource & { close(): void }> => {
  const { format, header, path } = reading
  switch (format) {
    case 'parquet':
      return openForeign(source, path, reading)
    case 'csv':
      return openText(call, csvFormat({ delimiter: ',', header }), source, reading)
    case 'tsv':
      return openText(call, csvFormat({ delimiter: '\t', header }), source, reading)
    case 'jsonl':
      return openText(call, JSON_LINES, source, reading)
    default:
      return format satisfies never
  }
}

const reportText = ({ shard, rows, resumedAt, commits }: ImportReport, path: string): string => {
  if (commits === 0) return `${shard} already has all ${rows} rows of ${path}.`
  const resumed = resumedAt === 0 ? '' : `, going on behind row ${resumedAt}`
  return `Imported ${rows} rows into ${shard} in ${commits} commits${resumed}.`
}

export const importCommand: Command = {
  name: 'import',
  positionals: ['FILE'],
  summary: 'Commits the rows of a Parquet, CSV or JSON lines file; goes on where an earlier run stopped.',
  flags: {
    relation: { value: 'KG:NAME', summary: 'the shard that takes them' },
    time: { value: 'COLUMN', summary: 'column with the times [none: each commit of rows at the next time]' },
    diff: { value: 'COLUMN', summary: 'column with the diffs [none: 1]' },
    retime: { summary: "give the file's times, in order, the store's next times" },
    ...FORMAT_FLAG,
    types: { value: 'COLUMN:TYPE,…', summary: 'types of columns of CSV and JSON lines [as the values are]' },
    'no-header': {
      summary: 'CSV columns are col0, col1, … [as the first line says, with _ for other characters]',
    },
    ...STORE_FLAGS,
    ...JSON_FLAG,
  },
  run: async call => {
    const { relation, time } = call.flags as Record<string, string | undefined>
    if (relation === undefined) throw new UsageError('--relation KG:NAME says which shard takes the rows')
    const shard = checkShardName(relation, '--relation')
    const reading = readingOf(call)
    const source = await openUserFile(reading.path)
    let file: Awaited<ReturnType<typeof openRows>> | undefined
    try {
      const retime = call.flags.retime === true || time === undefined
      const id = idOf(await hashOf(source), shard, reading)
      file = await openRows(call, source, reading)
      const rows = file
      return await withEngine(call, async engine => {
        const plan = { shard, id, retime, wholeTimes: time !== undefined }
        const report = await withProgress('importing', progress =>
          importRows(engine, rows, plan, done => progress(done, rows.rows)),
        )
        call.output.print(call.flags.json ? JSON.stringify(report) : reportText(report, reading.path))
        return 0
      })
    } finally {
      file?.close()
      await source.close()
    }
  },
}
