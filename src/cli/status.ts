// Owns `varve status`, `flush`, `compact`: looking after a store.

import { compactionLines, flushLines, statusLines } from '../repl/report.ts'
import type { Engine } from '../store/engine.ts'
import { openEngineAt } from '../store/open.ts'
import { printable } from '../text/printable.ts'
import { type Call, type Command, JSON_FLAG, naturalFlag, openOptionsOf, STORE_FLAGS } from './command.ts'
import { withProgress } from './progress.ts'

/** Opens the store of a call, works with it, closes it. Only with `create` it is made if it is not there. */
export const withEngine = async <T>(
  call: Call,
  { create }: { readonly create: boolean },
  work: (engine: Engine) => Promise<T>,
): Promise<T> => {
  const engine = await openEngineAt(await openOptionsOf(call), { create })
  try {
    return await work(engine)
  } finally {
    await engine.close()
  }
}

const printLines = ({ output }: Call, lines: readonly string[]): void => {
  for (const line of lines) output.print(printable(line))
}

export const statusCommand: Command = {
  name: 'status',
  positionals: [],
  summary: 'Opens the store, recovering it if need be, and says how it is.',
  flags: { ...STORE_FLAGS, ...JSON_FLAG },
  run: call =>
    withEngine(call, { create: false }, async engine => {
      const status = engine.status()
      if (call.flags.json) call.output.print(JSON.stringify(status))
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
      return 0
    }),
}
