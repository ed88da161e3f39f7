// The law of repair: whatever was done to the files, either it is refused with a typed error and nothing changes, or the
// store serves again, holds nothing that was never in it, states as lost everything that it holds no more, of each shard, and
// holds everything that a sound batch or a sound line of the log has (IL-31, IL-32, IL-47, GB-33).
import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { settingsFrom } from '../../src/config/settings.ts'
import { MemoryDisk } from '../../src/disk/memory-disk.ts'
import { CorruptionError, DiskError, UnsupportedError } from '../../src/errors.ts'
import { verify } from '../../src/recovery/verify.ts'
import { repairStore } from '../../src/store/repair.ts'
import type { Store } from '../../src/store/store.ts'
import { bytesOf, copyOnto, everything, leftBy } from '../support/bytes.ts'
import { openOn, read } from '../support/stores.ts'

const EDGE = 'default:edge'
const NODE = 'default:node'

/** It is dropped, and made anew. */
const BACK = 'default:back'
/** It is dropped, and stays so. */
const GONE = 'default:gone'
/** It has one number, in the log alone: from there on the log is replayed. */
const LATE = 'default:late'
const SHARDS = [EDGE, NODE, BACK, GONE, LATE]

/** Which numbers each shard is given, at time n - 1; in between {@link BACK} and {@link GONE} are dropped. */
const COMMITS = 14
const DROP_AFTER = 8
const VALUES: Readonly<Record<string, (value: number) => boolean>> = {
  [EDGE]: () => true,
  [NODE]: value => value % 3 === 2,
  [BACK]: value => value % 2 === 0,
  [GONE]: value => value <= 6,
  [LATE]: value => value === 8,
}

/** A number of a shard. */
interface Fact {
  readonly shard: string
  readonly value: number
  readonly lsn: number
  /** It came before the drop. */
  readonly dropped: boolean
}

let files: Record<string, string>
let facts: Fact[]
let dropLsn: number
/** What sound batches have, by file, and sound lines from `walStart` on, by their text. */
let inBatch: Map<string, Fact[]>
let inLine: Map<string, Fact[]>

const quiet = async (store: Store, bufferSize: number): Promise<void> => {
  while (store.status().shards.some(({ buffered }) => buffered >= bufferSize))
    await new Promise(resolve => setImmediate(resolve))
}

const noteEvidence = (): void => {
  const walStart = JSON.parse(files['store.json']!).walStart as number
  const live = facts.filter(({ dropped }) => !dropped)
  inBatch = new Map()
  inLine = new Map()
  for (const [path, text] of Object.entries(files)) {
    if (path.startsWith('shards/')) {
      const { name, batches } = JSON.parse(text)
      for (const { path: file, lsnLower, lsnUpper } of batches)
        inBatch.set(
          file,
          live.filter(({ shard, lsn }) => shard === name && lsn >= lsnLower && lsn <= lsnUpper),
        )
    }
    if (path.startsWith('wal/'))
      for (const line of text.split('\n')) {
        const lsn = Number(/^[0-9a-f]{8}:\{"lsn":([0-9]+),/.exec(line)?.[1] ?? 0)
        if (lsn >= walStart)
          inLine.set(
            `${line}\n`,
            live.filter(fact => fact.lsn === lsn),
          )
      }
  }
}

/**
 * Shards that flush at different LSNs, so that batches reach beyond `walStart`; one that is dropped, one that is made anew
 * after that; a batch that a compaction made; a log of several segments.
 */
beforeAll(async () => {
  const disk = new MemoryDisk()
  const store = await openOn(disk, { walSegmentBytes: 400, bufferSize: 3, autoCompactThreshold: 0 })
  facts = []
  for (let value = 1; value <= COMMITS; value++) {
    const shards = SHARDS.filter(shard => VALUES[shard]!(value))
    const { lsn } = await store.commit(shards.map(shard => ({ shard, data: [value], diff: 1 })))
    for (const shard of shards)
      facts.push({
        shard,
        value,
        lsn,
        dropped: value <= DROP_AFTER && (shard === BACK || shard === GONE),
      })
    await quiet(store, 3)
    if (value === 4) await store.compact()
    if (value === DROP_AFTER) dropLsn = (await store.drop([BACK, GONE])).lsn
  }
  files = await leftBy(disk)
  await store.close()
  noteEvidence()
  const straddles = Object.entries(files).some(([path, text]) => {
    if (!path.startsWith('shards/')) return false
    const { walStart } = JSON.parse(files['store.json']!)
    return JSON.parse(text).batches.some(
      (batch: { lsnLower: number; lsnUpper: number }) =>
        batch.lsnLower < walStart && batch.lsnUpper >= walStart,
    )
  })
  expect([straddles, inLine.size > 3, inBatch.size > 3]).toEqual([true, true, true])
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
  /** Of these alone, and of any that nothing else named. */
  readonly shards?: readonly string[]
  readonly lsnLower: number
  readonly lsnUpper: number
  readonly openEnded?: boolean
}

/** The LSNs from which a report says that something is lost, of each shard. */
const statedLosses = async (
  disk: MemoryDisk,
  losses: readonly string[],
  isThere: (shard: string) => boolean,
): Promise<(shard: string, lsn: number) => boolean> => {
  const stated: Stated[] = []
  for (const path of losses) {
    const report = JSON.parse((await bytesOf(disk, path)).toString())
    if (!Array.isArray(report.lost)) continue
    for (const lost of report.lost)
      stated.push({ ...lost, shard: report.shard, known: report.known, shards: report.shards })
  }
  return (name, lsn) =>
    stated.some(
      ({ shard, known, shards, lsnLower, lsnUpper, openEnded }) =>
        (shard === undefined || shard === name) &&
        known?.includes(name) !== true &&
        (shards === undefined || shards.includes(name) || !isThere(name)) &&
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
  const isThere = (shard: string): boolean => store.status().shards.some(({ name }) => name === shard)
  const isStated = await statedLosses(disk, losses, isThere)
  // Only at the end of the log can damage look like a write that was never acknowledged; its LSN is free again.
  const { lsn: end } = store.status()
  const kept = new Set<Fact>()
  for (const shard of SHARDS) {
    const there = isThere(shard) ? await read(store, shard) : {}
    const own = facts.filter(fact => fact.shard === shard)
    expect(Object.values(there).every(diff => diff === 1)).toBe(true)
    for (const tuple of Object.keys(there)) {
      const fact = own.find(({ value }) => tuple === `[${value}]`)
      expect([shard, tuple, fact !== undefined]).toEqual([shard, tuple, true])
      kept.add(fact!)
      // Nothing comes back but where the drop itself is lost.
      if (fact!.dropped)
        expect([shard, tuple, dropLsn > end || isStated(shard, dropLsn)]).toEqual([shard, tuple, true])
    }
    for (const fact of own)
      if (!kept.has(fact) && !fact.dropped && fact.lsn <= end)
        expect([fact, isStated(shard, fact.lsn)]).toEqual([fact, true])
  }
  const log = Object.entries(found).filter(([path]) => path.startsWith('wal/'))
  const expected = [
    ...[...inBatch].filter(([path]) => found[path] === files[path]),
    ...[...inLine].filter(([line]) => log.some(([, text]) => text.includes(line))),
  ]
  for (const [source, each] of expected)
    for (const fact of each) expect([source, fact, kept.has(fact)]).toEqual([source, fact, true])
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
