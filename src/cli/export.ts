// Owns `varve export`.
import { writeBatch } from '../batch/writer.ts'
import { checkShardName } from '../disk/shard-file.ts'
import { userFolder } from '../disk/user-file.ts'
import { InputError } from '../errors.ts'
import { batchFormat } from '../shard/flush.ts'
import { type Command, JSON_FLAG, naturalFlag, STORE_FLAGS } from './command.ts'
import { withEngine } from './status.ts'
import { bytesText } from './text.ts'

export const exportCommand: Command = {
  name: 'export',
  positionals: ['KG:NAME', 'FILE.parquet'],
  summary: 'Writes the contents of a shard as of a time: its columns, time and diff, as a batch has them.',
  flags: {
    'as-of': { value: 'T', summary: 'contents as of this time [the latest]' },
    ...STORE_FLAGS,
    ...JSON_FLAG,
  },
  run: async call => {
    const [name, path] = call.positionals as [string, string]
    const shard = checkShardName(name, 'KG:NAME')
    const { disk, file } = await userFolder(path)
    return withEngine(call, async engine => {
      if (!engine.hasShard(shard))
        throw new InputError('SHARD_NAME_INVALID', 'there is no such shard', { shard })
      const snapshot = engine.snapshot(naturalFlag(call, 'as-of'))
      try {
        const schema = snapshot.schemaOf(shard)
        const description = await writeBatch(
          disk,
          file,
          { ...batchFormat(engine.settings), shard, schema },
          snapshot.chunks(shard),
        )
        const report = {
          shard,
          asOf: snapshot.asOf,
          rows: description?.len ?? 0,
          bytes: description?.bytes ?? 0,
        }
        if (call.flags.json) call.output.print(JSON.stringify(report))
        else if (description === undefined)
          call.output.print(`${shard} is empty as of ${snapshot.asOf}: nothing written.`)
        else
          call.output.print(
            `Wrote ${report.rows} rows of ${shard} as of ${report.asOf} to ${path}, ${bytesText(report.bytes)}.`,
          )
        return 0
      } finally {
        await snapshot.close()
      }
    })
  },
}
