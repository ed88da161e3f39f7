// Owns cutting lines into statements, and the comments between and within them.
// Invariant: a comment's characters become blanks, so that every other one keeps its line and column.
import type { Source } from './source.ts'
import { endOfString } from './token.ts'

/**
 * Takes lines and gives statements. A statement ends with the line on which its brackets balance; a line that begins
 * with a dot is one by itself and ends an unfinished one, so that one forgotten bracket costs one statement.
 */
export class StatementReader {
  readonly #file: string | undefined
  #lines: string[] = []
  /** Number of the last line, and of the one that the statement begins on. */
  #line = 0
  #first = 0
  #brackets = 0
  #comments = 0
  /** Where the outermost open comment begins. */
  #comment = { text: '', line: 0, offset: 0 }

  constructor(file?: string) {
    this.#file = file
  }

  /** Whether more lines are needed: a bracket or a comment is open. */
  get isOpen(): boolean {
    return this.#lines.length > 0 || this.#comments > 0
  }

  #source(text: string, line: number): Source {
    return this.#file === undefined ? { text, line } : { text, line, file: this.#file }
  }

  #take(): Source[] {
    if (this.#lines.length === 0) return []
    const source = this.#source(this.#lines.join('\n'), this.#first)
    this.#lines = []
    this.#brackets = 0
    return [source]
  }

  /** The line without comments; counts its brackets. `unclosed` says that a string does not end on it. */
  #scan(line: string): { readonly code: string; readonly unclosed: boolean } {
    let code = ''
    for (let at = 0; at < line.length; ) {
      const two = line.slice(at, at + 2)
      if (two === '/*') {
        if (this.#comments === 0) this.#comment = { text: line, line: this.#line, offset: at }
        this.#comments++
        code += '  '
        at += 2
      } else if (this.#comments > 0) {
        if (two === '*/') this.#comments--
        const length = two === '*/' ? 2 : 1
        code += ' '.repeat(length)
        at += length
      } else if (two === '//') {
        break
      } else if (line[at] === '"') {
        const end = endOfString(line, at)
        if (end === -1) return { code: code + line.slice(at), unclosed: true }
        code += line.slice(at, end)
        at = end
      } else {
        if (line[at] === '(' || line[at] === '[') this.#brackets++
        if (line[at] === ')' || line[at] === ']') this.#brackets--
        code += line[at]
        at++
      }
    }
    return { code, unclosed: false }
  }

  /** Takes the next line, without its line break, and gives the statements that it ends: none, one or two. */
  push(line: string): Source[] {
    this.#line++
    const isCommand = this.#comments === 0 && /^\s*\./.test(line)
    const ended = isCommand ? this.#take() : []
    const { code, unclosed } = this.#scan(line)
    if (this.#lines.length === 0 && code.trim() === '') return ended
    if (this.#lines.length === 0) this.#first = this.#line
    this.#lines.push(code)
    const open = this.#brackets > 0 || this.#comments > 0
    return open && !isCommand && !unclosed ? ended : [...ended, ...this.#take()]
  }

  /** Gives what the last line left unfinished: a statement, and the beginning of an open comment, which is none. */
  end(): Source[] {
    const { text, line, offset } = this.#comment
    const open = this.#comments > 0 ? [this.#source(' '.repeat(offset) + text.slice(offset), line)] : []
    return [...this.#take(), ...open]
  }
}
