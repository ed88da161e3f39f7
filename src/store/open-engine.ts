// Owns opening on a disk: read everything -> decide -> mend -> serve. A refusal leaves every file as it was.
import { randomUUID } from 'node:crypto'
import { DEFAULTS, type Settings } from '../config/settings.ts'
import type { Disk } from '../disk/disk.ts'
import { unsyncedDisk } from '../disk/unsynced-disk.ts'
import { mend } from '../recovery/mend.ts'
import { recover } from '../recovery/recover.ts'
import { Engine } from './engine.ts'

/** Where an engine runs. */
export interface Place {
  readonly path: string | undefined
  readonly disk: Disk
  readonly release: () => Promise<void>
}

/**
 * Opens the store on a disk that nobody else has.
 * @param now a clock in ms
 * @param newId makes the UUID of a store that is new: the same files, clock and ids give the same bytes
 */
export const openEngine = async (
  { path, disk, release }: Place,
  settings: Settings = DEFAULTS,
  now: () => number = Date.now,
  newId: () => string = randomUUID,
): Promise<Engine> => {
  const start = now()
  const onDisk = settings.durabilityMode === 'none' ? unsyncedDisk(disk) : disk
  const recovered = await recover(onDisk, settings, now)
  const mended = await mend(onDisk, recovered, settings, newId(), new Date(start).toISOString())
  const { state, counts } = recovered
  const { registry, log, bytesCut, quarantined } = mended
  const shards = [...state.shards.values()]
  const recovery = {
    ...counts,
    milliseconds: now() - start,
    bytesCut,
    quarantined,
    shards: shards.length,
    batches: shards.reduce((sum, { metadata }) => sum + metadata.batches.length, 0),
  }
  return new Engine({ path, disk: onDisk, registry, log, state, settings, recovery, now, release })
}
