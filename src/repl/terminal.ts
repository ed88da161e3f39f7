// Owns the session on a terminal: prompts, statements over several lines, Ctrl-C and Ctrl-D, history, completion.
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { StatementReader } from '../iql/reader.ts'
import { complete } from './completion.ts'
import type { Console } from './console.ts'

/** The terminal's two streams. */
export interface Streams {
  readonly input: NodeJS.ReadableStream
  readonly output: NodeJS.WritableStream
}

/** Prompts while a bracket or a comment is open. */
const MORE = '... '

/** Takes statements until Ctrl-D or `.quit`. Ctrl-C drops what is typed in, or ends the answer that is being printed. */
export const runTerminal = async (console: Console, { input, output }: Streams): Promise<void> => {
  const { session } = console
  let reader = new StatementReader()
  const terminal = createInterface({
    input,
    output,
    terminal: true,
    historySize: 1000,
    removeHistoryDuplicates: true,
    completer: (line: string) => complete(session, line),
  })
  const prompt = (): void => {
    terminal.setPrompt(reader.isOpen ? MORE : session.prompt)
    terminal.prompt()
  }
  // Lines may come faster than statements are carried out: pasted ones do. The prompt comes back behind the last.
  const lines: string[] = []
  let running = false
  let closed = false
  let work = Promise.resolve()
  const carryOut = async (): Promise<void> => {
    while (lines.length > 0 && !session.ended) {
      for (const source of reader.push(lines.shift()!)) await console.run(source)
      // Each statement has lines of its own: 1, 2, …
      if (!reader.isOpen) reader = new StatementReader()
    }
    running = false
    if (session.ended) terminal.close()
    else if (!closed) prompt()
  }
  terminal.on('line', line => {
    lines.push(line)
    if (running) return
    running = true
    work = carryOut()
  })
  terminal.on('SIGINT', () => {
    if (running) {
      lines.length = 0
      session.interrupted = true
      return
    }
    terminal.write(null, { ctrl: true, name: 'e' })
    terminal.write(null, { ctrl: true, name: 'u' })
    output.write('^C\n')
    reader = new StatementReader()
    prompt()
  })
  prompt()
  await once(terminal, 'close')
  closed = true
  await work
  if (!session.ended) output.write('\n')
}
