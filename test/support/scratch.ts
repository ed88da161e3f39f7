// Owns folders that a test may fill, and that are gone after it.
import { chmod, mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** A new empty folder without links in its path, for the length of one test. */
export const scratchFolder = async (): Promise<string> => {
  const folder = await mkdtemp(join(await realpath(tmpdir()), 'varve-test-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await chmod(folder, 0o755)
  return folder
}

/** Runs `body` as a user whom permissions stop: as root they would not. */
export const asOrdinaryUser = async <T>(body: () => Promise<T>): Promise<T> => {
  if (process.geteuid?.() !== 0) return body()
  process.seteuid?.(65534)
  try {
    return await body()
  } finally {
    process.seteuid?.(0)
  }
}
