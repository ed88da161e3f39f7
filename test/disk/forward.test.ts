// A disk that stands over another one does what that one does, but for what it changes.

import { MemoryDisk } from '../../src/disk/memory-disk.ts'
import { pacedDisk } from '../../src/disk/paced-disk.ts'
import { unsyncedDisk } from '../../src/disk/unsynced-disk.ts'
import { testDiskContract } from './disk-contract.ts'

testDiskContract('pacedDisk', async () => pacedDisk(new MemoryDisk()))
testDiskContract('unsyncedDisk', async () => unsyncedDisk(new MemoryDisk()))
