// Opens stores for tests, on any disk, and reads them out as plain maps.
import { type Settings, settingsFrom } from '../../src/config/settings.ts'
import type { Disk } from '../../src/disk/disk.ts'
import type { Value } from '../../src/model/value.ts'
import { valueText } from '../../src/model/value-json.ts'
import { openEngine } from '../../src/store/open-engine.ts'
import type { Snapshot } from '../../src/store/snapshot.ts'
import { Store } from '../../src/store/store.ts'

/** A clock that only tests move. */
const stillClock = (): number => 1_700_000_000_000

/** Opens a store on `disk`, without a lock. @param newId makes the id of a store that is new */
export const openOn = async (
  disk: Disk,
  settings: Partial<Settings> = {},
  newId?: () => string,
): Promise<Store> => {
  const place = { path: undefined, disk, release: async () => {} }
  return new Store(await openEngine(place, settingsFrom(settings), stillClock, newId))
}

/** The text of a tuple: equal for equal tuples. */
export const tupleText = (data: readonly Value[]): string => `[${data.map(valueText).join(',')}]`

/** Multiplicity by tuple. */
export type Contents = Record<string, number>

/** What a snapshot holds of a shard. */
export const contentsOf = async (snapshot: Snapshot, shard: string): Promise<Contents> => {
  const contents: Contents = {}
  for await (const { data, diff } of snapshot.rows(shard)) contents[tupleText(data)] = diff
  return contents
}

/** What a store holds of a shard, as of a time. */
export const read = async (store: Store, shard: string, asOf?: number): Promise<Contents> => {
  const snapshot = await store.snapshot(asOf === undefined ? {} : { asOf })
  try {
    return await contentsOf(snapshot, shard)
  } finally {
    await snapshot.close()
  }
}
