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

/**
 * The plan of a compaction that starts by itself, or undefined while there are at most `threshold` batches.
 *
 * Merges the newest batches, and of the older ones those that are no larger than all newer ones together (size-tiered):
 * what is large is seldom written again, and the number of batches stays at or below the threshold.
 */
export const planAutomaticCompaction = (
  metadata: ShardMetadata,
  threshold: number,
  since: number,
): CompactionPlan | undefined => {
  const { batches } = metadata
  if (threshold === 0 || batches.length <= threshold) return undefined
  let first = batches.length - 1
  let rows = batches[first]!.len
  // Merging the batches from `first` on leaves `first + 1` of them.
  while (first > 0 && (first + 1 > threshold || batches[first - 1]!.len <= rows)) {
    first--
    rows += batches[first]!.len
  }
  return { inputs: batches.slice(first).map(({ id }) => id), since: Math.max(metadata.since, since) }
}
