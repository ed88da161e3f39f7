// Owns the terms of an atom: constants, variables and the wildcard.
import type { Value } from '../model/value.ts'
import type { Cursor } from './cursor.ts'
import { constantAt } from './literal.ts'

/** An argument of an atom. The wildcard `_` matches anything and equals nothing, not even another `_`. */
export type Term =
  | { readonly kind: 'constant'; readonly value: Value; readonly offset: number }
  | { readonly kind: 'variable'; readonly name: string; readonly offset: number }
  | { readonly kind: 'wildcard'; readonly offset: number }

/** A relation and its arguments. */
export interface Atom {
  readonly relation: string
  readonly terms: readonly Term[]
  /** Where the relation's name begins. */
  readonly offset: number
}

const ARITHMETIC: readonly string[] = ['+', '-', '*', '/', '%']

/** What a lower-case word as a term is: a function, an aggregate, or a mistake. */
const wordError = (cursor: Cursor): Error => {
  const { text } = cursor.next
  const behind = cursor.ahead(2)[1]?.text
  if (behind === '(') return cursor.later(`functions such as ${text}`)
  if (behind === '<') return cursor.later(`aggregates such as ${text}`)
  const variable = text[0]!.toUpperCase() + text.slice(1)
  return cursor.error(`${text} is no term: write "${text}" for a string, or ${variable} for a variable`)
}

/**
 * Passes a term.
 * @throws {InputError} STATEMENT_INVALID
 */
export const termAt = (cursor: Cursor): Term => {
  const { kind, text, offset } = cursor.next
  const value = constantAt(cursor)
  if (value === undefined) {
    if (kind === 'name') throw wordError(cursor)
    if (cursor.sees('(')) throw cursor.later('expressions')
    cursor.expect('variable', 'a term')
  }
  if (ARITHMETIC.some(symbol => cursor.sees(symbol))) throw cursor.later('expressions')
  if (cursor.sees(':')) throw cursor.later('orders such as :asc and :desc')
  if (value !== undefined) return { kind: 'constant', value, offset }
  return text === '_' ? { kind: 'wildcard', offset } : { kind: 'variable', name: text, offset }
}

/** Passes terms, at least one, and the `)` behind them; the `(` is passed already. */
export const termsAt = (cursor: Cursor): Term[] => {
  const terms = [termAt(cursor)]
  while (!cursor.takes(')')) {
    if (!cursor.takes(',')) throw cursor.expected(', or ) after a term')
    terms.push(termAt(cursor))
  }
  return terms
}
