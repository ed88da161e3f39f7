// Owns `varve import`.
import { type ForeignFile, openForeign } from '../batch/foreign.ts'
import { checkShardName } from '../disk/shard-file.ts'
import { hashOf, openUserFile } from '../disk/user-file.ts'
import { type Command, JSON_FLAG, STORE_FLAGS, UsageError } from './command.ts'
import { importRows } from './import-rows.ts'
import { withEngine } from './status.ts'

/** How often progress is told, in rows. */
const PROGRESS_ROWS = 100_000

export const importCommand: Command = {
  name: 'import',
  positionals: ['FILE.parquet'],
  summary: 'Commits the rows of a Parquet file as updates; goes on where an earlier run stopped.',
  flags: {
    relation: { value: 'KG:NAME', summary: 'the shard that takes them' },
    time: { value: 'COLUMN', summary: 'column with the times [none: each commit of rows at the next time]' },
    diff: { value: 'COLUMN', summary: 'column with the diffs [none: 1]' },
    retime: { summary: "give the file's times, in order, the store's next times" },
    ...STORE_FLAGS,
    ...JSON_FLAG,
  },
  run: async call => {
    const { relation, time, diff } = call.flags as Record<string, string | undefined>
    if (relation === undefined) throw new UsageError('--relation KG:NAME says which shard takes the rows')
    const shard = checkShardName(relation, '--relation')
    const path = call.positionals[0]!
    const source = await openUserFile(path)
    let file: ForeignFile | undefined
    try {
      const retime = call.flags.retime === true || time === undefined
      const hash = await hashOf(source)
      file = await openForeign(source, path, {
        ...(time === undefined ? {} : { time }),
        ...(diff === undefined ? {} : { diff }),
      })
      const id = JSON.stringify({ file: hash, shard, time: time ?? null, diff: diff ?? null })
      const rows = file
      return await withEngine(call, async engine => {
        let told = 0
        const report = await importRows(
          engine,
          rows,
          { shard, id, retime, wholeTimes: time !== undefined },
          done => {
            if (done - told < PROGRESS_ROWS) return
            told = done
            call.output.note(`${done} of ${rows.rows} rows`)
          },
        )
        if (call.flags.json) call.output.print(JSON.stringify(report))
        else if (report.commits === 0)
          call.output.print(`${shard} already has all ${report.rows} rows of ${path}.`)
        else {
          const resumed = report.resumedAt === 0 ? '' : `, going on behind row ${report.resumedAt}`
          call.output.print(
            `Imported ${report.rows} rows into ${shard} in ${report.commits} commits${resumed}.`,
          )
        }
        return 0
      })
    } finally {
      file?.close()
      await source.close()
    }
  },
}
