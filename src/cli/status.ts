// Owns `varve status`, `flush`, `compact`: looking after a store.

import type { Engine } from '../store/engine.ts'
import type { CompactionReport } from '../store/maintenance.ts'
import { openEngineAt } from '../store/open.ts'
import type { StoreStatus } from '../store/status.ts'
import { bytesText, columnsText, millisecondsText } from '../text/figures.ts'
import { type Call, type Command, JSON_FLAG, naturalFlag, openOptionsOf, STORE_FLAGS } from './command.ts'
import { withProgress } from './progress.ts'

/** Opens the store of a call, works with it, closes it. */
export const withEngine = async <T>(call: Call, work: (engine: Engine) => Promise<T>): Promise<T> => {
  const engine = await openEngineAt(await openOptionsOf(call))
  try {
    return await work(engine)
  } finally {
    await engine.close()
  }
}

const recoveryText = ({ recovery }: StoreStatus): string => {
  const { total, applied, skipped, milliseconds, bytesCut, quarantined } = recovery
  const cut = bytesCut === 0 ? '' : `, ${bytesText(bytesCut)} cut off`
  const aside = quarantined.length === 0 ? '' : `, ${quarantined.length} in quarantine`
  return `${total} commits replayed (${applied} applied, ${skipped} skipped) in ${millisecondsText(milliseconds)}${cut}${aside}`
}

/** The status for people. */
const statusLines = (status: StoreStatus): string[] => {
  const facts: [string, string][] = [
    ['directory', status.path ?? 'in memory'],
    ['state', status.reason === undefined ? status.state : `${status.state}: ${status.reason}`],
    ['mode', status.mode],
    ['upper', String(status.upper)],
    ['commits', `${status.lsn} (durable through ${status.durableLsn})`],
    [
      'log',
      `${bytesText(status.wal.bytes)} in ${status.wal.segments} segment(s), replay from LSN ${status.wal.start}`,
    ],
    ['buffers', `${status.buffer.updates} updates (a shard flushes at ${status.buffer.size})`],
    ['recovery', recoveryText(status)],
    ['shards', String(status.shards.length)],
  ]
  const lines = facts.map(([name, value]) => `${name.padEnd(12)}${value}`)
  if (status.shards.length === 0) return lines
  const table = status.shards.map(shard => [
    shard.damage === undefined ? shard.name : `${shard.name} (${shard.damage})`,
    String(shard.rows),
    String(shard.batches),
    bytesText(shard.bytes),
    String(shard.buffered),
    String(shard.since),
    String(shard.upper),
  ])
  return [
    ...lines,
    '',
    ...columnsText(['shard', 'rows', 'batches', 'size', 'buffered', 'since', 'upper'], table),
  ]
}

export const statusCommand: Command = {
  name: 'status',
  positionals: [],
  summary: 'Opens the store, recovering it if need be, and says how it is.',
  flags: { ...STORE_FLAGS, ...JSON_FLAG },
  run: call =>
    withEngine(call, async engine => {
      const status = engine.status()
      if (call.flags.json) call.output.print(JSON.stringify(status))
      else for (const line of statusLines(status)) call.output.print(line)
      return 0
    }),
}

export const flushCommand: Command = {
  name: 'flush',
  positionals: [],
  summary: 'Writes what only the log holds into batches, and lets the log start afresh.',
  flags: { ...STORE_FLAGS, ...JSON_FLAG },
  run: call =>
    withEngine(call, async engine => {
      const { buffers, milliseconds } = await engine.flush()
      const { applied } = engine.status().recovery
      if (call.flags.json) call.output.print(JSON.stringify({ recovered: applied, buffers, milliseconds }))
      else
        call.output.print(
          `Flushed: ${applied} commits of the log on opening, ${buffers.length} buffers since.`,
        )
      return 0
    }),
}

const compactionLines = ({ shards, milliseconds }: CompactionReport): string[] => {
  const table = shards.map(shard => [
    shard.shard,
    `${shard.batchesBefore} -> ${shard.batchesAfter}`,
    `${shard.rowsBefore} -> ${shard.rowsAfter}`,
    `${bytesText(shard.bytesBefore)} -> ${bytesText(shard.bytesAfter)}`,
    String(shard.since),
  ])
  const done = `Compaction complete. ${shards.length} shard(s) changed in ${millisecondsText(milliseconds)}.`
  return table.length === 0
    ? [done]
    : [done, '', ...columnsText(['shard', 'batches', 'rows', 'size', 'since'], table)]
}

export const compactCommand: Command = {
  name: 'compact',
  positionals: [],
  summary: 'Merges the batches of every shard into one.',
  flags: {
    since: { value: 'T', summary: 'give up the history before T: reads are exact from T on' },
    ...STORE_FLAGS,
    ...JSON_FLAG,
  },
  run: call =>
    withEngine(call, async engine => {
      const since = naturalFlag(call, 'since')
      const report = await withProgress('compacting', progress => engine.compact(since, progress))
      if (call.flags.json) call.output.print(JSON.stringify(report))
      else for (const line of compactionLines(report)) call.output.print(line)
      return 0
    }),
}
