// Owns the lives of stores that the simulation cuts off: eight short ones, each for another part of the engine, of about
// 300 calls to the disk. Deterministic: nothing in them depends on time or chance.
import type { Settings } from '../../src/config/settings.ts'
import type { Disk } from '../../src/disk/disk.ts'
import type { Update } from '../../src/model/update.ts'
import type { Value } from '../../src/model/value.ts'
import type { Store } from '../../src/store/store.ts'
import { openOn } from '../support/stores.ts'
import type { Operation } from './ledger.ts'
import type { Oracle } from './oracle.ts'

/** Stores that lived the same life have the same bytes. */
const newId = (): string => '00000000-0000-4000-8000-000000000000'

/** Opens the store of a life on a disk, or makes it. */
export const openLife = (disk: Disk, settings: Partial<Settings>): Promise<Store> =>
  openOn(disk, settings, newId)

/** A store that is being used, and what it promises on the way. */
class Life {
  readonly #disk: Disk
  readonly #oracle: Oracle
  readonly #settings: Partial<Settings>
  /** Whether to carry on after a step that failed. */
  readonly #goesOn: boolean
  #store: Store | undefined

  constructor(disk: Disk, oracle: Oracle, settings: Partial<Settings>, goesOn: boolean) {
    this.#disk = disk
    this.#oracle = oracle
    this.#settings = settings
    this.#goesOn = goesOn
  }

  get store(): Store {
    return this.#store!
  }

  async open(): Promise<void> {
    this.#store = await openLife(this.#disk, this.#settings)
  }

  async #attempt(step: () => Promise<unknown>): Promise<void> {
    try {
      await step()
    } catch (cause) {
      if (!this.#goesOn) throw cause
    }
  }

  run(operation: Operation): Promise<void> {
    return this.#attempt(() => this.#oracle.run(this.store, operation))
  }

  commit(...updates: readonly Update[]): Promise<void> {
    return this.run({ kind: 'commit', updates })
  }

  sync(): Promise<void> {
    return this.#attempt(() => this.#oracle.sync(this.store))
  }

  flush(): Promise<void> {
    return this.#attempt(() => this.#oracle.flush(this.store))
  }

  compact(since?: number): Promise<void> {
    return this.#attempt(() => this.#oracle.compact(this.store, since))
  }

  /** Closing flushes, so it settles what was acknowledged. */
  async close(): Promise<void> {
    const store = this.#store
    if (store !== undefined) await this.#oracle.settle(() => store.close())
  }
}

export interface Workload {
  readonly name: string
  readonly settings: Partial<Settings>
  readonly steps: (life: Life) => Promise<void>
}

const at = (time: number, shard: string, value: Value, diff = 1): Update => ({
  shard,
  data: [value],
  diff,
  time,
})

/** One update to each of two shards, so that half a commit shows. */
const pair = (time: number): Update[] => [at(time, 'a:left', time), at(time, 'b:right', -time)]

const SMALL: Partial<Settings> = {
  bufferSize: 5,
  walSegmentBytes: 400,
  maxWalSizeBytes: 4000,
  syncIntervalMs: 1_000_000_000, // no timer decides anything
  autoCompactThreshold: 0,
}

