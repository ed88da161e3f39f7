// Owns the columns of a schema declaration: `(name: type, …)`.
import type { ColumnDeclaration } from '../model/schema.ts'
import type { Cursor } from './cursor.ts'

/** The types by the names that the language has for them, and by the store's. */
const TYPES: ReadonlyMap<string, ColumnDeclaration['type']> = new Map<string, ColumnDeclaration['type']>([
  ['int', 'int64'],
  ['float', 'float64'],
  ['string', 'string'],
  ['bool', 'boolean'],
  ['timestamp', 'timestamp'],
  ['bytes', 'bytes'],
  ['vector', 'vector'],
  ['any', 'any'],
  ['int32', 'int32'],
  ['int64', 'int64'],
  ['float64', 'float64'],
  ['boolean', 'boolean'],
])

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
  const type = TYPES.get(cursor.next.text)
  if (cursor.next.kind === 'variable') throw cursor.later('declared types')
  if (type === undefined) throw cursor.expected(`a type, one of ${[...TYPES.keys()].slice(0, 8).join(', ')}`)
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
