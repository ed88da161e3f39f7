// Owns the list of the session's commands: help, completion and docs/language.md#commands come from it.
import { type Source, statementError } from '../iql/source.ts'
import { requireAtMost, type SessionCommand, wrongWords } from './command.ts'
import { graphCommand } from './graphs.ts'
import { compactCommand, flushCommand, statusCommand } from './maintenance.ts'
import { relationCommand } from './relations.ts'
import { nameUnknown } from './session.ts'
import { asOfCommand, diffCommand } from './time.ts'

const loadCommand: SessionCommand = {
  name: 'load',
  usage: ['.load FILE'],
  summary: 'Runs the statements of a file, each echoed with its output.',
  run: async call => {
    requireAtMost(call, 1, loadCommand)
    if (call.words.length === 0) throw wrongWords(call, 0, loadCommand)
    const file = call.words[0]!.text
    const failed = await call.load(file)
    call.answer.tell(
      { loaded: file, failed },
      failed === 0 ? 'File loaded.' : `File loaded; ${failed} statement(s) failed.`,
    )
  },
}

/** What can be typed that is no command. */
const STATEMENTS: readonly (readonly [string, string])[] = [
  ['+edge(1, 2)', 'inserts a fact'],
  ['+edge[(1, 2), (2, 3)]', 'inserts facts'],
  ['-edge(1, 2)', 'deletes a fact; a list as above'],
  ['?edge(1, X)', 'the facts that match: constants, variables, _'],
  ['?edge(X, Y) @ 750', 'the same as of time 750'],
  ['+edge(src: int, dst: int)', 'declares the columns of a new relation'],
]

/** The usage of a command, a line a form. */
const helpOf = ({ usage, summary }: SessionCommand): string[] => [
  ...usage.map(form => `  ${form}`),
  `  ${summary}`,
]

const helpCommand: SessionCommand = {
  name: 'help',
  usage: ['.help', '.help COMMAND'],
  summary: 'Lists statements and commands, or explains one command.',
  run: async call => {
    requireAtMost(call, 1, helpCommand)
    const { words, source, answer } = call
    const [word] = words
    const listed =
      word === undefined ? COMMANDS : [commandNamed(source, word.offset, word.text.replace(/^\./, ''))]
    const commands = listed.map(({ name, usage, summary }) => ({ name, usage, summary }))
    if (word !== undefined) return answer.tell({ commands }, ...listed.flatMap(helpOf))
    answer.tell(
      { commands },
      'Statements:',
      ...STATEMENTS.map(([text, meaning]) => `  ${text.padEnd(28)}${meaning}`),
      'Commands:',
      ...COMMANDS.map(({ name, summary }) => `  ${`.${name}`.padEnd(12)}${summary}`),
    )
  },
}

const leaving = (name: string): SessionCommand => {
  const command: SessionCommand = {
    name,
    usage: [`.${name}`],
    summary: 'Ends the session, also from within a script.',
    run: async call => {
      requireAtMost(call, 0, command)
      call.session.ended = true
    },
  }
  return command
}

/** Every command, in the order of the help. */
export const COMMANDS: readonly SessionCommand[] = [
  relationCommand,
  graphCommand,
  asOfCommand,
  diffCommand,
  statusCommand,
  flushCommand,
  compactCommand,
  loadCommand,
  helpCommand,
  leaving('quit'),
  leaving('exit'),
]

/** What the language has and this version has not. */
const LATER: readonly string[] = ['rule', 'session', 'history']

/**
 * The command of a name that stands at `offset` of a statement.
 * @throws {InputError} NAME_UNKNOWN, STATEMENT_INVALID
 */
export const commandNamed = (source: Source, offset: number, name: string): SessionCommand => {
  const command = COMMANDS.find(each => each.name === name)
  if (command !== undefined) return command
  if (LATER.includes(name))
    throw statementError(source, offset, `the command .${name} comes in a later version`)
  const names = COMMANDS.map(each => each.name)
  throw nameUnknown(source, offset, 'command', name, names)
}
