// Owns opening a store at a place: the directory is locked first, and let go if opening fails.
import { type Settings, settingsFrom } from '../config/settings.ts'
import { openFolder } from '../disk/folder.ts'
import { acquireLock } from '../disk/lock.ts'
import { MemoryDisk } from '../disk/memory-disk.ts'
import type { Engine } from './engine.ts'
import { openEngine, type Place } from './open-engine.ts'
import { Store } from './store.ts'

/** What {@link openStore} takes: a place, and settings. */
export interface OpenOptions extends Partial<Settings> {
  /**
   * The directory of the store; made if it is not there. Relative to the working directory at the time of the call.
   * @default none: the store lives in memory and touches no disk
   */
  readonly dataDir?: string
}

const lockedPlace = async (dataDir: string, { breakLock }: Settings): Promise<Place> => {
  const { disk, path } = await openFolder(dataDir, { create: true })
  const lock = await acquireLock(disk, path, { breakLock })
  return { path, disk, release: () => lock.release() }
}

/** As {@link openStore}, without the facade. */
export const openEngineAt = async (options: OpenOptions): Promise<Engine> => {
  const { dataDir, ...rest } = options
  const settings = settingsFrom(rest)
  if (dataDir === undefined)
    return openEngine({ path: undefined, disk: new MemoryDisk(), release: async () => {} }, settings)
  const place = await lockedPlace(dataDir, settings)
  try {
    return await openEngine(place, settings)
  } catch (cause) {
    await place.release()
    throw cause
  }
}

/**
 * Opens a store, or makes one. When the promise resolves, everything that was acknowledged in mode `immediate` is
 * there, what the log still held has been flushed, and opening again would replay nothing.
 *
 * @throws {InputError} SETTING_INVALID
 * @throws {LockedError} LOCKED: another process has the directory; `details.holder` says which
 * @throws {CorruptionError} the store is not what was written. No file but LOCK was changed; `details` has file and
 * offset, and docs/durability.md#recovery says what can be done
 * @throws {UnsupportedError} a newer Varve wrote it
 * @throws {DiskError} DISK_DENIED, DISK_NOT_A_DIRECTORY, DISK_FULL, DISK_FAILED with `details.path`
 * @throws {OpenError} OPEN_TIMED_OUT
 */
export const openStore = async (options: OpenOptions = {}): Promise<Store> =>
  new Store(await openEngineAt(options))
