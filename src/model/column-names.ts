// Owns which column of a file becomes which of a shard, and how the names of a file's columns become names that a
// schema can have. Invariants: no two become one; a shard's columns all come from the file, and none is left over.
import { InputError } from '../errors.ts'
import type { ColumnDeclaration, Schema } from './schema.ts'

const MAX_LENGTH = 63 // model/schema.ts

/** A name made of what a column name is made of; one that is fit already stays as it is. */
const fitting = (name: string, index: number): string => {
  const kept = name.trim().replace(/[^A-Za-z0-9_]/gu, '_')
  if (kept === '') return `col${index}`
  return (/^[0-9]/.test(kept) ? `_${kept}` : kept).slice(0, MAX_LENGTH)
}

/**
 * The names for columns that a file calls `found`: each character that no column name has becomes `_`.
 * @throws {InputError} FILE_INVALID if that makes one name of two, or if one is `time` or `diff`
 */
export const columnNames = (found: readonly string[], file: string): string[] => {
  const taken = new Map<string, string>()
  return found.map((name, index) => {
    const fit = fitting(name, index)
    const key = fit.toLowerCase()
    if (key === 'time' || key === 'diff')
      throw new InputError(
        'FILE_INVALID',
        `a column of data is not called ${key}; use --${key}, or rename it`,
        { file, column: name },
      )
    const other = taken.get(key)
    if (other !== undefined)
      throw new InputError('FILE_INVALID', 'two columns would have one name; rename one in the file', {
        file,
        column: name,
        other,
        name: fit,
      })
    taken.set(key, name)
    return fit
  })
}

/** A file's columns of data. */
export interface FoundColumns {
  /** As the file calls them, in its order. */
  readonly names: readonly string[]
  /** Whether the file says these names, or they only count the columns. */
  readonly named: boolean
  /** The file's name, for errors. */
  readonly file: string
}

/** A column of a file as a column of a shard. */
export interface PlacedColumn {
  /** Which of the file's columns of data it is, from 0. */
  readonly index: number
  /** As the shard calls it. */
  readonly name: string
  /** As the shard has declared it; undefined where it has not. */
  readonly declared: ColumnDeclaration['type'] | undefined
}

const byName = (found: FoundColumns, fit: readonly string[], schema: Schema): number[] => {
  const { names: columns, file } = found
  const wanted = schema.map(({ name }) => name)
  const surplus = fit.findIndex(name => !wanted.includes(name))
  if (surplus !== -1)
    throw new InputError('FILE_INVALID', 'the relation has no such column', {
      file,
      column: columns[surplus],
      columns: wanted,
    })
  return wanted.map(name => {
    const index = fit.indexOf(name)
    if (index === -1)
      throw new InputError('FILE_INVALID', 'the file lacks a column of the relation', {
        file,
        column: name,
        columns,
      })
    return index
  })
}

const byPlace = ({ names, file }: FoundColumns, schema: Schema): number[] => {
  if (names.length !== schema.length)
    throw new InputError('ARITY_MISMATCH', 'the file has more or fewer columns of data than the relation', {
      file,
      arity: schema.length,
      found: names.length,
      columns: names,
    })
  return names.map((_, index) => index)
}

/**
 * Which columns of a file a shard's are, in the shard's order: by name where both have names, else by place.
 * @param schema the shard's; undefined if it is new, and takes the file's columns
 * @throws {InputError} FILE_INVALID for names, ARITY_MISMATCH where they do not count; with file
 */
export const placedColumns = (found: FoundColumns, schema: Schema | undefined): PlacedColumn[] => {
  const fit = columnNames(found.names, found.file)
  if (schema === undefined) return fit.map((name, index) => ({ index, name, declared: undefined }))
  const isDeclared = schema.every(({ declared }) => declared)
  const indices = found.named && isDeclared ? byName(found, fit, schema) : byPlace(found, schema)
  return schema.map(({ name, type, declared }, column) => ({
    index: indices[column]!,
    name,
    declared: declared && type !== 'null' ? type : undefined,
  }))
}
