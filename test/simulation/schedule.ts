// Owns the order in which calls complete that are under way at the same time. Nothing completes while anything else can
// still run: when everybody waits, the seed says which call is next. So all interleavings can happen, and each of
// them again.
import { choice } from './random.ts'

export class Schedule {
  readonly #seed: number
  #waiting: (() => void)[] = []
  #completed = 0
  #isAwake = false

  constructor(seed: number) {
    this.#seed = seed
  }

  /** Resolves when it is this call's turn. */
  turn(): Promise<void> {
    return new Promise(resolve => {
      this.#waiting.push(resolve)
      this.#wake()
    })
  }

  #wake(): void {
    if (this.#isAwake) return
    this.#isAwake = true
    // Behind every promise that can settle without a disk.
    setImmediate(() => {
      this.#isAwake = false
      const next = choice(this.#waiting.length, this.#seed, this.#completed++)
      this.#waiting.splice(next, 1)[0]!()
      if (this.#waiting.length > 0) this.#wake()
    })
  }
}
