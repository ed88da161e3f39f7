// Owns what a path on a disk may look like, so that none leads out of its folder: names joined by `/`, none of them
// empty, `.` or `..`. The root is `''`. Links are refused where the folders are walked (node-disk.ts).
import { DiskError } from '../errors.ts'

// Windows reads `\` as a separator everywhere and `:` as a drive or a stream; elsewhere a colon is a letter like another.
const NAME = process.platform === 'win32' ? /^(?!\.{1,2}$)[^/\\\0:]+$/ : /^(?!\.{1,2}$)[^/\\\0]+$/

/**
 * The names that `path` is made of; none for the root.
 * @throws {DiskError} DISK_OUTSIDE
 */
export const namesOf = (path: string, operation: string): readonly string[] => {
  if (path === '') return []
  const names = path.split('/')
  if (names.every(name => NAME.test(name))) return names
  throw new DiskError('DISK_OUTSIDE', 'this path does not stay inside the folder', { path, operation })
}

/** The last name of a path; the root's is `''`. */
export const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1)

/** The path of what is called `name` in a folder. */
export const pathIn = (folder: string, name: string): string => (folder === '' ? name : `${folder}/${name}`)
