// Owns S6: lives of a store in which many do different things at once, on a disk whose calls complete in any order, until
// the process dies at some call. Money is moved between accounts in three shards: its sum is the same at every time.
// Everything follows from the seed.
import type { Settings } from '../../src/config/settings.ts'
import type { Snapshot } from '../../src/store/snapshot.ts'
import type { Store } from '../../src/store/store.ts'
import { type Contents, contentsOf, tupleText } from '../support/stores.ts'
import type { SimulatedDisk } from './disk.ts'
import type { Oracle } from './oracle.ts'
import { choice } from './random.ts'

const VAULTS = ['money:a', 'money:b', 'money:c'] as const
const FACTS = 'facts:held'
/** A shard that comes and goes. */
const NOTES = 'notes:passing'
const ACCOUNTS = 4
/** What each account has at first. */
const DEPOSIT = 10
/** What all accounts have together, at every time. */
const TOTAL: number = VAULTS.length * ACCOUNTS * DEPOSIT

/** Numbers of one seed, in order. */
export class Dice {
  readonly #keys: readonly number[]
  #count = 0

  constructor(...keys: number[]) {
    this.#keys = keys
  }

  /** A whole number in `[0, below)`. */
  roll(below: number): number {
    return choice(below, ...this.#keys, this.#count++)
  }

  /** One of several. */
  of<T>(...choices: readonly T[]): T {
    return choices[this.roll(choices.length)]!
  }
}

/** Settings under which much happens in little time. */
export const anySettings = (
  dice: Dice,
): Pick<Settings, 'durabilityMode' | 'compactionWindow'> & Partial<Settings> => ({
  durabilityMode: dice.of('immediate', 'immediate', 'batched', 'async', 'none'),
  bufferSize: dice.of(3, 9, 20, 40),
  walSegmentBytes: dice.of(300, 1000, 100_000),
  maxWalSizeBytes: dice.of(2000, 6000, 1_000_000),
  maxBufferBytes: dice.of(1500, 100_000),
  syncIntervalMs: 50,
  autoCompactThreshold: dice.of(0, 2, 3, 4),
  autoCompactIntervalSecs: dice.of(0, 1),
  compactionWindow: dice.of<number | 'all'>('all', 'all', 0, 3, 12),
})

const EXPECTED: ReadonlySet<unknown> = new Set([
  'TIME_BEFORE_UPPER',
  'SINCE_NOT_BEFORE_UPPER',
  'SHARD_UNKNOWN',
  'BUSY',
])

/** Whether an error is what others can bring about, and not a sign of something that failed. */
const isExpected = (error: unknown): boolean =>
  error instanceof Error && EXPECTED.has((error as { code?: string }).code) && error.cause === undefined

/** What a reader saw. */
export interface Witness {
  readonly lsn: number
  readonly asOf: number
  readonly shard: string
  readonly contents: Contents
}

/** What is done to a store at once, until it is done or the process is dead. */
export class Turmoil {
  readonly #store: Store
  readonly #disk: SimulatedDisk
  readonly #oracle: Oracle
  readonly #keys: readonly number[]
  readonly #advance: (milliseconds: number) => void
  readonly witnesses: Witness[] = []

  /**
   * @param keys of everything that is left to chance
   * @param advance moves the clock of the timers
   */
  constructor(
    store: Store,
    disk: SimulatedDisk,
    oracle: Oracle,
    keys: readonly number[],
    advance: (milliseconds: number) => void,
  ) {
    this.#store = store
    this.#disk = disk
    this.#oracle = oracle
    this.#keys = keys
    this.#advance = advance
  }

