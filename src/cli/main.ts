// Owns the list of commands, and what becomes of a call: output, errors, exit code.
import { createRequire } from 'node:module'
import { didYouMean, nearestTo } from '../config/suggest.ts'
import { InputError } from '../errors.ts'
import { explanationOf } from '../repl/advice.ts'
import { printable } from '../text/printable.ts'
import { type Command, type Output, parseCall, positionalsOf, UsageError, usageOf } from './command.ts'
import { configCommand } from './config.ts'
import { drillCommand } from './drill.ts'
import { exportCommand } from './export.ts'
import { importCommand } from './import.ts'
import { repairCommand } from './repair.ts'
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
  repairCommand,
  configCommand,
  drillCommand,
]

/** Exit codes. */
const EXIT = { ok: 0, failed: 1, usage: 2 } as const

const overview = (): string =>
  [
    'varve: the crash-safe, time-travelling fact store',
    '',
    '  [FLAGS]                       the same as repl: varve alone asks for statements',
    '  FILE.iql                      the same as repl FILE.iql',
    ...COMMANDS.map(
      ({ name, positionals, summary }) => `  ${[name, ...positionals].join(' ').padEnd(30)}${summary}`,
    ),
    '  --version                     Prints the version.',
    '',
    'varve COMMAND --help shows the flags of a command.',
    'It exits with 0, with 1 if the command failed, 2 if the call was wrong, 141 if nobody reads what it prints.',
  ].join('\n')

// Beside dist/ as beside src/; an import would lie outside what is compiled.
const versionText = (): string => createRequire(import.meta.url)('../../package.json').version

const commandNamed = (word: string): Command => {
  const found = COMMANDS.find(({ name }) => name === word)
  if (found !== undefined) return found
  const nearest = nearestTo(
    word,
    COMMANDS.map(({ name }) => name),
  )
  throw new UsageError(`there is no command '${word}'${didYouMean(nearest)}; varve help lists them`)
}

/** The command of a call and its words. Flags alone, and a word that can only be a file, are for the REPL. */
const commandOf = (words: readonly string[]): { command: Command; rest: readonly string[] } => {
  const [first, ...rest] = words
  if (first !== undefined && !/^-|[./]/.test(first)) return { command: commandNamed(first), rest }
  const late = positionalsOf(replCommand, words).find(word => COMMANDS.some(({ name }) => name === word))
  if (late === undefined) return { command: replCommand, rest: words }
  const others = words.toSpliced(words.indexOf(late), 1)
  throw new UsageError(`the command comes first: varve ${[late, ...others].join(' ')}`)
}

/** What answers a call for help or for the version; undefined for any other. */
const answerOf = ([first, ...rest]: readonly string[]): string | undefined => {
  switch (first) {
    case '--version':
      return versionText()
    case 'help':
    case '--help':
    case '-h':
      return rest[0] === undefined ? overview() : usageOf(commandNamed(rest[0]))
    default:
      return undefined
  }
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

/** Whether the value of a flag is wrong. */
const isOfFlag = (error: unknown): boolean => {
  if (!(error instanceof InputError)) return false
  const { flag, place } = error.details
  return flag !== undefined || (typeof place === 'string' && place.startsWith('--'))
}

const run = async (command: Command, rest: readonly string[], output: Output): Promise<number> => {
  try {
    const call = parseCall(command, rest, output)
    if (call !== undefined) return await command.run(call)
    output.print(usageOf(command))
    return EXIT.ok
  } catch (cause) {
    if (cause instanceof UsageError) {
      output.note(`varve ${command.name}: ${cause.message}; varve ${command.name} --help shows how`)
      return EXIT.usage
    }
    output.note(`varve ${command.name}: ${errorText(cause)}`)
    for (const line of explanationOf(cause, command.name)) output.note(line)
    if (rest.includes('--json')) output.print(errorJson(cause))
    return isOfFlag(cause) ? EXIT.usage : EXIT.failed
  }
}

/**
 * Runs one call of the command line.
 * @param words everything behind `varve`
 * @returns the exit code: 0, 1 if the command failed, 2 if the call was wrong
 */
export const main = async (words: readonly string[], { print, note }: Output): Promise<number> => {
  // What is noted may quote a file or a store.
  const output: Output = { print, note: line => note(printable(line)) }
  try {
    const answer = answerOf(words)
    if (answer !== undefined) {
      output.print(answer)
      return EXIT.ok
    }
    const { command, rest } = commandOf(words)
    return await run(command, rest, output)
  } catch (cause) {
    if (!(cause instanceof UsageError)) throw cause
    output.note(`varve: ${cause.message}`)
    return EXIT.usage
  }
}
