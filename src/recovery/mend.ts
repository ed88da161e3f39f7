// Owns making a store that was read back whole again, in an order that a crash may cut anywhere:
// epoch -> cut the torn tail -> flush what was replayed -> new segment -> walStart -> old segments -> leftovers; and
// where the log was salvaged: evidence -> epoch -> flush -> walStart -> new segment -> old segments -> leftovers.
// Every step is harmless to repeat: fences skip what is flushed, a segment that is sealed is only read.
import type { Settings } from '../config/settings.ts'
import type { Disk } from '../disk/disk.ts'
import { pathIn } from '../disk/path.ts'
import { readWhole, replaceFile, TEMPORARY } from '../disk/replace.ts'
import type { Catalog } from '../shard/catalog.ts'
import { CATALOG, catalogFields } from '../shard/catalog.ts'
import { collectRetired } from '../shard/collect.ts'
import { writeDocument } from '../shard/document.ts'
import { batchFormat, flushOldest } from '../shard/flush.ts'
import {
  BATCHES_FOLDER,
  batchPath,
  isSpentTombstone,
  metadataPath,
  SHARDS_FOLDER,
} from '../shard/metadata.ts'
import { Registry, raiseWalStart } from '../shard/registry.ts'
import { activateSegment, Log, prepareSegment } from '../wal/log.ts'
import { SEGMENT_BYTES_MAX, type SegmentFile } from '../wal/reader.ts'
import { encodeHeader } from '../wal/record.ts'
import { CURRENT, NEXT, type Segment, sealedPath, WAL_FOLDER } from '../wal/segment.ts'
import { keepBytes, keepReport, moveAside, QUARANTINE_FOLDER } from './quarantine.ts'
import { FOLDERS } from './read-shards.ts'
import type { Recovered } from './recover.ts'
import type { SalvagedLog } from './salvage.ts'

/** A store that serves. */
export interface Mended {
  readonly registry: Registry
  readonly log: Log
  /** Bytes cut off the end of the log. */
  readonly bytesCut: number
  /** Files under quarantine/ that this made. */
  readonly quarantined: readonly string[]
}

/** Makes a catalogue with epoch 0: until the first open succeeds the store counts as not made yet. */
const create = async (disk: Disk, id: string, created: string): Promise<Catalog> => {
  const catalog: Catalog = {
    id,
    created,
    epoch: 0,
    unsynced: false,
    requires: [],
    walStart: 1,
    upper: 0,
    nextBatch: 1,
    shards: [],
    ids: [],
    imports: [],
    losses: [],
  }
  await writeDocument(disk, CATALOG, catalogFields(catalog), { content: 'B13', name: 'B13' })
  return catalog
}

/** Makes every file durable: a session in mode `none` synced nothing of what it wrote. */
const syncEverything = async (disk: Disk): Promise<void> => {
  for (const folder of [WAL_FOLDER, BATCHES_FOLDER, SHARDS_FOLDER, '']) {
    for (const { name, kind } of await disk.list(folder)) {
      if (kind !== 'file') continue
      const file = await disk.open(pathIn(folder, name), 'write')
      await file.sync('B20')
      await file.close()
    }
  }
}

const DOCUMENT = new RegExp(`^${SHARDS_FOLDER}/.*\\.json$`)
/** What only a flush or a compaction makes; other people's files are left where they are. */
const BATCH = new RegExp(`^${BATCHES_FOLDER}/[0-9]+\\.parquet$`)

class Mending {
  readonly #disk: Disk
  readonly #recovered: Recovered
  readonly #at: string
  readonly quarantined: string[] = []
  bytesCut = 0
  /** Bytes of the header that a log written by hand was given. */
  #adopted = 0

  constructor(disk: Disk, recovered: Recovered, at: string) {
    this.#disk = disk
    this.#recovered = recovered
    this.#at = at
  }

