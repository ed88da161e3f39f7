// Owns one collection in memory: its published metadata, and its buffers of what is in the log but in no batch.
// Invariants: buffers and batches together hold every update of the shard exactly once; the frozen buffers precede
// the active one in LSN order; a buffer leaves only when the metadata that replaces it is published, or by a drop.
// A drop ends a life of the shard at once: nobody who looks from then on sees anything of it. Its tombstone is
// published behind it, before anything of the next life is.

import { CommitError } from '../errors.ts'
import { bytesOf, type Columns } from '../model/columns.ts'
import { type Schema, untyped } from '../model/schema.ts'
import { Turns } from '../turns.ts'
import { ActiveBuffer } from './active-buffer.ts'
import { BufferView } from './buffer-view.ts'
import { type BatchEntry, type ShardMetadata, withDrop, withRetired } from './metadata.ts'

/** A buffer that takes no more updates, on its way into a batch. */
export class FrozenBuffer extends BufferView {
  /** About how much memory it takes. */
  readonly bytes: number
  /** First LSN in it. */
  readonly firstLsn: number
  /** Everything of the shard up to this LSN is in it, before it, or in a batch: the fence that it will set. */
  readonly fence: number

  constructor(columns: Columns, firstLsn: number, fence: number) {
    super(columns)
    this.bytes = bytesOf(columns)
    this.firstLsn = firstLsn
    this.fence = fence
  }
}

/** What a reader needs of a shard, unchanging. */
export interface ShardView {
  readonly name: string
  readonly since: number
  readonly schema: Schema
  readonly batches: readonly BatchEntry[]
  readonly buffers: readonly BufferView[]
}

/** Where the tuples of a shard are to be looked for: every update is in exactly one of the three. */
export interface LookupView {
  readonly batches: readonly BatchEntry[]
  /** Frozen buffers, sorted by tuple. */
  readonly frozen: readonly Columns[]
  /** What the shard took in since, also after this view was made. */
  readonly active: ActiveBuffer
}

export class Shard {
  readonly name: string
  /** As published, or as it will first be; after a drop the tombstone, also while it is still to be published. */
  #metadata: ShardMetadata
  /** Names, arity and declared types as of the last commit; inferred types as of the last flush. */
  #schema: Schema
  #firstLsn: number
  /** First LSN that the log has to keep until the tombstone is published; undefined if none waits. */
  #dropFirstLsn: number | undefined
  /** What a compaction is about to give up, before that is published. */
  #since = 0
  #active: ActiveBuffer
  #activeFirstLsn: number | undefined
  #frozen: FrozenBuffer[] = []
  /** Why it can neither be read nor written, if so. */
  readonly damage: Error | undefined
  readonly #turns = new Turns()

  constructor(metadata: ShardMetadata, firstLsn: number, damage?: Error) {
    this.name = metadata.name
    this.#metadata = metadata
    this.#schema = metadata.schema
    this.#firstLsn = firstLsn
    this.#active = new ActiveBuffer(metadata.schema.length)
    this.damage = damage
  }

  get metadata(): ShardMetadata {
    return this.#metadata
  }

  get schema(): Schema {
    return this.#schema
  }

