// Owns store.json: what the store as a whole knows (docs/format.md#store).
// Invariants: `walStart`, `upper`, `nextBatch` and `epoch` never go back; a shard is listed before its metadata is
// first published, so metadata that is absent although listed is damage and not a new shard.

import type { Disk } from '../disk/disk.ts'
import { CorruptionError, UnsupportedError } from '../errors.ts'
import {
  asBoolean,
  asList,
  asNatural,
  asObject,
  asText,
  field,
  type JsonObject,
  MalformedJson,
} from '../model/json.ts'
import type { ImportProgress } from '../wal/record.ts'
import { readDocument } from './document.ts'

export const CATALOG = 'store.json'

/** The format of the folder as a whole. */
export const FORMAT = 1 // The first: docs/format.md#history

/** Features that this Varve understands; a store that requires another is refused. */
const FEATURES: ReadonlySet<string> = new Set()

/** How many commit ids are remembered once their lines have left the log. */
export const COMMIT_IDS_KEPT = 1024

export interface ShardListing {
  readonly name: string
  /**
   * First LSN that touched the shard in its present life, or that of the drop which ended the last one: nothing before it
   * is of the shard any more. While the log still has it, lost metadata can be rebuilt from the log.
   */
  readonly firstLsn: number
  /** Its fence when `walStart` was last raised: a document that says less is an older copy. */
  readonly flushedLsn: number
}

/** What an id was committed as. */
export interface CommitId {
  readonly id: string
  readonly lsn: number
  readonly time: number
}

/** How far an import had come, and where to: with the shard it goes. */
export interface ShardImport extends ImportProgress {
  readonly shard: string
}

export interface Catalog {
  /** A UUID; binds log and metadata to this store. */
  readonly id: string
  /** ISO 8601, for people. */
  readonly created: string
  /** How often the store was opened for writing; 0 while it is being made. */
  readonly epoch: number
  /** The last session that wrote synced nothing (mode `none`). */
  readonly unsynced: boolean
  readonly requires: readonly string[]
  /** Every LSN from here on is in the log. */
  readonly walStart: number
  /** At least the upper of every commit below `walStart`. */
  readonly upper: number
  /** No batch id from here on was ever used. */
  readonly nextBatch: number
  readonly shards: readonly ShardListing[]
  /** Of commits below `walStart`, oldest first, at most {@link COMMIT_IDS_KEPT}. */
  readonly ids: readonly CommitId[]
  /** Of commits below `walStart`. */
  readonly imports: readonly ShardImport[]
  /** Paths of reports of what was lost, until somebody has acknowledged them. */
  readonly losses: readonly string[]
}

export const catalogFields = (catalog: Catalog): JsonObject => ({ format: FORMAT, ...catalog })

const decodeShard = (json: unknown, index: number): ShardListing => {
  const place = `shards[${index}]`
  const object = asObject(json, place)
  return {
    name: asText(field(object, 'name'), `${place}.name`),
    firstLsn: asNatural(field(object, 'firstLsn'), `${place}.firstLsn`),
    flushedLsn: asNatural(field(object, 'flushedLsn'), `${place}.flushedLsn`),
  }
}

const decodeId = (json: unknown, index: number): CommitId => {
  const place = `ids[${index}]`
  const object = asObject(json, place)
  return {
    id: asText(field(object, 'id'), `${place}.id`),
    lsn: asNatural(field(object, 'lsn'), `${place}.lsn`),
    time: asNatural(field(object, 'time'), `${place}.time`),
  }
}

const decodeImport = (json: unknown, index: number): ShardImport => {
  const place = `imports[${index}]`
  const object = asObject(json, place)
  return {
    id: asText(field(object, 'id'), `${place}.id`),
    shard: asText(field(object, 'shard'), `${place}.shard`),
    rows: asNatural(field(object, 'rows'), `${place}.rows`),
    complete: asBoolean(field(object, 'complete'), `${place}.complete`),
  }
}

/**
 * Refuses what a later Varve wrote, before anything else of the document is looked at.
 * @throws {UnsupportedError} FORMAT_UNSUPPORTED
 */
export const checkFormat = (fields: JsonObject, file: string): void => {
  const format = asNatural(field(fields, 'format'), 'format')
  if (format !== FORMAT)
    throw new UnsupportedError('FORMAT_UNSUPPORTED', 'the file was written by another version of Varve', {
      file,
      format,
      supported: FORMAT,
    })
}

const decodeCatalog = (fields: JsonObject): Catalog => {
  checkFormat(fields, CATALOG)
  const requires = asList(field(fields, 'requires'), 'requires').map((each, index) =>
    asText(each, `requires[${index}]`),
  )
  for (const feature of requires)
    if (!FEATURES.has(feature))
      throw new UnsupportedError('FEATURE_UNSUPPORTED', 'the store needs a feature that this Varve lacks', {
        file: CATALOG,
        feature,
      })
  return {
    id: asText(field(fields, 'id'), 'id'),
    created: asText(field(fields, 'created'), 'created'),
    epoch: asNatural(field(fields, 'epoch'), 'epoch'),
    unsynced: asBoolean(field(fields, 'unsynced'), 'unsynced'),
    requires,
    walStart: asNatural(field(fields, 'walStart'), 'walStart'),
    upper: asNatural(field(fields, 'upper'), 'upper'),
    nextBatch: asNatural(field(fields, 'nextBatch'), 'nextBatch'),
    shards: asList(field(fields, 'shards'), 'shards').map(decodeShard),
    ids: asList(field(fields, 'ids'), 'ids').map(decodeId),
    imports: asList(field(fields, 'imports'), 'imports').map(decodeImport),
    losses: asList(field(fields, 'losses'), 'losses').map((each, index) => asText(each, `losses[${index}]`)),
  }
}

/**
 * Reads store.json; undefined if there is none.
 * @throws {CorruptionError} STORE_CORRUPT. @throws {UnsupportedError} for a newer format or an unknown feature
 */
export const readCatalog = async (disk: Disk): Promise<Catalog | undefined> => {
  const fields = await readDocument(disk, CATALOG, 'STORE_CORRUPT')
  try {
    return fields === undefined ? undefined : decodeCatalog(fields)
  } catch (cause) {
    if (!(cause instanceof MalformedJson)) throw cause
    throw new CorruptionError('STORE_CORRUPT', cause.message, { file: CATALOG, place: cause.place }, cause)
  }
}
