// Owns the words of a command, `.name word "a word with blanks"`: what they mean is the session's matter.
import { type Source, statementError } from './source.ts'
import type { Statement, Word } from './statement.ts'
import { endOfString } from './token.ts'

const WORD = /[^\s"]+/y
const NAME = /^[a-z][a-z-]*$/

/**
 * The command that a text is. Requires a text whose first character that is no blank is a dot.
 * @throws {InputError} STATEMENT_INVALID
 */
export const commandOf = (source: Source): Statement & { kind: 'command' } => {
  const { text } = source
  const words: Word[] = []
  for (let offset = 0; offset < text.length; ) {
    if (/\s/.test(text[offset]!)) {
      offset++
      continue
    }
    let end: number
    if (text[offset] === '"') {
      end = endOfString(text, offset)
      if (end === -1) throw statementError(source, offset, 'the word is not closed on its line')
      words.push({ text: text.slice(offset + 1, end - 1).replace(/\\(.)/gs, '$1'), offset })
    } else {
      WORD.lastIndex = offset
      WORD.test(text)
      end = WORD.lastIndex
      words.push({ text: text.slice(offset, end), offset })
    }
    offset = end
  }
  const [dotted, ...rest] = words as [Word, ...Word[]]
  const name = dotted.text.slice(1)
  if (!NAME.test(name))
    throw statementError(source, dotted.offset, 'a command is a dot and a name; .help lists them')
  return { kind: 'command', name, words: rest }
}
