// Owns opening stores after crashes and judging what is there. Disks with the same files are judged once: what a
// recovery finds depends on nothing else, which test/simulation/determinism.test.ts shows.
import { expect } from 'vitest'
import type { Settings } from '../../src/config/settings.ts'
import { CorruptionError } from '../../src/errors.ts'
import type { Store } from '../../src/store/store.ts'
import type { SimulatedDisk } from './disk.ts'
import { type Observation, observe, type Times } from './observation.ts'
import type { Kept, Oracle } from './oracle.ts'
import { openLife } from './workloads.ts'

/** The first time that can be read, the last, and one between. */
const fewTimes: Times = (since, upper) => [
  ...new Set(
    [since, Math.floor((since + upper) / 2), upper - 1].filter(time => time >= since && time < upper),
  ),
]

/** How a disk came about that a store is opened on. */
export interface Wreck {
  /** What must still be there. */
  readonly kept: Kept
  /** What happened, for people. */
  readonly place: string
  /** What was not written may look like a line that rotted: that is refused, and the way on is a setting. */
  readonly mayBeAmbiguous: boolean
}

/** A store that was opened after a crash. */
interface Found {
  /** Calls to the disk until it was open. */
  readonly calls: number
  /** What the store has promised by opening: all that it found. */
  readonly oracle: Oracle
}

const everything = Number.POSITIVE_INFINITY

export class Recoveries {
  readonly #settings: Partial<Settings>
  readonly #seen = new Map<string, Observation>()
  /** Crashes that were judged. */
  judged = 0
  /** Opens that refused an ambiguous end of the log and were repeated with leave to cut it. */
  ambiguous = 0

  constructor(settings: Partial<Settings>) {
    this.#settings = settings
  }

  /** Different disks among them. */
  get distinct(): number {
    return this.#seen.size
  }

  async #open(disk: SimulatedDisk, { mayBeAmbiguous }: Wreck): Promise<Store> {
    try {
      return await openLife(disk, this.#settings)
    } catch (cause) {
      if (!mayBeAmbiguous || !(cause instanceof CorruptionError && cause.code === 'WAL_AMBIGUOUS_TAIL'))
        throw cause
      this.ambiguous++
      return openLife(disk, { ...this.#settings, ambiguousTail: 'cut' })
    }
  }

  /**
   * Opens the store on `disk` and holds what is there against what `oracle` knows was promised. The process dies with
   * the store open.
   *
   * @throws if anything is lost, doubled, torn or refused
   */
  async find(disk: SimulatedDisk, oracle: Oracle, wreck: Wreck): Promise<Found> {
    try {
      const store = await this.#open(disk, wreck)
      const calls = disk.trace.length
      const next = oracle.at(everything)
      next.resume(oracle.explain(await observe(store, fewTimes), wreck.kept, 'opened'))
      disk.stop()
      return { calls, oracle: next }
    } catch (cause) {
      throw new Error(`${wreck.place}: ${(cause as Error).message}`, { cause })
    }
  }

  /**
   * Opens the store on `disk`, holds what is there against what `oracle` knows was promised, goes on, and looks again.
   *
   * @throws if anything is lost, doubled, torn or refused
   */
  async judge(disk: SimulatedDisk, oracle: Oracle, wreck: Wreck): Promise<void> {
    this.judged++
    const digest = disk.digest()
    const known = this.#seen.get(digest)
    if (known !== undefined) {
      oracle.explain(known, wreck.kept, wreck.place)
      return
    }
    try {
      const store = await this.#open(disk, wreck)
      const seen = await observe(store, fewTimes)
      const next = oracle.at(everything)
      next.resume(oracle.explain(seen, wreck.kept, 'opened'))
      await this.#goOn(disk, store, next)
      this.#seen.set(digest, seen)
    } catch (cause) {
      throw new Error(`${wreck.place}: ${(cause as Error).message}`, { cause })
    }
  }

  /** A store that came back goes on, and what it says then holds as well. */
  async #goOn(disk: SimulatedDisk, store: Store, oracle: Oracle): Promise<void> {
    await oracle.run(store, {
      kind: 'commit',
      updates: [
        { shard: 'a:left', data: ['goes on'], diff: 1 },
        { shard: 'z:after', data: ['goes on'], diff: 1 },
      ],
    })
    await store.close()
    const again = await openLife(disk, this.#settings)
    expect(again.status().recovery, 'a clean end leaves nothing to replay').toMatchObject({
      total: 0,
      corrupted: 0,
      quarantined: [],
    })
    oracle.explain(await observe(again, fewTimes), 'acknowledged', 'closed and opened again')
    await again.close()
  }
}
