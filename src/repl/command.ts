// Owns what a command of the session is, and how its words are read.
import { type Source, statementError } from '../iql/source.ts'
import type { Word } from '../iql/statement.ts'
import { TIME_MAX } from '../model/update.ts'
import type { Answer } from './answer.ts'
import type { Session } from './session.ts'

/** What a command has to work with. */
export interface Call {
  readonly session: Session
  readonly source: Source
  readonly words: readonly Word[]
  readonly answer: Answer
  /** Runs the statements of a script in the session; resolves to how many failed. */
  readonly load: (path: string) => Promise<number>
}

export interface SessionCommand {
  /** Without the dot. */
  readonly name: string
  /** Each form with its words, as the help shows it. */
  readonly usage: readonly string[]
  readonly summary: string
  readonly run: (call: Call) => Promise<void>
}

/** The error for words that a command does not take, at the first of them that is wrong. */
export const wrongWords = ({ source, words }: Call, index: number, { usage }: SessionCommand): Error =>
  statementError(
    source,
    words[index]?.offset ?? source.text.trimEnd().length,
    `expected ${usage.join(' or ')}`,
  )

/** Requires no more words than a number. */
export const requireAtMost = (call: Call, count: number, command: SessionCommand): void => {
  if (call.words.length > count) throw wrongWords(call, count, command)
}

/** The time that a word is. */
export const timeOf = (source: Source, { text, offset }: Word): number => {
  const time = /^[0-9]+$/.test(text) ? Number(text) : Number.NaN
  if (!(time <= TIME_MAX)) throw statementError(source, offset, 'a time is a whole number from 0 to 2^53-2')
  return time
}
