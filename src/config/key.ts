// Owns what one key of the configuration is, and which values it takes: from text, from TOML, from code.
import { quantityFrom, suffixExample, type Unit } from './quantity.ts'

/** The values that a key takes. */
export type Kind =
  | { readonly type: 'boolean' }
  | { readonly type: 'path' }
  | {
      readonly type: 'choice'
      readonly choices: readonly string[]
      /** Other names of a choice, in lower case with `_` between words. */
      readonly aliases?: Readonly<Record<string, string>>
    }
  | {
      readonly type: 'number'
      readonly unit: Unit
      readonly least: number
      readonly most: number
      /** A word that stands in the place of the number. */
      readonly word?: string
    }

/** One key. */
export interface Key<Value> {
  /** Its place in `config.toml`, e.g. `storage.persist.buffer_size`; none if only code and flags can say it. */
  readonly path?: string
  readonly kind: Kind
  readonly fallback: Value
  readonly summary: string
  /** `store`: a setting of the store. `place`: where it is. `none`: accepted and checked, and without effect. */
  readonly effect: 'store' | 'place' | 'none'
}

/** What a kind takes, for messages. */
export const wantedBy = (kind: Kind): string => {
  switch (kind.type) {
    case 'boolean':
      return 'true or false'
    case 'path':
      return 'a path'
    case 'choice':
      return `one of ${kind.choices.join(', ')}`
    case 'number': {
      const { unit, least, most, word } = kind
      const example = suffixExample(unit)
      const range = most === Number.MAX_SAFE_INTEGER ? `${least} or more` : `from ${least} to ${most}`
      return `a whole number of ${unit}, ${range}${example === undefined ? '' : `, or as in ${example}`}${word === undefined ? '' : `, or ${word}`}`
    }
  }
}

/** Whether a value is what a kind takes: of the right type, within the bounds, no alias, no suffix. */
export const isValid = (kind: Kind, value: unknown): boolean => {
  switch (kind.type) {
    case 'boolean':
      return typeof value === 'boolean'
    case 'path':
      return typeof value === 'string' && value !== '' && !value.includes('\0')
    case 'choice':
      return typeof value === 'string' && kind.choices.includes(value)
    case 'number':
      if (kind.word !== undefined && value === kind.word) return true
      return Number.isSafeInteger(value) && Number(value) >= kind.least && Number(value) <= kind.most
  }
}

const choiceFrom = (
  choices: readonly string[],
  aliases: Readonly<Record<string, string>>,
  text: string,
): string => {
  const name = text.toLowerCase().replaceAll('-', '_')
  if (choices.includes(name)) return name
  return Object.hasOwn(aliases, name) ? aliases[name]! : text
}

/** The value that a text of the environment or of a flag stands for; {@link isValid} says whether it is one. */
export const valueOfText = (kind: Kind, text: string): unknown => {
  switch (kind.type) {
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text
    case 'path':
      return text
    case 'choice':
      return choiceFrom(kind.choices, kind.aliases ?? {}, text)
    case 'number':
      return quantityFrom(text, kind.unit) ?? text
  }
}

/**
 * The value that one of TOML stands for: a text is needed for choices, suffixes and words only, so that `"5000"`
 * stays a text, and wrong.
 */
export const valueOfToml = (kind: Kind, value: unknown): unknown => {
  if (typeof value === 'bigint') return Number(value)
  if (typeof value !== 'string' || kind.type === 'boolean') return value
  if (kind.type === 'number' && /^[0-9_]*$/.test(value)) return value
  return valueOfText(kind, value)
}

const SHOWN_MAX = 60

/** A refused value, for messages: short, whatever it is. */
export const shown = (value: unknown): string => {
  const text =
    typeof value === 'object' && value !== null && !(value instanceof Date)
      ? 'a table or list'
      : String(value)
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text
}
