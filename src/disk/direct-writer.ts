// Owns writing over zeros past the page cache, durable with the one call that writes: a disk that can then has to put
// away these bytes alone, where a sync lets it empty all of its cache (open(2): O_DIRECT, O_DSYNC; Linux alone). Memory, place and length of such a
// write are whole blocks.
// Invariant: blocks are written whole, and what stood in front of the new bytes is written again as it was.
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs'
import { BLOCK_BYTES } from './disk.ts'
import { errnoOf } from './system-error.ts'

/** More than that goes another way. */
const WRITE_BYTES_MAX = 64 * 1024

/**
 * Memory that begins where a page of the system does: what can grow is had by the page. Nobody promises it; where it is
 * not so, the system refuses the write.
 */
let pages: Uint8Array | undefined

const memoryOfPages = (): Uint8Array => {
  pages ??= new Uint8Array(new ArrayBuffer(WRITE_BYTES_MAX, { maxByteLength: WRITE_BYTES_MAX }))
  return pages
}

const upToBlock = (bytes: number): number => Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES

export class DirectWriter {
  readonly #fd: number
  readonly #direct: number
  readonly #memory: Uint8Array
  /** What the block holds that the last write ended in, up to there. */
  readonly #tail = new Uint8Array(BLOCK_BYTES)
  #end = -1

  private constructor(fd: number, direct: number, memory: Uint8Array) {
    this.#fd = fd
    this.#direct = direct
    this.#memory = memory
  }

  /** For the file that is open as `fd`, as long as it is; undefined where the system cannot. */
  static of(fd: number): DirectWriter | undefined {
    const { O_DIRECT, O_DSYNC, O_WRONLY } = constants
    if (O_DIRECT === undefined || O_DSYNC === undefined) return undefined
    try {
      const memory = memoryOfPages()
      // By its descriptor: its name may be another one by now.
      return new DirectWriter(fd, openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_DIRECT | O_DSYNC), memory)
    } catch {
      return undefined
    }
  }

  /**
   * Writes `bytes` at `offset`, durable when it returns. The file has all of the block that they end in, and nothing but
   * zeros in it behind them.
   * @returns false if such a write cannot be: then nothing was written, and others will not be possible either
   * @throws what the system said: some of the bytes may be written, durable or not
   */
  write(offset: number, bytes: Uint8Array): boolean {
    const before = offset % BLOCK_BYTES
    const start = offset - before
    const length = upToBlock(before + bytes.length)
    if (length > WRITE_BYTES_MAX) return false
    const memory = this.#memory
    if (offset === this.#end) memory.set(this.#tail.subarray(0, before))
    else if (!this.#read(start, before)) return false
    memory.set(bytes, before)
    memory.fill(0, before + bytes.length, length)
    // Unknown until it is done.
    this.#end = -1
    for (let done = 0; done < length; ) {
      let written: number
      try {
        written = writeSync(this.#direct, memory, done, length - done, start + done)
      } catch (cause) {
        if (done === 0 && errnoOf(cause) === 'EINVAL') return false
        throw cause
      }
      // A part of a block cannot be gone on from.
      if (written === 0 || written % BLOCK_BYTES !== 0) throw new Error('the system wrote a part of a block')
      done += written
    }
    const end = before + bytes.length
    this.#tail.set(memory.subarray(end - (end % BLOCK_BYTES), end))
    this.#end = start + end
    return true
  }

  /** Reads what stands in front of the bytes into the memory that is written. */
  #read(start: number, length: number): boolean {
    for (let done = 0; done < length; ) {
      const read = readSync(this.#fd, this.#memory, done, length - done, start + done)
      if (read === 0) return false
      done += read
    }
    return true
  }

  close(): void {
    closeSync(this.#direct)
  }
}
