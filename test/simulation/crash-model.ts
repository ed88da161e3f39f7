// Owns what may be left of a change that was not durable when the power failed. Pure: the same model and the same
// change give the same remains.
import { chance, choice } from './random.ts'

const SECTOR_BYTES = 512 // what a disk writes whole or not at all

/**
 * What survives a crash, besides everything durable.
 * `synced`: nothing. `all`: everything that can be read, as when the process is killed. `zeros`: unsynced writes left
 * only the size they gave the file. `prefix`: the first so many of the changes. `torn`: everything, but the last
 * write ends after so many bytes. `sectors`: of every write some sectors, as the seed decides, on names everything.
 * `garbage`: where a file was to grow stands something else, as the seed decides. `entries`: all data, and of
 * the operations on names each for itself, as the seed decides. `prefix` and `torn` count modulo what there is.
 */
export type CrashModel =
  | 'synced'
  | 'all'
  | 'zeros'
  | { readonly prefix: number }
  | { readonly torn: number }
  | { readonly sectors: number }
  | { readonly garbage: number }
  | { readonly entries: number }

/** Where a change stands among those that were not durable. */
export interface PendingPlace {
  /** Counted from 0. */
  readonly number: number
  readonly count: number
  readonly isLastWrite: boolean
}

/** Whether a truncation, or an operation on names, survives. */
export const survivingChange = (
  model: CrashModel,
  { number, count }: PendingPlace,
  target: 'data' | 'name',
): boolean => {
  if (model === 'synced') return false
  if (typeof model === 'string') return true
  if ('prefix' in model) return number < model.prefix % (count + 1)
  if ('entries' in model) return target === 'data' || chance(model.entries, number) < 0.5
  if ('sectors' in model) return target === 'name' || chance(model.sectors, number) < 0.5
  return true
}

/** Bytes that survived. */
interface Piece {
  readonly offset: number
  readonly bytes: Uint8Array
}

/** What is left of a write: some of its bytes, and the least size that it gave the file. */
interface Remains {
  readonly pieces: readonly Piece[]
  readonly size: number
}

const sectorsOf = (offset: number, bytes: Uint8Array): Piece[] => {
  const pieces: Piece[] = []
  for (let at = offset; at < offset + bytes.length; ) {
    const end = Math.min(offset + bytes.length, (Math.floor(at / SECTOR_BYTES) + 1) * SECTOR_BYTES)
    pieces.push({ offset: at, bytes: bytes.subarray(at - offset, end - offset) })
    at = end
  }
  return pieces
}

/** What survives of a write of `bytes` at `offset` to a file of `size` bytes. */
export const survivingWrite = (
  model: CrashModel,
  place: PendingPlace,
  offset: number,
  bytes: Uint8Array,
  size: number,
): Remains => {
  const none: Remains = { pieces: [], size: 0 }
  const whole: Remains = { pieces: [{ offset, bytes }], size: offset + bytes.length }
  if (model === 'zeros') return { ...none, size: whole.size }
  if (typeof model === 'object' && 'torn' in model) {
    if (!place.isLastWrite) return whole
    const left = model.torn % (bytes.length + 1)
    return { pieces: [{ offset, bytes: bytes.subarray(0, left) }], size: 0 }
  }
  if (typeof model === 'object' && 'sectors' in model) {
    const { sectors: seed } = model
    const pieces = sectorsOf(offset, bytes).filter((_, index) => chance(seed, place.number, index) < 0.5)
    return { pieces, size: chance(seed, place.number, -1) < 0.5 ? whole.size : 0 }
  }
  if (typeof model === 'object' && 'garbage' in model) {
    const { garbage: seed } = model
    const wrong = bytes.map((byte, index) =>
      offset + index < size ? byte : choice(256, seed, place.number, index),
    )
    return { pieces: [{ offset, bytes: wrong }], size: 0 }
  }
  return survivingChange(model, place, 'data') ? whole : none
}
