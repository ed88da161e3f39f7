// Owns what an update is, and which times and diffs there are.
import { InputError } from '../errors.ts'
import type { Value } from './value.ts'

/** At `time` the multiplicity of the tuple `data` in `shard` changes by `diff`. */
export interface Update {
  /** Which collection, by convention `kg:relation`. */
  readonly shard: string
  readonly data: readonly Value[]
  /** A non-zero safe integer: +1 inserts, -1 deletes. */
  readonly diff: number
  /** Logical time: a safe integer, at least the store's `upper`. @default the commit's time */
  readonly time?: number
}

/** The greatest time: its upper, one more, is still a safe integer. */
export const TIME_MAX: number = Number.MAX_SAFE_INTEGER - 1

/** Whether there is such a time: a whole number in `[0, TIME_MAX]`. */
export const isTime = (time: unknown): time is number =>
  typeof time === 'number' && Number.isSafeInteger(time) && time >= 0 && time <= TIME_MAX

/** Whether there is such a diff: a safe integer other than 0. */
export const isDiff = (diff: unknown): diff is number =>
  typeof diff === 'number' && Number.isSafeInteger(diff) && diff !== 0

/** @throws {InputError} TIME_INVALID unless `time` is a whole number in `[0, TIME_MAX]` */
export const checkTime = (time: unknown, place: string): number => {
  if (!isTime(time))
    throw new InputError('TIME_INVALID', 'a time is a whole number from 0 to 2^53-2', {
      place,
      time: String(time),
    })
  return time + 0
}

/** @throws {InputError} DIFF_INVALID unless `diff` is a non-zero safe integer */
export const checkDiff = (diff: unknown, place: string): number => {
  if (!isDiff(diff))
    throw new InputError('DIFF_INVALID', 'a diff is a safe integer other than 0', {
      place,
      diff: String(diff),
    })
  return diff
}

/** `sum + diff`; NaN, for good, once that is no safe integer: a sum that was rounded must not pass for one. */
export const addDiff = (sum: number, diff: number): number => {
  const next = sum + diff
  return Number.isSafeInteger(next) ? next : Number.NaN
}

/** Characters of a commit id. */
const COMMIT_ID_MAX = 256

/** @throws {InputError} COMMIT_ID_INVALID unless `id` is a well-formed string of 1 to 256 characters */
export const checkCommitId = (id: unknown, place: string): string => {
  if (typeof id !== 'string' || id === '' || id.length > COMMIT_ID_MAX || !id.isWellFormed())
    throw new InputError('COMMIT_ID_INVALID', 'a commit id is a string of 1 to 256 characters', { place })
  return id
}
