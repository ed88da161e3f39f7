// Owns taking turns: asynchronous work that must not overlap, in the order in which it was handed in.

export class Turns {
  #last: Promise<unknown> = Promise.resolve()

  /** Runs `work` when everything before it has ended; what fails fails for its caller alone. */
  take<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work)
    this.#last = turn.catch(() => {})
    return turn
  }

  /** Resolves when everything that was handed in so far has ended. */
  async settled(): Promise<void> {
    await this.#last
  }
}
