// Owns opening a store for reading only: the place, the settings, and no lock.
import { openFolder } from '../disk/folder.ts'
import { HeldDisk } from '../disk/held-disk.ts'
import { InputError } from '../errors.ts'
import { type OpenOptions, resolved } from './open.ts'
import { Reader } from './reader.ts'

/** What {@link openReader} takes: a place, and the settings that matter to who only reads. */
export type ReaderOptions = Pick<
  OpenOptions,
  'dataDir' | 'enabled' | 'config' | 'damagedShard' | 'openTimeoutMs'
>

/**
 * Opens a store for reading only, also while another process writes it, and on a medium that cannot be written. Takes no
 * lock and writes not one byte. Sees the store as of the last commit that is proven to survive a power loss: a line of
 * the log says how far the log was durable when it was written, so the newest commits are seen when later ones, a flush
 * or a clean close follow them (docs/durability.md#reading).
 *
 * @throws {InputError} SETTING_INVALID, also where there is no directory to read; CONFIG_INVALID
 * @throws {DiskError} DISK_MISSING if there is no store; DISK_DENIED, DISK_NOT_A_DIRECTORY, DISK_FAILED with errno EMFILE
 * if the store has more batches than this process may have open files
 * @throws {CorruptionError} the store is not what was written; `details` has file and offset
 * @throws {UnsupportedError} a newer Varve wrote it
 * @throws {OpenError} OPEN_OVERTAKEN if the store changed under every one of many attempts; OPEN_TIMED_OUT
 */
export const openReader = async (options: ReaderOptions): Promise<Reader> => {
  const { dataDir, enabled, ...settings } = await resolved(options, process.env)
  if (!enabled)
    throw new InputError('SETTING_INVALID', 'a store in memory cannot be read by anybody else', {
      setting: 'dataDir',
    })
  const { disk, path } = await openFolder(dataDir, { create: false })
  return Reader.over({ path, disk: new HeldDisk(disk), settings, now: Date.now })
}
