// Owns the publication of documents: one at a time, each only while this process still owns the store.
// Invariant: what `catalog` says is on disk; a reader of the folder never sees a document before what it names.

import type { Barrier } from '../disk/barrier.ts'
import type { Disk } from '../disk/disk.ts'
import { LockedError } from '../errors.ts'
import { Turns } from '../turns.ts'
import { CATALOG, type Catalog, catalogFields, readCatalog, type ShardListing } from './catalog.ts'
import { writeDocument } from './document.ts'
import { metadataFields, metadataPath, type ShardMetadata } from './metadata.ts'
import type { State } from './state.ts'

/** Batch ids are reserved in blocks, so that a flush does not rewrite store.json. */
const BATCH_ID_BLOCK = 1024

export class Registry {
  readonly #disk: Disk
  #catalog: Catalog
  /** Next id to hand out; below `catalog.nextBatch` all of them are reserved. */
  #nextBatch: number
  /** Ids are being reserved that nobody waits for. */
  #isReserving = false
  readonly #turns = new Turns()

  /** @param catalog what is on disk, with the epoch of this process. */
  constructor(disk: Disk, catalog: Catalog) {
    this.#disk = disk
    this.#catalog = catalog
    this.#nextBatch = catalog.nextBatch
  }

  get catalog(): Catalog {
    return this.#catalog
  }

  /** Whether `store.json` knows the shard. */
  lists(shard: string): boolean {
    return this.#catalog.shards.some(({ name }) => name === shard)
  }

  /** The epoch on disk must still be ours: the last line of defence if a lock was broken (`rules` 22). */
  async #checkOwnership(): Promise<void> {
    const found = (await readCatalog(this.#disk))?.epoch
    if (found !== this.#catalog.epoch)
      throw new LockedError('FENCED', 'another process has taken the store over', {
        file: CATALOG,
        epoch: this.#catalog.epoch,
        found,
      })
  }

  async #write(next: Catalog, barrier: Barrier): Promise<void> {
    await this.#checkOwnership()
    await writeDocument(this.#disk, CATALOG, catalogFields(next), { content: barrier, name: barrier })
    this.#catalog = next
  }

  /** Replaces store.json, durable when the promise resolves. @param barrier what rests on it */
  update(change: (catalog: Catalog) => Catalog, barrier: Barrier): Promise<void> {
    return this.#turns.take(() => this.#write(change(this.#catalog), barrier))
  }

  /** An id that no batch ever had. Waits for nothing, unless more of them are to be reserved. */
  async nextBatchId(): Promise<string> {
    const id = this.#nextBatch++
    if (id >= this.#catalog.nextBatch) await this.#turns.take(() => this.#reserve(id))
    return String(id)
  }

  /** Reserves ids if none are left, so that whoever is about to ask for one need not wait. */
  reserveSoon(): void {
    if (this.#isReserving || this.#nextBatch < this.#catalog.nextBatch) return
    this.#isReserving = true
    // What goes wrong is tried again where an id is needed, and heard of there; not before.
    this.#turns.take(() => this.#reserve(this.#nextBatch)).catch(() => {})
  }

  /** Resolves when nothing is written any more. */
  settled(): Promise<void> {
    return this.#turns.settled()
  }

  async #reserve(id: number): Promise<void> {
    // Whoever asked before us may have done it.
    if (id >= this.#catalog.nextBatch)
      await this.#write({ ...this.#catalog, nextBatch: id + BATCH_ID_BLOCK }, 'B17')
    this.#isReserving = false
  }

  /**
   * Publishes the metadata of a shard: the commit point of a flush and of a compaction. Durable when the promise
   * resolves. A shard is listed first, also when a drop ends its life, and when it begins anew: what is left of a life that
   * ended is never taken for a part of the shard. If it rejects, either the old or the new metadata is on disk.
   *
   * @param lifeFirstLsn the first LSN that touched the shard in the life that `metadata` is of
   */
  publish(metadata: ShardMetadata, lifeFirstLsn: number): Promise<void> {
    return this.#turns.take(async () => {
      const { shards, id } = this.#catalog
      const { name } = metadata
      // The log is durable through the drop, but perhaps not yet through what came after it.
      const firstLsn = metadata.dropped ? metadata.flushedLsn : lifeFirstLsn
      const listed = shards.find(each => each.name === name)
      if (listed?.firstLsn === firstLsn) await this.#checkOwnership()
      else {
        const listing = { name, firstLsn, flushedLsn: listed?.flushedLsn ?? 0 }
        await this.#write(
          { ...this.#catalog, shards: [...shards.filter(each => each !== listed), listing] },
          'B16',
        )
      }
      await writeDocument(this.#disk, metadataPath(metadata.name), metadataFields(metadata, id))
    })
  }
}

/** A listing with the fence that is published of its shard. */
const fenced = (listing: ShardListing, state: State): ShardListing => {
  const shard = state.shards.get(listing.name) ?? state.dropped.get(listing.name)
  // A tombstone is there before it is published; and of a damaged shard nothing is known.
  if (shard === undefined || shard.isDropPending || shard.damage !== undefined) return listing
  return { ...listing, flushedLsn: Math.max(listing.flushedLsn, shard.metadata.flushedLsn) }
}

/**
 * Makes durable that everything below the state's `walStart` is in batches, with what only the log knew of it
 * (B14): only then may segments be removed. With it go the listings of shards whose tombstones are spent, and into it
 * the fences of the others: from now on the log may not have what an older document lacks.
 *
 * @param durableUpper what else is known to be final of the upper; while commits are made, nothing
 */
export const raiseWalStart = (registry: Registry, state: State, durableUpper = 0): Promise<void> =>
  registry.update(catalog => {
    const { walStart, ids } = state
    // Of what is published, not of what is committed: that may not be durable yet, and its times would be lost with it.
    const upper = Math.max(catalog.upper, state.publishedUpper, durableUpper)
    // Decided in the registry's turn: a shard that is made anew meanwhile is listed again before it is published.
    const spent = new Set(state.spentTombstones.map(({ name }) => name))
    return {
      ...catalog,
      walStart: Math.max(catalog.walStart, walStart),
      upper,
      shards: catalog.shards.filter(({ name }) => !spent.has(name)).map(each => fenced(each, state)),
      ids: ids.filter(({ lsn }) => lsn < walStart),
      imports: state.importsBefore(walStart),
    }
  }, 'B14')

/**
 * Removes the documents of dropped shards that `store.json` lists no more. A crash before, or while the removal is not
 * durable, leaves a tombstone that is not listed: the next open knows it for what it is, and removes it.
 */
export const removeTombstones = async (disk: Disk, registry: Registry, state: State): Promise<void> => {
  for (const shard of state.dropped.values())
    await shard.inTurn(async () => {
      const { name } = shard
      // Not if it was made anew, or that was dropped as well: then its document is written over this one.
      const isGone = (): boolean =>
        state.dropped.get(name) === shard && !shard.isDropPending && !registry.lists(name)
      if (!isGone()) return
      if ((await disk.stat(metadataPath(name))) !== undefined) await disk.remove(metadataPath(name))
      if (isGone()) state.dropped.delete(name)
    })
}
