// Owns what a command is, and how its words are read: one list feeds parsing, help and the documents.
import { parseArgs } from 'node:util'
import { isValid, type Key, shown, valueOfText, wantedBy } from '../config/key.ts'
import { type Layer, type Name, optionValues, type Said } from '../config/layers.ts'
import { type Configuration, KEYS, NAMES, type Options, optionsFrom } from '../config/settings.ts'
import { didYouMean, nearestTo } from '../config/suggest.ts'
import { InputError } from '../errors.ts'
import { type Configured, configured } from './configuration.ts'

/** A flag with a value, or without one. */
export interface Flag {
  /** What stands for the value in the help; absent for a switch. */
  readonly value?: string
  /** A letter that stands for it: `c` for `-c`. */
  readonly short?: string
  /** The next word is the value even if it looks like a flag: `-c '-edge(1, 2)'`. */
  readonly takesDash?: true
  readonly summary: string
}

/** Where a command writes. */
export interface Output {
  /** One line to standard output. */
  readonly print: (line: string) => void
  /** One line to standard error: progress and warnings. */
  readonly note: (line: string) => void
}

/** The words of a call. */
export interface Call {
  readonly positionals: readonly string[]
  readonly flags: Readonly<Record<string, string | boolean | undefined>>
  readonly output: Output
}

export interface Command {
  readonly name: string
  /** Names of the positional arguments; those in brackets, the last ones, may be left out. */
  readonly positionals: readonly string[]
  readonly summary: string
  readonly flags: Readonly<Record<string, Flag>>
  /** The exit code. */
  readonly run: (call: Call) => Promise<number>
}

/** The call itself is wrong: the usage of the command answers it. */
export class UsageError extends Error {}

const kebab = (name: string): string => name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)

/** What stands for the value of a key in the help; a key that is off by default has a switch, which turns it on. */
const valueWord = ({ kind, fallback }: Key<unknown>): string | undefined => {
  switch (kind.type) {
    case 'boolean':
      return fallback === false ? undefined : 'true|false'
    case 'path':
      return 'DIR'
    case 'choice':
      return kind.choices.join('|')
    case 'number':
      return kind.word === undefined ? 'N' : `N|${kind.word}`
  }
}

const keyFlag = (key: Key<unknown>): Flag => {
  const value = valueWord(key)
  return value === undefined
    ? { summary: key.summary }
    : { value, summary: `${key.summary} [${key.fallback}]` }
}

/** The flag of each key that has an effect: `--data-dir`, `--durability-mode`, … */
const FLAG_OF: ReadonlyMap<Name, string> = new Map(
  NAMES.filter(name => KEYS[name].effect !== 'none').map(name => [name, kebab(name)]),
)

/** Flags of a command that needs to know where the store is, and no more. */
export const PLACE_FLAGS: Readonly<Record<string, Flag>> = {
  config: { value: 'FILE', summary: 'configuration file [$VARVE_CONFIG, or ./config.toml if it is there]' },
  'data-dir': keyFlag(KEYS.dataDir),
}

/** Flags of every command that opens a store. */
export const STORE_FLAGS: Readonly<Record<string, Flag>> = {
  ...PLACE_FLAGS,
  ...Object.fromEntries([...FLAG_OF].map(([name, flag]) => [flag, keyFlag(KEYS[name])])),
}

export const JSON_FLAG: Readonly<Record<string, Flag>> = { json: { summary: 'report as one JSON object' } }

/**
 * The value that a flag gives to a key.
 * @throws {InputError} SETTING_INVALID
 */
export const keyFlagValue = <N extends Name>(
  name: N,
  flag: string,
  given: string | boolean,
): Configuration[N] => {
  const { kind } = KEYS[name]
  const value = typeof given === 'string' ? valueOfText(kind, given) : given
  if (isValid(kind, value)) return value as Configuration[N]
  throw new InputError('SETTING_INVALID', `--${flag} must be ${wantedBy(kind)}`, {
    flag: `--${flag}`,
    setting: name,
    value: shown(given),
  })
}

/** What the flags of a call say of the configuration. */
const flagLayer = ({ flags }: Call): Layer => {
  const layer = new Map<Name, Said>()
  for (const [name, flag] of FLAG_OF) {
    const given = flags[flag]
    if (given !== undefined) layer.set(name, { value: keyFlagValue(name, flag, given), source: `--${flag}` })
  }
  return layer
}

/**
 * What holds for the store that a call names: its flags, the environment, the configuration file, the defaults.
 * @throws {InputError} SETTING_INVALID for a flag, CONFIG_INVALID for the file and the environment
 */
