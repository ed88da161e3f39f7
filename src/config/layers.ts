// Owns precedence: defaults < file < environment < code. A layer is what one of them says.
import { type Configuration, KEYS, NAMES } from './settings.ts'

/** The name of a key in code. */
export type Name = keyof Configuration

/** A value, and who says it: `config.toml:7`, `VARVE_STORAGE__DATA_DIR`, `--data-dir`, `code`. */
export interface Said {
  readonly value: unknown
  readonly source: string
}

export type Layer = ReadonlyMap<Name, Said>

/** What holds for a key, and by whose word. */
export interface Effective extends Said {
  readonly name: Name
}

/** What holds for every key: the last layer that says something, or else the default. */
export const effective = (layers: readonly Layer[]): Effective[] =>
  NAMES.map(name => {
    const said = layers.findLast(layer => layer.has(name))?.get(name)
    return { name, ...(said ?? { value: KEYS[name].fallback, source: 'default' }) }
  })

/** The values that {@link optionsFrom} takes: without the keys that have no effect. */
export const optionValues = (entries: readonly Effective[]): Record<string, unknown> =>
  Object.fromEntries(
    entries.filter(({ name }) => KEYS[name].effect !== 'none').map(({ name, value }) => [name, value]),
  )
