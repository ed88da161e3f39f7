// Owns the columns of a schema declaration: `(name: type, …)`.
import type { ColumnDeclaration } from '../model/schema.ts'
import { TYPE_NAMES, typeNamed } from './column-type.ts'
import type { Cursor } from './cursor.ts'

/** Whether `(name:` comes next. */
export const isSchemaNext = (cursor: Cursor): boolean => {
  const [bracket, name, colon] = cursor.ahead(3)
  return bracket?.text === '(' && (name?.kind === 'name' || name?.kind === 'variable') && colon?.text === ':'
}

const columnAt = (cursor: Cursor): ColumnDeclaration => {
  if (cursor.next.kind !== 'name' && cursor.next.kind !== 'variable')
    throw cursor.expected('the name of a column')
  const name = cursor.take().text
  if (!cursor.takes(':')) throw cursor.expected(`: and a type behind ${name}`)
  const type = typeNamed(cursor.next.text)
  if (cursor.next.kind === 'variable') throw cursor.later('declared types')
  if (type === undefined) throw cursor.expected(`a type, one of ${TYPE_NAMES}`)
  cursor.take()
  return { name, type }
}

/**
 * Passes the columns in parentheses.
 * @throws {InputError} STATEMENT_INVALID
 */
export const schemaAt = (cursor: Cursor): ColumnDeclaration[] => {
  cursor.take()
  const columns = [columnAt(cursor)]
  while (!cursor.takes(')')) {
    if (!cursor.takes(',')) throw cursor.expected(', or ) after a column')
    columns.push(columnAt(cursor))
  }
  return columns
}
