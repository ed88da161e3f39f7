// Owns the calls to a simulated disk: they are numbered from 1, recorded, and can be made to fail, to stall, or to end
// for good as in a process that died. Deterministic: the same calls meet the same faults.
import { failure } from '../../src/disk/system-error.ts'
import { Schedule } from './schedule.ts'

/** Which calls a fault meets: the one with this number, or those whose label fits. */
export type Where = number | RegExp | ((label: string, number: number) => boolean)

/** What happens to a call. */
export type Effect =
  /** It is refused and did nothing; a sync keeps its data, and a later one can succeed. */
  | { readonly kind: 'fail'; readonly errno: string }
  /** A write that writes its first bytes and fails. */
  | { readonly kind: 'cut'; readonly bytes: number; readonly errno: string }
  /** A sync that fails; of a file, after the system gave up what it was to make durable. */
  | { readonly kind: 'drop'; readonly errno: string }
  /** A read in which this bit of the first byte is wrong. */
  | { readonly kind: 'flip'; readonly bit: number }

interface Fault {
  readonly where: Where
  readonly effect: Effect
  readonly times: 'once' | 'always'
}

/** A call that is held up. */
export interface Stall {
  /** Resolves when the call has come. */
  readonly reached: Promise<void>
  /** Lets it go on. */
  release(): void
}

interface Gate {
  readonly where: Where
  readonly opened: Promise<void>
  readonly reach: () => void
}

/** What a call names when it is refused. */
export interface Place {
  readonly path: string
  readonly operation: string
}

export interface CallOptions {
  /** The process dies after so many calls: every further one rejects with errno ESTOPPED. @default never */
  readonly stopAfter?: number
  /** Calls that are under way at the same time complete in an order that this seed decides. @default as they come */
  readonly schedule?: number
}

const meets = (where: Where, number: number, label: string): boolean => {
  if (typeof where === 'number') return where === number
  return typeof where === 'function' ? where(label, number) : where.test(label)
}

export class Calls {
  /** One label a call, e.g. `write wal/current.wal 120+87`; call n is `trace[n - 1]`. */
  readonly trace: string[] = []
  readonly #stopAfter: number
  readonly #schedule: Schedule | undefined
  #isDead = false
  readonly #faults: Fault[] = []
  readonly #gates: Gate[] = []

  constructor({ stopAfter = Number.POSITIVE_INFINITY, schedule }: CallOptions) {
    this.#stopAfter = stopAfter
    this.#schedule = schedule === undefined ? undefined : new Schedule(schedule)
  }

  /** Every further call rejects, and those that are under way as well. */
  stop(): void {
    this.#isDead = true
  }

  /** Whether the process is dead. */
  get stopped(): boolean {
    return this.#isDead
  }

  inject(where: Where, effect: Effect, times: 'once' | 'always'): void {
    this.#faults.push({ where, effect, times })
  }

  stall(where: Where): Stall {
    let release = (): void => {}
    let reach = (): void => {}
    const opened = new Promise<void>(resolve => {
      release = resolve
    })
    const reached = new Promise<void>(resolve => {
      reach = resolve
    })
    this.#gates.push({ where, opened, reach })
    return { reached, release }
  }

  /** Whether a call can be made while the thread waits: not where calls are held up. */
  get canBlock(): boolean {
    return this.#schedule === undefined && this.#gates.length === 0
  }

  /** The first fault that fits, used up if it is for one call. */
  #fault(number: number, label: string): Effect | undefined {
    const index = this.#faults.findIndex(({ where }) => meets(where, number, label))
    const fault = this.#faults[index]
    if (fault?.times === 'once') this.#faults.splice(index, 1)
    return fault?.effect
  }

  /** What the call has to wait for. */
  #turn(number: number, label: string): Promise<void> | undefined {
    const index = this.#gates.findIndex(({ where }) => meets(where, number, label))
    if (index === -1) return this.#schedule?.turn()
    const gate = this.#gates.splice(index, 1)[0]!
    gate.reach()
    return gate.opened
  }

  /**
   * Numbers a call and lets it meet the first fault that fits. Returns what the call itself must do of it. A call that
   * has not to wait runs on at once: it takes effect when it is made.
   */
  enter(place: Place, label: string): Effect | undefined | Promise<Effect | undefined> {
    if (this.#isDead || this.trace.length >= this.#stopAfter) {
      this.#isDead = true
      throw failure('ESTOPPED', place.path, place.operation)
    }
    const number = this.trace.push(label)
    const effect = this.#fault(number, label)
    const go = (): Effect | undefined => {
      if (this.#isDead) throw failure('ESTOPPED', place.path, place.operation)
      if (effect?.kind === 'fail') throw failure(effect.errno, place.path, place.operation)
      return effect
    }
    const turn = this.#turn(number, label)
    return turn === undefined ? go() : turn.then(go)
  }

  /** As {@link enter}, where calls cannot be held up. */
  enterNow(place: Place, label: string): Effect | undefined {
    const effect = this.enter(place, label)
    if (effect instanceof Promise) throw new Error(`${label} was to be held up, and cannot be`)
    return effect
  }
}
