// Owns `varve import`.

import { optionValues } from '../config/layers.ts'
import { optionsFrom } from '../config/settings.ts'
import type { DiskFile } from '../disk/disk.ts'
import { openFolder } from '../disk/folder.ts'
import { checkShardName } from '../disk/shard-file.ts'
import { hashOf, openUserFile } from '../disk/user-file.ts'
import { DiskError, InputError } from '../errors.ts'
import { csvFormat } from '../exchange/csv.ts'
import { JSON_LINES } from '../exchange/json-lines.ts'
import type { TextMapping } from '../exchange/survey.ts'
import { TextFile } from '../exchange/text-file.ts'
import type { TextFormat } from '../exchange/text-format.ts'
import { isRelationShard } from '../iql/name.ts'
import type { Schema } from '../model/schema.ts'
import { printable } from '../text/printable.ts'
import { type Call, type Command, configurationOf, JSON_FLAG, STORE_FLAGS, UsageError } from './command.ts'
import { type FileFormat, FORMAT_FLAG, formatOf, typesOf } from './file-format.ts'
import { type ImportReport, importRows, type RowSource } from './import-rows.ts'
import { type Progress, withProgress } from './progress.ts'
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

/** A file of which every row was seen, and none refused. */
interface SeenFile extends RowSource {
  readonly renamed: readonly { readonly from: string; readonly to: string }[]
  close(): void
}

const openParquet = async (source: DiskFile, reading: Reading, progress: Progress): Promise<SeenFile> => {
  const { openForeign } = await import('../batch/foreign.ts')
  const file = await openForeign(source, reading.path, reading)
  try {
    await file.check(progress)
    return file
  } catch (cause) {
    file.close()
    throw cause
  }
}

const openFormat = (source: DiskFile, reading: Reading, progress: Progress): Promise<SeenFile> => {
  const { format, header, path } = reading
  const text = <Cell>(syntax: TextFormat<Cell>): Promise<SeenFile> =>
    TextFile.open(syntax, source, path, reading, progress)
  switch (format) {
    case 'parquet':
      return openParquet(source, reading, progress)
    case 'csv':
      return text(csvFormat({ delimiter: ',', header }))
    case 'tsv':
      return text(csvFormat({ delimiter: '\t', header }))
    case 'jsonl':
      return text(JSON_LINES)
    default:
      return format satisfies never
  }
}

/** @param schema of the shard that takes the rows; undefined if it is new */
const openRows = async (
  { output }: Call,
  source: DiskFile,
  reading: Reading,
  schema: Schema | undefined,
): Promise<SeenFile> => {
  const file = await withProgress('reading', progress =>
    openFormat(source, { ...reading, ...given('schema', schema) }, progress),
  )
  for (const { from, to } of file.renamed)
    output.note(printable(`column ${JSON.stringify(from)} is called ${to}`))
  return file
}

const hasStore = async (call: Call): Promise<boolean> => {
  const { dataDir } = optionsFrom(optionValues((await configurationOf(call)).entries))
  try {
    await openFolder(dataDir, { create: false })
    return true
  } catch (cause) {
    if (cause instanceof DiskError && cause.code === 'DISK_MISSING') return false
    throw cause
  }
}

const shardOf = ({ flags }: Call): string => {
  const { relation } = flags
  if (relation === undefined) throw new UsageError('--relation KG:NAME says which shard takes the rows')
  const shard = checkShardName(relation, '--relation')
  if (!isRelationShard(shard))
    throw new InputError('SHARD_NAME_INVALID', 'a relation is given as graph:relation, e.g. default:edge', {
      place: '--relation',
      shard,
    })
  return shard
}

const reportText = ({ shard, rows, resumedAt, commits }: ImportReport, path: string): string => {
  if (rows === 0) return `${path} has no rows.`
  if (commits === 0) return `${path} was imported into ${shard} before; nothing done.`
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
    types: {
      value: 'COLUMN:TYPE,…',
      summary:
        'types in text files, e.g. x:float [as declared, else as the values are; in JSON 1.5 and 2 make any]',
    },
    'no-header': {
      summary:
        'CSV columns are col0, col1, … and go by place [as the first line says, with _ for other characters]',
    },
    ...STORE_FLAGS,
    ...JSON_FLAG,
  },
  run: async call => {
    const shard = shardOf(call)
    const reading = readingOf(call)
    const wholeTimes = reading.time !== undefined
    const source = await openUserFile(reading.path)
    let file: SeenFile | undefined
    try {
      const retime = call.flags.retime === true || !wholeTimes
      const plan = { shard, id: idOf(await hashOf(source), shard, reading), retime, wholeTimes }
      // A file that is refused makes no store.
      if (!(await hasStore(call))) file = await openRows(call, source, reading, undefined)
      return await withEngine(call, { create: true }, async engine => {
        const schema = engine.schemaOf(shard)
        // Also if another process made store and shard meanwhile.
        if (file === undefined || schema !== undefined) {
          file?.close()
          file = undefined // A second close would be one too many.
          file = await openRows(call, source, reading, schema)
        }
        const rows = file
        const report = await withProgress('importing', progress =>
          importRows(engine, rows, plan, done => progress(done, rows.rows)),
        )
        call.output.print(
          call.flags.json ? JSON.stringify(report) : printable(reportText(report, reading.path)),
        )
        return 0
      })
    } finally {
      file?.close()
      await source.close()
    }
  },
}
