// Owns the grammar of statements: docs/language.md#grammar. What the language has and this version has not is
// recognised by the token that begins it, and refused there by name.
import { TIME_MAX } from '../model/update.ts'
import type { Value } from '../model/value.ts'
import { commandOf } from './command.ts'
import { Cursor } from './cursor.ts'
import { isSchemaNext, schemaAt } from './schema.ts'
import type { Source } from './source.ts'
import type { Statement } from './statement.ts'
import { type Atom, type Term, termAt, termsAt } from './term.ts'
import type { Token } from './token.ts'

/** Requires constants: the values of a tuple that is inserted or deleted. */
const valuesOf = (cursor: Cursor, verb: string, terms: readonly Term[]): Value[] =>
  terms.map(term => {
    if (term.kind === 'constant') return term.value
    const name = term.kind === 'variable' ? term.name : '_'
    throw cursor.error(`${verb} takes constants, and ${name} is none`, term)
  })

/** Passes the tuple of a list: terms in parentheses, of which the last may end in a comma, or one term alone. */
const tupleAt = (cursor: Cursor): Term[] => {
  if (!cursor.takes('(')) return [termAt(cursor)]
  const terms = [termAt(cursor)]
  while (!cursor.takes(')')) {
    if (!cursor.takes(',')) throw cursor.expected(', or ) after a term')
    if (!cursor.sees(')')) terms.push(termAt(cursor))
  }
  return terms
}

/** Passes the tuples of a list, at least one, and the `]` behind them. */
const listAt = (cursor: Cursor, verb: string): Value[][] => {
  const tuples = [valuesOf(cursor, verb, tupleAt(cursor))]
  const arity = tuples[0]!.length
  while (!cursor.takes(']')) {
    if (!cursor.takes(',')) throw cursor.expected(', or ] after a tuple')
    const first = cursor.next
    const tuple = valuesOf(cursor, verb, tupleAt(cursor))
    if (tuple.length !== arity)
      throw cursor.error(`a tuple of ${tuple.length} terms in a list of tuples of ${arity}`, first)
    tuples.push(tuple)
  }
  return tuples
}

/** Passes the name of a relation. */
const relationAt = (cursor: Cursor): Token => {
  const { kind, text } = cursor.next
  if (kind === 'variable' && ['(', '['].includes(cursor.ahead(2)[1]!.text))
    throw cursor.error(`a relation begins with a lower-case letter, and ${text} does not`)
  return cursor.expect('name', 'the name of a relation')
}

/** `+r(…)`, `+r[…]`, `-r(…)`, `-r[…]`; the sign is passed already. */
const factsAt = (cursor: Cursor, kind: 'insert' | 'delete', relation: Token): Statement => {
  const verb = kind === 'insert' ? 'an insert' : 'a delete'
  const { text, offset } = relation
  if (cursor.takes('[')) {
    const tuples = listAt(cursor, verb)
    if (cursor.sees(',')) throw cursor.later('updates')
    cursor.expectEnd()
    return { kind, relation: text, tuples, form: 'list', offset }
  }
  if (!cursor.takes('(')) throw cursor.expected(`( or [ behind ${text}`)
  const terms = termsAt(cursor)
  if (cursor.sees('<-')) throw cursor.later(kind === 'insert' ? 'rules' : 'conditional deletes')
  if (cursor.sees(',')) throw cursor.later('updates')
  cursor.expectEnd()
  return { kind, relation: text, tuples: [valuesOf(cursor, verb, terms)], form: 'one', offset }
}

const plusAt = (cursor: Cursor): Statement => {
  const relation = relationAt(cursor)
  if (!isSchemaNext(cursor)) return factsAt(cursor, 'insert', relation)
  const columns = schemaAt(cursor)
  cursor.expectEnd()
  return { kind: 'schema', relation: relation.text, columns }
}

const minusAt = (cursor: Cursor, sign: Token): Statement => {
  const relation = relationAt(cursor)
  if (cursor.next.kind === 'end') throw cursor.later('rules, and dropping them,', sign)
  return factsAt(cursor, 'delete', relation)
}

/** Passes the positive atom of a query. */
const goalAt = (cursor: Cursor): Atom => {
  if (cursor.sees('!')) throw cursor.later('negated atoms')
  const calls = cursor.ahead(2)[1]?.text === '('
  const { kind } = cursor.next
  if (!calls && kind !== 'name' && kind !== 'symbol' && kind !== 'end') throw cursor.later('comparisons')
  const { text: relation, offset } = relationAt(cursor)
  if (!cursor.takes('(')) throw cursor.expected(`( behind ${relation}`)
  return { relation, terms: termsAt(cursor), offset }
}

const timeAt = (cursor: Cursor): number => {
  const token = cursor.next
  const time = token.kind === 'int' ? Number(cursor.take().text) : Number.NaN
  if (!(time <= TIME_MAX)) throw cursor.error('a time is a whole number from 0 to 2^53-2', token)
  return time
}

const queryAt = (cursor: Cursor): Statement => {
  const goal = goalAt(cursor)
  if (cursor.sees(',')) throw cursor.later('queries of several conditions')
  const asOf = cursor.takes('@') ? timeAt(cursor) : undefined
  if (cursor.next.text === 'limit') throw cursor.later('limits')
  cursor.expectEnd()
  return { kind: 'query', goal, asOf }
}

/** A statement that begins with a name belongs to the session; all of them are yet to come. */
const sessionAt = (cursor: Cursor, name: Token): Error => {
  if (name.text === 'type' && cursor.next.kind === 'variable') return cursor.later('type declarations', name)
  if (isSchemaNext(cursor)) return cursor.later('session schemas', name)
  if (!cursor.takes('(')) return cursor.error('a statement begins with + - ? or a dot', name)
  termsAt(cursor)
  if (cursor.sees('<-')) return cursor.later('rules')
  cursor.expectEnd()
  return cursor.error(`session facts come in a later version; +${name.text}(…) inserts for good`, name)
}

/**
 * The statement that a text is. Works nothing out and knows no store.
 * @throws {InputError} STATEMENT_INVALID with line and column
 */
export const parseStatement = (source: Source): Statement => {
  if (/^\s*\./.test(source.text)) return commandOf(source)
  const cursor = new Cursor(source)
  const first = cursor.take()
  if (first.kind === 'name') throw sessionAt(cursor, first)
  switch (first.kind === 'symbol' ? first.text : '') {
    case '+':
      return plusAt(cursor)
    case '-':
      return minusAt(cursor, first)
    case '?':
      return queryAt(cursor)
    default:
      throw cursor.error('a statement begins with + - ? or a dot', first)
  }
}
