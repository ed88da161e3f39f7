// Owns inserts, deletes and schema declarations.
import type { InputError } from '../errors.ts'
import { type Source, statementError } from '../iql/source.ts'
import type { Statement } from '../iql/statement.ts'
import type { Answer } from './answer.ts'
import { arityMismatch, type Session } from './session.ts'

/** Requires that the session reads as of now: what it would write could not be seen. */
export const requireNow = ({ asOf }: Session, source: Source): void => {
  if (asOf !== undefined)
    throw statementError(source, 0, `the session reads as of ${asOf}; .as-of now allows changes again`)
}

/** Inserts or deletes facts: all of them, or none. */
export const changeFacts = async (
  session: Session,
  source: Source,
  statement: Statement & { kind: 'insert' | 'delete' },
  answer: Answer,
): Promise<void> => {
  requireNow(session, source)
  const { kind, relation, tuples, form } = statement
  const shard = session.shardOf(relation)
  const { store } = session
  const { count, time } = await (kind === 'insert'
    ? store.insert(shard, tuples)
    : store.delete(shard, tuples)
  ).catch(error => {
    const { code, details } = error as InputError
    // Known from the store alone: to look the columns up before would cost more than a small insert does.
    if (code === 'ARITY_MISMATCH')
      throw arityMismatch(source, statement, Number(details.arity), tuples[0]!.length)
    throw error
  })
  const members = { relation, count, time }
  if (kind === 'insert') answer.tell(members, `Inserted ${count} fact(s) into '${relation}'.`)
  else answer.tell(members, `Deleted ${count} ${form === 'one' ? 'facts' : 'fact(s)'} from '${relation}'.`)
}

/** Declares the columns of a new relation. */
export const declareSchema = async (
  session: Session,
  source: Source,
  { relation, columns }: Statement & { kind: 'schema' },
  answer: Answer,
): Promise<void> => {
  requireNow(session, source)
  await session.store.declare(session.shardOf(relation), columns)
  answer.tell(
    { relation, columns },
    `Schema for '${relation}' registered with ${columns.length} columns (persistent)`,
  )
}
