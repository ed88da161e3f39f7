import { MemoryDisk } from '../../src/disk/memory-disk.ts'
import { testDiskContract } from './disk-contract.ts'

testDiskContract('MemoryDisk', async () => new MemoryDisk())
