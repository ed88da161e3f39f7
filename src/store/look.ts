// Owns one look at a store that another process may be writing, and when what is found is believed. Nothing is locked
// and nothing is written. Argument: store.json is read before the documents, so a document holds at least what its
// `walStart` says is in batches; batches are opened as soon as their document is read, and what is open stays; the log
// is read last, and must reach from that `walStart` through the fence of every document. So a look that finds nothing
// wrong is the state after one commit, whatever the writer did meanwhile. If it raised `walStart`, replaced a batch or
// sealed a segment in between, then something is missing or does not join, in another place each time: batch ids and
// LSNs are used once. Damage stays where it is. Hence what two looks in a row find alike is so.
import type { Settings } from '../config/settings.ts'
import type { HeldDisk } from '../disk/held-disk.ts'
import { CorruptionError, DiskError, OpenError } from '../errors.ts'
import { type Recovered, recoverProven } from '../recovery/recover.ts'
import type { Catalog } from '../shard/catalog.ts'
import type { ShardMetadata } from '../shard/metadata.ts'

/** Looks before a reader gives up: each of them needs the writer to have replaced something while it lasted. */
const LOOKS_MAX = 100

/** A store as it was seen. */
export interface Sight extends Recovered {
  readonly catalog: Catalog
  /** Batches that are held for it. */
  readonly batches: readonly string[]
}

/** Keeps batches for a look. */
export interface Holder {
  /** Resolves to whether there is such a batch, and it is kept. */
  readonly hold: (id: string) => Promise<boolean>
  /** What a look kept and nothing came of. */
  readonly letGo: (ids: readonly string[]) => void
}

/** What may be nothing but the store having moved on. */
const isPassing = (error: unknown): error is Error =>
  error instanceof CorruptionError || (error instanceof DiskError && error.code === 'DISK_MISSING')

const damageOf = ({ state }: Sight): string =>
  [...state.shards.values()].map(({ name, damage }) => (damage ? `${name}: ${damage.message}` : '')).join('')

const lookOnce = async (
  disk: HeldDisk,
  settings: Settings,
  now: () => number,
  batches: string[],
  { hold }: Holder,
): Promise<Sight> => {
  const foundShard = async (metadata: ShardMetadata): Promise<void> => {
    for (const { id } of metadata.batches) if (await hold(id)) batches.push(id)
  }
  const { catalog, ...rest } = await recoverProven(disk, settings, now, foundShard)
  if (catalog === undefined || catalog.epoch === 0)
    throw new DiskError('DISK_MISSING', 'there is no store in this directory, or it is being made', {
      path: 'store.json',
      operation: 'open',
    })
  return { ...rest, catalog, batches }
}

/**
 * Reads the store until nothing is wrong with it, or the same is wrong twice in a row.
 *
 * @param check throws a CorruptionError for what cannot be the store that was seen before
 * @throws {CorruptionError} for what is damaged as a whole; a damaged shard is in the result
 * @throws {OpenError} OPEN_OVERTAKEN, OPEN_TIMED_OUT. @throws {UnsupportedError}
 * @throws {DiskError} DISK_MISSING if there is no store
 */
export const look = async (
  disk: HeldDisk,
  settings: Settings,
  now: () => number,
  holder: Holder,
  check: (sight: Sight) => void,
): Promise<Sight> => {
  let before = ''
  for (let looks = 0; looks < LOOKS_MAX; looks++) {
    const batches: string[] = []
    try {
      const sight = await lookOnce(disk, settings, now, batches, holder)
      check(sight)
      const damage = damageOf(sight)
      if (damage === '' || damage === before) return sight
      before = damage
    } catch (cause) {
      if (!isPassing(cause) || cause.message === before) {
        holder.letGo(batches)
        throw cause
      }
      before = cause.message
    }
    holder.letGo(batches)
  }
  throw new OpenError('OPEN_OVERTAKEN', 'the store changed faster than it could be read', {
    looks: LOOKS_MAX,
  })
}
