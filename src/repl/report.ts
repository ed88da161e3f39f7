// Owns how reports of a store look to people, at the prompt and on the command line.
import type { CompactionReport } from '../store/compactions.ts'
import type { FlushReport } from '../store/maintenance.ts'
import type { StoreStatus } from '../store/status.ts'
import { bytesText, columnsText, millisecondsText } from '../text/figures.ts'

const recoveryText = ({
  total,
  applied,
  skipped,
  milliseconds,
  bytesCut,
  lost,
  quarantined,
}: StoreStatus['recovery']): string =>
  `${total} commits replayed (${applied} applied, ${skipped} skipped) in ${millisecondsText(milliseconds)}` +
  (lost === 0 ? '' : `, ${lost} lost`) +
  (bytesCut === 0 ? '' : `, ${bytesText(bytesCut)} cut off`) +
  (quarantined.length === 0 ? '' : `, ${quarantined.length} in quarantine`)

const momentText = (ms: number | undefined): string =>
  ms === undefined ? 'none yet' : new Date(ms).toISOString()

/** What a reader leaves out. */
export const unprovenText = (unproven: number): string =>
  `${unproven} commit(s) at the end of the log are left out: nothing proves them durable yet; ` +
  'a flush or the clean close of the process that writes does, and varve flush if there is none'

const healthText = ({ state, reason, losses, shards }: StoreStatus): string => {
  if (reason === undefined) return state
  const isDamaged = shards.some(({ damage }) => damage !== undefined)
  const advice = [
    ...(isDamaged ? ['varve repair --dry-run says what can be done'] : []),
    ...(losses.length === 0 ? [] : ['varve repair --acknowledge once you have taken note']),
  ]
  return [`${state}: ${reason}`, ...advice].join('; ')
}

/** What a person should know of a store that was just opened, a line each; none where all is well. */
export const warningLines = (status: StoreStatus): string[] => {
  const { reason, recovery } = status
  return [
    ...(recovery.lost === 0 ? [] : [`commits of the log that are lost: ${recovery.lost}`]),
    ...(reason === undefined ? [] : [healthText(status)]),
  ]
}

const lsnText = ({ access, lsn, durableLsn, unproven }: StoreStatus): string => {
  if (access === 'write') return `current ${lsn}, durable ${durableLsn}`
  return unproven === 0 ? String(lsn) : `${lsn}, and ${unproven} behind it that nothing proves durable yet`
}

/** What only the process that writes knows. */
const momentsOf = ({ access, lastFlush, lastCompaction }: StoreStatus): [string, string][] =>
  access === 'read'
    ? []
    : [
        ['Last flush', momentText(lastFlush)],
        ['Last compaction', momentText(lastCompaction)],
      ]

/** The status for programs: what a reader's own settings say is nothing of the store. */
export const statusMembers = (status: StoreStatus): object => {
  if (status.access === 'write') return status
  const { mode: _mode, buffer, ...rest } = status
  return { ...rest, buffer: { updates: buffer.updates } }
}

/** The status for people. */
export const statusLines = (status: StoreStatus): string[] => {
  const { wal, buffer } = status
  const facts: [string, string][] = [
    ['Data directory', status.path ?? 'none: in memory'],
    ['Health', healthText(status)],
    ...(status.access === 'read' ? [] : [['Durability mode', status.mode] as [string, string]]),
    ['LSN', lsnText(status)],
    ['Next time', String(status.upper)],
    ['WAL size', `${bytesText(wal.bytes)} in ${wal.segments} segment(s), replay from LSN ${wal.start}`],
    [
      'Buffer',
      `${buffer.updates} updates${status.access === 'read' ? '' : ` (a shard flushes at ${buffer.size})`}`,
    ],
    ...(status.waitingAt === undefined
      ? []
      : [['Waiting', `commits wait at the bound of ${status.waitingAt}`] as [string, string]]),
    ...momentsOf(status),
    [status.access === 'read' ? 'Log' : 'Recovery', recoveryText(status.recovery)],
    ['Shards', String(status.shards.length)],
  ]
  const table = status.shards.map(shard => [
    shard.damage === undefined ? shard.name : `${shard.name} (${shard.damage})`,
    String(shard.rows),
    String(shard.batches),
    bytesText(shard.bytes),
    String(shard.buffered),
    String(shard.since),
    String(shard.upper),
  ])
  const titles = ['  shard', 'rows', 'batches', 'size', 'buffered', 'since', 'upper']
  return [
    ...facts.map(([name, value]) => `${`${name}:`.padEnd(17)}${value}`),
    ...(table.length === 0
      ? []
      : columnsText(
          titles,
          table.map(([name, ...rest]) => [`  ${name}`, ...rest]),
        )),
  ]
}

/** What a flush did, for people. */
export const flushLines = ({ buffers }: FlushReport): string[] => [
  'Flush complete.',
  ...buffers.map(
    ({ shard, updates, rows, bytes }) =>
      `  ${shard}: ${updates} updates -> ${rows} rows, ${bytesText(bytes)}`,
  ),
]

/** What a compaction did, for people. */
export const compactionLines = ({ shards, damaged }: CompactionReport): string[] => {
  const freed = shards.reduce((sum, { bytesBefore, bytesAfter }) => sum + bytesBefore - bytesAfter, 0)
  const lines = shards.map(
    shard =>
      `  ${shard.shard}: ${shard.batchesBefore} -> ${shard.batchesAfter} batches, ` +
      `${shard.rowsBefore} -> ${shard.rowsAfter} rows, ` +
      `${bytesText(shard.bytesBefore)} -> ${bytesText(shard.bytesAfter)}, since ${shard.since}`,
  )
  const failures = damaged.map(({ shard, message }) => `  ${shard}: left as it is: ${message}`)
  if (shards.length === 0)
    return ['Compaction complete.', ...(failures.length === 0 ? ['  nothing to merge'] : failures)]
  return [
    'Compaction complete.',
    ...lines,
    ...failures,
    `  ${freed < 0 ? `${bytesText(-freed)} more than before` : `${bytesText(freed)} freed`}`,
  ]
}
