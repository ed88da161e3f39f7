// Owns carrying a plan out: damaged shards are made whole of what is left of them, one after the other, in an order that a
// crash may cut anywhere: new batches -> evidence and reports -> store.json names the reports -> the document (the commit
// point) -> damaged files are moved. store.json, if it is damaged, comes first. What is done again is done the same; nothing is deleted.
import { BatchReader } from '../batch/reader.ts'
import { writeBatch } from '../batch/writer.ts'
import type { Settings } from '../config/settings.ts'
import type { Disk } from '../disk/disk.ts'
import { readWhole } from '../disk/replace.ts'
import { type Columns, GrowingColumns } from '../model/columns.ts'
import { consolidate } from '../model/consolidate.ts'
import { CATALOG, type Catalog, catalogFields, type ShardListing } from '../shard/catalog.ts'
import { DOCUMENT_BYTES_MAX, writeDocument } from '../shard/document.ts'
import { batchFormat } from '../shard/flush.ts'
import { type BatchEntry, batchPath, metadataPath, type ShardMetadata } from '../shard/metadata.ts'
import { Registry } from '../shard/registry.ts'
import { touchedBy } from '../shard/state.ts'
import { keepBytes, keepReport, moveAside, quarantineName } from './quarantine.ts'
import { FOLDERS } from './recover.ts'
import type { BatchPlan, RepairPlan, ShardPlan } from './repair-plan.ts'
import type { SalvagedLog } from './salvage.ts'
import type { Survey } from './survey.ts'

/** What a commit of the log has of a batch: consolidated, sorted. */
const replayed = (
  { commits }: SalvagedLog,
  shard: string,
  { lsnLower, lsnUpper, columns }: BatchEntry,
): Columns => {
  const all = new GrowingColumns(columns.length)
  for (const { record } of commits) {
    if (record.lsn < lsnLower || record.lsn > lsnUpper) continue
    const updates = touchedBy(record).get(shard)?.updates
    if (updates !== undefined) all.appendRange(updates, 0, updates.length)
  }
  return consolidate(all.view())
}

/** The row groups of a batch that are as they were written, in order. */
async function* soundGroups(reader: BatchReader, groups: readonly number[]): AsyncGenerator<Columns> {
  for (const group of groups) yield await reader.read(group)
}

class Repair {
  readonly #disk: Disk
  readonly #registry: Registry
  readonly #settings: Settings
  readonly #log: SalvagedLog
  readonly #at: string
  readonly quarantined: string[] = []

  constructor(disk: Disk, registry: Registry, settings: Settings, log: SalvagedLog, at: string) {
    this.#disk = disk
    this.#registry = registry
    this.#settings = settings
    this.#log = log
    this.#at = at
  }

