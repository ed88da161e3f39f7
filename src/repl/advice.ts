// Owns what a person is told of an error besides its message: what caused it, and what to do next. Programs have its code.
import { StoreError } from '../errors.ts'

const REPAIR = 'varve repair --dry-run says what is left and what can be done, varve repair does it'

const NEWER = 'open it with the Varve that wrote it, or a newer one'

/** By code, where what failed does not know better and says so in `details.advice`. */
const ADVICE: ReadonlyMap<string, string> = new Map([
  ['STORE_CORRUPT', REPAIR],
  ['METADATA_CORRUPT', REPAIR],
  ['METADATA_MISSING', REPAIR],
  ['BATCH_CORRUPT', REPAIR],
  ['BATCH_MISSING', REPAIR],
  ['WAL_CORRUPT', REPAIR],
  ['WAL_INVALID', `no disk does this: mend what was written by hand, or put back a copy. ${REPAIR}`],
  ['WAL_MISSING', `put the segment back if there is a copy of it; ${REPAIR}`],
  ['WAL_FOREIGN', "put this store's own log back: repair takes no other"],
  [
    'WAL_AMBIGUOUS_TAIL',
    'keep a copy of the store, then open it with --ambiguous-tail cut to give this one line up',
  ],
  ['LAYOUT_INVALID', REPAIR],
  ['SHARD_DAMAGED', REPAIR],
  ['FORMAT_UNSUPPORTED', NEWER],
  ['FEATURE_UNSUPPORTED', NEWER],
])

const REFUSED = 'put back a copy of what is named here'

const READING = 'to read takes no lock: varve --read-only, status, export, verify'

/** What is known of an error, also of one that is in a report. */
interface Told {
  readonly code?: string
  readonly details?: unknown
}

const isOfLock = ({ code, details }: Told): boolean => {
  if (code === 'LOCKED') return true
  const { path } = (details ?? {}) as { path?: unknown }
  return code === 'DISK_DENIED' && typeof path === 'string' && path.startsWith('LOCK')
}

/** What can be done about an error; undefined if its message says it, or nobody knows. */
export const adviceFor = (error: Told): string | undefined => {
  if (isOfLock(error)) return READING
  const { advice } = (error.details ?? {}) as { advice?: unknown }
  return advice === undefined ? ADVICE.get(error.code ?? '') : undefined
}

/**
 * What stands below the message of an error, a line each: causes that the store knows, advice.
 * @param command that failed: nobody is sent back to it
 */
export const explanationOf = (error: unknown, command?: string): string[] => {
  const causes: StoreError<string>[] = []
  for (let { cause } = error as Error; cause instanceof StoreError; cause = cause.cause) causes.push(cause)
  const found = adviceFor(error as Told)
  const advice = command !== undefined && found?.includes(`varve ${command}`) ? REFUSED : found
  return [
    ...causes.map(({ code, message }) => `  because of ${code}: ${message}`),
    ...(advice === undefined ? [] : [`  what to do: ${advice}`]),
  ]
}
