// Owns what a disk that stands over another one leaves as it is: every call goes on to the one below. What would go past
// it, `location` and `blocking`, it does not have, unless it says so itself.
import type { Disk, DiskFile } from './disk.ts'

/** The calls of `file`, for who changes some of them. */
export const forwardFile = (file: DiskFile): DiskFile => ({
  read: (offset, length) => file.read(offset, length),
  write: (offset, bytes) => file.write(offset, bytes),
  sync: barrier => file.sync(barrier),
  truncate: size => file.truncate(size),
  size: () => file.size(),
  close: () => file.close(),
})

/** The calls of `disk`, for who changes some of them. Files are those of `disk`. */
export const forwardDisk = (disk: Disk): Disk => ({
  open: (path, mode) => disk.open(path, mode),
  list: path => disk.list(path),
  stat: path => disk.stat(path),
  makeDirectory: path => disk.makeDirectory(path),
  rename: (from, to) => disk.rename(from, to),
  remove: path => disk.remove(path),
  syncDirectory: (path, barrier) => disk.syncDirectory(path, barrier),
})
