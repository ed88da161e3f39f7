// Owns `varve verify`.
import { openFolder } from '../disk/folder.ts'
import { HeldDisk } from '../disk/held-disk.ts'
import { OpenError } from '../errors.ts'
import { type VerifyReport, verify } from '../recovery/verify.ts'
import { adviceFor } from '../repl/advice.ts'
import { bytesText } from '../text/figures.ts'
import { printable } from '../text/printable.ts'
import { type Command, JSON_FLAG, openOptionsOf, PLACE_FLAGS } from './command.ts'
import { withProgress } from './progress.ts'

/** Looks before it is given up to tell damage from what a writer does meanwhile. */
const LOOKS_MAX = 10

/**
 * What a writer replaces while it is being read looks like damage, elsewhere each time; damage stays. So a store is
 * read until a look finds nothing that the one before it did not find.
 */
const confirmed = async (look: () => Promise<VerifyReport>): Promise<VerifyReport> => {
  let before: readonly string[] = []
  for (let looks = 0; looks < LOOKS_MAX; looks++) {
    const report = await look()
    const found = report.problems.map(({ message }) => message)
    if (found.every(message => before.includes(message))) return report
    before = found
  }
  throw new OpenError('OPEN_OVERTAKEN', 'the store changed faster than it could be read', {
    looks: LOOKS_MAX,
  })
}

export const verifyCommand: Command = {
  name: 'verify',
  positionals: [],
  summary: 'Checks every byte of a store, also while another process writes it, and changes none.',
  flags: { ...PLACE_FLAGS, ...JSON_FLAG },
  run: async call => {
    const { dataDir, ...settings } = await openOptionsOf(call)
    const { disk } = await openFolder(dataDir, { create: false })
    const look = (): Promise<VerifyReport> =>
      withProgress('verifying', progress => verify(new HeldDisk(disk), settings, Date.now, progress))
    const report = await confirmed(look)
    const { problems, notes, shards, batches, rows, bytes, commits } = report
    if (call.flags.json) call.output.print(JSON.stringify(report))
    else {
      for (const { code, message } of problems) call.output.print(printable(`${code}: ${message}`))
      for (const note of notes) call.output.print(printable(note))
      call.output.print(
        `${problems.length === 0 ? 'Sound' : `${problems.length} problem(s)`}: ${shards} shard(s), ` +
          `${batches} batch(es) with ${rows} rows in ${bytesText(bytes)}, ${commits} commit(s) in the log.`,
      )
      const advice = new Set(problems.flatMap(problem => adviceFor(problem) ?? []))
      for (const text of advice) call.output.print(`What to do: ${text}.`)
    }
    return problems.length === 0 ? 0 : 1
  },
}
