// Owns `varve verify`.
import { openFolder } from '../disk/folder.ts'
import { verify } from '../recovery/verify.ts'
import { bytesText } from '../text/figures.ts'
import { printable } from '../text/printable.ts'
import { type Command, JSON_FLAG, openOptionsOf, PLACE_FLAGS } from './command.ts'
import { withProgress } from './progress.ts'

export const verifyCommand: Command = {
  name: 'verify',
  positionals: [],
  summary: 'Checks every byte of a store that nobody writes to, and changes none.',
  flags: { ...PLACE_FLAGS, ...JSON_FLAG },
  run: async call => {
    const { dataDir, ...settings } = await openOptionsOf(call)
    const { disk } = await openFolder(dataDir, { create: false })
    const report = await withProgress('verifying', progress => verify(disk, settings, Date.now, progress))
    const { problems, shards, batches, rows, bytes, commits } = report
    if (call.flags.json) call.output.print(JSON.stringify(report))
    else {
      for (const { code, message } of problems) call.output.print(printable(`${code}: ${message}`))
      call.output.print(
        `${problems.length === 0 ? 'Sound' : `${problems.length} problem(s)`}: ${shards} shard(s), ` +
          `${batches} batch(es) with ${rows} rows in ${bytesText(bytes)}, ${commits} commit(s) in the log.`,
      )
    }
    return problems.length === 0 ? 0 : 1
  },
}
