// Owns the pace at which a large file reaches the disk: who writes many megabytes and then syncs them at once makes
// everybody else's syncs wait behind them, above all those of the log.
import type { Disk, DiskFile } from './disk.ts'
import { forwardDisk, forwardFile } from './forward.ts'

/** Bytes that are written to a file between two syncs. With more a sync of the log waits longer, with fewer this does. */
const PACE_BYTES = 1024 * 1024

const pacedFile = (file: DiskFile): DiskFile => {
  let unsynced = 0
  return {
    ...forwardFile(file),
    write: async (offset, bytes) => {
      await file.write(offset, bytes)
      unsynced += bytes.length
      if (unsynced < PACE_BYTES) return
      unsynced = 0
      await file.sync('B5')
    },
  }
}

/** `disk` for writing batch files, each of which is synced as it grows. */
export const pacedDisk = (disk: Disk): Disk => ({
  ...forwardDisk(disk),
  open: async (path, mode) => pacedFile(await disk.open(path, mode)),
})
