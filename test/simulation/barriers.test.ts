// S8: every barrier is needed. For each a slice of the simulation that holds, and breaks a promise as soon as the syncs of
// that barrier do nothing. Where a barrier has several places, each of them is taken away by itself.
import { describe, expect, test } from 'vitest'
import { BARRIERS, type Barrier } from '../../src/disk/barrier.ts'
import { makeFolders } from '../../src/disk/folder.ts'
import { pathIn } from '../../src/disk/path.ts'
import { bytesOf, everything } from '../support/bytes.ts'
import { crashKilledOpens, crashLife, type Fault, liveOnce, modelsAt, moments } from './crash.ts'
import { SimulatedDisk } from './disk.ts'
import { Recoveries } from './recoveries.ts'
import { openLife, UNSYNCED, WORKLOADS, type Workload } from './workloads.ts'

/** Runs a part of the simulation; rejects if a promise is broken. Syncs that fit `without` do nothing. */
type Slice = (without?: RegExp) => Promise<void>

const [ONE_SHARD, , , COMPACTIONS, BATCHED] = WORKLOADS as readonly [
  Workload,
  Workload,
  Workload,
  Workload,
  Workload,
]

const optionsOf = (without: RegExp | undefined) => (without === undefined ? {} : { without })

/** The moments just behind the calls that fit, and one call later. */
const behind = (trace: readonly string[], label: RegExp): number[] =>
  moments(trace.length).filter(moment =>
    [moment - 1, moment - 2].some(index => index >= 0 && label.test(trace[index]!)),
  )

/** Crashes of a life, behind calls that fit. */
const crashed =
  (workload: Workload, label: RegExp): Slice =>
  async without => {
    const lived = await liveOnce(workload, optionsOf(without))
    await crashLife(lived, behind(lived.disk.trace, label), new Recoveries(workload.settings))
  }

/** Kills in a life just behind calls that fit, and crashes of the opens that follow. */
const killed =
  (workload: Workload, label: RegExp, width: number): Slice =>
  async without => {
    const lived = await liveOnce(workload, optionsOf(without))
    // The opens are of a store that syncs.
    const recoveries = new Recoveries({ ...workload.settings, durabilityMode: 'immediate' })
    const when = behind(lived.disk.trace, label)
    const cuts = { width, depth: 1, options: optionsOf(without) }
    await crashKilledOpens(lived, when, cuts, recoveries)
  }

/** Crashes behind writes to the log that failed although all of it got there. */
const refused: Slice = async without => {
  const fault: Fault = {
    where: (label, number) => /^write wal\/current\.wal(\.tmp)? [1-9]/.test(label) && number % 2 === 0,
    effect: { kind: 'cut', bytes: 10_000, errno: 'EIO' },
    times: 'always',
  }
  const lived = await liveOnce(ONE_SHARD, optionsOf(without), fault)
  await crashLife(lived, behind(lived.disk.trace, / B18$/), new Recoveries(ONE_SHARD.settings))
}

/** Files of replaced batches do not come back as something that nobody can explain: rules 16. */
const replacedBatches: Slice = async without => {
  const { disk, workload } = await liveOnce(COMPACTIONS, optionsOf(without))
  for (const moment of moments(disk.trace.length, 2)) {
    const gone = disk.trace.slice(0, moment).filter(call => call.startsWith('remove batches/'))
    for (const model of modelsAt(moment)) {
      const store = await openLife(disk.crash(model, {}, moment), {
        ...workload.settings,
        ambiguousTail: 'cut',
      })
      const { quarantined } = store.status().recovery
      for (const call of gone) {
        const name = call.replace('remove ', '').replace('/', '-')
        if (quarantined.some(path => path.endsWith(name)))
          throw new Error(`${call} was done at moment ${moment}, and ${name} is in quarantine`)
      }
    }
  }
}

const EVIDENCE = 'neither a line nor padding: evidence'

/** The bytes that an open cuts off are in the log or, with a report, in quarantine, wherever a crash comes between. */
const evidence: Slice = async without => {
  const { disk, workload } = await liveOnce(ONE_SHARD)
  const found = disk.restart(optionsOf(without), 60)
  const file = await found.open('wal/current.wal', 'write')
  await file.write(await file.size(), Buffer.from(EVIDENCE))
  await file.sync('B1')
  const before = found.trace.length
  await openLife(found, workload.settings)
  for (let moment = before; moment <= found.trace.length; moment++) {
    for (const model of modelsAt(moment)) {
      const files = await everything(found.crash(model, {}, moment))
      const places = Object.keys(files).filter(path => files[path]?.includes(EVIDENCE))
      if (places.length === 0) throw new Error(`nothing is left of the evidence at moment ${moment}`)
    }
  }
}

