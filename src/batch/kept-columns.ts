// Owns columns that are kept by name as far as memory allows: what was used longest ago goes first.
import { bytesOf, type Columns } from '../model/columns.ts'

interface Kept {
  readonly columns: Columns
  readonly bytes: number
  /** The tick of its last use. */
  used: number
}

export class KeptColumns {
  readonly bytesMax: number
  readonly #byKey = new Map<string, Kept>()
  #bytes = 0
  #ticks = 0

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax
  }

  get(key: string): Columns | undefined {
    const kept = this.#byKey.get(key)
    if (kept === undefined) return undefined
    // A tick and not a move to the end of the map: it is asked for far more often than something goes.
    kept.used = ++this.#ticks
    return kept.columns
  }

  /**
   * Makes `columns`, which do not change any more, what was used last.
   * @param bytes that it takes
   */
  set(key: string, columns: Columns, bytes: number = bytesOf(columns)): void {
    this.delete(key)
    this.#byKey.set(key, { columns, bytes, used: ++this.#ticks })
    this.#bytes += bytes
    while (this.#bytes > this.bytesMax) this.delete(this.#oldest())
  }

  #oldest(): string {
    let oldest = ''
    let least = Number.POSITIVE_INFINITY
    for (const [key, { used }] of this.#byKey) {
      if (used > least) continue
      least = used
      oldest = key
    }
    return oldest
  }

  delete(key: string): void {
    this.#bytes -= this.#byKey.get(key)?.bytes ?? 0
    this.#byKey.delete(key)
  }

  deleteAll(prefix: string): void {
    for (const key of this.#byKey.keys()) if (key.startsWith(prefix)) this.delete(key)
  }
}
