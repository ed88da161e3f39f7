// Owns S3: short sequences of what can be done to a store, each run once. What a crash after any of its calls leaves
// is worked out from the history of the disk, so that nothing is run twice.
import { type DurabilityMode, type Settings, settingsFrom } from '../../src/config/settings.ts'
import type { Update } from '../../src/model/update.ts'
import type { Store } from '../../src/store/store.ts'
import type { SimulatedDisk } from './disk.ts'
import type { Oracle } from './oracle.ts'
import { openLife } from './workloads.ts'

/** The shards that what goes on after a crash (recoveries.ts) writes to. */
export const A = 'a:left'
export const B = 'z:after'

/** A buffer takes so many updates: two commits, each with two, fill it. */
const BUFFER_SIZE = 4

const SETTINGS: Partial<Settings> = {
  bufferSize: BUFFER_SIZE,
  walSegmentBytes: 600,
  autoCompactThreshold: 0,
  // Only what the sequence does happens.
  autoCompactIntervalSecs: 0,
  syncIntervalMs: settingsFrom({}).syncIntervalMs * 1_000_000,
}

/** Settings under which only what a sequence does happens. */
export const settingsIn = (durabilityMode: DurabilityMode): Partial<Settings> => ({
  ...SETTINGS,
  durabilityMode,
})

/** A store in the course of a sequence, and what it promised. */
export class Course {
  readonly disk: SimulatedDisk
  readonly oracle: Oracle
  readonly #mode: DurabilityMode
  #store: Store | undefined
  #commits = 0

  constructor(disk: SimulatedDisk, oracle: Oracle, mode: DurabilityMode) {
    this.disk = disk
    this.oracle = oracle
    this.#mode = mode
  }

  get store(): Store {
    return this.#store!
  }

  async open(): Promise<void> {
    this.#store = await openLife(this.disk, settingsIn(this.#mode))
  }

  /** Puts a tuple of its own into each shard, and one more of what every commit puts. */
  async commit(...shards: string[]): Promise<void> {
    const own = this.#commits++
    const updates = shards.flatMap((shard): Update[] => [
      { shard, data: [own], diff: 1 },
      { shard, data: ['all'], diff: 1 },
    ])
    await this.oracle.run(this.store, { kind: 'commit', updates })
  }

  /** Drops a shard, if it is there. */
  async drop(shard: string): Promise<void> {
    if (this.store.status().shards.some(({ name }) => name === shard))
      await this.oracle.run(this.store, { kind: 'drop', shards: [shard] })
  }

  async reopen(): Promise<void> {
    await this.oracle.settle(() => this.store.close())
    await this.open()
  }

  /** Resolves when nothing goes on any more. */
  async quiet(): Promise<void> {
    let calls = -1
    while (calls !== this.disk.trace.length) {
      calls = this.disk.trace.length
      for (let turn = 0; turn < 3; turn++) await new Promise(resolve => setImmediate(resolve))
    }
  }
}

export const STEPS: Readonly<Record<string, (course: Course) => Promise<void>>> = {
  'commit A': course => course.commit(A),
  'commit A and B': course => course.commit(A, B),
  // The second commit of a buffer makes it freeze: its flush goes on beside what follows.
  'fill A': async course => {
    await Promise.all([course.commit(A), course.commit(A)])
  },
  flush: course => course.oracle.flush(course.store),
  compact: course => course.oracle.compact(course.store),
  'advance since': course => course.oracle.compact(course.store, course.store.upper - 1),
  'drop B': course => course.drop(B),
  sync: course => course.oracle.sync(course.store),
  reopen: course => course.reopen(),
}
