// Rules 23, IL-35: what a reader sees is a prefix of whole commits at every moment of a writer's life, and no crash can
// take it back.
import { describe, expect, test } from 'vitest'
import { type Settings, settingsFrom } from '../../src/config/settings.ts'
import type { Disk } from '../../src/disk/disk.ts'
import { HeldDisk } from '../../src/disk/held-disk.ts'
import { DiskError } from '../../src/errors.ts'
import { Reader } from '../../src/store/reader.ts'
import type { Snapshot } from '../../src/store/snapshot.ts'
import type { Store } from '../../src/store/store.ts'
import type { CrashModel } from '../simulation/crash-model.ts'
import { SimulatedDisk } from '../simulation/disk.ts'
import type { Operation } from '../simulation/ledger.ts'
import { type Observation, observe } from '../simulation/observation.ts'
import { Oracle } from '../simulation/oracle.ts'
import { choice } from '../simulation/random.ts'
import { LONG } from '../support/long.ts'
import { type Contents, contentsOf, openOn } from '../support/stores.ts'

/** Segments are sealed, buffers flushed and batches compacted every few commits. */
const SMALL: Partial<Settings> = { walSegmentBytes: 512, bufferSize: 5, autoCompactThreshold: 3 }

const readOn = (disk: Disk): Promise<Reader> =>
  Reader.over({ path: undefined, disk: new HeldDisk(disk), settings: settingsFrom({}), now: () => 0 })

/** One commit to two shards: half of it would show. */
const both = (value: number): Operation => ({
  kind: 'commit',
  updates: ['bank:from', 'bank:to'].map(shard => ({ shard, data: [value, 'x'.repeat(value % 40)], diff: 1 })),
})

/** What a writer does: single commits, groups, facts, flushes, compactions, a drop, another beginning. */
const write = async (oracle: Oracle, store: Store, seed: number, steps: number): Promise<void> => {
  let value = 0
  for (let step = 0; step < steps; step++) {
    const group = Array.from({ length: 1 + choice(3, seed, step, 1) }, () => oracle.run(store, both(value++)))
    await Promise.all(group)
    switch (choice(8, seed, step, 2)) {
      case 0:
        await oracle.flush(store)
        break
      case 1:
        await oracle.compact(store)
        break
      case 2:
        await oracle.compact(store, Math.max(0, store.upper - 3))
        break
      case 3:
        await oracle.run(store, { kind: 'insert', shard: 'facts', tuples: [[value], [value % 3]] })
        break
      case 4:
        await oracle.run(store, { kind: 'delete', shard: 'facts', tuples: [[value % 3]] })
        break
      case 5:
        if (store.status().shards.length > 1)
          await oracle.run(store, { kind: 'drop', shards: ['bank:from', 'bank:to'] })
        break
    }
  }
}

/** Every time is looked at where there are few, else the first and the last ones. */
const someTimes = (since: number, upper: number): readonly number[] => [
  ...new Set([since, upper - 2, upper - 1].filter(time => time >= since && time < upper)),
]

/** What a reader sees of a disk that nobody touches; undefined while there is no store yet. */
const seenOn = async (disk: Disk): Promise<Observation | undefined> => {
  let reader: Reader
  try {
    reader = await readOn(disk)
  } catch (cause) {
    expect(cause).toBeInstanceOf(DiskError)
    expect(cause).toMatchObject({ code: 'DISK_MISSING' })
    return undefined
  }
  try {
    expect(reader.status()).toMatchObject({ state: 'serving' })
    return await observe(reader, someTimes)
  } finally {
    await reader.close()
  }
}

/** What loses most, and what loses names out of order. */
const CRASHES: readonly CrashModel[] = LONG
  ? ['synced', 'zeros', { entries: 1 }, { entries: 2 }, { sectors: 3 }, { garbage: 4 }]
  : ['synced', { entries: 1 }]

