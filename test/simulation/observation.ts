// Owns what can be seen of a store from outside, as plain data, so that equal stores are looked at once.
import type { Store } from '../../src/store/store.ts'
import { type Contents, contentsOf } from '../support/stores.ts'

interface ObservedShard {
  readonly since: number
  /** Contents as of the times that were looked at. */
  readonly contents: ReadonlyMap<number, Contents>
}

export interface Observation {
  /** The last commit that the store claims to hold. */
  readonly lsn: number
  readonly upper: number
  readonly shards: ReadonlyMap<string, ObservedShard>
}

/** Which of the times in `[since, upper)` are looked at. */
export type Times = (since: number, upper: number) => readonly number[]

/** Every time that can be read. */
export const allTimes: Times = (since, upper) =>
  Array.from({ length: upper - since }, (_, index) => since + index)

/** Looks at every shard as of some times. Nothing may be committed meanwhile. */
export const observe = async (
  store: Pick<Store, 'status' | 'snapshot'>,
  times: Times = allTimes,
): Promise<Observation> => {
  const { lsn, upper, shards } = store.status()
  const seen = new Map<string, { since: number; contents: Map<number, Contents> }>()
  const wanted = new Map<number, string[]>()
  for (const { name, since } of shards) {
    seen.set(name, { since, contents: new Map() })
    for (const time of times(since, upper)) wanted.set(time, [...(wanted.get(time) ?? []), name])
  }
  for (const [asOf, names] of wanted) {
    const snapshot = await store.snapshot({ asOf })
    try {
      for (const name of names) seen.get(name)!.contents.set(asOf, await contentsOf(snapshot, name))
    } finally {
      await snapshot.close()
    }
  }
  return { lsn, upper, shards: seen }
}
