// Owns the errors a caller can meet. A class is a decision of the caller; a code is for ever, a message is not;
// the numbers and places are fields, so that nobody has to parse text.

/** Where an error was found and with which numbers: `file`, `offset`, `lsn`, `time`, `upper`, … */
export type ErrorDetails = Readonly<Record<string, unknown>>

const detailText = (value: unknown): string =>
  typeof value === 'string' ? value : typeof value === 'bigint' ? String(value) : JSON.stringify(value)

/** An object is for programs: what it says to people is in the message. */
const isTold = (value: unknown): boolean =>
  value !== undefined && (typeof value !== 'object' || value === null || Array.isArray(value))

const describe = (message: string, details: ErrorDetails): string => {
  const parts = Object.entries(details)
    .filter(([, value]) => isTold(value))
    .map(([key, value]) => `${key}=${detailText(value)}`)
  return parts.length === 0 ? message : `${message}. ${parts.join(', ')}`
}

/** Codes of {@link InputError}. */
export type InputCode =
  | 'VALUE_INVALID'
  | 'TIME_INVALID'
  | 'DIFF_INVALID'
  | 'SHARD_NAME_INVALID'
  | 'UPDATE_INVALID'
  | 'ARITY_MISMATCH'
  /** There is no such shard to be dropped. */
  | 'SHARD_UNKNOWN'
  | 'TYPE_MISMATCH'
  | 'SCHEMA_INVALID'
  | 'COMMIT_TOO_LARGE'
  | 'COMMIT_ID_INVALID'
  | 'SETTING_INVALID'
  | 'CONFIG_INVALID'
  | 'FILE_INVALID'
  /** A statement of the query language; `details` has line, column and, in a script, file. */
  | 'STATEMENT_INVALID'
  /** No relation, knowledge graph or command has the name; `details.nearest` is one that is near. */
  | 'NAME_UNKNOWN'
  | 'OPTION_INVALID'
  | 'COLUMN_UNKNOWN'
  | 'WHERE_INVALID'

/**
 * The call itself is wrong and can never succeed as it stands. Nothing happened: no byte was written and no
 * state changed. `details.place` names the argument, e.g. `updates[3].data[1]`.
 */
export class InputError extends TypeError {
  override readonly name = 'InputError'
  readonly code: InputCode
  readonly details: ErrorDetails
  constructor(code: InputCode, message: string, details: ErrorDetails = {}) {
    super(describe(message, details))
    this.code = code
    this.details = details
  }
}

/** What every error that depends on the store or the disk has in common. */
export abstract class StoreError<Code extends string> extends Error {
  readonly code: Code
  readonly details: ErrorDetails
  constructor(code: Code, message: string, details: ErrorDetails, cause: unknown) {
    super(describe(message, details), cause === undefined ? undefined : { cause })
    this.code = code
    this.details = details
  }
}

/** Codes of {@link FrontierError}. */
export type FrontierCode =
  | 'TIME_BEFORE_UPPER'
  | 'AS_OF_BEFORE_SINCE'
  | 'AS_OF_NOT_BEFORE_UPPER'
  | 'SINCE_NOT_BEFORE_UPPER'
  | 'TIME_EXHAUSTED'
  | 'DIFF_OVERFLOW'

/** A time lies outside `[since, upper)`, or a sum outside the safe integers. Nothing happened. */
export class FrontierError extends StoreError<FrontierCode> {
  override readonly name = 'FrontierError'
  constructor(code: FrontierCode, message: string, details: ErrorDetails = {}) {
    super(code, message, details, undefined)
  }
}

/** Codes of {@link CorruptionError}. */
export type CorruptionCode =
  | 'STORE_CORRUPT'
  | 'METADATA_CORRUPT'
  | 'METADATA_MISSING'
  | 'BATCH_CORRUPT'
  | 'BATCH_MISSING'
  | 'WAL_CORRUPT'
  | 'WAL_INVALID'
  | 'WAL_MISSING'
  | 'WAL_FOREIGN'
  | 'WAL_AMBIGUOUS_TAIL'
  | 'LAYOUT_INVALID'

