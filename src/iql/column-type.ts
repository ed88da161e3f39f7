// Owns the names that the language has for the types of columns.
import type { ColumnDeclaration, ColumnType } from '../model/schema.ts'

/** The language's own names, then those of the store that differ from them. */
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

/** The language's own names, for messages. */
export const TYPE_NAMES: string = [...TYPES.keys()].slice(0, 8).join(', ')

/** The type of this name, if there is one. */
export const typeNamed = (name: string): ColumnDeclaration['type'] | undefined => TYPES.get(name)

/** The first name of a type. */
export const nameOfType = (type: ColumnType): string => {
  for (const [name, named] of TYPES) if (named === type) return name
  return type
}
