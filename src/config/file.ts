// Owns what a configuration file says: its text becomes a layer, or an error that names file, line and column. All of
// it is right, or none of it counts.
import { dirname, resolve } from 'node:path'
import { InputError } from '../errors.ts'
import { isValid, shown, valueOfToml, wantedBy } from './key.ts'
import type { Layer, Name, Said } from './layers.ts'
import { locator, type Path, type Place } from './locate.ts'
import { KEYS, NAMES } from './settings.ts'
import { didYouMean, nearestTo } from './suggest.ts'
import { isTable, parseToml, type Table } from './toml.ts'

/** Problems that one error tells. */
const TOLD_MAX = 10

interface Problem {
  /** Made when it is told: a hostile file has any number of problems. */
  readonly message: () => string
  readonly place: Place
  readonly key: string
  readonly value?: string
}

const NAME_OF: ReadonlyMap<string, Name> = new Map(
  NAMES.flatMap(name => {
    const { path } = KEYS[name]
    return path === undefined ? [] : [[path, name] as const]
  }),
)

/** `storage`, `storage.persist`, …: everything before a last name. */
const SECTIONS: ReadonlySet<string> = new Set(
  [...NAME_OF.keys()].flatMap(path => {
    const names = path.split('.').slice(0, -1)
    return names.map((_, index) => names.slice(0, index + 1).join('.'))
  }),
)

const KNOWN: readonly string[] = [...NAME_OF.keys(), ...SECTIONS]

/** A path as TOML writes it. */
const pathText = (path: Path): string =>
  path.map(name => (/^[A-Za-z0-9_-]+$/.test(name) ? name : JSON.stringify(name))).join('.')

class Reading {
  readonly layer = new Map<Name, Said>()
  readonly problems: Problem[] = []
  readonly #file: string
  readonly #placeOf: (path: Path) => Place

  constructor(text: string, file: string) {
    const tree = parseToml(text, file)
    this.#file = file
    this.#placeOf = locator(text)
    this.#read(tree, [])
  }

  #wrong(path: Path, message: () => string, value?: unknown): void {
    this.problems.push({
      message,
      place: this.#placeOf(path),
      key: shown(pathText(path)),
      ...(value === undefined ? {} : { value: shown(value) }),
    })
  }

  #read(table: Table, prefix: Path): void {
    for (const [last, value] of Object.entries(table)) {
      const path = [...prefix, last]
      // As text only a path of plain names can be one that is known.
      const text = pathText(path)
      const name = NAME_OF.get(text)
      if (name !== undefined) this.#take(name, path, value)
      else if (!SECTIONS.has(text)) {
        const what = isTable(value) ? 'section' : 'key'
        this.#wrong(path, () => `there is no such ${what}${didYouMean(nearestTo(text, KNOWN))}`)
      } else if (isTable(value)) this.#read(value, path)
      else this.#wrong(path, () => `${text} is a section, not a value`, value)
    }
  }

  #take(name: Name, path: Path, given: unknown): void {
    const { kind } = KEYS[name]
    const value = valueOfToml(kind, given)
    if (!isValid(kind, value)) {
      this.#wrong(path, () => `${path.at(-1)} must be ${wantedBy(kind)}`, given)
      return
    }
    this.layer.set(name, {
      value: kind.type === 'path' ? resolve(dirname(this.#file), String(value)) : value,
      source: `${this.#file}:${this.#placeOf(path).line}`,
    })
  }
}

/**
 * What a configuration file says.
 *
 * @param file its path: for errors, and relative paths in the file are relative to its folder
 * @throws {InputError} CONFIG_INVALID with `details` file, line, column, key: the first problem by line, and up to
 * nine more in `details.further`
 */
export const fileLayer = (text: string, file: string): Layer => {
  const { layer, problems } = new Reading(text, file)
  problems.sort((a, b) => a.place.line - b.place.line || a.place.column - b.place.column)
  const [first, ...further] = problems.slice(0, TOLD_MAX)
  if (first === undefined) return layer
  const { message, place, key, value } = first
  throw new InputError('CONFIG_INVALID', message(), {
    file,
    ...place,
    key,
    value,
    further:
      further.length === 0
        ? undefined
        : further.map(each => `line ${each.place.line}: ${each.key}: ${each.message()}`),
  })
}
