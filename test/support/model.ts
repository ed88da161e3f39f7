// The oracle: a list of updates and a sum. Shares nothing with the engine.
import type { Update } from '../../src/model/update.ts'
import { type Contents, tupleText } from './stores.ts'

interface Logged {
  readonly shard: string
  readonly tuple: string
  readonly time: number
  readonly diff: number
}

export class Model {
  readonly #updates: Logged[] = []
  upper = 0

  commit(updates: readonly Update[], time: number): void {
    for (const { shard, data, diff, time: own } of updates) {
      const at = own ?? time
      this.#updates.push({ shard, tuple: tupleText(data), time: at, diff })
      this.upper = Math.max(this.upper, at + 1)
    }
  }

  read(shard: string, asOf: number = this.upper - 1): Contents {
    const contents: Contents = {}
    for (const update of this.#updates) {
      if (update.shard !== shard || update.time > asOf) continue
      contents[update.tuple] = (contents[update.tuple] ?? 0) + update.diff
    }
    return Object.fromEntries(Object.entries(contents).filter(([, diff]) => diff !== 0))
  }
}
