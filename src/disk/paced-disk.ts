// Owns the pace at which a large file reaches the disk: who writes many megabytes and then syncs them at once makes
// everybody else's syncs wait behind them, above all those of the log.
import type { Disk, DiskFile } from './disk.ts'

/** Bytes that are written to a file between two syncs. With more a sync of the log waits longer, with fewer this does. */
const PACE_BYTES = 1024 * 1024

const pacedFile = (file: DiskFile): DiskFile => {
  let unsynced = 0
  return {
    read: (offset, length) => file.read(offset, length),
    write: async (offset, bytes) => {
      await file.write(offset, bytes)
      unsynced += bytes.length
      if (unsynced < PACE_BYTES) return
      unsynced = 0
      await file.sync('B5')
    },
    sync: barrier => file.sync(barrier),
    truncate: size => file.truncate(size),
    size: () => file.size(),
    close: () => file.close(),
  }
}

/** `disk` for writing batch files, each of which is synced as it grows. */
export const pacedDisk = (disk: Disk): Disk => ({
  open: async (path, mode) => pacedFile(await disk.open(path, mode)),
  list: path => disk.list(path),
  stat: path => disk.stat(path),
  makeDirectory: path => disk.makeDirectory(path),
  rename: (from, to) => disk.rename(from, to),
  remove: path => disk.remove(path),
  syncDirectory: (path, barrier) => disk.syncDirectory(path, barrier),
})
