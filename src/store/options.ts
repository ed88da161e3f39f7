// Owns the check of what a call is given as options: a misspelt name would otherwise be taken without a word.
import { nearestTo } from '../config/suggest.ts'
import { InputError } from '../errors.ts'
import { isPlainObject } from '../model/plain-object.ts'

/**
 * @param names all that the options may have
 * @throws {InputError} OPTION_INVALID unless `given` is an object without other names; `details.nearest` is one that
 * may be meant
 */
export const checkOptions = (given: unknown, names: readonly string[]): void => {
  if (!isPlainObject(given))
    throw new InputError('OPTION_INVALID', 'options are an object', { place: 'options' })
  for (const name of Object.keys(given)) {
    if (names.includes(name)) continue
    throw new InputError('OPTION_INVALID', 'there is no such option', {
      place: `options.${name}`,
      nearest: nearestTo(name, names),
    })
  }
}