export const configurationOf = (call: Call): Promise<Configured> =>
  configured(call.flags.config as string | undefined, flagLayer(call), process.env)

/** The options for opening the store that a call names, with a warning where they are dangerous; throws as {@link configurationOf}. */
export const openOptionsOf = async (call: Call): Promise<Options> => {
  const options = optionsFrom(optionValues((await configurationOf(call)).entries))
  if (options.durabilityMode === 'none')
    call.output.note('warning: in durability mode none nothing is synced, and a power loss can take anything')
  return options
}

/** A whole number given by a flag; undefined if it was not given. */
export const naturalFlag = ({ flags }: Call, name: string): number | undefined => {
  const text = flags[name]
  if (text === undefined) return undefined
  if (!/^[0-9]+$/.test(String(text)) || !Number.isSafeInteger(Number(text)))
    throw new InputError('SETTING_INVALID', `--${name} must be a whole number`, {
      flag: `--${name}`,
      value: text,
    })
  return Number(text)
}

const HELP_FLAG: Readonly<Record<string, Flag>> = { help: { short: 'h', summary: 'show this' } }

const flagsOf = ({ flags }: Command): Command['flags'] => ({ ...flags, ...HELP_FLAG })

/** The flags and the arguments among the words behind a command's name, as far as they can be told apart. */
const tokensOf = (command: Command, words: readonly string[]) => {
  const options = Object.fromEntries(
    Object.entries(flagsOf(command)).map(([name, { value, short }]) => [
      name,
      {
        type: value === undefined ? ('boolean' as const) : ('string' as const),
        ...(short === undefined ? {} : { short }),
      },
    ]),
  )
  return parseArgs({ args: [...words], options, strict: false, tokens: true }).tokens
}

type OptionToken = Extract<ReturnType<typeof tokensOf>[number], { readonly kind: 'option' }>

/** The value of a flag, or true for a switch. */
const valueOfFlag = (
  { value: wanted, takesDash }: Flag,
  { rawName, value, inlineValue }: OptionToken,
): string | true => {
  if (wanted === undefined) {
    if (value !== undefined) throw new UsageError(`${rawName} takes no value`)
    return true
  }
  if (value === undefined) throw new UsageError(`${rawName} takes a value, ${wanted}`)
  if (/^-./.test(value) && inlineValue !== true && takesDash !== true)
    throw new UsageError(`${rawName} takes a value, ${wanted}, and ${value} looks like a flag`)
  return value
}

/** The words behind a command's name that are arguments. */
export const positionalsOf = (command: Command, words: readonly string[]): string[] =>
  tokensOf(command, words).flatMap(token => (token.kind === 'positional' ? [token.value] : []))

/**
 * The words behind a command's name; undefined if they ask for its help.
 * @throws {UsageError} for a flag that is unknown, given twice or has no value, a missing or surplus argument
 */
export const parseCall = (command: Command, words: readonly string[], output: Output): Call | undefined => {
  const known = flagsOf(command)
  const flags: Record<string, string | boolean> = {}
  for (const token of tokensOf(command, words)) {
    if (token.kind !== 'option') continue
    const { name, rawName } = token
    const flag = Object.hasOwn(known, name) ? known[name] : undefined
    if (flag === undefined) {
      const nearest = nearestTo(name, Object.keys(known))
      throw new UsageError(`there is no flag ${rawName}${didYouMean(nearest && `--${nearest}`)}`)
    }
    if (Object.hasOwn(flags, name)) throw new UsageError(`--${name} is given twice`)
    flags[name] = valueOfFlag(flag, token)
  }
  if (flags.help) return undefined
  const positionals = positionalsOf(command, words)
  const required = command.positionals.filter(name => !name.startsWith('['))
  if (positionals.length < required.length || positionals.length > command.positionals.length)
    throw new UsageError(`${command.name} takes ${command.positionals.join(' ') || 'no argument'}`)
  return { positionals, flags, output }
}

/** The usage of a command, a line a flag. */
export const usageOf = (command: Command): string => {
  const words = Object.entries(flagsOf(command)).map(([name, { value, short, summary }]) => {
    const flag = `  --${name}${short === undefined ? '' : `, -${short}`}${value === undefined ? '' : ` ${value}`}`
    return flag.length > 34 ? `${flag}\n${' '.repeat(36)}${summary}` : `${flag.padEnd(36)}${summary}`
  })
  return [
    `varve ${[command.name, ...command.positionals].join(' ')}`,
    `  ${command.summary}`,
    '',
    ...words,
  ].join('\n')
}
