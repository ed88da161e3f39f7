// Owns folders that are only there for a while, where the system keeps such.
import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { diskError } from './system-error.ts'

/**
 * Makes a new, empty folder among the temporary files (`$TMPDIR`), and resolves to its absolute path.
 * @param name what its name begins with
 * @throws {DiskError} DISK_MISSING, DISK_DENIED, DISK_FULL
 */
export const makeTemporaryFolder = async (name: string): Promise<string> => {
  const parent = tmpdir()
  try {
    return await mkdtemp(join(await realpath(parent), `${name}-`))
  } catch (cause) {
    throw diskError(cause, parent, 'makeDirectory')
  }
}

/** Removes a folder of {@link makeTemporaryFolder} with all that is in it; fine if it is gone already. */
export const removeTemporaryFolder = async (path: string): Promise<void> => {
  try {
    await rm(path, { recursive: true, force: true })
  } catch (cause) {
    throw diskError(cause, path, 'remove')
  }
}
