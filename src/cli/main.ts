// Owns the list of commands, and what becomes of a call: output, errors, exit code.
import { printable } from '../text/printable.ts'
import { type Command, type Output, parseCall, UsageError, usageOf } from './command.ts'
import { configCommand } from './config.ts'
import { exportCommand } from './export.ts'
import { importCommand } from './import.ts'
import { replCommand } from './repl.ts'
import { compactCommand, flushCommand, statusCommand } from './status.ts'
import { verifyCommand } from './verify.ts'

/** Every command, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  replCommand,
  importCommand,
  exportCommand,
  statusCommand,
  flushCommand,
  compactCommand,
  verifyCommand,
  configCommand,
]

/** Exit codes. */
const EXIT = { ok: 0, failed: 1, usage: 2 } as const

const overview = (): string[] => [
  'varve: the crash-safe, time-travelling fact store',
  '',
  '  [FLAGS]                       the same as repl: varve alone asks for statements',
  '  FILE.iql                      the same as repl FILE.iql',
  ...COMMANDS.map(
    ({ name, positionals, summary }) => `  ${[name, ...positionals].join(' ').padEnd(30)}${summary}`,
  ),
  '',
  'varve COMMAND --help shows the flags of a command.',
]

/** The command of a call and its words. Flags alone, and a word that can only be a file, are for the REPL. */
const commandOf = (words: readonly string[]): { command: Command | undefined; rest: readonly string[] } => {
  const [first, ...rest] = words
  if (first === undefined || /^-|[./]/.test(first)) return { command: replCommand, rest: words }
  return { command: COMMANDS.find(({ name }) => name === first), rest }
}

const errorText = (error: unknown): string => {
  const { code, message } = error as { code?: string; message?: string }
  return code === undefined ? String(message ?? error) : `${code}: ${message}`
}

const errorJson = (error: unknown): string => {
  const { code, message, details } = error as { code?: string; message?: string; details?: unknown }
  return JSON.stringify({ error: { code: code ?? 'FAILED', message, details } }, (_, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  )
}

/**
 * Runs one call of the command line.
 * @param words everything behind `varve`
 * @returns the exit code: 0, 1 if the command failed, 2 if the call was wrong
 */
export const main = async (words: readonly string[], output: Output): Promise<number> => {
  const note = (line: string): void => output.note(printable(line))
  if (words[0] === 'help' || words[0] === '--help') {
    for (const line of overview()) output.print(line)
    return EXIT.ok
  }
  const { command, rest } = commandOf(words)
  if (command === undefined) {
    note(`varve: there is no command '${words[0]}'; varve help lists them`)
    return EXIT.usage
  }
  const { name } = command
  if (rest.includes('--help')) {
    output.print(usageOf(command))
    return EXIT.ok
  }
  try {
    return await command.run(parseCall(command, rest, output))
  } catch (cause) {
    if (cause instanceof UsageError) {
      note(`varve ${name}: ${cause.message}; varve ${name} --help shows how`)
      return EXIT.usage
    }
    note(`varve ${name}: ${errorText(cause)}`)
    if (rest.includes('--json')) output.print(errorJson(cause))
    return EXIT.failed
  }
}
