// Owns how the same disk is opened in another thread of this process.
import type { Disk } from './disk.ts'
import { NodeDisk } from './node-disk.ts'
import { unsyncedDisk } from './unsynced-disk.ts'

/** Where a disk is, as plain data. */
export interface DiskLocation {
  /** An absolute path without links. */
  readonly root: string
  /** `unsynced`: without its syncs, as in mode `none`. */
  readonly syncs: 'synced' | 'unsynced'
}

/** A disk over the same files as the one that gave `location`, and with the same promises. */
export const diskAt = ({ root, syncs }: DiskLocation): Disk => {
  const disk = new NodeDisk(root)
  return syncs === 'synced' ? disk : unsyncedDisk(disk)
}
