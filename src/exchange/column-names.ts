// Owns how the names of a file's columns become names that a schema can have. Invariant: no two become one.
import { InputError } from '../errors.ts'

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
        {
          file,
          column: name,
        },
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
