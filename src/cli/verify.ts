// Owns `varve verify`.
import { settingsFrom } from '../config/settings.ts'
import { openFolder } from '../disk/folder.ts'
import { verify } from '../recovery/verify.ts'
import { type Command, dataDirOf, JSON_FLAG } from './command.ts'
import { bytesText } from './text.ts'

export const verifyCommand: Command = {
  name: 'verify',
  positionals: [],
  summary: 'Checks every byte of a store that nobody writes to, and changes none.',
  flags: { 'data-dir': { value: 'DIR', summary: 'directory of the store [./data]' }, ...JSON_FLAG },
  run: async call => {
    const { disk } = await openFolder(dataDirOf(call), { create: false })
    const report = await verify(disk, settingsFrom({}), Date.now)
    const { problems, shards, batches, rows, bytes, commits } = report
    if (call.flags.json) call.output.print(JSON.stringify(report))
    else {
      for (const { code, message } of problems) call.output.print(`${code}: ${message}`)
      call.output.print(
        `${problems.length === 0 ? 'Sound' : `${problems.length} problem(s)`}: ${shards} shard(s), ` +
          `${batches} batch(es) with ${rows} rows in ${bytesText(bytes)}, ${commits} commit(s) in the log.`,
      )
    }
    return problems.length === 0 ? 0 : 1
  },
}
