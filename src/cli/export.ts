// Owns `varve export`.
import { batchBytes } from '../batch/writer.ts'
import { checkShardName } from '../disk/shard-file.ts'
import { writeUserFile } from '../disk/user-file.ts'
import { InputError } from '../errors.ts'
import { csvWriter, jsonLinesWriter, type TextWriter } from '../exchange/text-writer.ts'
import type { Columns } from '../model/columns.ts'
import { unprovenText } from '../repl/report.ts'
import { type BatchFormat, batchFormat } from '../shard/flush.ts'
import type { Reader } from '../store/reader.ts'
import { bytesText } from '../text/figures.ts'
import { printable } from '../text/printable.ts'
import { type Call, type Command, JSON_FLAG, naturalFlag, STORE_FLAGS, UsageError } from './command.ts'
import { type FileFormat, FORMAT_FLAG, formatOf } from './file-format.ts'
import { type Progress, STANDARD_ERROR, surfaceBeside, withProgress } from './progress.ts'
import { withReader } from './status.ts'

/** The name that stands for standard output. */
const STANDARD_OUTPUT = '-'

const writerOf = (format: Exclude<FileFormat, 'parquet'>, names: readonly string[]): TextWriter =>
  format === 'jsonl' ? jsonLinesWriter(names) : csvWriter(names, format === 'csv' ? ',' : '\t')

async function* linesOf(
  { header, lines }: TextWriter,
  chunks: AsyncIterable<Columns>,
): AsyncGenerator<readonly string[], void, undefined> {
  yield header
  for await (const columns of chunks) yield lines(columns)
}

async function* bytesOf(
  blocks: AsyncIterable<readonly string[]>,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const lines of blocks) yield Buffer.from(lines.map(line => `${line}\n`).join(''))
}

const writeText = async (
  call: Call,
  path: string,
  blocks: AsyncIterable<readonly string[]>,
): Promise<number> => {
  if (path !== STANDARD_OUTPUT) return writeUserFile(path, bytesOf(blocks))
  let bytes = 0
  for await (const lines of blocks) {
    for (const line of lines) {
      call.output.print(line)
      bytes += Buffer.byteLength(line) + 1
    }
  }
  return bytes
}

interface ExportReport {
  readonly shard: string
  readonly asOf: number
  readonly rows: number
  readonly bytes: number
}

/** The chunks of a shard, counted as they go by. */
class CountedChunks {
  readonly #chunks: AsyncIterable<Columns>
  readonly #passed: (rows: number) => void
  rows = 0

  constructor(chunks: AsyncIterable<Columns>, passed: (rows: number) => void) {
    this.#chunks = chunks
    this.#passed = passed
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Columns, void, undefined> {
    for await (const columns of this.#chunks) {
      yield columns
      this.rows += columns.length
      this.#passed(this.rows)
    }
  }
}

const writeShard = async (
  call: Call,
  reader: Reader,
  batches: BatchFormat,
  { shard, path, format }: { readonly shard: string; readonly path: string; readonly format: FileFormat },
): Promise<ExportReport> => {
  const asOf = naturalFlag(call, 'as-of')
  const snapshot = await reader.snapshot(asOf === undefined ? {} : { asOf })
  try {
    const { rows = 0, buffered = 0 } = reader.status().shards.find(({ name }) => name === shard) ?? {}
    const surface = path === STANDARD_OUTPUT ? surfaceBeside(process.stdout) : STANDARD_ERROR
    const work = async (progress: Progress) => {
      // No more rows than updates: how many there are as of a time is known only when all were read.
      const chunks = new CountedChunks(snapshot.chunks(shard), done => progress(done, rows + buffered))
      const schema = snapshot.schemaOf(shard)
      const names = schema.map(({ name }) => name)
      const bytes =
        format === 'parquet'
          ? await writeUserFile(path, batchBytes({ ...batches, shard, schema }, chunks))
          : await writeText(call, path, linesOf(writerOf(format, names), chunks))
      return { shard, asOf: snapshot.asOf, rows: chunks.rows, bytes }
    }
    return await withProgress('exporting', work, surface)
  } finally {
    await snapshot.close()
  }
}

const reportText = ({ shard, asOf, rows, bytes }: ExportReport, path: string): string =>
  rows === 0
    ? `${shard} is empty as of ${asOf}: ${path} has no rows.`
    : `Wrote ${rows} rows of ${shard} as of ${asOf} to ${path}, ${bytesText(bytes)}.`

export const exportCommand: Command = {
  name: 'export',
  positionals: ['KG:NAME', 'FILE'],
  summary:
    'Writes the contents of a shard as of a time to a Parquet, CSV or JSON lines file; - is the output.',
  flags: {
    'as-of': { value: 'T', summary: 'contents as of this time [the latest]' },
    ...FORMAT_FLAG,
    ...STORE_FLAGS,
    ...JSON_FLAG,
  },
  run: async call => {
    const [name, path] = call.positionals as [string, string]
    const shard = checkShardName(name, 'KG:NAME')
    const format = formatOf(call, path)
    if (path === STANDARD_OUTPUT && format === 'parquet')
      throw new UsageError('a Parquet file is not written to standard output')
    return withReader(call, async (reader, settings) => {
      const { shards, unproven } = reader.status()
      if (unproven > 0) call.output.note(unprovenText(unproven))
      if (!shards.some(({ name }) => name === shard))
        throw new InputError('SHARD_NAME_INVALID', 'there is no such shard', { shard })
      const report = await writeShard(call, reader, batchFormat(settings), { shard, path, format })
      // Standard output has the rows, and nothing else.
      const say = path === STANDARD_OUTPUT ? call.output.note : call.output.print
      say(call.flags.json ? JSON.stringify(report) : printable(reportText(report, path)))
      return 0
    })
  },
}
