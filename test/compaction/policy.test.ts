import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { planAutomaticCompaction } from '../../src/compaction/policy.ts'
import { type BatchEntry, newMetadata, type ShardMetadata } from '../../src/shard/metadata.ts'

/** A shard with batches of so many rows each, oldest first. */
const shardOf = (...lens: readonly number[]): ShardMetadata => ({
  ...newMetadata('a:b', []),
  batches: lens.map((len, index) => ({ id: String(index + 1), len }) as BatchEntry),
})

/** The sizes of the batches that would be merged. */
const merged = (threshold: number, ...lens: readonly number[]): number[] | undefined =>
  planAutomaticCompaction(shardOf(...lens), threshold, 0)?.inputs.map(id => lens[Number(id) - 1]!)

describe('a compaction that starts by itself', () => {
  test.each<[string, number[] | undefined, number, number[]]>([
    ['is not due up to the threshold', undefined, 3, [1, 1, 1]],
    ['is never due where the threshold is 0', undefined, 0, [1, 1, 1, 1, 1]],
    ['merges all where all are of a size', [1, 1, 1, 1], 3, [1, 1, 1, 1]],
    ['leaves what is much larger than the rest', [10, 10, 10], 3, [1000, 10, 10, 10]],
    ['takes in what is no larger than what it has', [20, 10, 10], 3, [1000, 50, 20, 10, 10]],
    ['takes in what is as large', [40, 20, 10, 10], 3, [1000, 40, 20, 10, 10]],
    ['takes in what it must to come down to the threshold', [90, 30, 10, 1], 2, [270, 90, 30, 10, 1]],
    ['leaves one batch where the threshold is 1', [270, 1], 1, [270, 1]],
  ])('%s', (_, expected, threshold, lens) => {
    expect(merged(threshold, ...lens)).toEqual(expected)
  })

  test('raises since, and never lowers it', () => {
    const shard = { ...shardOf(1, 1), since: 5 }
    expect(planAutomaticCompaction(shard, 1, 3)).toMatchObject({ since: 5 })
    expect(planAutomaticCompaction(shard, 1, 7)).toMatchObject({ since: 7 })
  })

  /** Rows written by merges for each row flushed, and the batches at the end, where all flushes are of a size. */
  const amplification = (threshold: number, flushes: number): { written: number; batches: number } => {
    let lens: number[] = []
    let written = 0
    for (let flush = 0; flush < flushes; flush++) {
      lens.push(1)
      const inputs = merged(threshold, ...lens)
      if (inputs === undefined) continue
      const rows = inputs.reduce((sum, len) => sum + len, 0)
      lens = [...lens.slice(0, lens.length - inputs.length), rows]
      written += rows
      expect(lens.length).toBeLessThanOrEqual(threshold)
    }
    expect(lens.reduce((sum, len) => sum + len, 0)).toBe(flushes)
    return { written: written / flushes, batches: lens.length }
  }

  test('writes each row less than twice over a hundred flushes, three times over a thousand', () => {
    expect(amplification(10, 100).written).toBeCloseTo(1.65, 2)
    expect(amplification(10, 1000).written).toBeCloseTo(2.95, 2)
  })

  test('keeps the number of batches at the threshold and writes each row a few times only', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 100, max: 400 }),
        (threshold, flushes) => {
          const { written } = amplification(threshold, flushes)
          // Merging all each time would write about flushes / (2 * threshold) times as much.
          if (threshold >= 4) expect(written).toBeLessThan(1.25 * Math.log2(flushes))
        },
      ),
    )
  })
})
