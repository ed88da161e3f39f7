// Owns `varve config`: what holds for every key, and by whose word.
import type { Effective } from '../config/layers.ts'
import { KEYS } from '../config/settings.ts'
import { printable } from '../text/printable.ts'
import { type Command, configurationOf, JSON_FLAG, STORE_FLAGS } from './command.ts'

const isInert = ({ name }: Effective): boolean => KEYS[name].effect === 'none'

/** Lines of key, value and source, each column as wide as it needs. */
const configLines = (entries: readonly Effective[]): string[] => {
  const rows = entries.map(entry => [
    KEYS[entry.name].path!,
    String(entry.value),
    isInert(entry) ? `${entry.source} (accepted, no effect)` : entry.source,
  ])
  const widths = [0, 1].map(column => Math.max(...rows.map(row => row[column]!.length)))
  return rows.map(
    ([key, value, source]) => `${key!.padEnd(widths[0]!)}  ${value!.padEnd(widths[1]!)}  ${source}`,
  )
}

const configJson = (file: string | undefined, entries: readonly Effective[]): string =>
  JSON.stringify({
    file: file ?? null,
    keys: Object.fromEntries(
      entries.map(entry => [
        KEYS[entry.name].path!,
        { value: entry.value, source: entry.source, effect: !isInert(entry) },
      ]),
    ),
  })

export const configCommand: Command = {
  name: 'config',
  positionals: [],
  summary: 'Prints the value of every key, and what it comes from. Opens no store.',
  flags: { ...STORE_FLAGS, ...JSON_FLAG },
  run: async call => {
    const { file, entries } = await configurationOf(call)
    // A key that is in no file is no part of the configuration.
    const keys = entries.filter(({ name }) => KEYS[name].path !== undefined)
    if (call.flags.json) call.output.print(configJson(file, keys))
    else for (const line of configLines(keys)) call.output.print(printable(line))
    return 0
  },
}
