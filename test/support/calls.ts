// Owns the calls to a faulty disk: they are numbered from 1, recorded, and can be made to fail, to stall, or to end for
// good as in a process that died. Deterministic: the same calls meet the same faults.
import { failure } from '../../src/disk/system-error.ts'

/** Which calls a fault meets: the one with this number, or those whose label fits. */
export type Where = number | RegExp | ((label: string) => boolean)

/**
 * What happens to a call. `fail`: it is refused and did nothing; a sync keeps its data, and a later one can succeed.
 * `cut`: a write that writes its first bytes and fails. `drop`: a sync that fails after the system gave up the data.
 */
export type Effect =
  | { readonly kind: 'fail'; readonly errno: string }
  | { readonly kind: 'cut'; readonly bytes: number; readonly errno: string }
  | { readonly kind: 'drop'; readonly errno: string }
  | { readonly kind: 'stall'; readonly gate: Promise<void>; readonly reached: () => void }

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

/** What a call names when it is refused. */
export interface Place {
  readonly path: string
  readonly operation: string
}

const meets = (where: Where, number: number, label: string): boolean => {
  if (typeof where === 'number') return where === number
  return typeof where === 'function' ? where(label) : where.test(label)
}

export class Calls {
  /** One label a call, e.g. `write wal/current.wal 120+87`; call n is `trace[n - 1]`. */
  readonly trace: string[] = []
  #stopAfter: number
  #dead = false
  readonly #faults: Fault[] = []

  constructor(stopAfter: number) {
    this.#stopAfter = stopAfter
  }

  /** Every further call rejects, and those that are stalled as well. */
  stop(): void {
    this.#stopAfter = Math.min(this.#stopAfter, this.trace.length)
    this.#dead = true
  }

  /** Whether a call was refused because the process is dead. */
  get stopped(): boolean {
    return this.#dead
  }

  inject(where: Where, effect: Effect, times: 'once' | 'always'): void {
    this.#faults.push({ where, effect, times })
  }

  stall(where: Where): Stall {
    let release = (): void => {}
    let arrive = (): void => {}
    const gate = new Promise<void>(resolve => {
      release = resolve
    })
    const reached = new Promise<void>(resolve => {
      arrive = resolve
    })
    this.inject(where, { kind: 'stall', gate, reached: arrive }, 'once')
    return { reached, release }
  }

  /**
   * Numbers a call and lets it meet the first fault that fits. Returns what the call itself must do of it; without
   * a fault it runs on at once, so that a call takes effect when it is made.
   */
  enter({ path, operation }: Place, label: string): Effect | Promise<Effect | undefined> | undefined {
    if (this.#dead || this.trace.length >= this.#stopAfter) {
      this.#dead = true
      throw failure('ESTOPPED', path, operation)
    }
    this.trace.push(label)
    const number = this.trace.length
    const index = this.#faults.findIndex(({ where }) => meets(where, number, label))
    const fault = this.#faults[index]
    if (fault === undefined) return undefined
    if (fault.times === 'once') this.#faults.splice(index, 1)
    if (fault.effect.kind === 'fail') throw failure(fault.effect.errno, path, operation)
    if (fault.effect.kind !== 'stall') return fault.effect
    fault.effect.reached()
    return fault.effect.gate.then(() => {
      if (this.#dead) throw failure('ESTOPPED', path, operation)
      return undefined
    })
  }
}