  /** Resolves when everybody is done. Rejects if somebody met what may not happen to a process that is alive. */
  async run(): Promise<void> {
    if (this.#store.upper === 0) await this.#deposit().catch(error => this.#forgive(error))
    const roles = [
      this.#move,
      this.#move,
      this.#hold,
      this.#hold,
      this.#note,
      this.#flush,
      this.#compact,
      this.#read,
      this.#wait,
    ]
    const ends = await Promise.allSettled(roles.map((role, number) => this.#play(role, number)))
    for (const end of ends) if (end.status === 'rejected') throw end.reason
    const { state, reason } = this.#store.status()
    if (!this.#disk.stopped && state !== 'serving') throw new Error(`the store is ${state}: ${reason}`)
  }

  /** Plays a role again and again. */
  async #play(role: (dice: Dice) => Promise<void>, number: number): Promise<void> {
    const dice = new Dice(...this.#keys, number)
    for (let times = 6 + dice.roll(12); times > 0 && !this.#disk.stopped; times--) {
      for (let pause = dice.roll(12); pause > 0; pause--) await new Promise(resolve => setImmediate(resolve))
      await role.call(this, dice).catch(error => this.#forgive(error))
    }
  }

  /** A dead process may fail at everything, one that is alive at what others did just before, or at its bounds. */
  #forgive(error: unknown): void {
    if (!this.#disk.stopped && !isExpected(error)) throw error
  }

  #deposit(): Promise<void> {
    const accounts = VAULTS.flatMap(shard =>
      Array.from({ length: ACCOUNTS }, (_, account) => ({ shard, data: [account], diff: DEPOSIT })),
    )
    return this.#oracle.run(this.#store, { kind: 'commit', updates: accounts })
  }

  /** Moves money, now and then at a later time than the next. */
  async #move(dice: Dice): Promise<void> {
    const updates = Array.from({ length: 1 + dice.roll(2) }, () => {
      const amount = 1 + dice.roll(5)
      return [
        { shard: dice.of(...VAULTS), data: [dice.roll(ACCOUNTS)], diff: -amount },
        { shard: dice.of(...VAULTS), data: [dice.roll(ACCOUNTS)], diff: amount },
      ]
    }).flat()
    const later = dice.roll(6) === 0 ? { time: this.#store.upper + dice.roll(3) } : {}
    await this.#oracle.run(this.#store, { kind: 'commit', updates, ...later })
  }

  /** Makes facts present or absent. */
  async #hold(dice: Dice): Promise<void> {
    const tuples = Array.from({ length: 1 + dice.roll(3) }, () => [dice.roll(3), dice.of('x', 'y')])
    await this.#oracle.run(this.#store, { kind: dice.of('insert', 'insert', 'delete'), shard: FACTS, tuples })
  }

  /** Moves money and leaves a note of it, or throws all notes away. */
  async #note(dice: Dice): Promise<void> {
    const from = { shard: dice.of(...VAULTS), data: [dice.roll(ACCOUNTS)] }
    const updates = [
      { ...from, diff: -1 },
      { shard: VAULTS[0], data: [0], diff: 1 },
      { shard: NOTES, data: [dice.roll(3)], diff: 1 },
    ]
    await this.#oracle.run(
      this.#store,
      dice.roll(3) === 0 ? { kind: 'drop', shards: [NOTES] } : { kind: 'commit', updates },
    )
  }

  async #flush(dice: Dice): Promise<void> {
    await (dice.roll(3) === 0 ? this.#oracle.sync(this.#store) : this.#oracle.flush(this.#store))
  }

  async #compact(dice: Dice): Promise<void> {
    const { upper } = this.#store
    const raises = upper > 0 && dice.roll(2) === 0
    await this.#oracle.compact(this.#store, raises ? dice.roll(upper) : undefined)
  }

  /** Lets the timers go. */
  async #wait(dice: Dice): Promise<void> {
    this.#advance(dice.of(10, 60, 1000))
  }

  /** Looks at one time twice, with a while in between, and at what changes to a later time. */
  async #read(dice: Dice): Promise<void> {
    const { upper, shards } = this.#store.status()
    if (upper === 0) return
    const since = Math.max(0, ...shards.map(shard => shard.since))
    const early = await this.#store.snapshot({ asOf: since + dice.roll(upper - since) })
    try {
      const before = await this.#look(early)
      for (let pause = dice.roll(300); pause > 0; pause--) await new Promise(resolve => setImmediate(resolve))
      const late = await this.#store.snapshot()
      try {
        const after = await this.#look(late)
        const shard = dice.of(...VAULTS, FACTS)
        const contents = before.get(shard)!
        const what = `${shard} as of ${early.asOf}`
        requireEqual(`${what}, read again`, await contentsOf(early, shard), contents)
        const changed = { ...contents }
        for await (const { data, diff } of late.changes(shard, { from: early.asOf }))
          add(changed, tupleText(data), diff)
        requireEqual(`${what}, and what changed to ${late.asOf}`, changed, after.get(shard)!)
      } finally {
        await late.close()
      }
    } finally {
      await early.close()
    }
  }

  /** Reads all shards of a snapshot; the sum has to be right, and facts have to be sets. */
  async #look(snapshot: Snapshot): Promise<ReadonlyMap<string, Contents>> {
    const seen = new Map<string, Contents>()
    for (const shard of [...VAULTS, FACTS, NOTES]) {
      const contents = await contentsOf(snapshot, shard)
      seen.set(shard, contents)
      this.witnesses.push({ lsn: snapshot.lsn, asOf: snapshot.asOf, shard, contents })
    }
    requireMoney(seen, `as of ${snapshot.asOf}, LSN ${snapshot.lsn}`)
    return seen
  }
}

const add = (contents: Contents, tuple: string, diff: number): void => {
  const sum = (contents[tuple] ?? 0) + diff
  if (sum === 0) delete contents[tuple]
  else contents[tuple] = sum
}

const requireEqual = (what: string, found: Contents, expected: Contents): void => {
  const text = (contents: Contents): string => JSON.stringify(Object.entries(contents).sort())
  if (text(found) !== text(expected)) throw new Error(`${what}: ${text(found)}, not ${text(expected)}`)
}

/** If all accounts are seen, their sum is what was deposited; and each fact is there once. */
export const requireMoney = (seen: ReadonlyMap<string, Contents>, what: string): void => {
  if (!VAULTS.every(shard => seen.has(shard))) return
  const sum = VAULTS.flatMap(shard => Object.values(seen.get(shard) ?? {})).reduce(
    (total, each) => total + each,
    0,
  )
  if (sum !== TOTAL) throw new Error(`${what}: the accounts have ${sum} together, not ${TOTAL}`)
  for (const [fact, times] of Object.entries(seen.get(FACTS) ?? {}))
    if (times !== 1) throw new Error(`${what}: the fact ${fact} is there ${times} times`)
}
