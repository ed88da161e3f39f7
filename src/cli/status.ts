// Owns `varve status`, `flush`, `compact`: looking after a store.

import type { Settings } from '../config/settings.ts'
import { compactionLines, flushLines, statusLines, statusMembers, warningLines } from '../repl/report.ts'
import type { Engine } from '../store/engine.ts'
import { openEngineAt } from '../store/open.ts'
import { openReader } from '../store/open-reader.ts'
import type { Reader } from '../store/reader.ts'
import type { StoreStatus } from '../store/status.ts'
import { printable } from '../text/printable.ts'
import { type Call, type Command, JSON_FLAG, naturalFlag, openOptionsOf, STORE_FLAGS } from './command.ts'
import { withProgress } from './progress.ts'
import { endingCleanly } from './signals.ts'

/** Says what is wrong with a store that was just opened, before anybody works with it. */
export const noteWarnings = ({ output }: Call, status: StoreStatus): void => {
  for (const line of warningLines(status)) output.note(`warning: ${line}`)
}

/**
 * Opens the store of a call, works with it, closes it; also if a signal comes. Only with `create` it is made if it is
 * not there; with `quiet` nothing is said of its health.
 */
export const withEngine = async <T>(
  call: Call,
  { create, quiet = false }: { readonly create: boolean; readonly quiet?: boolean },
  work: (engine: Engine) => Promise<T>,
): Promise<T> => {
  const engine = await openEngineAt(await openOptionsOf(call), { create })
  if (!quiet) noteWarnings(call, engine.status())
  return endingCleanly(
    () => engine.close(),
    async () => {
      try {
        return await work(engine)
      } finally {
        await engine.close()
      }
    },
  )
}

/** As {@link withEngine}, for who only reads: takes no lock, and works beside a writer. */
export const withReader = async <T>(
  call: Call,
  work: (reader: Reader, settings: Settings) => Promise<T>,
): Promise<T> => {
  const options = await openOptionsOf(call)
  const reader = await openReader(options)
  try {
    return await work(reader, options)
  } finally {
    await reader.close()
  }
}

const printLines = ({ output }: Call, lines: readonly string[]): void => {
  for (const line of lines) output.print(printable(line))
}

export const statusCommand: Command = {
  name: 'status',
  positionals: [],
  summary: 'Says how the store is on disk, also while another process writes it; changes nothing.',
  flags: { ...STORE_FLAGS, ...JSON_FLAG },
  run: call =>
    withReader(call, async reader => {
      const status = reader.status()
      if (call.flags.json) call.output.print(JSON.stringify(statusMembers(status)))
      else printLines(call, statusLines(status))
      return 0
    }),
}

export const flushCommand: Command = {
  name: 'flush',
  positionals: [],
  summary: 'Writes what only the log holds into batches, and lets the log start afresh.',
  flags: { ...STORE_FLAGS, ...JSON_FLAG },
  run: call =>
    withEngine(call, { create: false }, async engine => {
      const { buffers, milliseconds } = await engine.flush()
      const { applied } = engine.status().recovery
      if (call.flags.json) call.output.print(JSON.stringify({ recovered: applied, buffers, milliseconds }))
      else {
        const opening = `  ${applied} commits of the log had been flushed on opening`
        printLines(call, [...flushLines({ buffers, milliseconds }), opening])
      }
      return 0
    }),
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
    withEngine(call, { create: false }, async engine => {
      const since = naturalFlag(call, 'since')
      const report = await withProgress('compacting', progress => engine.compact(since, progress))
      if (call.flags.json) call.output.print(JSON.stringify(report))
      else printLines(call, compactionLines(report))
      return report.damaged.length === 0 ? 0 : 1
    }),
}