/** What is on disk is not what was written. `details` names the file and, where known, offset and LSN. */
export class CorruptionError extends StoreError<CorruptionCode> {
  override readonly name = 'CorruptionError'
  constructor(code: CorruptionCode, message: string, details: ErrorDetails = {}, cause?: unknown) {
    super(code, message, details, cause)
  }
}

/** The store was written by a newer Varve, or needs a feature that this one lacks. Nothing was touched. */
export class UnsupportedError extends StoreError<'FORMAT_UNSUPPORTED' | 'FEATURE_UNSUPPORTED'> {
  override readonly name = 'UnsupportedError'
  constructor(
    code: 'FORMAT_UNSUPPORTED' | 'FEATURE_UNSUPPORTED',
    message: string,
    details: ErrorDetails = {},
  ) {
    super(code, message, details, undefined)
  }
}

/** Another process, named in `details.holder`, has the directory. */
export class LockedError extends StoreError<'LOCKED' | 'FENCED'> {
  override readonly name = 'LockedError'
  constructor(code: 'LOCKED' | 'FENCED', message: string, details: ErrorDetails = {}) {
    super(code, message, details, undefined)
  }
}

/** Codes of {@link OpenError}. */
type OpenCode =
  | 'OPEN_TIMED_OUT'
  /** A reader looked again and again, and each time the store had moved on before it was done. */
  | 'OPEN_OVERTAKEN'

/** Opening took too long: longer than `openTimeoutMs`, or than what others did to the store meanwhile. Nothing was changed. */
export class OpenError extends StoreError<OpenCode> {
  override readonly name = 'OpenError'
  constructor(code: OpenCode, message: string, details: ErrorDetails = {}) {
    super(code, message, details, undefined)
  }
}

/** Codes of {@link DiskError}. */
export type DiskCode =
  | 'DISK_MISSING'
  | 'DISK_DENIED'
  | 'DISK_FULL'
  | 'DISK_FAILED'
  | 'DISK_NOT_A_DIRECTORY'
  | 'DISK_NOT_A_FILE'
  | 'DISK_OUTSIDE'
  | 'DISK_TOO_LARGE'

/** The operating system said no. `details` has `path`, the operation and the system's own `errno` code. */
export class DiskError extends StoreError<DiskCode> {
  override readonly name = 'DiskError'
  constructor(code: DiskCode, message: string, details: ErrorDetails = {}, cause?: unknown) {
    super(code, message, details, cause)
  }
}

/** Codes of {@link CommitError}. */
export type CommitCode =
  | 'LOG_WRITE_FAILED'
  | 'LOG_SYNC_FAILED'
  | 'POISONED'
  | 'BUSY'
  | 'CLOSED'
  | 'SHARD_DAMAGED'
  /** The store was opened for reading only. */
  | 'READ_ONLY'
  /** The thread that wrote a batch ended before it was done, for instance for want of memory. The next one is new. */
  | 'THREAD_ENDED'

/**
 * A commit or a maintenance step was not carried out. `outcome` says what is known of it: `determinate` means
 * that it did not happen, `indeterminate` that it may have (retry it with a commit id after reopening).
 */
export class CommitError extends StoreError<CommitCode> {
  override readonly name = 'CommitError'
  readonly outcome: 'determinate' | 'indeterminate'
  constructor(
    code: CommitCode,
    message: string,
    outcome: 'determinate' | 'indeterminate',
    details: ErrorDetails = {},
    cause?: unknown,
  ) {
    super(code, message, details, cause)
    this.outcome = outcome
  }
}

/** Throws if what the code takes for granted does not hold: a defect of Varve, never of the caller. */
export function assert(condition: unknown, law: string): asserts condition {
  if (!condition) throw new Error(`broken invariant: ${law}`)
}
