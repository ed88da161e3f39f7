// Owns which batch files somebody is reading: a file that was replaced is removed when its last reader is done.

export class Pins {
  readonly #counts = new Map<string, number>()
  readonly #freed: (ids: readonly string[]) => void

  /** @param freed is told which batches have just lost their last reader. */
  constructor(freed: (ids: readonly string[]) => void) {
    this.#freed = freed
  }

  pin(ids: readonly string[]): void {
    for (const id of ids) this.#counts.set(id, (this.#counts.get(id) ?? 0) + 1)
  }

  unpin(ids: readonly string[]): void {
    const freed: string[] = []
    for (const id of ids) {
      const count = (this.#counts.get(id) ?? 0) - 1
      if (count > 0) this.#counts.set(id, count)
      else {
        this.#counts.delete(id)
        freed.push(id)
      }
    }
    if (freed.length > 0) this.#freed(freed)
  }

  isPinned(id: string): boolean {
    return this.#counts.has(id)
  }
}
