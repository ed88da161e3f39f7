// Owns cutting off: the life of a store after every call to the disk, under every model of what a crash leaves (S1), and
// the opens that follow (S2).
import type { Effect, Where } from './calls.ts'
import type { CrashModel } from './crash-model.ts'
import { SimulatedDisk, type SimulatedDiskOptions } from './disk.ts'
import { type Kept, keeps, Oracle } from './oracle.ts'
import { choice } from './random.ts'
import type { Recoveries } from './recoveries.ts'
import { live, type Workload } from './workloads.ts'

/** The models, each for another seed at every moment. */
export const modelsAt = (seed: number): readonly CrashModel[] => [
  'synced',
  'all',
  'zeros',
  { prefix: choice(1000, seed, 1) },
  { torn: choice(1000, seed, 2) },
  { sectors: seed },
  { garbage: seed },
  { entries: seed },
]

/** Whether a crash may leave anything at all of a line that was not synced. */
const mayBeAmbiguous = (model: CrashModel): boolean => typeof model === 'object' && 'garbage' in model

/** A workload that was lived once, with everything that was promised on the way. */
export interface Lived {
  readonly workload: Workload
  readonly disk: SimulatedDisk
  readonly oracle: Oracle
}

/** What goes wrong in a life. */
export interface Fault {
  readonly where: Where
  readonly effect: Effect
  readonly times: 'once' | 'always'
}

/** Lives a workload to its end. With a fault it goes on after what fails, as far as it gets. */
export const liveOnce = async (
  workload: Workload,
  options: SimulatedDiskOptions = {},
  fault?: Fault,
): Promise<Lived> => {
  const disk = new SimulatedDisk(options)
  const oracle = new Oracle(() => disk.trace.length)
  if (fault === undefined) await live(workload, disk, oracle)
  else {
    disk.inject(fault.where, fault.effect, fault.times)
    await live(workload, disk, oracle, true).catch(() => undefined)
  }
  disk.stop()
  return { workload, disk, oracle }
}

/** Moments from 0 to `end`, both included, every `step`th of them. */
export const moments = (end: number, step = 1): number[] => [
  ...new Set([...Array.from({ length: Math.floor(end / step) + 1 }, (_, index) => index * step), end]),
]

const placeOf = (disk: SimulatedDisk, moment: number, model: CrashModel): string =>
  `after call ${moment} of ${disk.trace.length} (${disk.trace[moment - 1]}), ${JSON.stringify(model)}`

const keptBy = ({ settings }: Workload, hasLostPower: boolean): Kept =>
  keeps(settings.durabilityMode ?? 'immediate', hasLostPower ? 'power' : 'kill')

/** Crashes a life after each call that `when` names, under all models, and judges what is left. */
export const crashLife = async (
  { workload, disk, oracle }: Lived,
  when: readonly number[],
  recoveries: Recoveries,
): Promise<void> => {
  for (const moment of when) {
    for (const model of modelsAt(moment)) {
      await recoveries.judge(disk.crash(model, {}, moment), oracle.at(moment), {
        kept: keptBy(workload, model !== 'all'),
        place: `"${workload.name}" ${placeOf(disk, moment, model)}`,
        mayBeAmbiguous: mayBeAmbiguous(model),
      })
    }
  }
}

/** How the opens after a crash are cut off. */
export interface Cuts {
  /** Crashes of each open. */
  readonly width: number
  /** How many opens are cut off, one after the other. */
  readonly depth: number
  /** What those disks are made with. */
  readonly options?: SimulatedDiskOptions
}

interface Fate {
  readonly workload: Workload
  readonly oracle: Oracle
  /** What happened so far, for people. */
  readonly place: string
  readonly hasLostPower: boolean
  readonly mayBeAmbiguous: boolean
  readonly seed: number
}

/**
 * Opens the store on `disk`, and crashes it at some moments of that open and after it: the process is killed, or the power
 * fails. Each time what is left is judged, and its open cut off in turn.
 */
