// Owns opening a store at a place: the directory is locked first, and let go if opening fails. What is not said in
// code is taken from a configuration file and the environment, if the caller names such a file.
import { isUtf8 } from 'node:buffer'
import { type Environment, environmentLayer } from '../config/environment.ts'
import { effective, type Layer, optionValues } from '../config/layers.ts'
import { type Options, optionsFrom, type Settings } from '../config/settings.ts'
import { openFolder } from '../disk/folder.ts'
import { acquireLock } from '../disk/lock.ts'
import { MemoryDisk } from '../disk/memory-disk.ts'
import { openUserFile } from '../disk/user-file.ts'
import { InputError } from '../errors.ts'
import type { Engine } from './engine.ts'
import { openEngine, type Place } from './open-engine.ts'
import { type RepairReport, repairStore } from './repair.ts'
import { Store } from './store.ts'

/** A configuration file is read whole. */
const CONFIG_BYTES_MAX = 1024 * 1024

const NEWLINE = 10

/** What {@link openStore} takes: a place, and settings. What is `undefined` is not said. */
export interface OpenOptions extends Partial<Settings> {
  /**
   * The directory of the store; made if it is not there. Relative to the working directory at the time of the call.
   * @default what `config` says; without it the store lives in memory and touches no disk
   */
  readonly dataDir?: string
  /**
   * `false`: the store lives in memory and touches no disk, whatever `dataDir` says. `true` where nothing says a
   * `dataDir`: it is in `./data`.
   * @default what `config` says; without it, whether there is a `dataDir`
   */
  readonly enabled?: boolean
  /**
   * A `config.toml`. It and the variables `VARVE_…` of the environment say what these options do not; the environment
   * wins over the file, these options over both. Without it neither is read.
   */
  readonly config?: string
}

const textOf = (bytes: Uint8Array, file: string): string => {
  if (isUtf8(bytes)) return new TextDecoder().decode(bytes)
  let line = 1
  for (let start = 0; ; line++) {
    const end = bytes.indexOf(NEWLINE, start)
    if (end === -1 || !isUtf8(bytes.subarray(start, end))) break
    start = end + 1
  }
  throw new InputError('CONFIG_INVALID', 'the line is not UTF-8', { file, line })
}

/**
 * What a configuration file says.
 * @throws {DiskError} DISK_MISSING, DISK_DENIED, DISK_NOT_A_FILE
 * @throws {InputError} CONFIG_INVALID with file, line, column, key
 */
export const configLayer = async (path: string): Promise<Layer> => {
  const file = await openUserFile(path)
  try {
    const bytes = await file.size()
    if (bytes > CONFIG_BYTES_MAX)
      throw new InputError('CONFIG_INVALID', 'this is too large for a configuration file', {
        file: path,
        bytes,
      })
    // The parser takes longer to load than a store to open: so only who has such a file waits for it.
    const { fileLayer } = await import('../config/file.ts')
    return fileLayer(textOf(await file.read(0, bytes), path), path)
  } finally {
    await file.close()
  }
}

/** Without what is `undefined`, which says nothing. */
const said = (code: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(code).filter(([, value]) => value !== undefined))

/** Every option, from all that says something of it: defaults < file < environment < code. */
export const resolved = async (
  { config, ...code }: OpenOptions,
  environment: Environment,
): Promise<Options> => {
  if (config === undefined) return optionsFrom({ enabled: code.dataDir !== undefined, ...said(code) })
  if (typeof config !== 'string' || config === '')
    throw new InputError('SETTING_INVALID', 'config must be the path of a file', { setting: 'config' })
  const layers = [await configLayer(config), environmentLayer(environment)]
  return optionsFrom({ ...optionValues(effective(layers)), ...said(code) })
}

const lockedPlace = async (dataDir: string, create: boolean, { breakLock }: Settings): Promise<Place> => {
  const { disk, path } = await openFolder(dataDir, { create })
  const lock = await acquireLock(disk, path, { breakLock })
  return { path, disk, release: () => lock.release() }
}

/**
 * As {@link openStore}, without the facade. Without `create` a store must be there.
 * @throws {DiskError} DISK_MISSING without `create`
 */
export const openEngineAt = async (
  options: OpenOptions,
  { create }: { readonly create: boolean },
): Promise<Engine> => {
  const { dataDir, enabled, ...settings } = await resolved(options, process.env)
  if (!enabled)
    return openEngine({ path: undefined, disk: new MemoryDisk(), release: async () => {} }, settings)
  const place = await lockedPlace(dataDir, create, settings)
  try {
    return await openEngine(place, settings)
  } catch (cause) {
    await place.release()
    throw cause
  }
}

/**
 * Repairs the store of `options`: see {@link repairStore}. Without `enabled` there is none.
 * @throws {DiskError} DISK_MISSING if there is no store
 */
export const repairStoreAt = async (options: OpenOptions, dryRun: boolean): Promise<RepairReport> => {
  const { dataDir, enabled: _, ...settings } = await resolved(options, process.env)
  return repairStore(await lockedPlace(dataDir, false, settings), settings, dryRun)
}

/**
 * Opens a store, or makes one. When the promise resolves, everything that was acknowledged in mode `immediate` is
 * there, what the log still held has been flushed, and opening again would replay nothing.
 *
 * @throws {InputError} SETTING_INVALID; CONFIG_INVALID with file, line and column, or the variable
 * @throws {LockedError} LOCKED: another process has the directory; `details.holder` says which
 * @throws {CorruptionError} the store is not what was written. No file but LOCK was changed; `details` has file and
 * offset, and docs/durability.md#recovery says what can be done
 * @throws {UnsupportedError} a newer Varve wrote it
 * @throws {DiskError} DISK_MISSING for a `config` that is not there; DISK_DENIED, DISK_NOT_A_DIRECTORY, DISK_FULL,
 * DISK_FAILED with `details.path`
 * @throws {OpenError} OPEN_TIMED_OUT
 */
export const openStore = async (options: OpenOptions = {}): Promise<Store> =>
  new Store(await openEngineAt(options, { create: true }))
