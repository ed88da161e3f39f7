// Owns removing the files of replaced batches, once nobody reads them.
import type { Disk } from '../disk/disk.ts'
import { BATCHES_FOLDER, batchPath, withoutRetired } from '../shard/metadata.ts'
import type { Pins } from '../shard/pins.ts'
import type { Registry } from '../shard/registry.ts'
import type { Shard } from '../shard/shard.ts'

/**
 * Removes the retired files of `shard` that are not pinned, then forgets their ids. The metadata that names them
 * retired is durable already, so a crash in between only leaves work for the next open.
 */
export const collectRetired = (disk: Disk, registry: Registry, shard: Shard, pins: Pins): Promise<void> =>
  shard.inTurn(async () => {
    const free = shard.metadata.retired.filter(id => !pins.isPinned(id))
    if (free.length === 0) return
    for (const id of free)
      if ((await disk.stat(batchPath(id))) !== undefined) await disk.remove(batchPath(id))
    await disk.syncDirectory(BATCHES_FOLDER)
    const metadata = withoutRetired(shard.metadata, new Set(free))
    await registry.publish(metadata, shard.firstLsn)
    shard.publish(metadata)
  })