  /** Keeps what follows the valid lines, unless it is padding, which is not worth it. */
  async #keepTail({ path, size, end, damage }: Segment): Promise<void> {
    if (damage === undefined) return
    const { offset, lsn, reason } = damage
    const bytes = await readWhole(this.#disk, path, size)
    const report = { from: path, reason: `torn write: ${reason}`, offset, lsn }
    this.bytesCut = size - end
    this.quarantined.push(
      await keepBytes(this.#disk, `torn-${lsn}.wal`, bytes.subarray(end), report, this.#at),
    )
  }

  /**
   * Cuts off what follows the valid lines and makes the rest durable (B10), with or without a cut: after a kill the tail
   * may be in the page cache alone, and batches are about to build on it.
   */
  async #cutTail({ path, size, end }: Segment): Promise<void> {
    const bytes = await readWhole(this.#disk, path, size)
    const file = await this.#disk.open(path, 'write')
    try {
      // The same bytes again: a page whose sync failed under the process before may be marked clean, and then a sync
      // alone would say yes and write nothing.
      await file.write(0, bytes.subarray(0, end))
      if (end < size) await file.truncate(end)
      await file.sync('B10')
    } finally {
      await file.close()
    }
  }

  /**
   * Gives a store that is being made its first segment: empty, or what somebody wrote by hand with a header in front.
   * Done while the epoch is still 0: from epoch 1 on a log that is missing is damage.
   */
  async makeLog(store: string): Promise<void> {
    const { current } = this.#recovered.log
    const header = encodeHeader({ store, epoch: 0, generation: 1, firstLsn: 1, upper: 0 })
    if (current === undefined) await replaceFile(this.#disk, CURRENT, header, { content: 'B13', name: 'B13' })
    if (current === undefined || current.header !== undefined) return
    const lines = await readWhole(this.#disk, CURRENT, current.size)
    const whole = Buffer.concat([header, lines.subarray(0, current.end)])
    await replaceFile(this.#disk, CURRENT, whole, { content: 'B13', name: 'B13' })
    this.#adopted = header.length
  }

  /** Puts the segment in its place that a crash left behind the one that had just been sealed. */
  async finishSealing(): Promise<void> {
    if (this.#recovered.log.current?.path === NEXT) await (await activateSegment(this.#disk)).close()
  }

  /** Seals what the log ended with; returns it unless it holds no commit and is simply replaced. */
  async sealCurrent(): Promise<SegmentFile | undefined> {
    const { current } = this.#recovered.log
    if (current === undefined || current.path === NEXT) return undefined
    if (this.#adopted === 0) await this.#keepTail(current)
    if (current.runs.length === 0) return undefined
    if (this.#adopted === 0) await this.#cutTail(current)
    const firstLsn = current.header?.firstLsn ?? 1
    await this.#disk.rename(CURRENT, sealedPath(firstLsn))
    await this.#disk.syncDirectory(WAL_FOLDER, 'B15')
    return { path: sealedPath(firstLsn), firstLsn, bytes: current.end + this.#adopted }
  }

  /** After a kill a segment may be in the page cache alone, and batches are about to build on it (B10). */
  async #sync(path: string): Promise<void> {
    const file = await this.#disk.open(path, 'write')
    try {
      await file.sync('B10')
    } finally {
      await file.close()
    }
  }

  /**
   * Keeps every damaged segment of a log that was salvaged, and a report of what is lost. Returns the reports that have
   * to be acknowledged.
   */
  async keepEvidence({ segments, lost }: SalvagedLog): Promise<string[]> {
    for (const { path, firstLsn, bad } of segments) {
      await this.#sync(path)
      const first = bad[0]
      if (first === undefined) continue
      const bytes = await readWhole(this.#disk, path, SEGMENT_BYTES_MAX)
      const report = { from: path, reason: first.reason, offset: first.offset, lsn: firstLsn, bad, lost }
      this.quarantined.push(await keepBytes(this.#disk, `damaged-${firstLsn}.wal`, bytes, report, this.#at))
    }
    const [first, last] = [lost[0], lost.at(-1)]
    if (first === undefined || last === undefined) return []
    // Whoever has a fence behind them has them in batches. A shard that nothing else names cannot be named here.
    const shards = [...this.#recovered.state.shards.values()]
      .filter(({ metadata }) => metadata.flushedLsn < last.lsnUpper || last.openEnded)
      .map(({ name }) => name)
    const reason = 'these commits are not in the log any more'
    const report = { from: WAL_FOLDER, reason, lsn: first.lsnLower, shards, lost }
    const end = last.lsnUpper < first.lsnLower ? 'on' : last.lsnUpper
    const name = `lost-commits-${first.lsnLower}-${end}`
    return [await keepReport(this.#disk, name, report, this.#at)]
  }

  /** Removes the segments of a log that was salvaged, whatever they are called. */
  async removeSalvaged({ segments }: SalvagedLog): Promise<void> {
    for (const { path } of segments) if (path !== CURRENT) await this.#disk.remove(path)
  }

  /** Removes what is surely ours and unfinished, and puts aside batches that no shard knows. */
  async collectLeftovers(registry: Registry): Promise<void> {
    const files = await this.#files()
    // First of all: what is put aside below may want one of their names.
    for (const path of files) if (path.endsWith(TEMPORARY)) await this.#disk.remove(path)
    const { id, shards: listed, walStart } = registry.catalog
    const documents = new Set(listed.map(({ name }) => metadataPath(name)))
    for (const path of files) {
      // recover.ts let no other document pass that is not listed.
      if (!DOCUMENT.test(path) || documents.has(path)) continue
      if (await isSpentTombstone(this.#disk, path, id, walStart)) await this.#disk.remove(path)
    }
    const shards = this.#recovered.state.all
    const batches = new Set(
      shards.flatMap(({ metadata }) =>
        [...metadata.batches.map(batch => batch.id), ...metadata.retired].map(batchPath),
      ),
    )
    // Damaged metadata may name any of them.
    if (shards.every(({ damage }) => damage === undefined))
      for (const path of files) if (BATCH.test(path) && !batches.has(path)) await this.#moveOrphan(path)
    for (const shard of shards) {
      // Whoever read them did so in a process that is gone.
      if (shard.damage === undefined) await collectRetired(this.#disk, registry, shard, () => false)
    }
  }

  /** Paths of all files. */
  async #files(): Promise<string[]> {
    const found = await Promise.all(
      ['', ...FOLDERS].map(async folder =>
        (await this.#disk.list(folder))
          .filter(({ kind }) => kind === 'file')
          .map(({ name }) => pathIn(folder, name)),
      ),
    )
    return found.flat()
  }

  async #moveOrphan(path: string): Promise<void> {
    const reason = 'no shard names this file: most likely a flush that a crash cut off'
    this.quarantined.push(await moveAside(this.#disk, path, { from: path, reason }, this.#at))
  }
}

/**
 * Makes a store that {@link recover} accepted ready to serve.
 *
 * @param newId a UUID, for a store that is made
 * @param at the wall clock in ISO 8601, for reports
 */
export const mend = async (
  disk: Disk,
  recovered: Recovered,
  settings: Settings,
  newId: string,
  at: string,
): Promise<Mended> => {
  const { state, log: scan } = recovered
  const mending = new Mending(disk, recovered, at)
  // Once a store was made they are all there, as recover.ts has seen, but this one may be missing.
  const isMade = recovered.catalog !== undefined && recovered.catalog.epoch > 0
  for (const folder of isMade ? [QUARANTINE_FOLDER] : FOLDERS) await disk.makeDirectory(folder)
  const found = recovered.catalog ?? (await create(disk, newId, at))
  const registry = new Registry(disk, found)
  const epoch = found.epoch + 1
  // What recovery read may be in the page cache alone: a process that was killed had not yet synced it, and nothing
  // may be given up, nor built, on what a power loss could still take back.
  if (found.unsynced) await syncEverything(disk)
  await Promise.all(['', ...FOLDERS].map(folder => disk.syncDirectory(folder, 'B19')))
  if (found.epoch === 0) await mending.makeLog(found.id)
  const unsynced = settings.durabilityMode === 'none'
  const { salvaged } = recovered
  const losses = salvaged === undefined ? [] : await mending.keepEvidence(salvaged)
  await registry.update(
    catalog => ({ ...catalog, epoch, unsynced, losses: [...new Set([...catalog.losses, ...losses])] }),
    'B12',
  )
  const replacesEmpty = scan.current !== undefined && scan.current.runs.length === 0
  const position = {
    store: found.id,
    epoch,
    generation: Math.max(1, replacesEmpty ? scan.generation : scan.generation + 1),
    nextLsn: state.lastLsn + 1,
    upper: state.upper,
  }
  await mending.finishSealing()
  await prepareSegment(disk, position)
  const sealed = await mending.sealCurrent()
  for (const shard of state.all) {
    shard.freeze(scan.lastLsn)
    // A drop, and what came after it.
    while (shard.nextFence !== undefined) await flushOldest(disk, registry, batchFormat(settings), shard)
  }
  // A log with gaps can only be left behind as a whole: everything that is left of it is in batches now.
  // What the headers of the old log said of times, also of commits that are lost, goes with them.
  if (salvaged !== undefined) await raiseWalStart(registry, state, state.upper)
  const kept = sealed === undefined ? scan.sealed : [...scan.sealed, sealed]
  const log = await Log.start(disk, position, [...scan.stale, ...kept])
  try {
    if (salvaged !== undefined) await mending.removeSalvaged(salvaged)
    if (log.canRetire(state.walStart)) {
      await raiseWalStart(registry, state)
      await log.retire(registry.catalog.walStart)
    }
    await mending.collectLeftovers(registry)
  } catch (cause) {
    await log.close()
    throw cause
  }
  return { registry, log, bytesCut: mending.bytesCut, quarantined: mending.quarantined }
}
