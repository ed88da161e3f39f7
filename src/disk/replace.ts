// Owns the atomic replacement of a small file: a reader finds the old bytes or the new ones, never a mixture.
import { DiskError } from '../errors.ts'
import type { Barrier } from './barrier.ts'
import type { Disk, DiskFile } from './disk.ts'

/** The ending of files that are being written. What carries it at open is ours, unfinished, and removed. */
export const TEMPORARY = '.tmp'

/** The folder of a path; the root is `''`. */
export const folderOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')))

/** Which barriers the two syncs of a replacement are. */
export interface ReplaceBarriers {
  readonly content: Barrier
  readonly name: Barrier
}

const DOCUMENT: ReplaceBarriers = { content: 'B7', name: 'B8' }

/** Makes a file, in place of one that a crash may have left. */
const createAnew = async (disk: Disk, path: string): Promise<DiskFile> => {
  try {
    return await disk.open(path, 'create')
  } catch (cause) {
    if (!(cause instanceof DiskError) || cause.details.errno !== 'EEXIST') throw cause
    await disk.remove(path)
    return disk.open(path, 'create')
  }
}

/** Writes a file in place of one that a crash may have left, with its content durable: its name is not yet. */
export const writeNew = async (
  disk: Disk,
  path: string,
  bytes: Uint8Array,
  barrier: Barrier,
): Promise<void> => {
  const file = await createAnew(disk, path)
  try {
    await file.write(0, bytes)
    await file.sync(barrier)
  } finally {
    await file.close()
  }
}

/**
 * Puts `bytes` at `path`, durable when the promise resolves: temporary file, sync, rename, folder sync.
 * If it rejects before the rename, the old file is untouched; a leftover temporary file is removed at open.
 */
export const replaceFile = async (
  disk: Disk,
  path: string,
  bytes: Uint8Array,
  barriers: ReplaceBarriers = DOCUMENT,
): Promise<void> => {
  const temporary = path + TEMPORARY
  await writeNew(disk, temporary, bytes, barriers.content)
  await disk.rename(temporary, path)
  // Sync the folder as well: until then a crash can undo the rename.
  await disk.syncDirectory(folderOf(path), barriers.name)
}

/**
 * Reads a small file whole.
 * @throws {DiskError} DISK_TOO_LARGE if it is longer than `maxBytes`, before anything is read
 */
export const readWhole = async (
  disk: Disk,
  path: string,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer>> => {
  const file = await disk.open(path, 'read')
  try {
    const size = await file.size()
    if (size > maxBytes) {
      throw new DiskError('DISK_TOO_LARGE', 'the file is larger than such a file can be', {
        path,
        size,
        maxBytes,
      })
    }
    return await file.read(0, size)
  } finally {
    await file.close()
  }
}
