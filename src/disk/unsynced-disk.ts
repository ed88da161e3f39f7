// Owns durability mode `none`: the same disk, with every sync left out.
import type { Disk, DiskFile } from './disk.ts'
import { forwardDisk, forwardFile } from './forward.ts'

const unsyncedFile = (file: DiskFile): DiskFile => ({ ...forwardFile(file), sync: async () => {} })

/** `disk` without its syncs: order and wholeness hold when a process is killed, nothing when the power fails. */
export const unsyncedDisk = (disk: Disk): Disk => ({
  ...forwardDisk(disk),
  location: disk.location && { ...disk.location, syncs: 'unsynced' },
  open: async (path, mode) => unsyncedFile(await disk.open(path, mode)),
  syncDirectory: async () => {},
})
