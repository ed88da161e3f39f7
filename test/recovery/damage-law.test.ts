// The law of repair: whatever was done to the files, either it is refused with a typed error and nothing changes, or the
// store serves again, holds nothing that was never in it, and states as lost everything that it holds no more (IL-31,
// IL-32, IL-47, GB-33).
import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { settingsFrom } from '../../src/config/settings.ts'
import { MemoryDisk } from '../../src/disk/memory-disk.ts'
import { CorruptionError, DiskError, UnsupportedError } from '../../src/errors.ts'
import { verify } from '../../src/recovery/verify.ts'
import { repairStore } from '../../src/store/repair.ts'
import { bytesOf, copyOnto, everything } from '../support/bytes.ts'
import { openOn, read } from '../support/stores.ts'

const EDGE = 'default:edge'
const NODE = 'default:node'

/** Commit n holds the number n in both shards, at time n - 1. */
const COMMITS = 12

let files: Record<string, string>

/** Batches of several ages, one of them a compaction's, and a log of several segments whose first commits are flushed. */
beforeAll(async () => {
  const disk = new MemoryDisk()
  const store = await openOn(disk, { walSegmentBytes: 400, autoCompactThreshold: 0 })
  for (let value = 1; value <= COMMITS; value++) {
    await store.commit([
      { shard: EDGE, data: [value], diff: 1 },
      { shard: NODE, data: [value], diff: 1 },
    ])
    if (value === 2 || value === 4 || value === 6) await store.flush()
    if (value === 4) await store.compact()
  }
  files = await everything(disk)
  await store.close()
})

interface Damage {
  /** Which of the files, by its place in the list. */
  readonly file: number
  readonly kind: 'flip' | 'zero' | 'cut' | 'remove' | 'empty' | 'insert'
  /** Where, as a part of its length. */
  readonly at: number
  readonly length: number
}

const damages: fc.Arbitrary<Damage[]> = fc.array(
  fc.record({
    file: fc.nat(),
    kind: fc.constantFrom('flip', 'zero', 'cut', 'remove', 'empty', 'insert'),
    at: fc.double({ min: 0, max: 0.999, noNaN: true }),
    length: fc.integer({ min: 1, max: 200 }),
  }),
  { minLength: 1, maxLength: 3 },
)

/** Returns what was done. */
const apply = (found: Record<string, string>, { file, kind, at, length }: Damage): string => {
  const paths = Object.keys(found)
  const path = paths[file % paths.length]!
  const bytes = Buffer.from(found[path]!, 'latin1')
  const offset = Math.floor(at * bytes.length)
  const done = `${kind} ${path} ${offset}+${length}`
  switch (kind) {
    case 'flip':
      if (bytes.length > 0) bytes[offset]! ^= 1 << (length % 8)
      break
    case 'zero':
      bytes.fill(0, offset, Math.min(bytes.length, offset + length))
      break
    case 'cut':
      found[path] = bytes.subarray(0, offset).toString('latin1')
      return done
    case 'remove':
      delete found[path]
      return done
    case 'empty':
      found[path] = ''
      return done
    case 'insert':
      found[path] = `${found[path]!.slice(0, offset)}${'x'.repeat(length)}${found[path]!.slice(offset)}`
      return done
  }
  found[path] = bytes.toString('latin1')
  return done
}

interface Stated {
  /** Of this shard; undefined: of any. */
  readonly shard?: string
  /** Of any but these. */
  readonly known?: readonly string[]
  readonly lsnLower: number
  readonly lsnUpper: number
  readonly openEnded?: boolean
}

/** The LSNs from which a report says that something is lost, of each shard. */
const statedLosses = async (
  disk: MemoryDisk,
  losses: readonly string[],
): Promise<(shard: string, lsn: number) => boolean> => {
  const stated: Stated[] = []
  for (const path of losses) {
    const report = JSON.parse((await bytesOf(disk, path)).toString())
    if (!Array.isArray(report.lost)) continue
    for (const lost of report.lost) stated.push({ ...lost, shard: report.shard, known: report.known })
  }
  return (name, lsn) =>
    stated.some(
      ({ shard, known, lsnLower, lsnUpper, openEnded }) =>
        (shard === undefined || shard === name) &&
        known?.includes(name) !== true &&
        lsn >= lsnLower &&
        (lsn <= lsnUpper || openEnded === true),
    )
}

const check = async (damage: readonly Damage[]): Promise<'refused' | 'repaired'> => {
  const found = { ...files }
  const place = damage.map(each => apply(found, each)).join(', ')
  try {
    return await checkRepair(found)
  } catch (cause) {
    throw new Error(`${place}: ${(cause as Error).message}`, { cause })
  }
}

const checkRepair = async (found: Record<string, string>): Promise<'refused' | 'repaired'> => {
  const disk = new MemoryDisk()
  await copyOnto(found, disk)
  const before = await everything(disk)
  let losses: readonly string[]
  try {
    const place = { path: undefined, disk, release: async () => {} }
    losses = (await repairStore(place, settingsFrom({}), false, () => 0)).losses
  } catch (cause) {
    const isTyped =
      cause instanceof CorruptionError || cause instanceof UnsupportedError || cause instanceof DiskError
    if (!isTyped) throw cause
    expect(await everything(disk)).toEqual(before)
    return 'refused'
  }
  expect((await verify(disk, settingsFrom({}), () => 0)).problems).toEqual([])
  const store = await openOn(disk, { damagedShard: 'refuse' })
  const isStated = await statedLosses(disk, losses)
  // Only at the end of the log can damage look like a write that was never acknowledged; its LSN is free again.
  const { lsn } = store.status()
  for (const shard of [EDGE, NODE]) {
    const there = store.status().shards.some(({ name }) => name === shard) ? await read(store, shard) : {}
    for (const [tuple, diff] of Object.entries(there)) {
      const value = Number(tuple.slice(1, -1))
      expect([value >= 1 && value <= COMMITS, diff]).toEqual([true, 1])
    }
    for (let value = 1; value <= Math.min(lsn, COMMITS); value++)
      if (there[`[${value}]`] === undefined)
        expect([shard, value, isStated(shard, value)]).toEqual([shard, value, true])
  }
  await store.close()
  return 'repaired'
}

test('whatever happens to the files of a store', async () => {
  const outcomes = { refused: 0, repaired: 0 }
  await fc.assert(
    fc.asyncProperty(damages, async damage => {
      outcomes[await check(damage)]++
    }),
    { numRuns: process.env.VARVE_LONG === '1' ? 10_000 : 400 },
  )
  expect(outcomes.repaired).toBeGreaterThan(outcomes.refused)
}, 600_000)
