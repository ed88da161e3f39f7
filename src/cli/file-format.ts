// Owns which format a file of the user has, and what the flags of a call say about it.

import { InputError } from '../errors.ts'
import { TYPE_NAMES, typeNamed } from '../iql/column-type.ts'
import type { ColumnDeclaration } from '../model/schema.ts'
import { type Call, type Flag, UsageError } from './command.ts'

/** The formats of files that are brought in and written out. */
export type FileFormat = 'parquet' | 'csv' | 'tsv' | 'jsonl'

const FORMATS: ReadonlyMap<string, FileFormat> = new Map([
  ['parquet', 'parquet'],
  ['csv', 'csv'],
  ['tsv', 'tsv'],
  ['jsonl', 'jsonl'],
  ['ndjson', 'jsonl'],
])

/** The flag that {@link formatOf} reads. */
export const FORMAT_FLAG: Readonly<Record<string, Flag>> = {
  format: { value: 'parquet|csv|tsv|jsonl', summary: "format of the file [by its name's ending]" },
}

/**
 * The format that `--format` says, or else the ending of a file's name.
 * @throws {InputError} SETTING_INVALID for an unknown one. @throws {UsageError} if neither says it
 */
export const formatOf = ({ flags }: Call, path: string): FileFormat => {
  const given = flags.format as string | undefined
  const format = FORMATS.get(given ?? /\.([^./\\]+)$/.exec(path)?.[1]?.toLowerCase() ?? '')
  if (format !== undefined) return format
  if (given === undefined)
    throw new UsageError(`--format says what ${path} is: ${[...new Set(FORMATS.values())].join(', ')}`)
  throw new InputError('SETTING_INVALID', `a format is one of ${[...FORMATS.keys()].join(', ')}`, {
    flag: '--format',
    value: given,
  })
}

/**
 * The types that `--types` gives to columns, by their names: `a:string,b:int`.
 * @throws {InputError} SETTING_INVALID for an unknown type, and a column that is named twice
 */
export const typesOf = ({ flags }: Call): ReadonlyMap<string, ColumnDeclaration['type']> | undefined => {
  if (typeof flags.types !== 'string') return undefined
  const types = new Map<string, ColumnDeclaration['type']>()
  for (const part of flags.types.split(',')) {
    const refuse = (why: string): never => {
      throw new InputError('SETTING_INVALID', why, { flag: '--types', value: part })
    }
    const colon = part.lastIndexOf(':')
    const column = part.slice(0, colon)
    const type = typeNamed(part.slice(colon + 1))
    if (colon < 1 || type === undefined)
      return refuse(`types are given as column:type,column:type; a type is one of ${TYPE_NAMES}`)
    if (types.has(column)) refuse('a column has one type')
    types.set(column, type)
  }
  return types
}
