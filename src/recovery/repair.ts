// Owns carrying a plan out: damaged shards are made whole of what is left of them, one after the other, in an order that a
// crash may cut anywhere: new batches -> evidence (segments too) and reports -> store.json names the reports -> the document (the commit
// point) -> damaged files are moved. store.json, if it is damaged, comes first. What is done again is done the same; nothing is deleted.
import { BatchReader } from '../batch/reader.ts'
import { writeBatch } from '../batch/writer.ts'
import type { Settings } from '../config/settings.ts'
import type { Disk } from '../disk/disk.ts'
import { readWhole } from '../disk/replace.ts'
import type { Columns } from '../model/columns.ts'
import { CATALOG, type Catalog, catalogFields, type ShardListing } from '../shard/catalog.ts'
import { writeDocument } from '../shard/document.ts'
import { batchFormat } from '../shard/flush.ts'
import { type BatchEntry, batchPath, metadataPath, type ShardMetadata } from '../shard/metadata.ts'
import { Registry } from '../shard/registry.ts'
import { SEGMENT_BYTES_MAX } from '../wal/reader.ts'
import { type CommitRange, rowsIn } from './log-rows.ts'
import { keepBytes, keepDocument, keepReport, moveAside, quarantineName } from './quarantine.ts'
import { FOLDERS } from './read-shards.ts'
import type { BatchPlan, LostRows, RepairPlan, ShardPlan } from './repair-plan.ts'
import type { SalvagedLog } from './salvage.ts'
import type { Survey } from './survey.ts'

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
    { lsnLower, lsnUpper }: CommitRange,
    rows: AsyncIterable<Columns> | Iterable<Columns>,
  ): Promise<BatchEntry | undefined> {
    const id = await this.#registry.nextBatchId()
    const { schema, since } = base
    const origin = { store: this.#registry.catalog.id, firstLsn, lsnLower, lsnUpper, since }
    const options = { ...batchFormat(this.#settings), shard, schema, origin }
    const description = await writeBatch(this.#disk, batchPath(id), options, rows)
    return description === undefined ? undefined : { ...description, id, lsnLower, lsnUpper }
  }

  #replay(plan: ShardPlan, range: CommitRange): Promise<BatchEntry | undefined> {
    const { shard, base } = plan
    return this.#write(plan, range, [rowsIn(this.#log, shard, base.schema.length, range)])
  }

  /** The batch that takes the place of the planned one; undefined if none does. */
  async #batch(plan: ShardPlan, batch: BatchPlan): Promise<BatchEntry | undefined> {
    switch (batch.action) {
      case 'keep':
      case 'adopt':
        return batch.entry
      case 'replay':
        return this.#replay(plan, batch.entry)
      case 'fill':
        return this.#replay(plan, batch.range)
      case 'rewrite': {
        const { entry } = batch
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

  /** Keeps a document that is about to be replaced, and says why. */
  async #keepDocument({ shard, rebuilt }: ShardPlan): Promise<void> {
    const from = metadataPath(shard)
    if (rebuilt === undefined) return
    const report = { from, reason: rebuilt, shard }
    const kept = await keepDocument(this.#disk, quarantineName(from), report, this.#at)
    if (kept !== undefined) this.quarantined.push(kept)
  }

  /** Keeps copies of the segments in which something of what is lost may stand: the log goes on without them. Returns where. */
  async #keepLog({ shard, lost }: ShardPlan): Promise<string[]> {
    const { segments } = this.#log
    const kept: string[] = []
    for (const [index, { path: from, firstLsn: lsn }] of segments.entries()) {
      const end = segments[index + 1]?.firstLsn ?? Number.POSITIVE_INFINITY
      if (!lost.some(({ lsnLower, lsnUpper }) => lsnUpper >= lsn && lsnLower < end)) continue
      const bytes = await readWhole(this.#disk, from, SEGMENT_BYTES_MAX)
      const report = { from, reason: 'commits that a shard has lost may stand in it', lsn, shard }
      kept.push(await keepBytes(this.#disk, quarantineName(from), bytes, report, this.#at))
    }
    this.quarantined.push(...kept)
    return kept
  }

  /** Writes the reports of what is lost; returns where. The report of a file waits for the file. */
  async #report({ shard, lost, rebuilt }: ShardPlan, log: readonly string[]): Promise<string[]> {
    const byName = new Map<string, LostRows[]>()
    for (const each of lost) {
      const { file, lsnLower, lsnUpper } = each
      const name = quarantineName(file ?? `${metadataPath(shard)}-${lsnLower}-${lsnUpper}`)
      byName.set(name, [...(byName.get(name) ?? []), each])
    }
    const losses: string[] = []
    for (const [name, own] of byName) {
      const { file, lsnLower: lsn } = own[0]!
      const from = file ?? metadataPath(shard)
      const reason =
        file === undefined ? 'no batch that is left has these commits' : 'what is lost with this batch'
      const report = { from, reason, lsn, shard, ...(rebuilt && { rebuilt }), lost: own, log }
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
    await this.#noteLosses(await this.#report(plan, await this.#keepLog(plan)))
    if (plan.rebuilt !== undefined) await this.#lowerFence(plan)
    const metadata: ShardMetadata = { ...plan.base, batches }
    await this.#registry.publish(metadata, plan.firstLsn) // commit point: what was damaged is named by nobody now
    for (const batch of plan.batches) {
      if (batch.action === 'keep' || batch.action === 'adopt' || batch.action === 'fill') continue
      const from = batchPath(batch.entry.id)
      const found = await this.#disk.stat(from)
      // A folder stays, and nobody names it: it may hold anything.
      if (found === undefined || found.kind === 'directory') continue
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
  await keepDocument(disk, name, report, at)
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
  // A raised epoch would say that it had been made.
  if (found.isBeingMade) return []
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