/** A batch that no shard names is in its place or, with a report, in quarantine. */
const reports: Slice = async without => {
  const { disk, workload } = await liveOnce(ONE_SHARD)
  const published = disk.trace.findIndex(call => call.startsWith('rename shards/'))
  const found = disk.restart(optionsOf(without), published)
  await openLife(found, workload.settings)
  for (let moment = 0; moment <= found.trace.length; moment++) {
    for (const model of modelsAt(moment)) {
      const left = found.crash(model, {}, moment)
      for (const { name } of await left.list('quarantine')) {
        if (name.includes('.json') || name.endsWith('.tmp')) continue
        JSON.parse(String(await bytesOf(left, pathIn('quarantine', `${name}.json`))))
      }
    }
  }
}

/** Folders of a new store, made one inside the other. */
const folders: Slice = async without => {
  const disk = new SimulatedDisk(optionsOf(without))
  await makeFolders(disk, ['data', 'persist'], [])
  for (const model of modelsAt(1)) {
    const left = disk.crash(model)
    if ((await left.stat('data/persist')) === undefined) throw new Error('the folder of the store is lost')
  }
}

const lives = crashed(ONE_SHARD, /^(rename|sync|open write wal)/)
/** As `lives`, at more moments: a lost reservation shows where the file of the batch is left and nothing that names it. */
const reservedLives = crashed(ONE_SHARD, /^(rename|sync|remove|open|write batches)/)
const batchedLives = crashed(BATCHED, /^(rename|syncDirectory) (shards|wal)/)
const kills = killed(ONE_SHARD, /^rename shards/, 40)
const batchedKills = killed(BATCHED, /^write wal/, 4)
// What such a session leaves is safe when it was opened by one that syncs, and not before.
const unsyncedKills = killed(UNSYNCED, /^write wal/, 0)

/** Where the syncs of each barrier are, and what breaks without them. */
const PLACES: Readonly<Record<Barrier, readonly (readonly [place: RegExp, slice: Slice])[]>> = {
  B1: [[/ B1$/, lives]],
  B2: [
    [/^sync wal.* B2$/, lives],
    [/^syncDirectory wal B2$/, lives],
  ],
  B3: [[/ B3$/, lives]],
  B4: [[/ B4$/, batchedLives]],
  B5: [[/ B5$/, lives]],
  B6: [[/ B6$/, lives]],
  B7: [[/ B7$/, lives]],
  B8: [[/ B8$/, lives]],
  B10: [[/ B10$/, batchedKills]],
  B12: [
    [/^sync store.* B12$/, lives],
    [/^syncDirectory B12$/, lives],
  ],
  B13: [
    [/^syncDirectory( data)? B13$/, folders],
    [/^sync store.* B13$/, lives],
    [/^sync wal.* B13$/, lives],
    [/^syncDirectory wal B13$/, lives],
  ],
  B14: [
    [/^sync store.* B14$/, lives],
    [/^syncDirectory B14$/, lives],
  ],
  B15: [
    [/^sync wal.* B15$/, batchedLives],
    [/^syncDirectory wal B15$/, batchedLives],
  ],
  B16: [
    [/^sync store.* B16$/, lives],
    [/^syncDirectory B16$/, lives],
  ],
  B17: [
    [/^sync store.* B17$/, reservedLives],
    [/^syncDirectory B17$/, reservedLives],
  ],
  B18: [[/ B18$/, refused]],
  B19: [[/ B19$/, kills]],
  B20: [[/ B20$/, unsyncedKills]],
  B21: [[/ B21$/, replacedBatches]],
  B22: [
    [/^sync quarantine.* B22$/, evidence],
    [/^syncDirectory quarantine B22$/, evidence],
    [/ B22$/, reports],
  ],
}

/** Slices with every barrier in its place, each run once. */
const held = new Map<Slice, Promise<void>>()

const holds = (slice: Slice): Promise<void> => {
  const known = held.get(slice) ?? slice()
  held.set(slice, known)
  return known
}

describe('every barrier is needed (S8)', () => {
  test.each(Object.entries(PLACES))(
    '%s',
    async (barrier, places) => {
      for (const [place, slice] of places) {
        await holds(slice)
        await expect(slice(place), `${barrier} ${place}: ${BARRIERS[barrier as Barrier]}`).rejects.toThrow()
      }
    },
    600_000,
  )
})
