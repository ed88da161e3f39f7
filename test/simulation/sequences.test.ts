import { beforeAll, describe, expect, test } from 'vitest'
import type { CrashModel } from './crash-model.ts'
import { SimulatedDisk } from './disk.ts'
import type { Operation } from './ledger.ts'
import { observe } from './observation.ts'
import { keeps, Oracle } from './oracle.ts'
import { Recoveries } from './recoveries.ts'
import { A, B, Course, STEPS, settingsIn } from './sequences.ts'

const IS_LONG = process.env.VARVE_LONG !== undefined

const MODELS: readonly CrashModel[] = [
  'all',
  'synced',
  'zeros',
  { torn: 7 },
  { prefix: 1 },
  { sectors: 1 },
  { entries: 1 },
  { entries: 2 },
]

const NAMES = Object.keys(STEPS)

/** Every sequence of so many steps. */
const sequencesOf = (length: number): string[][] =>
  length === 0 ? [[]] : sequencesOf(length - 1).flatMap(rest => NAMES.map(name => [...rest, name]))

/** All of up to two steps, and of those of three as many as there is time for: each step comes in each place. */
const SEQUENCES: readonly string[][] = [
  ...sequencesOf(1),
  ...sequencesOf(2),
  ...sequencesOf(3).filter((_, index) => IS_LONG || index % 10 === 0),
]

// S3: IL-06, IL-07, IL-18, IL-21, IL-30, IL-48, GB-16, GB-19, GB-20, ND-16, ND-21, LD-13.
describe.each(['immediate', 'batched'] as const)('sequences of up to three steps in mode %s', mode => {
  /** Two shards with a batch each, closed: what all sequences begin with. */
  let base: { readonly disk: SimulatedDisk; readonly past: readonly Operation[] }
  beforeAll(async () => {
    const disk = new SimulatedDisk()
    const course = new Course(disk, new Oracle(), mode)
    await course.open()
    await course.commit(A, B)
    await course.reopen()
    const past = course.oracle.explain(await observe(course.store), 'acknowledged', 'the beginning')
    await course.store.close()
    base = { disk, past }
  })

  /** Takes the steps. Returns the moment before the last of them: what crashes before it leave, shorter ones show. */
  const take = async (steps: readonly string[]): Promise<{ course: Course; from: number }> => {
    const disk = base.disk.crash('all')
    const oracle = new Oracle(() => disk.trace.length)
    oracle.resume(base.past)
    const course = new Course(disk, oracle, mode)
    await course.open()
    for (const step of steps.slice(0, -1)) await STEPS[step]!(course)
    const from = disk.trace.length
    await STEPS[steps.at(-1)!]!(course)
    await course.quiet()
    return { course, from }
  }

  test('a crash at any call of the last step leaves a prefix of what was committed, and a store that goes on', async () => {
    const recoveries = new Recoveries(settingsIn(mode))
    for (const steps of SEQUENCES) {
      const { course, from } = await take(steps)
      const { disk, oracle } = course
      const { length } = disk.trace
      for (let moment = from; moment <= length; moment++) {
        for (const model of MODELS) {
          await recoveries.judge(disk.crash(model, {}, moment), oracle.at(moment), {
            kept: keeps(mode, model === 'all' ? 'kill' : 'power'),
            place: `${steps.join(', ')}: after call ${moment} (${disk.trace[moment - 1]}), ${JSON.stringify(model)}`,
            mayBeAmbiguous: false,
          })
        }
      }
      disk.stop()
      await course.store.close().catch(() => {})
    }
    expect(recoveries.judged).toBeGreaterThan(IS_LONG ? 250_000 : 50_000)
    expect(recoveries.distinct).toBeGreaterThan(IS_LONG ? 3_500 : 1_000)
  }, 3_600_000)
})
