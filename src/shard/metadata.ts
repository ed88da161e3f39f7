// Owns what is durable of one shard besides the log: which batches it has, how far they reach, its frontiers.
// Pure: every change is a new value. Invariants: `upper` and `flushedLsn` never go back, `since` only where the shard
// is dropped; the batches are in LSN order and their ranges of LSNs do not overlap; `since <= upper - 1` once there is
// anything.

import { type BatchDescription, descriptionFields, descriptionFromJson } from '../batch/description.ts'
import type { Disk } from '../disk/disk.ts'
import { shardStem } from '../disk/shard-file.ts'
import { CorruptionError } from '../errors.ts'
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
import { type ColumnSchema, type ColumnType, isColumnType, type Schema } from '../model/schema.ts'
import { checkFormat, FORMAT } from './catalog.ts'
import { readDocument } from './document.ts'

export const SHARDS_FOLDER = 'shards'
export const BATCHES_FOLDER = 'batches'

/** A batch as its shard knows it. */
export interface BatchEntry extends BatchDescription {
  /** A number, never used again. */
  readonly id: string
  /** Its updates come from commits `[lsnLower, lsnUpper]`. */
  readonly lsnLower: number
  readonly lsnUpper: number
}

export interface ShardMetadata {
  readonly name: string
  /** Reads are exact from here on; what was before is folded into it. */
  readonly since: number
  /** The latest flushed time + 1. */
  readonly upper: number
  /** The fence: replay starts after this LSN. */
  readonly flushedLsn: number
  readonly schema: Schema
  readonly batches: readonly BatchEntry[]
  /** Ids that were replaced, until their files are gone. */
  readonly retired: readonly string[]
  /** It is a tombstone: the shard was dropped by the commit `flushedLsn`, and nothing was flushed since. */
  readonly dropped: boolean
}

/** Where a batch is: always relative, and nothing else is accepted on reading. */
export const batchPath = (id: string): string => `${BATCHES_FOLDER}/${id}.parquet`

/** Where the metadata of a shard is. */
export const metadataPath = (name: string): string => `${SHARDS_FOLDER}/${shardStem(name)}.json`

/** A shard of which nothing was flushed yet. */
export const newMetadata = (name: string, schema: Schema): ShardMetadata => ({
  name,
  since: 0,
  upper: 0,
  flushedLsn: 0,
  schema,
  batches: [],
  retired: [],
  dropped: false,
})

/** After a flush through `flushedLsn`, which made `batch` unless everything cancelled out. */
export const withFlush = (
  metadata: ShardMetadata,
  flush: { batch: BatchEntry | undefined; flushedLsn: number; upper: number; schema: Schema },
): ShardMetadata => ({
  ...metadata,
  schema: flush.schema,
  flushedLsn: Math.max(metadata.flushedLsn, flush.flushedLsn),
  upper: Math.max(metadata.upper, flush.upper),
  dropped: false,
  batches: flush.batch === undefined ? metadata.batches : [...metadata.batches, flush.batch],
})

/**
 * After a compaction replaced `inputs` by `output` and advanced `since`. Undefined if they are not all there any
 * more, side by side, or the shard was dropped: then the work of the compaction is for nothing, and nothing else.
 */
export const withCompaction = (
  metadata: ShardMetadata,
  inputs: readonly string[],
  output: BatchEntry | undefined,
  since: number,
): ShardMetadata | undefined => {
  if (metadata.dropped) return undefined
  const first = metadata.batches.findIndex(({ id }) => id === inputs[0])
  if (inputs.length > 0 && !inputs.every((id, index) => metadata.batches[first + index]?.id === id))
    return undefined
  const batches = [...metadata.batches]
  if (inputs.length > 0) batches.splice(first, inputs.length, ...(output === undefined ? [] : [output]))
  return {
    ...metadata,
    since: Math.max(metadata.since, since),
    // Times were advanced to since, so upper follows: since stays below it.
    upper: since === 0 ? metadata.upper : Math.max(metadata.upper, since + 1),
    batches,
    retired: [...metadata.retired, ...inputs],
  }
}

/**
 * The tombstone: after the commit `lsn` dropped the shard. What is made under its name later goes on from here, so
 * that no line of the log up to `lsn` can bring anything back.
 *
 * @param upper the store's: once the log is gone, nothing else may know how far the times of the shard went
 */
export const withDrop = (metadata: ShardMetadata, lsn: number, upper: number): ShardMetadata => ({
  ...newMetadata(metadata.name, []),
  upper,
  flushedLsn: lsn,
  retired: [...metadata.retired, ...metadata.batches.map(({ id }) => id)],
  dropped: true,
})

/** With everything retired that `other` names: it was on its way to the disk when the shard was dropped. */
export const withRetired = (metadata: ShardMetadata, other: ShardMetadata): ShardMetadata => ({
  ...metadata,
  retired: [...new Set([...metadata.retired, ...other.retired, ...other.batches.map(({ id }) => id)])],
})

/** After the files of `ids` are gone. */
export const withoutRetired = (metadata: ShardMetadata, ids: ReadonlySet<string>): ShardMetadata => ({
  ...metadata,
  retired: metadata.retired.filter(id => !ids.has(id)),
})

/** The fields of the document; `store` binds it to its store. */
export const metadataFields = (metadata: ShardMetadata, store: string): JsonObject => ({
  format: FORMAT,
  store,
  name: metadata.name,
  since: metadata.since,
  upper: metadata.upper,
  flushedLsn: metadata.flushedLsn,
  schema: metadata.schema.map(({ name, type, declared }) => ({ name, type, declared })),
  batches: metadata.batches.map(batch => ({
    id: batch.id,
    path: batchPath(batch.id),
    lower: batch.lower,
    upper: batch.upper,
    len: batch.len,
    lsnLower: batch.lsnLower,
    lsnUpper: batch.lsnUpper,
    ...descriptionFields(batch),
  })),
  retired: metadata.retired,
  ...(metadata.dropped ? { dropped: true } : {}),
})

