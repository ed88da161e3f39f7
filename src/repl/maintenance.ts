// Owns `.status`, `.flush`, `.compact`: looking after the store.
import type { CompactionReport } from '../store/maintenance.ts'
import type { StoreStatus } from '../store/status.ts'
import { bytesText, columnsText, millisecondsText } from '../text/figures.ts'
import { requireAtMost, type SessionCommand, timeOf, wrongWords } from './command.ts'

const recoveryText = ({
  total,
  applied,
  skipped,
  milliseconds,
  bytesCut,
  quarantined,
}: StoreStatus['recovery']): string =>
  `${total} commits replayed (${applied} applied, ${skipped} skipped) in ${millisecondsText(milliseconds)}` +
  (bytesCut === 0 ? '' : `, ${bytesText(bytesCut)} cut off`) +
  (quarantined.length === 0 ? '' : `, ${quarantined.length} in quarantine`)

const momentText = (ms: number | undefined): string =>
  ms === undefined ? 'none yet' : new Date(ms).toISOString()

/** The status for people. */
const statusLines = (status: StoreStatus): string[] => {
  const { wal, buffer } = status
  const facts: [string, string][] = [
    ['Data directory', status.path ?? 'none: in memory'],
    ['Health', status.reason === undefined ? status.state : `${status.state}: ${status.reason}`],
    ['Durability mode', status.mode],
    ['LSN', `current ${status.lsn}, durable ${status.durableLsn}`],
    ['Next time', String(status.upper)],
    ['WAL size', `${bytesText(wal.bytes)} in ${wal.segments} segment(s), replay from LSN ${wal.start}`],
    ['Buffer', `${buffer.updates} updates (a shard flushes at ${buffer.size})`],
    ['Last flush', momentText(status.lastFlush)],
    ['Last compaction', momentText(status.lastCompaction)],
    ['Recovery', recoveryText(status.recovery)],
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

export const statusCommand: SessionCommand = {
  name: 'status',
  usage: ['.status'],
  summary: 'Says how the store is: directory, health, log, buffers, shards, what recovery did.',
  run: async call => {
    requireAtMost(call, 0, statusCommand)
    const status = call.session.store.status()
    call.answer.tell({ status }, ...statusLines(status))
  },
}

export const flushCommand: SessionCommand = {
  name: 'flush',
  usage: ['.flush'],
  summary: 'Writes all buffers into batches and lets the log start afresh.',
  run: async call => {
    requireAtMost(call, 0, flushCommand)
    const report = await call.session.store.flush()
    call.answer.tell(
      { ...report },
      'Flush complete.',
      ...report.buffers.map(
        ({ shard, updates, rows, bytes }) =>
          `  ${shard}: ${updates} updates -> ${rows} rows, ${bytesText(bytes)}`,
      ),
    )
  },
}

const compactionLines = ({ shards }: CompactionReport): string[] => {
  const freed = shards.reduce((sum, { bytesBefore, bytesAfter }) => sum + bytesBefore - bytesAfter, 0)
  const lines = shards.map(
    shard =>
      `  ${shard.shard}: ${shard.batchesBefore} -> ${shard.batchesAfter} batches, ` +
      `${shard.rowsBefore} -> ${shard.rowsAfter} rows, ` +
      `${bytesText(shard.bytesBefore)} -> ${bytesText(shard.bytesAfter)}, since ${shard.since}`,
  )
  if (shards.length === 0) return ['  nothing to merge']
  return [...lines, `  ${freed < 0 ? `${bytesText(-freed)} more than before` : `${bytesText(freed)} freed`}`]
}

export const compactCommand: SessionCommand = {
  name: 'compact',
  usage: ['.compact', '.compact since T'],
  summary: 'Merges the batches of every shard into one; since T gives up the history before time T.',
  run: async call => {
    const { words, source, session } = call
    if (words.length > 0 && words[0]!.text !== 'since') throw wrongWords(call, 0, compactCommand)
    if (words.length === 1) throw wrongWords(call, 1, compactCommand)
    requireAtMost(call, 2, compactCommand)
    const since = words[1] === undefined ? {} : { since: timeOf(source, words[1]) }
    const report = await session.store.compact(since)
    call.answer.tell({ ...report }, 'Compaction complete.', ...compactionLines(report))
  },
}
