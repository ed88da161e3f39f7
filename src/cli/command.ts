// Owns what a command is, and how its words are read: one list feeds parsing, help and the documents.
import { parseArgs } from 'node:util'
import { CHOICES, DEFAULTS, type Settings } from '../config/settings.ts'
import { InputError } from '../errors.ts'

/** A flag with a value, or without one. */
export interface Flag {
  /** What stands for the value in the help; absent for a switch. */
  readonly value?: string
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
  /** Names of the positional arguments. */
  readonly positionals: readonly string[]
  readonly summary: string
  readonly flags: Readonly<Record<string, Flag>>
  /** The exit code. */
  readonly run: (call: Call) => Promise<number>
}

/** The call itself is wrong: the usage of the command answers it. */
export class UsageError extends Error {}

const kebab = (name: string): string => name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)

const SETTING_SUMMARY: Readonly<Record<keyof Settings, string>> = {
  durabilityMode: 'when a commit is acknowledged',
  bufferSize: 'updates of a shard that start its flush',
  maxBufferBytes: 'bytes of all buffers that start a flush',
  maxWalSizeBytes: 'bytes of the log at which commits wait for flushes',
  walSegmentBytes: 'bytes at which a segment of the log is sealed',
  syncIntervalMs: 'most ms between syncs in modes batched and async',
  parquetProfile: 'how batches are encoded',
  parquetCompression: 'how batches are compressed',
  damagedShard: 'whether a damaged shard keeps the store from opening',
  ambiguousTail: 'what to do with a log whose last line is complete and damaged',
  openTimeoutMs: 'most ms for reading the store back, 0 for no limit',
  breakLock: 'take over a LOCK whose holder cannot be proven dead',
}

const settingFlag = (key: keyof Settings): Flag => {
  const choices: readonly string[] | undefined = CHOICES[key as keyof typeof CHOICES]
  const fallback = DEFAULTS[key]
  if (typeof fallback === 'boolean') return { summary: SETTING_SUMMARY[key] }
  return { value: choices?.join('|') ?? 'N', summary: `${SETTING_SUMMARY[key]} [${fallback}]` }
}

const SETTING_KEYS = Object.keys(DEFAULTS) as (keyof Settings)[]

/** One flag for each setting: `--durability-mode`, … */
const SETTING_FLAGS: Readonly<Record<string, Flag>> = Object.fromEntries(
  SETTING_KEYS.map(key => [kebab(key), settingFlag(key)]),
)

/** Flags of every command that opens a store. */
export const STORE_FLAGS: Readonly<Record<string, Flag>> = {
  'data-dir': { value: 'DIR', summary: 'directory of the store [./data]' },
  ...SETTING_FLAGS,
}

export const JSON_FLAG: Readonly<Record<string, Flag>> = { json: { summary: 'report as one JSON object' } }

/** The directory that the call names. */
export const dataDirOf = ({ flags }: Call): string => (flags['data-dir'] as string | undefined) ?? './data'

const asSetting = (key: keyof Settings, text: string | boolean): unknown => {
  if (typeof DEFAULTS[key] !== 'number') return text
  return /^[0-9]+$/.test(String(text)) ? Number(text) : text
}

/** The options for opening the store that the call names. */
export const openOptionsOf = (call: Call): Record<string, unknown> & { dataDir: string } => {
  const options: Record<string, unknown> & { dataDir: string } = { dataDir: dataDirOf(call) }
  for (const key of SETTING_KEYS) {
    const text = call.flags[kebab(key)]
    if (text !== undefined) options[key] = asSetting(key, text)
  }
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

/**
 * The words behind a command's name.
 * @throws {UsageError} for an unknown flag, a missing value, a missing or surplus argument
 */
export const parseCall = (command: Command, words: readonly string[], output: Output): Call => {
  const options = Object.fromEntries(
    Object.entries(command.flags).map(([name, { value }]) => [
      name,
      { type: value === undefined ? ('boolean' as const) : ('string' as const) },
    ]),
  )
  try {
    const { values, positionals } = parseArgs({
      args: [...words],
      options,
      allowPositionals: true,
      strict: true,
    })
    if (positionals.length !== command.positionals.length)
      throw new UsageError(`${command.name} takes ${command.positionals.join(' ') || 'no argument'}`)
    return { positionals, flags: values as Call['flags'], output }
  } catch (cause) {
    throw cause instanceof UsageError ? cause : new UsageError((cause as Error).message)
  }
}

/** The usage of a command, a line a flag. */
export const usageOf = (command: Command): string => {
  const words = Object.entries(command.flags).map(([name, { value, summary }]) => {
    const flag = `  --${name}${value === undefined ? '' : ` ${value}`}`
    return flag.length > 34 ? `${flag}\n${' '.repeat(36)}${summary}` : `${flag.padEnd(36)}${summary}`
  })
  return [
    `varve ${[command.name, ...command.positionals].join(' ')}`,
    `  ${command.summary}`,
    '',
    ...words,
  ].join('\n')
}
