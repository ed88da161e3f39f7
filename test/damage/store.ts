// Makes a small store whose answer at every LSN is known, damages copies of its files, and says what opening one of
// them came to. The law of this folder: the right answer, or a typed error that names the place and changes no byte.

import { expect } from 'vitest'
import type { Settings } from '../../src/config/settings.ts'
import { MemoryDisk } from '../../src/disk/memory-disk.ts'
import { InputError, StoreError } from '../../src/errors.ts'
import type { Store } from '../../src/store/store.ts'
import { copyOnto, everything, leftBy } from '../support/bytes.ts'
import { type Contents, openOn, read } from '../support/stores.ts'

/** The files of a store by path, as latin1 text: one character a byte. */
export type Files = Readonly<Record<string, string>>

/** The shards of {@link smallStore}. Every commit touches both. */
const SHARDS: readonly string[] = ['a:x', 'b:y']

export const CURRENT = 'wal/current.wal'

/** What every shard holds after commit `lsn`: commit n adds the tuple [n, 'cn']. */
export const contentsAt = (lsn: number): Contents =>
  Object.fromEntries(Array.from({ length: lsn }, (_, index) => [`[${index + 1},"c${index + 1}"]`, 1]))

const commit = async (store: Store, lsn: number): Promise<void> => {
  await store.commit(SHARDS.map(shard => ({ shard, data: [lsn, `c${lsn}`], diff: 1 })))
}

/** What a store is made of. */
export interface Shape {
  /** Commits one after the other. */
  readonly commits: number
  /** How many of them are in batches. */
  readonly flushed: number
  /** Commits at the same time, after those. @default 0 */
  readonly together?: number
  readonly walSegmentBytes?: number
}

/** The files of a store that was not closed. */
export const smallStore = async ({ commits, flushed, together = 0, ...settings }: Shape): Promise<Files> => {
  const disk = new MemoryDisk()
  const store = await openOn(disk, settings)
  for (let lsn = 1; lsn <= commits; lsn++) {
    await commit(store, lsn)
    if (lsn === flushed) await store.flush()
  }
  await Promise.all(Array.from({ length: together }, (_, index) => commit(store, commits + index + 1)))
  const files = await leftBy(disk)
  await store.close()
  return files
}

/** A disk with these files. */
export const diskOf = async (files: Files): Promise<MemoryDisk> => {
  const disk = new MemoryDisk()
  await copyOnto(files, disk)
  return disk
}

/** `files` with another content at `path`; without it if there is none. */
export const withFile = (files: Files, path: string, content: string | undefined): Files => {
  const { [path]: _, ...others } = files
  return content === undefined ? others : { ...others, [path]: content }
}

/** `text` with the bits of `mask` flipped at `offset`. */
export const flipped = (text: string, offset: number, mask: number): string =>
  text.slice(0, offset) + String.fromCharCode(text.charCodeAt(offset) ^ mask) + text.slice(offset + 1)

/** Every way to flip one bit of `text`. */
export function* bitFlips(text: string): Generator<{ readonly offset: number; readonly text: string }> {
  for (let offset = 0; offset < text.length; offset++)
    for (let bit = 0; bit < 8; bit++) yield { offset, text: flipped(text, offset, 1 << bit) }
}

/** Where each line starts; the last element is the end of the text. */
export const lineStarts = (text: string): number[] => {
  const starts = [0]
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return starts
}

/** What opening came to: a refusal, or what the store says of itself and what each shard holds. */
export interface Outcome {
  readonly refused?: StoreError<string>
  readonly lsn?: number
  readonly bytesCut?: number
  readonly quarantined?: readonly string[]
  /** By shard: its contents, or the error that reading it rejects with. */
  readonly shards?: ReadonlyMap<string, Contents | StoreError<string>>
}

const isTyped = (cause: unknown): cause is StoreError<string> =>
  cause instanceof StoreError || cause instanceof InputError

/**
 * Opens a store of these files and reads every shard of `shards`. Fails the test if anything but a typed error comes
 * out, or if a refusal changed a byte.
 */
export const openingOf = async (
  files: Files,
  { settings = {}, shards = SHARDS }: { settings?: Partial<Settings>; shards?: readonly string[] } = {},
): Promise<Outcome> => {
  const disk = await diskOf(files)
  let store: Store
  try {
    store = await openOn(disk, settings)
  } catch (refused) {
    if (!isTyped(refused)) throw refused
    expect(await everything(disk)).toEqual(files)
    return { refused }
  }
  const found = new Map<string, Contents | StoreError<string>>()
  for (const shard of shards) {
    try {
      found.set(shard, await read(store, shard))
    } catch (cause) {
      if (!isTyped(cause)) throw cause
      found.set(shard, cause)
    }
  }
  const { lsn, recovery } = store.status()
  await store.close()
  return { lsn, bytesCut: recovery.bytesCut, quarantined: recovery.quarantined, shards: found }
}

/** Expects that the store opened and that every shard holds exactly the commits up to `lsn`. */
export const expectAnswer = (outcome: Outcome, lsn: number, what: string): void => {
  if (outcome.refused !== undefined) throw new Error(`${what}: refused`, { cause: outcome.refused })
  expect(outcome.lsn, what).toBe(lsn)
  for (const [shard, contents] of outcome.shards ?? [])
    expect(contents, `${what}: ${shard}`).toEqual(contentsAt(lsn))
}

/** Expects a refusal with this code and these details. */
export const expectRefusal = (
  outcome: Outcome,
  code: string | readonly string[],
  details: Readonly<Record<string, unknown>>,
  what: string,
): void => {
  if (outcome.refused === undefined) throw new Error(`${what}: opened at LSN ${outcome.lsn}`)
  expect([code].flat(), `${what}: ${outcome.refused.message}`).toContain(outcome.refused.code)
  expect(outcome.refused.details, what).toMatchObject(details)
}
