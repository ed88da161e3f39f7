// Owns carrying statements out one after the other, and what is printed of them: echo, answer, error with its place.
import type { InputError } from '../errors.ts'
import { parseStatement } from '../iql/parse.ts'
import { StatementReader } from '../iql/reader.ts'
import { type Source, statementError } from '../iql/source.ts'
import type { Statement } from '../iql/statement.ts'
import { printable } from '../text/printable.ts'
import { explanationOf } from './advice.ts'
import { type Answer, JsonAnswer, TextAnswer } from './answer.ts'
import { commandNamed } from './commands.ts'
import { changeFacts, declareSchema } from './facts.ts'
import { query } from './query.ts'
import { unprovenText } from './report.ts'
import type { Session } from './session.ts'

/** Scripts that load one another this deep load one another without end. */
const DEPTH_MAX = 16

/** Where a console writes, and how. */
export interface ConsoleOptions {
  /** One line of output. */
  readonly print: (line: string) => void
  /** One line about an error. */
  readonly note: (line: string) => void
  /** The lines of a script that is loaded. */
  readonly open: (path: string) => AsyncIterable<string>
  /** `text` for people; `json` prints one object per statement. */
  readonly format: 'text' | 'json'
  /** What a failed statement does to the script that it is in. */
  readonly onError: 'continue' | 'stop'
}

/** How a script is shown. */
export interface ScriptOptions {
  /** Names the script in errors. */
  readonly file?: string
  /** Whether each statement is printed before its output; never in JSON. */
  readonly echo: boolean
}

/** What the object of every statement begins with. */
const membersOf = ({ text, line, file }: Source): Record<string, unknown> => ({
  statement: text.trim(),
  line,
  file,
})

/** Where a statement stands, for an error that does not say; nothing for one that was typed in. */
const whereText = ({ line, file }: Source): string => {
  if (file === undefined && line === 1) return ''
  return file === undefined ? ` (line ${line})` : ` (${file}, line ${line})`
}

/** The line of the statement that an error is about, with a caret below its column. */
const caretLines = (
  { text, line: first }: Source,
  { line, column }: { line: number; column: number },
): string[] => {
  const shown = text.split('\n')[line - first]
  if (shown === undefined) return []
  const before = Array.from(shown.slice(0, column - 1), character => (character === '\t' ? '\t' : ' ')).join(
    '',
  )
  return [`  ${shown.trimEnd()}`, `  ${before}^`]
}

export class Console {
  readonly session: Session
  readonly #options: ConsoleOptions
  #failures = 0
  #depth = 0
  /** Whether the last look of a session that only reads left something out. */
  #leavesOut = false

  constructor(session: Session, options: ConsoleOptions) {
    this.session = session
    this.#options = options
  }

  /** Statements that failed so far. */
  get failures(): number {
    return this.#failures
  }

  get #stops(): boolean {
    const { ended, interrupted } = this.session
    return ended || interrupted || (this.#options.onError === 'stop' && this.#failures > 0)
  }

  /** Carries a statement out. It never throws: an error is printed and counted. */
  async run(source: Source): Promise<void> {
    const { print } = this.#options
    if (this.#depth === 0) this.session.interrupted = false
    try {
      if (this.#options.format === 'text')
        return await this.#execute(source, parseStatement(source), new TextAnswer(print))
      const answer = new JsonAnswer(membersOf(source))
      await this.#execute(source, parseStatement(source), answer)
      print(String(answer))
    } catch (error) {
      this.#fail(source, error)
    }
  }

  /** Counts and prints an error: for people where it is, for programs as an object in the place of the answer. */
  #fail(source: Source, error: unknown): void {
    const { format, print } = this.#options
    const note = (line: string): void => this.#options.note(printable(line))
    const { code = 'FAILED', message = String(error), details = {} } = error as Partial<InputError>
    this.#failures++
    if (format === 'json')
      print(String(new JsonAnswer({ ...membersOf(source), error: { code, message, details } })))
    const { line, column, file } = details
    const hasPlace = typeof line === 'number' && typeof column === 'number' && file === source.file
    note(`${code}: ${message}${hasPlace ? '' : whereText(source)}`)
    if (hasPlace) for (const text of caretLines(source, { line, column })) note(text)
    for (const text of explanationOf(error)) note(text)
  }

  async #execute(source: Source, statement: Statement, answer: Answer): Promise<void> {
    const { session } = this
    await session.refresh()
    this.#tellUnproven(answer)
    switch (statement.kind) {
      case 'insert':
      case 'delete':
        answer.tell({ kind: statement.kind })
        return changeFacts(session, source, statement, answer)
      case 'schema':
        answer.tell({ kind: statement.kind })
        return declareSchema(session, source, statement, answer)
      case 'query':
        answer.tell({ kind: statement.kind })
        return query(session, source, statement, answer)
      case 'command': {
        const { name, words } = statement
        answer.tell({ kind: `.${name}` })
        const load = (path: string): Promise<number> => this.#load(source, path)
        return commandNamed(source, source.text.indexOf('.'), name).run({
          session,
          source,
          words,
          answer,
          load,
        })
      }
    }
  }

  /** What a session that only reads leaves out, for programs each time, for people when it begins. */
  #tellUnproven(answer: Answer): void {
    const { unproven = 0 } = this.session
    answer.tell({ unproven: this.session.unproven })
    if (unproven > 0 && !this.#leavesOut) this.#options.note(unprovenText(unproven))
    this.#leavesOut = unproven > 0
  }

  async #load(source: Source, path: string): Promise<number> {
    if (this.#depth === DEPTH_MAX)
      throw statementError(source, 0, `scripts load one another more than ${DEPTH_MAX} deep`)
    const before = this.#failures
    this.#depth++
    try {
      await this.runScript(this.#options.open(path), { file: path, echo: true })
    } finally {
      this.#depth--
    }
    this.session.requireGoingOn()
    return this.#failures - before
  }

  #echo({ text }: Source): void {
    for (const [index, line] of text.trim().split('\n').entries())
      this.#options.print(printable(`${index === 0 ? '> ' : '  '}${line.trimEnd()}`))
  }

  /**
   * Carries out the statements of a script, until it ends, is left by `.quit`, or fails where that stops it.
   * @throws what reading the lines throws
   */
  async runScript(
    lines: AsyncIterable<string> | Iterable<string>,
    { file, echo }: ScriptOptions,
  ): Promise<void> {
    const reader = new StatementReader(file)
    const runAll = async (sources: readonly Source[]): Promise<void> => {
      for (const source of sources) {
        if (this.#stops) return
        if (echo && this.#options.format === 'text') this.#echo(source)
        await this.run(source)
      }
    }
    for await (const line of lines) {
      await runAll(reader.push(line))
      if (this.#stops) return
    }
    await runAll(reader.end())
  }
}
