// Owns `varve repl`, which is also what `varve` alone is: where the statements come from.
import type { DiskFile } from '../disk/disk.ts'
import { openUserFile } from '../disk/user-file.ts'
import { Console } from '../repl/console.ts'
import { linesOf } from '../repl/lines.ts'
import { Session } from '../repl/session.ts'
import { runTerminal } from '../repl/terminal.ts'
import { openStore } from '../store/open.ts'
import { openReader } from '../store/open-reader.ts'
import { printable } from '../text/printable.ts'
import { type Call, type Command, openOptionsOf, STORE_FLAGS, UsageError } from './command.ts'
import { endingCleanly } from './signals.ts'
import { noteWarnings } from './status.ts'

/** Read of a script at once. */
const CHUNK_BYTES = 64 * 1024

async function* contentOf(file: DiskFile): AsyncGenerator<Uint8Array> {
  const size = await file.size()
  for (let offset = 0; offset < size; offset += CHUNK_BYTES) yield await file.read(offset, CHUNK_BYTES)
}

async function* scriptLines(path: string): AsyncGenerator<string> {
  const file = await openUserFile(path)
  try {
    yield* linesOf(contentOf(file), path)
  } finally {
    await file.close()
  }
}

/** Runs the statements from where the call says that they come from; resolves to the exit code. */
const runAll = async ({ positionals, flags, output }: Call, console: Console): Promise<number> => {
  const [file] = positionals
  const { stdin, stdout } = process
  if (typeof flags.command === 'string')
    await console.runScript(flags.command.split(/\r?\n/), { echo: false })
  else if (file !== undefined) await console.runScript(scriptLines(file), { file, echo: true })
  else if (!stdin.isTTY || !stdout.isTTY)
    await console.runScript(linesOf(stdin, 'standard input'), { echo: true })
  else {
    const { path, recovery, access, lsn } = console.session.source.status()
    const as = access === 'read' ? `, for reading only, at LSN ${lsn}` : ''
    output.print(
      printable(`Varve in ${path ?? 'memory'}${as}. .help lists statements and commands, .quit leaves.`),
    )
    if (access === 'write' && recovery.applied > 0)
      output.print(`${recovery.applied} commits were recovered from the log.`)
    await runTerminal(console, { input: stdin, output: stdout })
    // Whoever typed it has seen it fail.
    return 0
  }
  return console.failures === 0 ? 0 : 1
}

export const replCommand: Command = {
  name: 'repl',
  positionals: ['[FILE]'],
  summary:
    'Takes statements of the query language, from a terminal, standard input or a FILE: docs/language.md.',
  flags: {
    command: { value: 'TEXT', short: 'c', takesDash: true, summary: 'statements to run, instead' },
    'read-only': { summary: 'change nothing, and take no lock: works while another process writes' },
    bail: { summary: 'stop at the first statement that fails' },
    ...STORE_FLAGS,
    json: { summary: 'print one JSON object a statement' },
  },
  run: async call => {
    const { positionals, flags, output } = call
    const [file] = positionals
    if (file !== undefined && flags.command !== undefined) throw new UsageError('it is either -c or a FILE')
    const options = await openOptionsOf(call)
    // A script that is not there opens no store, which would make one.
    if (file !== undefined) await (await openUserFile(file)).close()
    const store = await (flags['read-only'] === true ? openReader(options) : openStore(options))
    noteWarnings(call, store.status())
    const console = new Console(new Session(store), {
      print: output.print,
      note: output.note,
      open: scriptLines,
      format: flags.json === true ? 'json' : 'text',
      onError: flags.bail === true ? 'stop' : 'continue',
    })
    const end = (): Promise<void> => {
      console.session.end()
      process.stdin.destroy() // Nothing keeps the process but what it still has to write.
      return store.close()
    }
    return endingCleanly(end, async () => {
      try {
        return await runAll(call, console)
      } finally {
        await store.close()
      }
    })
  },
}
