// Owns durability mode `none`: the same disk, with every sync left out.
import type { Disk, DiskFile } from './disk.ts'

const unsyncedFile = (file: DiskFile): DiskFile => ({
  read: (offset, length) => file.read(offset, length),
  write: (offset, bytes) => file.write(offset, bytes),
  sync: async () => {},
  truncate: size => file.truncate(size),
  size: () => file.size(),
  close: () => file.close(),
})

/** `disk` without its syncs: order and wholeness hold when a process is killed, nothing when the power fails. */
export const unsyncedDisk = (disk: Disk): Disk => ({
  location: disk.location && { ...disk.location, syncs: 'unsynced' },
  open: async (path, mode) => unsyncedFile(await disk.open(path, mode)),
  list: path => disk.list(path),
  stat: path => disk.stat(path),
  makeDirectory: path => disk.makeDirectory(path),
  rename: (from, to) => disk.rename(from, to),
  remove: path => disk.remove(path),
  syncDirectory: async () => {},
})