  async #write(
    { shard, firstLsn, base }: ShardPlan,
    { lsnLower, lsnUpper }: BatchEntry,
    rows: AsyncIterable<Columns> | Iterable<Columns>,
  ): Promise<BatchEntry | undefined> {
    const id = await this.#registry.nextBatchId()
    const { schema, since } = base
    const origin = { store: this.#registry.catalog.id, firstLsn, lsnLower, lsnUpper, since }
    const options = { ...batchFormat(this.#settings), shard, schema, origin }
    const description = await writeBatch(this.#disk, batchPath(id), options, rows)
    return description === undefined ? undefined : { ...description, id, lsnLower, lsnUpper }
  }

  /** The batch that takes the place of the planned one; undefined if none does. */
  async #batch(plan: ShardPlan, batch: BatchPlan): Promise<BatchEntry | undefined> {
    const { entry } = batch
    switch (batch.action) {
      case 'keep':
      case 'adopt':
        return entry
      case 'replay':
        return this.#write(plan, entry, [replayed(this.#log, plan.shard, entry)])
      case 'rewrite': {
        const reader = await BatchReader.open(this.#disk, batchPath(entry.id), entry, plan.shard)
        try {
          return await this.#write(plan, entry, soundGroups(reader, batch.groups))
        } finally {
          await reader.close()
        }
      }
      case 'give up':
        return undefined
    }
  }

  /** Keeps a copy of a document that is about to be replaced, and says why. */
  async #keepDocument({ shard, rebuilt }: ShardPlan): Promise<void> {
    const from = metadataPath(shard)
    if (rebuilt === undefined || (await this.#disk.stat(from))?.kind !== 'file') return
    const bytes = await readWhole(this.#disk, from, DOCUMENT_BYTES_MAX)
    const report = { from, reason: rebuilt, shard }
    this.quarantined.push(await keepBytes(this.#disk, quarantineName(from), bytes, report, this.#at))
  }

  /** Writes the reports of what is lost; returns where. The report of a file waits for the file. */
  async #report({ shard, lost, rebuilt }: ShardPlan): Promise<string[]> {
    const losses: string[] = []
    for (const each of lost) {
      const { file, lsnLower, lsnUpper } = each
      const from = file ?? metadataPath(shard)
      const reason =
        file === undefined ? 'no batch that is left has these commits' : 'what is lost with this batch'
      const name =
        file === undefined ? `${quarantineName(from)}-${lsnLower}-${lsnUpper}` : quarantineName(from)
      const report = { from, reason, lsn: lsnLower, shard, ...(rebuilt && { rebuilt }), lost: [each] }
      losses.push(await keepReport(this.#disk, name, report, this.#at))
    }
    return losses
  }

  /** Names `reports` in store.json, until they are acknowledged. */
  async #noteLosses(reports: readonly string[]): Promise<void> {
    if (reports.length === 0) return
    await this.#registry.update(
      catalog => ({ ...catalog, losses: [...new Set([...catalog.losses, ...reports])] }),
      'B22',
    )
  }

  /** Lets store.json expect no more of a document than the one that is about to be published. */
  async #lowerFence({ shard, base: { flushedLsn } }: ShardPlan): Promise<void> {
    const lowered = (each: ShardListing): ShardListing =>
      each.name === shard ? { ...each, flushedLsn: Math.min(each.flushedLsn, flushedLsn) } : each
    await this.#registry.update(catalog => ({ ...catalog, shards: catalog.shards.map(lowered) }), 'B22')
  }

  /** Moves a document that nobody lists: whatever it says, the store goes on without it. */
  async unlisted(from: string): Promise<void> {
    const report = { from, reason: 'store.json does not list this shard' }
    await this.#noteLosses([await keepReport(this.#disk, quarantineName(from), report, this.#at)])
    this.quarantined.push(await moveAside(this.#disk, from, report, this.#at))
  }

  async shard(plan: ShardPlan): Promise<void> {
    const batches: BatchEntry[] = []
    for (const batch of plan.batches) {
      const entry = await this.#batch(plan, batch)
      if (entry !== undefined) batches.push(entry)
    }
    await this.#keepDocument(plan)
    await this.#noteLosses(await this.#report(plan))
    if (plan.rebuilt !== undefined) await this.#lowerFence(plan)
    const metadata: ShardMetadata = { ...plan.base, batches }
    await this.#registry.publish(metadata, plan.firstLsn) // commit point: what was damaged is named by nobody now
    for (const batch of plan.batches) {
      if (batch.action === 'keep' || batch.action === 'adopt') continue
      const from = batchPath(batch.entry.id)
      if ((await this.#disk.stat(from))?.kind !== 'file') continue
      const report = { from, reason: batch.problem, shard: plan.shard }
      this.quarantined.push(await moveAside(this.#disk, from, report, this.#at))
    }
  }
}

/** Puts the catalogue that was made anew in its place, with the report of what only the old one knew. */
const replaceCatalog = async (
  disk: Disk,
  { catalog, catalogProblem }: Survey,
  at: string,
): Promise<Catalog> => {
  if (catalogProblem === undefined) return catalog
  const report = {
    from: CATALOG,
    reason: catalogProblem,
    advice:
      'the ids of commits, and the progress of imports, that had left the log are lost; so are shards not known',
    known: catalog.shards.map(({ name }) => name),
    lost: [{ lsnLower: 1, lsnUpper: catalog.walStart - 1 }],
  }
  const name = `store-${catalog.epoch}.json`
  if ((await disk.stat(CATALOG))?.kind === 'file')
    await keepBytes(disk, name, await readWhole(disk, CATALOG, DOCUMENT_BYTES_MAX), report, at)
  const losses = [await keepReport(disk, name, report, at)]
  const whole = { ...catalog, losses }
  await writeDocument(disk, CATALOG, catalogFields(whole), { content: 'B22', name: 'B22' })
  return whole
}

/**
 * Carries `plan` out, which was made of `found`. Everything is durable when it resolves; the log is as it was.
 *
 * @param at the wall clock in ISO 8601, for reports
 * @returns the files under quarantine/ that it made
 */
export const carryOut = async (
  disk: Disk,
  found: Survey,
  plan: RepairPlan,
  settings: Settings,
  at: string,
): Promise<readonly string[]> => {
  for (const folder of FOLDERS) await disk.makeDirectory(folder)
  for (const folder of ['', ...FOLDERS]) await disk.syncDirectory(folder, 'B19')
  const catalog = await replaceCatalog(disk, found, at)
  const registry = new Registry(disk, catalog)
  await registry.update(current => ({ ...current, epoch: current.epoch + 1 }), 'B12')
  const repair = new Repair(disk, registry, settings, found.log, at)
  for (const path of found.unlisted) await repair.unlisted(path)
  for (const shard of plan.shards) await repair.shard(shard)
  return repair.quarantined
}
