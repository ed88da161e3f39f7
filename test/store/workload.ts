// A short life of a store, in which commit n puts [n] into two shards at time n, so that half a commit, a doubled
// one and a lost one all show. Everything that can run into a dead or failing disk says how far it came.
import type { DurabilityMode, Settings } from '../../src/config/settings.ts'
import type { Disk } from '../../src/disk/disk.ts'
import type { Store } from '../../src/store/store.ts'
import { SimulatedDisk } from '../simulation/disk.ts'
import { openOn, read } from '../support/stores.ts'

export interface Progress {
  /** Commits that were entered. */
  issued: number
  /** Commits that were acknowledged. */
  acknowledged: number
  /** Commits that rejected as determinate: they must not be there. */
  refused: number[]
}

export const SETTINGS: Partial<Settings> = { bufferSize: 6, walSegmentBytes: 300, maxWalSizeBytes: 4000 }

export const commit = async (store: Store, progress: Progress): Promise<void> => {
  const number = progress.issued++
  try {
    await store.commit([
      { shard: 'a:left', data: [number], diff: 1, time: number },
      { shard: 'b:right', data: [number], diff: 1, time: number },
    ])
    progress.acknowledged++
  } catch (error) {
    if ((error as { outcome?: string }).outcome === 'determinate') progress.refused.push(number)
    throw error
  }
}

const steps: ((store: Store, progress: Progress) => Promise<unknown>)[] = [
  commit,
  commit,
  store => store.flush(),
  commit,
  (store, progress) =>
    Promise.all([commit(store, progress), commit(store, progress), commit(store, progress)]),
  store => store.compact(),
  commit,
  commit,
  store => store.sync(),
  commit,
  store => store.compact({ since: 3 }),
  commit,
  store => store.flush(),
  commit,
]

/**
 * Lives it to the end, or until `errors` says that enough went wrong.
 * @param goOn whether to carry on after a step that failed
 */
export const live = async (
  disk: Disk,
  progress: Progress,
  goOn: boolean,
  settings: Partial<Settings> = SETTINGS,
): Promise<void> => {
  let store: Store | undefined
  try {
    store = await openOn(disk, settings)
    for (const step of steps) {
      try {
        await step(store, progress)
      } catch (error) {
        if (!goOn) throw error
      }
    }
  } finally {
    await store?.close()
  }
}

/** What the store holds: the same numbers in both shards, as an ascending list. Throws if anything is not once. */
export const survivors = async (store: Store): Promise<number[]> => {
  const left = await read(store, 'a:left')
  const right = await read(store, 'b:right')
  if (JSON.stringify(left) !== JSON.stringify(right)) throw new Error('the shards do not agree on a commit')
  for (const [tuple, diff] of Object.entries(left))
    if (diff !== 1) throw new Error(`${tuple} is there ${diff} times`)
  return Object.keys(left).map(tuple => Number(tuple.slice(1, -1)))
}

export const start = (): Progress => ({ issued: 0, acknowledged: 0, refused: [] })

/** How many calls the workload makes when nothing goes wrong. */
export const callsOf = async (durabilityMode: DurabilityMode): Promise<number> => {
  const disk = new SimulatedDisk()
  await live(disk, start(), false, { ...SETTINGS, durabilityMode })
  return disk.trace.length
}