  /** Views that are made now are exact from here on. */
  get since(): number {
    return Math.max(this.#since, this.#metadata.since)
  }

  /**
   * Lets no view begin before `since` any more. Called when a compaction decides how far holds let it go: a reader who
   * came while it works would hold nothing.
   */
  giveUpBefore(since: number): void {
    this.#since = Math.max(this.#since, since)
  }

  /** The compaction has ended: from now on what is published holds, also if it failed. */
  giveUpNothingMore(): void {
    this.#since = 0
  }

  /** First LSN that touched the shard in its present life, or in its last one. */
  get firstLsn(): number {
    return this.#firstLsn
  }

  /** Whether a tombstone waits to be published: `metadata` is ahead of what is on disk. */
  get isDropPending(): boolean {
    return this.#dropFirstLsn !== undefined
  }

  /** Updates in the active buffer. */
  get activeLength(): number {
    return this.#active.columns.length
  }

  /** Updates in all buffers. */
  get bufferedLength(): number {
    return this.#frozen.reduce((sum, { columns }) => sum + columns.length, this.#active.columns.length)
  }

  /** About how many bytes all buffers take. */
  get bufferedBytes(): number {
    return this.#frozen.reduce((sum, { bytes }) => sum + bytes, this.#active.bytes)
  }

  /** The buffers on their way into batches, the oldest first: they are flushed in order. */
  get frozen(): readonly FrozenBuffer[] {
    return this.#frozen
  }

  /** The first LSN of what is still to be published; undefined if nothing is. Log segments from it on are needed. */
  get firstDirtyLsn(): number | undefined {
    return this.#dropFirstLsn ?? this.#frozen[0]?.firstLsn ?? this.#activeFirstLsn
  }

  /** The fence that the next publication sets, of a tombstone or a frozen buffer; undefined if none waits. */
  get nextFence(): number | undefined {
    return this.isDropPending ? this.#metadata.flushedLsn : this.#frozen[0]?.fence
  }

  /** @throws {CommitError} SHARD_DAMAGED, with what was found as its cause */
  requireSound(): void {
    if (this.damage === undefined) return
    throw new CommitError(
      'SHARD_DAMAGED',
      'the shard is damaged and serves neither reads nor writes; the others do',
      'determinate',
      { shard: this.name },
      this.damage,
    )
  }

  /** Takes in what the commit `lsn` has for this shard. */
  apply(lsn: number, updates: Columns | undefined, schema: Schema | undefined): void {
    this.#activeFirstLsn ??= lsn
    if (schema !== undefined) this.#schema = schema
    if (updates !== undefined) this.#active.columns.appendRange(updates, 0, updates.length)
  }

  /**
   * Drops the shard by the commit `lsn`: it holds nothing from here on. Views that were made before are not touched.
   * @param upper the store's
   */
  drop(lsn: number, upper: number): void {
    // Before the tombstone is there, recovery needs the log as it would have without the drop.
    this.#dropFirstLsn = this.firstDirtyLsn ?? lsn
    this.#metadata = withDrop(this.#metadata, lsn, upper)
    this.#frozen = []
    this.#since = 0
    this.#restart([])
  }

  /** Makes the shard anew after a drop. @param lsn the first commit that touches it */
  begin(lsn: number, arity: number): void {
    this.#firstLsn = lsn
    this.#restart(untyped(arity))
  }

  /** The buffer before does not lead to this one: what was looked up there says nothing of what is to come. */
  #restart(schema: Schema): void {
    this.#schema = schema
    this.#active = new ActiveBuffer(schema.length)
    this.#activeFirstLsn = undefined
  }

  /** Whether a lookup that ended in `active` still counts: not if the shard was dropped since. */
  continues(active: ActiveBuffer): boolean {
    return active.latest === this.#active
  }

  /**
   * Closes the active buffer, which holds everything through LSN `fence`, if there is anything to flush in it.
   * From now on a new one takes the updates.
   */
  freeze(fence: number): void {
    if (this.#activeFirstLsn === undefined) return
    const { columns } = this.#active
    this.#frozen.push(new FrozenBuffer(columns.view(), this.#activeFirstLsn, fence))
    // Under load the next one will hold about as much: it need not grow to that step by step.
    this.#active.next = new ActiveBuffer(this.#schema.length, columns.length)
    this.#active = this.#active.next
    this.#activeFirstLsn = undefined
  }

  /**
   * Swaps in metadata that was published, made out of `before`; `flushed` is the frozen buffer that is now in a batch.
   * If the shard was dropped meanwhile, what was published is nothing but work for the tombstone that follows it.
   */
  publish(before: ShardMetadata, metadata: ShardMetadata, flushed?: FrozenBuffer): void {
    if (this.#metadata !== before) {
      this.#metadata = withRetired(this.#metadata, metadata)
      return
    }
    this.#metadata = metadata
    this.#dropFirstLsn = undefined
    // Inferred types may have widened; what was declared, or came after a drop, since the work began stays.
    this.#schema = this.#schema.map((column, index) =>
      column.declared ? column : (metadata.schema[index] ?? column),
    )
    if (flushed !== undefined) this.#frozen = this.#frozen.filter(buffer => buffer !== flushed)
  }

  /** Runs `work` when all earlier work on the shard's metadata is done: flushes and compactions publish in turn. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    return this.#turns.take(work)
  }

  /** The shard as it is now. */
  view(): ShardView {
    return {
      name: this.name,
      since: this.since,
      schema: this.#schema,
      batches: this.#metadata.batches,
      buffers: [...this.#frozen, ...this.#active.views()],
    }
  }

  /** The shard as it is now, and will be, for looking tuples up. */
  lookupView(): LookupView {
    return {
      batches: this.#metadata.batches,
      frozen: this.#frozen.map(buffer => buffer.consolidated),
      active: this.#active,
    }
  }
}
