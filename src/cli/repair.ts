// Owns `varve repair`.
import { repairStoreAt } from '../store/open.ts'
import type { RepairedBatch, RepairedShard, RepairReport } from '../store/repair.ts'
import { printable } from '../text/printable.ts'
import { type Call, type Command, JSON_FLAG, openOptionsOf, PLACE_FLAGS, UsageError } from './command.ts'
import { withEngine } from './status.ts'

/** `commit 5`, `commits 5 to 7`. */
const rangeText = (what: string, first: number, last: number): string =>
  first === last ? `${what} ${first}` : `${what}s ${first} to ${last}`

const timesText = (lower: number, upper: number | undefined): string =>
  upper === undefined ? `times from ${lower} on` : rangeText('time', lower, Math.max(lower, upper - 1))

/** Commits and times that are gone, for people. */
const lostText = (lost: {
  readonly lsnLower: number
  readonly lsnUpper: number
  readonly openEnded?: boolean
  readonly lower?: number
  readonly upper?: number
  readonly rows?: number
  readonly file?: string
}): string => {
  const { lsnLower, lsnUpper, openEnded, lower, upper, rows, file } = lost
  const commits =
    lsnUpper < lsnLower
      ? `commits from ${lsnLower} on, if there were any`
      : `${rangeText('commit', lsnLower, lsnUpper)}${openEnded === true ? ', and those behind if there were any' : ''}`
  const times = lower === undefined ? '' : `, ${timesText(lower, upper)}`
  const what = file === undefined && openEnded === undefined ? ', if the shard had any of them' : ''
  return `    lost: ${commits}${times}${rows === undefined ? '' : `, ${rows} rows`}${what}`
}

const ACTIONS: Readonly<Record<RepairedBatch['action'], string>> = {
  adopt: 'taken over, with checksums of its bytes as they are now',
  replay: 'written again of what the log has of it',
  fill: 'the log has them, and they are written again',
  rewrite: 'its intact row groups are kept',
  'give up': 'nothing of it is left',
}

const batchText = ({ file, lsnLower = 0, lsnUpper = 0, action, problem, kept, of }: RepairedBatch): string =>
  `  ${file ?? rangeText('commit', lsnLower, lsnUpper)}: ${problem === undefined ? '' : `${problem}; `}${ACTIONS[action]}${
    kept === undefined ? '' : `, ${kept} of ${of}`
  }`

const shardLines = ({ shard, document, batches, lost }: RepairedShard): string[] => [
  `${shard}:`,
  ...(document === undefined ? [] : [`  ${document.file}: ${document.problem}; made anew of what is left`]),
  ...batches.map(batchText),
  ...lost.map(lostText),
]

const catalogLines = ({ catalog, unlisted }: RepairReport): string[] => [
  ...(catalog === undefined
    ? []
    : [
        `store.json: ${catalog}; made anew of everything else`,
        '    lost: ids of commits, and progress of imports, that have left the log',
      ]),
  ...unlisted.map(file => `${file}: store.json does not list this shard; it goes to quarantine/`),
]

const logLines = ({ log }: RepairReport): string[] =>
  log === undefined
    ? []
    : [
        `the log: ${log.problem}`,
        ...log.segments.flatMap(({ path, bad }) =>
          bad.map(({ offset, end, reason }) => `  ${path}: ${end - offset} bytes at ${offset}: ${reason}`),
        ),
        ...log.lost.map(lostText),
      ]

const findings = (report: RepairReport): string[] => [
  ...catalogLines(report),
  ...report.shards.flatMap(shardLines),
  ...logLines(report),
]

const conclusion = (report: RepairReport): string => {
  const { dryRun, loses, losses } = report
  const pending =
    losses.length === 0 ? '' : ` To be acknowledged (varve repair --acknowledge): ${losses.join(', ')}.`
  if (findings(report).length === 0) return `Nothing to repair.${pending}`
  if (dryRun) return `Nothing was changed.${loses ? ' Something is lost.' : ' Nothing is lost.'}${pending}`
  return `Repaired${loses ? '; what is lost is stated above' : ' without loss'}.${pending}`
}

const repair = async (call: Call): Promise<number> => {
  const report = await repairStoreAt(await openOptionsOf(call), call.flags['dry-run'] === true)
  const lines = [...findings(report), conclusion(report)]
  if (call.flags.json) call.output.print(JSON.stringify(report))
  else for (const line of lines) call.output.print(printable(line))
  return report.loses ? 1 : 0
}

const acknowledge = (call: Call): Promise<number> =>
  withEngine(call, { create: false, quiet: true }, async engine => {
    const acknowledged = await engine.acknowledge()
    if (call.flags.json) call.output.print(JSON.stringify({ acknowledged }))
    else
      call.output.print(
        acknowledged.length === 0 ? 'Nothing to acknowledge.' : `Acknowledged: ${acknowledged.join(', ')}.`,
      )
    return 0
  })

export const repairCommand: Command = {
  name: 'repair',
  positionals: [],
  summary: 'Makes a damaged store serve again from what is left of it, and says what is lost.',
  flags: {
    'dry-run': { summary: 'say what would be done, and change nothing' },
    acknowledge: { summary: 'take note of what was lost, so that the store is not degraded by it any more' },
    ...PLACE_FLAGS,
    ...JSON_FLAG,
  },
  run: async call => {
    if (call.flags.acknowledge !== true) return repair(call)
    if (call.flags['dry-run'] === true) throw new UsageError('--acknowledge has no --dry-run')
    return acknowledge(call)
  },
}
