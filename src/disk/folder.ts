// Owns the way from the data directory, as the user wrote it, to the disk of the store inside it. The directory may
// be relative or a link; it is resolved once, so that a later `chdir` changes nothing. `persist` in it may not.
// Invariant: what was made before a failure is removed again, and nothing else is.
import { constants } from 'node:fs'
import { access, lstat, realpath, rmdir } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { DiskError } from '../errors.ts'
import type { Disk } from './disk.ts'
import { NodeDisk } from './node-disk.ts'
import { pathIn } from './path.ts'
import { diskError, errnoOf } from './system-error.ts'

/** The folder of the store inside the data directory. */
const PERSIST_FOLDER = 'persist'

/** A data directory that was found or made. */
export interface Folder {
  readonly disk: NodeDisk
  /** Absolute path of `<data directory>/persist`, the root of `disk`. */
  readonly path: string
  /** Absolute path of the data directory, without links. */
  readonly dataDir: string
}

/** What of `path` is there, without links, and the names that are missing below it. */
const locate = async (path: string): Promise<{ existing: string; missing: string[] }> => {
  const missing: string[] = []
  for (let way = path; ; way = dirname(way)) {
    try {
      return { existing: await realpath(way), missing }
    } catch (cause) {
      if (errnoOf(cause) !== 'ENOENT' || way === dirname(way)) throw cause
      // A link to nowhere is there, and making its target is not ours to do.
      if ((await lstat(way).catch(() => undefined)) !== undefined) throw cause
      missing.unshift(basename(way))
    }
  }
}

const isThere = async (folder: string): Promise<boolean> => {
  try {
    const found = await lstat(folder)
    if (found.isSymbolicLink())
      throw new DiskError('DISK_OUTSIDE', 'the folder of the store is a link', {
        path: folder,
        operation: 'open',
      })
    if (!found.isDirectory())
      throw new DiskError('DISK_NOT_A_DIRECTORY', 'a file is in the place of the folder', {
        path: folder,
        operation: 'open',
      })
    return true
  } catch (cause) {
    if (errnoOf(cause) === 'ENOENT') return false
    throw cause
  }
}

/**
 * Makes folders, each inside the one before and the first in the root of `disk`, and each synced into its parent before
 * the next (B13).
 * @param made is given the paths of those that were not there, also if this rejects
 */
export const makeFolders = async (disk: Disk, names: readonly string[], made: string[]): Promise<void> => {
  let parent = ''
  for (const name of names) {
    const folder = pathIn(parent, name)
    if ((await disk.stat(folder)) === undefined) made.push(folder)
    await disk.makeDirectory(folder) // another open may have been faster
    await disk.syncDirectory(parent, 'B13')
    parent = folder
  }
}

const makeMissing = async (existing: string, names: readonly string[]): Promise<void> => {
  const made: string[] = []
  try {
    // An open that was killed may have made `existing` and not synced it. Those above it were synced before it was
    // made. One that we may not read, we did not make.
    await new NodeDisk(dirname(existing)).syncDirectory('', 'B13').catch((cause: DiskError) => {
      if (cause.code !== 'DISK_DENIED') throw cause
    })
    await makeFolders(new NodeDisk(existing), names, made)
  } catch (cause) {
    // A folder that is no longer empty belongs to somebody now.
    for (const folder of made.reverse()) await rmdir(join(existing, folder)).catch(() => undefined)
    throw cause
  }
}

/**
 * Finds the folder of the store in the data directory at `path`. With `create`, for someone who will write: it is
 * made where it is missing, durably, with its parents, and must be writable. Without, nothing is made or changed.
 *
 * @param path relative to the working directory, or absolute; may be a link
 * @throws {DiskError} DISK_MISSING without `create`; DISK_NOT_A_DIRECTORY if a file is in its place; DISK_DENIED;
 * DISK_OUTSIDE if `persist` in it is a link
 */
export const openFolder = async (path: string, options: { readonly create: boolean }): Promise<Folder> => {
  try {
    const { existing, missing } = await locate(resolve(path))
    if (!(await lstat(existing)).isDirectory())
      throw new DiskError('DISK_NOT_A_DIRECTORY', 'a file is in the place of the data directory', {
        path: existing,
        operation: 'open',
      })
    const dataDir = join(existing, ...missing)
    const folder = join(dataDir, PERSIST_FOLDER)
    const found = missing.length === 0 && (await isThere(folder))
    if (!found && !options.create)
      throw new DiskError('DISK_MISSING', 'there is no store in this directory', {
        path: folder,
        operation: 'open',
      })
    if (options.create) {
      await makeMissing(found ? folder : existing, found ? [] : [...missing, PERSIST_FOLDER])
      await access(folder, constants.R_OK | constants.W_OK | constants.X_OK)
    }
    return { disk: new NodeDisk(folder), path: folder, dataDir }
  } catch (cause) {
    throw diskError(cause, path, 'open')
  }
}
