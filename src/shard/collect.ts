// Owns removing the files of replaced batches, once nobody reads them.
import type { Disk } from '../disk/disk.ts'
import { BATCHES_FOLDER, batchPath, withoutRetired } from './metadata.ts'
import type { Registry } from './registry.ts'
import type { Shard } from './shard.ts'

/**
 * Removes the retired files of `shard` that nobody reads, then forgets their ids. The metadata that names them
 * retired is durable already, so a crash in between only leaves work for the next open. Where it is a tombstone that
 * is not published yet, the files stay: the old metadata still names them.
 */
export const collectRetired = (
  disk: Disk,
  registry: Registry,
  shard: Shard,
  isRead: (id: string) => boolean,
): Promise<void> =>
  shard.inTurn(async () => {
    const { metadata: before, firstLsn } = shard
    const free = shard.isDropPending ? [] : before.retired.filter(id => !isRead(id))
    if (free.length === 0) return
    for (const id of free)
      if ((await disk.stat(batchPath(id))) !== undefined) await disk.remove(batchPath(id))
    await disk.syncDirectory(BATCHES_FOLDER, 'B21')
    const metadata = withoutRetired(before, new Set(free))
    await registry.publish(metadata, firstLsn)
    shard.publish(before, metadata)
  })
