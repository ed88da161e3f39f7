// Owns what the environment says: `VARVE_STORAGE__PERSIST__BUFFER_SIZE=5000` is the key storage.persist.buffer_size.
import { InputError } from '../errors.ts'
import { isValid, shown, valueOfText, wantedBy } from './key.ts'
import type { Layer, Name, Said } from './layers.ts'
import { KEYS, NAMES } from './settings.ts'
import { didYouMean, nearestTo } from './suggest.ts'

/** Variables by name; as `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>

const PREFIX = 'VARVE_'

/** The variable that names the configuration file of the command line. */
export const FILE_VARIABLE = 'VARVE_CONFIG'

/** Two underscores stand between sections, as one may be within a name. */
const variableOf = (path: string): string => `${PREFIX}${path.replaceAll('.', '__').toUpperCase()}`

const pathOf = (variable: string): string => variable.slice(PREFIX.length).replaceAll('__', '.').toLowerCase()

const NAME_OF: ReadonlyMap<string, Name> = new Map(
  NAMES.flatMap(name => {
    const { path } = KEYS[name]
    return path === undefined ? [] : [[variableOf(path), name] as const]
  }),
)

const KNOWN: readonly string[] = [...NAME_OF.keys(), FILE_VARIABLE].map(pathOf)

/**
 * What the environment says. A variable that is empty says nothing.
 * @throws {InputError} CONFIG_INVALID with `details.variable`: a wrong value, or a `VARVE_` variable that is no key
 */
export const environmentLayer = (environment: Environment): Layer => {
  const layer = new Map<Name, Said>()
  for (const [variable, text] of Object.entries(environment)) {
    if (!variable.startsWith(PREFIX) || variable === FILE_VARIABLE || text === undefined || text === '')
      continue
    const name = NAME_OF.get(variable)
    if (name === undefined) {
      const nearest = nearestTo(pathOf(variable), KNOWN)
      throw new InputError(
        'CONFIG_INVALID',
        `no key has such a variable${didYouMean(nearest === undefined ? undefined : variableOf(nearest))}`,
        { variable },
      )
    }
    const { path, kind } = KEYS[name]
    const value = valueOfText(kind, text)
    if (!isValid(kind, value))
      throw new InputError('CONFIG_INVALID', `${variable} must be ${wantedBy(kind)}`, {
        variable,
        key: path,
        value: shown(text),
      })
    layer.set(name, { value, source: variable })
  }
  return layer
}