const BATCH_ID = /^[1-9][0-9]{0,15}$/

const asBatchId = (json: unknown, place: string): string => {
  const id = asText(json, place)
  if (!BATCH_ID.test(id)) throw new MalformedJson(place, 'a batch id')
  return id
}

const decodeColumn = (json: unknown, index: number): ColumnSchema => {
  const place = `schema[${index}]`
  const object = asObject(json, place)
  const type = asText(field(object, 'type'), `${place}.type`)
  if (!isColumnType(type)) throw new MalformedJson(`${place}.type`, 'a column type')
  return {
    name: asText(field(object, 'name'), `${place}.name`),
    type: type as ColumnType,
    declared: asBoolean(field(object, 'declared'), `${place}.declared`),
  }
}

const decodeBatch = (json: unknown, index: number, arity: number): BatchEntry => {
  const place = `batches[${index}]`
  const object = asObject(json, place)
  const id = asBatchId(field(object, 'id'), `${place}.id`)
  if (field(object, 'path') !== batchPath(id)) throw new MalformedJson(`${place}.path`, `"${batchPath(id)}"`)
  const description = descriptionFromJson(object, place)
  if (description.columns.length !== arity) throw new MalformedJson(`${place}.columns`, `a list of ${arity}`)
  return {
    ...description,
    id,
    lsnLower: asNatural(field(object, 'lsnLower'), `${place}.lsnLower`),
    lsnUpper: asNatural(field(object, 'lsnUpper'), `${place}.lsnUpper`),
  }
}

/** What a document must satisfy as a whole. */
const checkOrder = ({ batches, retired, since, upper, flushedLsn, schema, dropped }: ShardMetadata): void => {
  if (dropped && batches.length + schema.length > 0)
    throw new MalformedJson('dropped', 'without batches and columns')
  let lsn = 0
  const seen = new Set<string>()
  batches.forEach((batch, index) => {
    const place = `batches[${index}]`
    if (batch.lsnLower <= lsn || batch.lsnUpper < batch.lsnLower || batch.lsnUpper > flushedLsn)
      throw new MalformedJson(`${place}.lsnLower`, 'in LSN order')
    if (batch.upper > upper)
      throw new MalformedJson(`${place}.upper`, `at most the upper of the shard, ${upper}`)
    if (seen.has(batch.id)) throw new MalformedJson(`${place}.id`, 'used once')
    seen.add(batch.id)
    lsn = batch.lsnUpper
  })
  const live = retired.findIndex(id => seen.has(id))
  if (live !== -1) throw new MalformedJson(`retired[${live}]`, 'the id of no batch that is there')
  if (since > 0 && since >= upper) throw new MalformedJson('since', `below upper, ${upper}`)
}

const decodeMetadata = (fields: JsonObject, file: string, name: string, store: string): ShardMetadata => {
  checkFormat(fields, file)
  if (field(fields, 'store') !== store) throw new MalformedJson('store', `"${store}"`)
  if (field(fields, 'name') !== name) throw new MalformedJson('name', JSON.stringify(name))
  const schema = asList(field(fields, 'schema'), 'schema').map(decodeColumn)
  const metadata: ShardMetadata = {
    name,
    since: asNatural(field(fields, 'since'), 'since'),
    upper: asNatural(field(fields, 'upper'), 'upper'),
    flushedLsn: asNatural(field(fields, 'flushedLsn'), 'flushedLsn'),
    schema,
    batches: asList(field(fields, 'batches'), 'batches').map((each, index) =>
      decodeBatch(each, index, schema.length),
    ),
    retired: asList(field(fields, 'retired'), 'retired').map((each, index) =>
      asBatchId(each, `retired[${index}]`),
    ),
    dropped: Object.hasOwn(fields, 'dropped') && asBoolean(fields.dropped, 'dropped'),
  }
  checkOrder(metadata)
  return metadata
}

/**
 * Whether the document `file` is a tombstone of this store that the log from `walStart` on cannot need: such a one may
 * be there although it is not listed, because `store.json` forgets a dropped shard before its document is removed.
 */
export const isSpentTombstone = async (
  disk: Disk,
  file: string,
  store: string,
  walStart: number,
): Promise<boolean> => {
  try {
    const name = asText(field((await readDocument(disk, file, 'METADATA_CORRUPT')) ?? {}, 'name'), 'name')
    const metadata = metadataPath(name) === file ? await readMetadata(disk, name, store) : undefined
    return metadata?.dropped === true && metadata.flushedLsn < walStart
  } catch (cause) {
    if (cause instanceof MalformedJson || cause instanceof CorruptionError) return false
    throw cause
  }
}

/**
 * Reads the metadata of the shard `name`; undefined if there is none.
 * @throws {CorruptionError} METADATA_CORRUPT with file and place. @throws {UnsupportedError} FORMAT_UNSUPPORTED
 */
export const readMetadata = async (
  disk: Disk,
  name: string,
  store: string,
): Promise<ShardMetadata | undefined> => {
  const file = metadataPath(name)
  const fields = await readDocument(disk, file, 'METADATA_CORRUPT')
  try {
    return fields === undefined ? undefined : decodeMetadata(fields, file, name, store)
  } catch (cause) {
    if (!(cause instanceof MalformedJson)) throw cause
    throw new CorruptionError('METADATA_CORRUPT', cause.message, { file, place: cause.place }, cause)
  }
}
