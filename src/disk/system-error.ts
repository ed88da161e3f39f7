// Owns the translation of what the operating system says into a DiskError: a code that a caller can decide on,
// and the place. The system's own code stays in `details.errno`, its error in `cause`.
import { type DiskCode, DiskError } from '../errors.ts'
import type { Barrier } from './barrier.ts'

const CODES: ReadonlyMap<string, readonly [code: DiskCode, message: string]> = new Map([
  ['ENOENT', ['DISK_MISSING', 'there is no such file or folder']],
  ['EACCES', ['DISK_DENIED', 'permission denied']],
  ['EPERM', ['DISK_DENIED', 'permission denied']],
  ['EROFS', ['DISK_DENIED', 'the file system is read-only']],
  ['ENOSPC', ['DISK_FULL', 'the disk is full']],
  ['EDQUOT', ['DISK_FULL', 'the disk quota is used up']],
  ['EFBIG', ['DISK_FULL', 'the file would be larger than is allowed']],
  ['ENOTDIR', ['DISK_NOT_A_DIRECTORY', 'this is not a folder']],
  ['ELOOP', ['DISK_NOT_A_FILE', 'this is a link, not a file']],
  ['EISDIR', ['DISK_NOT_A_FILE', 'this is a folder, not a file']],
])

/** The system's code of an error, e.g. `ENOENT`. */
export const errnoOf = (cause: unknown): string | undefined => {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  return typeof code === 'string' ? code : undefined
}

/** `cause` as a DiskError about `path`; a DiskError stays what it is. @param barrier of a sync */
export const diskError = (cause: unknown, path: string, operation: string, barrier?: Barrier): DiskError => {
  if (cause instanceof DiskError) return cause
  const errno = errnoOf(cause)
  const [code, message] = CODES.get(errno ?? '') ?? ['DISK_FAILED', 'the operating system reported a failure']
  return new DiskError(code, message, { path, operation, ...(barrier && { barrier }), errno }, cause)
}

/**
 * Whether it says that something lies there which cannot be had as the file that belongs there: a bad sector, a folder or
 * a link, a size no such file has. That is damage of this one file. Everything else (permissions, too many open files)
 * is about who asks, and says nothing of the file.
 */
export const isUnreadable = (cause: unknown): cause is DiskError =>
  cause instanceof DiskError &&
  (cause.code === 'DISK_NOT_A_FILE' || cause.code === 'DISK_TOO_LARGE' || cause.details.errno === 'EIO')

/** As {@link diskError}, for a disk that is not the operating system's and fails as it would. */
export const failure = (errno: string, path: string, operation: string): DiskError =>
  diskError(Object.assign(new Error(errno), { code: errno }), path, operation)