const crashOpen = async (
  disk: SimulatedDisk,
  fate: Fate,
  { width, depth, options = {} }: Cuts,
  recoveries: Recoveries,
): Promise<void> => {
  const { workload, oracle, place, seed } = fate
  const opened = await recoveries.find(disk, oracle, { ...fate, kept: keptBy(workload, fate.hasLostPower) })
  for (let index = 0; index <= width; index++) {
    // The last time after the open: what it found must not be taken back by anything.
    const moment = index === width ? opened.calls : choice(opened.calls, seed, index, 1)
    const next = choice(1 << 30, seed, index, 2)
    const models = modelsAt(next)
    const model = models[choice(models.length, next)]!
    const after: Fate = {
      ...fate,
      oracle: index === width ? opened.oracle : oracle,
      place: `${place}; then ${placeOf(disk, moment, model)}`,
      hasLostPower: fate.hasLostPower || model !== 'all',
      mayBeAmbiguous: fate.mayBeAmbiguous || mayBeAmbiguous(model),
      seed: next,
    }
    await recoveries.judge(disk.crash(model, {}, moment), after.oracle, {
      ...after,
      kept: keptBy(workload, after.hasLostPower),
    })
    if (depth <= 1) continue
    const left = model === 'all' ? disk.restart(options, moment) : disk.crash(model, options, moment)
    await crashOpen(left, after, { width, depth: depth - 1, options }, recoveries)
  }
}

/** Kills a life after each call that `when` names, and crashes the opens that follow. */
export const crashKilledOpens = async (
  { workload, disk, oracle }: Lived,
  when: readonly number[],
  cuts: Cuts,
  recoveries: Recoveries,
): Promise<void> => {
  for (const moment of when) {
    const fate: Fate = {
      workload,
      oracle: oracle.at(moment),
      place: `"${workload.name}" killed ${placeOf(disk, moment, 'all')}`,
      hasLostPower: false,
      mayBeAmbiguous: false,
      seed: moment,
    }
    // The page cache outlives a process: what the next one reads need not be durable.
    await crashOpen(disk.restart(cuts.options, moment), fate, cuts, recoveries)
  }
}

/** Crashes a life after each call that `when` names, each time under another model, and the opens that follow. */
export const crashCrashedOpens = async (
  { workload, disk, oracle }: Lived,
  when: readonly number[],
  cuts: Cuts,
  recoveries: Recoveries,
): Promise<void> => {
  for (const moment of when) {
    const models = modelsAt(moment)
    const model = models[choice(models.length, moment, 3)]!
    const fate: Fate = {
      workload,
      oracle: oracle.at(moment),
      place: `"${workload.name}" crashed ${placeOf(disk, moment, model)}`,
      hasLostPower: true,
      mayBeAmbiguous: mayBeAmbiguous(model),
      seed: moment,
    }
    await crashOpen(disk.crash(model, cuts.options, moment), fate, cuts, recoveries)
  }
}

/**
 * Judges what a life leaves that ended on a failing disk: after a kill, after a power failure, and after a kill with a
 * power failure during or after the next open.
 */
export const judgeEnd = async (lived: Lived, seed: number, recoveries: Recoveries): Promise<void> => {
  const { workload, disk, oracle } = lived
  const models: CrashModel[] = ['all', 'synced', { sectors: seed }, { entries: seed }]
  for (const model of models) {
    await recoveries.judge(disk.crash(model), oracle, {
      kept: keptBy(workload, model !== 'all'),
      place: `"${workload.name}" ${placeOf(disk, disk.trace.length, model)}`,
      mayBeAmbiguous: false,
    })
  }
  const fate: Fate = {
    workload,
    oracle,
    place: `"${workload.name}" killed`,
    hasLostPower: false,
    mayBeAmbiguous: false,
    seed,
  }
  await crashOpen(disk.restart(), fate, { width: 1, depth: 1 }, recoveries)
}
