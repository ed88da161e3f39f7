// Owns which format a file of the user has, and what the flags of a call say about it.
import { InputError } from '../errors.ts'
import { type ColumnDeclaration, isColumnType } from '../model/schema.ts'
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
 * The types that `--types` gives to columns, by their names: `a:string,b:int64`.
 * @throws {InputError} SETTING_INVALID
 */
export const typesOf = ({ flags }: Call): ReadonlyMap<string, ColumnDeclaration['type']> | undefined => {
  if (typeof flags.types !== 'string') return undefined
  return new Map(
    flags.types.split(',').map(part => {
      const colon = part.lastIndexOf(':')
      const type = part.slice(colon + 1)
      if (colon < 1 || !isColumnType(type) || type === 'null')
        throw new InputError('SETTING_INVALID', 'types are given as column:type,column:type', {
          flag: '--types',
          value: part,
        })
      return [part.slice(0, colon), type]
    }),
  )
}
