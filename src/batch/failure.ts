// Owns the way of an error from one thread to another: class, code, details and causes survive it.
import { CorruptionError, DiskError, type ErrorDetails } from '../errors.ts'

/** An error as plain data. */
export interface Failure {
  readonly name: string
  readonly message: string
  readonly stack: string
  /** What an error of ours or of the system has besides: its code, details, errno. */
  readonly fields: Readonly<Record<string, unknown>>
  readonly cause: Failure | undefined
}

/** What can be sent: an error may carry anything. */
const isPlain = (value: unknown): boolean => {
  try {
    structuredClone(value)
    return true
  } catch {
    return false
  }
}

/** `error` as plain data. What it carries that cannot be sent is left out. */
export const failureOf = (error: unknown): Failure => {
  if (!(error instanceof Error))
    return { name: 'Error', message: String(error), stack: '', fields: {}, cause: undefined }
  const { name, message, stack, cause } = error
  const own = Object.entries(error).filter(([key, value]) => key !== 'cause' && isPlain(value))
  return {
    name,
    message,
    stack: stack ?? '',
    fields: Object.fromEntries(own),
    cause: cause === undefined ? undefined : failureOf(cause),
  }
}

const ours = { DiskError, CorruptionError } as const

const isOurs = (name: string): name is keyof typeof ours => Object.hasOwn(ours, name)

/** The error that `failure` was: of the same class, if it is one that reading and writing batches can fail with. */
export const errorOf = ({ name, message, stack, fields, cause: inner }: Failure): Error => {
  const cause = inner === undefined ? undefined : errorOf(inner)
  const error = isOurs(name)
    ? new ours[name](fields.code as never, '', fields.details as ErrorDetails, cause)
    : Object.assign(new Error('', cause === undefined ? undefined : { cause }), { name })
  // The message already tells of the details.
  return Object.assign(error, fields, { message, stack })
}