export const WORKLOADS: readonly Workload[] = [
  {
    name: 'one shard: flushes, retractions, compaction',
    settings: SMALL,
    steps: async life => {
      for (let time = 0; time < 7; time++) await life.commit(at(time, 'a:left', time % 4))
      await life.flush()
      await life.commit(at(7, 'a:left', 1, -1))
      await life.commit(at(8, 'a:left', 2, -2))
      await life.compact()
      await life.commit(at(10, 'a:left', 1, -1))
      await life.flush()
      for (let time = 11; time < 15; time++) await life.commit(at(time, 'a:left', 'later'))
    },
  },
  {
    name: 'several shards in one commit',
    settings: SMALL,
    steps: async life => {
      for (let time = 0; time < 4; time++) await life.commit(...pair(time))
      await life.commit(at(4, 'a:left', 'alone'))
      await life.flush()
      await life.commit(...pair(5), at(5, 'c:middle', true))
      await life.commit(at(6, 'b:right', null))
      await life.compact()
      for (let time = 7; time < 10; time++) await life.commit(...pair(time))
    },
  },
  {
    name: 'commits that share a sync, beside flushes',
    settings: { ...SMALL, walSegmentBytes: 700 },
    steps: async life => {
      for (let round = 0; round < 5; round++) {
        const commits = [0, 1, 2, 3, 4].map(() =>
          life.commit(...pair(round).map(({ time: _, ...rest }) => rest)),
        )
        await Promise.all(round === 2 ? [...commits, life.flush()] : commits)
      }
      await Promise.all([life.compact(), life.commit(at(60, 'a:left', 'meanwhile'))])
      await life.commit(...pair(61))
    },
  },
  {
    name: 'compaction that raises since, beside one that starts by itself',
    settings: { ...SMALL, autoCompactThreshold: 3, bufferSize: 3 },
    steps: async life => {
      for (let time = 0; time < 6; time++) await life.commit(at(time, 'a:left', time % 2))
      await life.compact(3)
      const reader = await life.store.snapshot()
      for (let time = 6; time < 10; time++) await life.commit(at(time, 'a:left', time % 2, -1))
      await life.compact(8)
      await reader.close()
      for (let time = 10; time < 13; time++) await life.commit(at(time, 'a:left', 'z'))
      await life.compact(12)
      await life.commit(at(13, 'a:left', 'end'))
    },
  },
  {
    name: 'mode batched',
    settings: { ...SMALL, durabilityMode: 'batched' },
    steps: async life => {
      for (let time = 0; time < 4; time++) await life.commit(...pair(time))
      await life.sync()
      for (let time = 4; time < 9; time++) await life.commit(...pair(time))
      await life.flush()
      await life.commit(...pair(9))
      await life.compact(5)
      await life.commit(...pair(10))
      await life.sync()
      await life.commit(...pair(11))
    },
  },
  {
    name: 'mode async',
    settings: { ...SMALL, durabilityMode: 'async' },
    steps: async life => {
      for (let time = 0; time < 3; time++) await life.commit(...pair(time))
      await life.sync()
      await Promise.all([3, 4, 5].map(time => life.commit(...pair(time))))
      await life.flush()
      for (let time = 6; time < 10; time++) await life.commit(...pair(time))
      await life.compact()
      await life.commit(...pair(10))
      await life.sync()
      await life.commit(...pair(11))
    },
  },
  {
    name: 'declared columns, facts, and shards that are dropped',
    settings: SMALL,
    steps: async life => {
      const columns = [
        { name: 'who', type: 'string' },
        { name: 'size', type: 'float64' },
      ] as const
      await life.run({ kind: 'declare', shard: 'kg:person', columns })
      await life.run({
        kind: 'insert',
        shard: 'kg:person',
        tuples: [
          ['ann', 1.5],
          ['bob', 2.5],
        ],
      })
      await life.run({
        kind: 'insert',
        shard: 'kg:person',
        tuples: [
          ['ann', 1.5],
          ['cy', 3.5],
        ],
      })
      await life.flush()
      await life.run({ kind: 'delete', shard: 'kg:person', tuples: [['bob', 2.5]] })
      await Promise.all([
        life.run({ kind: 'insert', shard: 'kg:city', tuples: [['here']] }),
        life.run({ kind: 'insert', shard: 'kg:city', tuples: [['here'], ['there']] }),
      ])
      await life.compact()
      await life.run({ kind: 'drop', shards: ['kg:city'] })
      await life.run({ kind: 'insert', shard: 'kg:city', tuples: [[1], [2]] })
      await life.run({
        kind: 'delete',
        shard: 'kg:person',
        tuples: [
          ['ann', 1.5],
          ['cy', 3.5],
        ],
      })
      await life.flush()
      await life.run({ kind: 'drop', shards: ['kg:person', 'kg:city'] })
      await life.run({ kind: 'insert', shard: 'kg:city', tuples: [['anew']] })
    },
  },
  {
    name: 'lines longer than a sector, and a store that is opened again',
    settings: { ...SMALL, walSegmentBytes: 1500, maxWalSizeBytes: 20_000, bufferSize: 4 },
    steps: async life => {
      const long = (time: number): Update[] => [
        at(time, 'a:left', String(time).repeat(700)),
        at(time, 'b:right', `x${time}`),
      ]
      for (let time = 1; time < 4; time++) await life.commit(...long(time))
      await life.close()
      await life.open()
      await Promise.all([4, 5].map(time => life.commit(...long(time))))
      await life.compact()
      await life.commit(...long(6))
      await life.close()
      await life.open()
      await life.commit(...long(7))
    },
  },
]

/** A store that syncs nothing: it promises what a killed process leaves, and nothing when the power fails. */
export const UNSYNCED: Workload = {
  name: 'mode none',
  settings: { ...SMALL, durabilityMode: 'none' },
  steps: async life => {
    for (let time = 0; time < 4; time++) await life.commit(...pair(time))
    await life.flush()
    for (let time = 4; time < 8; time++) await life.commit(...pair(time))
    await life.compact()
    await life.commit(...pair(8))
  },
}

/**
 * Lives a workload to its end.
 * @param goesOn whether to carry on after a step that failed
 */
export const live = async (workload: Workload, disk: Disk, oracle: Oracle, goesOn = false): Promise<void> => {
  const life = new Life(disk, oracle, workload.settings, goesOn)
  await life.open()
  try {
    await workload.steps(life)
  } finally {
    await life.close()
  }
}
