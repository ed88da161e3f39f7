// Owns the boundary to the operating system: everything Varve asks of a disk goes through this interface.
// Paths are relative to the folder the disk was made for, with `/` between names; no path leaves it.
// Every method rejects with a DiskError that names path and operation; nothing else escapes. A sync names the barrier
// that it is.
import type { Barrier } from './barrier.ts'
import type { DiskLocation } from './location.ts'

/** A file that stays readable through this handle even after it was renamed or removed. */
export interface DiskFile {
  /** Reads `length` bytes at `offset`, fewer only at the end of the file. */
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>
  /** Writes all of `bytes` at `offset`. A short write that cannot be completed rejects with what the system said. */
  write(offset: number, bytes: Uint8Array): Promise<void>
  /** Makes the content, and a size that changed, durable. */
  sync(barrier: Barrier): Promise<void>
  /**
   * The same, while the thread waits: for what is so quick that asking somebody else would take longer. Absent where a
   * call cannot be made so, or takes too long for it at the moment.
   */
  readonly blocking?: BlockingFile | undefined
  /** Cuts or extends (with zeros) the file. Not durable before {@link sync}. */
  truncate(size: number): Promise<void>
  /** Size in bytes now. */
  size(): Promise<number>
  /** Closing twice is fine. */
  close(): Promise<void>
}

/** What is written past every cache is a multiple of that: as many bytes as a sector has on any disk we know. */
export const BLOCK_BYTES = 4096

/** What a file does while the thread waits: as {@link DiskFile} does it, but that it throws. */
export interface BlockingFile {
  write(offset: number, bytes: Uint8Array): void
  sync(barrier: Barrier): void
  /**
   * Writes `bytes` at `offset` and makes them, and nothing else, durable: with one call of the system, which is sooner
   * done. Up to the next multiple of {@link BLOCK_BYTES} behind them the file must have zeros. If it throws, they may be
   * written, and durable, or not: as if a sync had failed.
   * @returns whether it was done: false, always or from some time on, where the system cannot; then nothing was written
   */
  overwrite?(offset: number, bytes: Uint8Array, barrier: Barrier): boolean
}

export interface DiskEntry {
  readonly name: string
  /** Links and everything that is neither are `other`, and never followed. */
  readonly kind: 'file' | 'directory' | 'other'
}

export interface Disk {
  /** How another thread opens it; undefined if only who has this object can. */
  readonly location?: DiskLocation | undefined
  /**
   * Opens a file. `read` requires it, `create` requires that it is not there, `write` opens one that is there for
   * reading and writing. Links are refused: DISK_NOT_A_FILE.
   */
  open(path: string, mode: 'read' | 'write' | 'create'): Promise<DiskFile>
  /** What is in a folder, sorted by name. */
  list(path: string): Promise<DiskEntry[]>
  /** Whether there is something at `path`, and its size. Does not follow links. */
  stat(path: string): Promise<(DiskEntry & { readonly size: number }) | undefined>
  /** Makes one folder inside one that is there; fine if it is there already. */
  makeDirectory(path: string): Promise<void>
  /** Moves a file over `to`, atomically. Durable after {@link syncDirectory} of both folders. */
  rename(from: string, to: string): Promise<void>
  /** Removes a file. */
  remove(path: string): Promise<void>
  /** Makes the entries of a folder durable: until then a crash can undo what was created, renamed or removed. */
  syncDirectory(path: string, barrier: Barrier): Promise<void>
}
