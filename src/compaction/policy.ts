// Owns the choice of what to merge. Pure: metadata in, plan out.
import type { ShardMetadata } from '../shard/metadata.ts'

/** What a compaction of one shard is to do. */
export interface CompactionPlan {
  /** Batches to merge, side by side in the shard's order; none if only `since` moves. */
  readonly inputs: readonly string[]
  /** The shard's `since` afterwards. */
  readonly since: number
}

/**
 * The plan that leaves one batch at most, or undefined if there is nothing to do.
 * A single batch is rewritten only if advancing `since` changes times in it.
 */
export const planCompaction = (metadata: ShardMetadata, since: number): CompactionPlan | undefined => {
  const { batches } = metadata
  const effective = Math.max(metadata.since, since)
  const merges = batches.length > 1 || batches.some(({ lower }) => lower < effective)
  if (!merges && effective === metadata.since) return undefined
  return { inputs: merges ? batches.map(({ id }) => id) : [], since: effective }
}
