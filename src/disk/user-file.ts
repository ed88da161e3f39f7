// Owns files that the user names, outside of any store: they may be links, and lie anywhere.
import { createHash, randomUUID } from 'node:crypto'
import { lstat, realpath, stat } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { DiskError } from '../errors.ts'
import type { Disk, DiskFile } from './disk.ts'
import { NodeDisk } from './node-disk.ts'
import { TEMPORARY } from './replace.ts'
import { diskError, errnoOf } from './system-error.ts'

/** Read at once while hashing. */
const HASH_CHUNK_BYTES = 4 * 1024 * 1024

const real = async (path: string): Promise<string> => {
  try {
    return await realpath(resolve(path))
  } catch (cause) {
    throw diskError(cause, path, 'open')
  }
}

/** Whether a folder has such an entry, be it a link to nowhere. */
export const hasUserFile = async (path: string): Promise<boolean> => {
  try {
    await lstat(resolve(path))
    return true
  } catch (cause) {
    if (errnoOf(cause) === 'ENOENT') return false
    throw diskError(cause, path, 'open')
  }
}

/**
 * Opens a file for reading.
 * @throws {DiskError} DISK_MISSING, DISK_DENIED, DISK_NOT_A_FILE; `path` as it is given
 */
export const openUserFile = async (path: string): Promise<DiskFile> => {
  try {
    // Asked before it is resolved: a pipe has a name that leads to it, and is nowhere.
    if (!(await stat(resolve(path))).isFile())
      throw new DiskError('DISK_NOT_A_FILE', 'this is not a regular file', { path, operation: 'open' })
    const found = await realpath(resolve(path))
    return await new NodeDisk(dirname(found)).open(basename(found), 'read')
  } catch (cause) {
    // The folder knows the file by its last name only.
    throw diskError(cause instanceof DiskError ? (cause.cause ?? cause) : cause, path, 'open')
  }
}

/**
 * The folder that a file is to be written into, which must be there, and the file's name in it.
 * @throws {DiskError} DISK_MISSING, DISK_DENIED
 */
const userFolder = async (path: string): Promise<{ readonly disk: Disk; readonly file: string }> => {
  const wanted = resolve(path)
  return { disk: new NodeDisk(await real(dirname(wanted))), file: basename(wanted) }
}

/** The SHA-256 of a file's content, in hex. */
export const hashOf = async (file: DiskFile): Promise<string> => {
  const hash = createHash('sha256')
  const size = await file.size()
  for (let offset = 0; offset < size; offset += HASH_CHUNK_BYTES)
    hash.update(await file.read(offset, HASH_CHUNK_BYTES))
  return hash.digest('hex')
}

/**
 * Writes a file in place of one that may be there: as a whole, or not at all. Durable when it resolves.
 * @returns how many bytes there were
 * @throws {DiskError} DISK_NOT_A_FILE for a link or a folder, …; and what `pieces` throws, with nothing left behind as far as the disk lets it
 */
export const writeUserFile = async (path: string, pieces: AsyncIterable<Uint8Array>): Promise<number> => {
  const { disk, file: name } = await userFolder(path)
  const old = await disk.stat(name)
  // A rename would put a file in place of the link, or of the device.
  if (old !== undefined && old.kind !== 'file')
    throw new DiskError('DISK_NOT_A_FILE', 'this is not a regular file', { path, operation: 'write' })
  // Nobody's else: what ends in .tmp may be a file of the user here.
  const temporary = `${name}.${randomUUID()}${TEMPORARY}`
  const file = await disk.open(temporary, 'create')
  let bytes = 0
  try {
    try {
      for await (const piece of pieces) {
        await file.write(bytes, piece)
        bytes += piece.length
      }
      await file.sync('B7')
    } finally {
      await file.close()
    }
    await disk.rename(temporary, name) // commit point
  } catch (cause) {
    await disk.remove(temporary).catch(() => {}) // The failure that led here is the one to report.
    throw cause
  }
  await disk.syncDirectory('', 'B8')
  return bytes
}