describe('at every moment of a writer, no power failure takes back what a reader sees', () => {
  test.each([
    ['immediate', 1],
    ['batched', 2],
    ['async', 3],
    ['none', 4],
  ] as const)('mode %s', async (durabilityMode, seed) => {
    const disk = new SimulatedDisk()
    const oracle = new Oracle(() => disk.trace.length)
    const settings = { ...SMALL, durabilityMode }
    for (const life of [0, 1]) {
      const store = await openOn(disk, settings)
      await write(oracle, store, 10 * seed + life, LONG ? 60 : 6)
      await oracle.settle(() => store.close())
    }
    const sights = new Map<string, Observation | undefined>()
    const recovered = new Map<string, number>()
    let lsn = 0
    let behind = 0
    for (let moment = 0; moment <= disk.trace.length; moment++) {
      const place = `mode ${durabilityMode}, seed ${seed}, call ${moment} ${disk.trace[moment - 1]}`
      const now = disk.restart({}, moment)
      const files = now.digest()
      if (!sights.has(files)) sights.set(files, await seenOn(now))
      const seen = sights.get(files)
      if (seen === undefined) {
        expect(lsn, place).toBe(0)
        continue
      }
      oracle.at(moment).explain(seen, 'nothing', place)
      expect(seen.lsn, place).toBeGreaterThanOrEqual(lsn)
      lsn = seen.lsn
      // In mode none nothing is promised about a power failure.
      if (durabilityMode === 'none') continue
      for (const model of CRASHES) {
        const after = disk.crash(model, {}, moment)
        const key = after.digest()
        if (!recovered.has(key)) {
          const store = await openOn(after, { ambiguousTail: 'cut' })
          recovered.set(key, store.status().lsn)
          await store.close()
        }
        const survived = recovered.get(key)!
        expect(survived, `${place}, ${JSON.stringify(model)}`).toBeGreaterThanOrEqual(seen.lsn)
        if (survived > seen.lsn) behind++
      }
    }
    // Everything in the end; and on the way there was more on the disk than a reader would believe.
    expect(lsn).toBe(sights.get(disk.digest())!.lsn)
    if (durabilityMode !== 'none') expect(behind).toBeGreaterThan(20)
    expect(sights.size).toBeGreaterThan(200)
  })
})

/** A snapshot that stays open, and what it held at first. */
interface Kept {
  readonly snapshot: Snapshot
  readonly contents: Contents
}

const SEEDS = LONG ? 400 : 30

describe('beside a writer whose calls and its own come in any order', () => {
  test(`a reader sees whole commits and never goes back; its snapshots stay: ${SEEDS} seeds`, async () => {
    let refreshes = 0
    let moves = 0
    let removed = 0
    for (let seed = 1; seed <= SEEDS; seed++) {
      const place = `seed ${seed}`
      const disk = new SimulatedDisk({ schedule: seed })
      const oracle = new Oracle(() => disk.trace.length)
      const durabilityMode = (['immediate', 'batched', 'async', 'none'] as const)[seed % 4]!
      // A third of them give up the history by themselves as well.
      const window = seed % 3 === 0 ? 2 : Number.POSITIVE_INFINITY
      const compactionWindow = seed % 3 === 0 ? 2 : 'all'
      const store = await openOn(disk, { ...SMALL, durabilityMode, compactionWindow })
      let isWriting = true
      const writing = write(oracle, store, seed, 8).finally(() => {
        isWriting = false
      })
      const reader = await readOn(disk)
      const kept: Kept[] = []
      let lsn = 0
      while (isWriting) {
        await reader.refresh()
        refreshes++
        const seen = await observe(reader, someTimes)
        oracle.explain(seen, 'nothing', place, window)
        expect(seen.lsn, place).toBeGreaterThanOrEqual(lsn)
        if (seen.lsn > lsn) moves++
        lsn = seen.lsn
        const snapshot = await reader.snapshot()
        kept.push({ snapshot, contents: await contentsOf(snapshot, 'bank:from') })
      }
      await writing
      await oracle.settle(() => store.close())
      removed += disk.trace.filter(label => label.startsWith('remove batches/')).length
      for (const { snapshot, contents } of kept) {
        expect(await contentsOf(snapshot, 'bank:from'), place).toEqual(contents)
        expect(await contentsOf(snapshot, 'bank:to'), place).toEqual(contents)
      }
      await reader.refresh()
      const last = await observe(reader)
      expect(oracle.explain(last, 'acknowledged', place, window)).toHaveLength(last.lsn)
      await reader.close()
    }
    expect(refreshes).toBeGreaterThan(4 * SEEDS)
    expect(moves).toBeGreaterThan(SEEDS)
    expect(removed).toBeGreaterThan(SEEDS)
  })
})
