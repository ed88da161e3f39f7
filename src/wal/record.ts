// Owns the meaning of a log line: docs/format.md#log. One line is one commit, so it is there whole or not at all.
// Line: CRC-32 of the JSON bytes as 8 hex digits, `:`, one JSON object, `\n`.

import { checkShardName } from '../disk/shard-file.ts'
import { checksum } from '../model/checksum.ts'
import { type Columns, GrowingColumns } from '../model/columns.ts'
import { doubledKey } from '../model/json.ts'
import { COLUMNS_MAX, type ColumnDeclaration, declaredSchema, type Schema } from '../model/schema.ts'
import { checkCommitId, checkDiff, checkTime } from '../model/update.ts'
import { columnText, valueFromJson } from '../model/value-json.ts'

/** The longest line; what JSON and one write can carry comfortably, and far above any sensible commit. */
export const LINE_BYTES_MAX: number = 64 * 1024 * 1024

/** The checksum and `:` in front of the JSON of a line. */
export const PREFIX_BYTES = 9

/** First line of a segment. */
export interface SegmentHeader {
  /** The id in `store.json`: a log that is not this store's is refused. */
  readonly store: string
  /** How often the store had been opened when the segment was started. */
  readonly epoch: number
  /** One more in each segment, so that a missing or doubled one shows. */
  readonly generation: number
  readonly firstLsn: number
  /** The store's upper when the segment was started. */
  readonly upper: number
}

/** How far an import has come: resumable, and complete once. */
export interface ImportProgress {
  /** Identifies file, shard and mapping. */
  readonly id: string
  /** Rows of the file that this commit and those before it hold. */
  readonly rows: number
  readonly complete: boolean
}

/** One commit. */
export interface CommitRecord {
  readonly lsn: number
  /** Wall clock in ms when it was logged: for people and for point-in-time restore, never for order. */
  readonly at: number
  /** The caller's id: the same id is committed once. */
  readonly id?: string
  readonly import?: ImportProgress
  readonly declare?: ReadonlyMap<string, Schema>
  /** Shards that cease to be, with all that they held. A commit that drops does nothing else. */
  readonly drop?: readonly string[]
  readonly updates: ReadonlyMap<string, Columns>
}

const FORMAT = 1 // The first format: docs/format.md#history

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

/** The line of a JSON text. */
export const encodeLine = (json: string): Uint8Array => encoder.encode(`${checksum(json)}:${json}\n`)

export const encodeHeader = ({ store, epoch, generation, firstLsn, upper }: SegmentHeader): Uint8Array =>
  encodeLine(JSON.stringify({ varve: FORMAT, store, epoch, generation, firstLsn, upper }))

const tupleText = (columns: Columns, row: number): string => {
  let text = '['
  for (let index = 0; index < columns.data.length; index++) {
    if (index > 0) text += ','
    text += columnText(columns.data[index]!, row)
  }
  return `${text}]`
}

const updatesText = (updates: ReadonlyMap<string, Columns>): string => {
  const only = updates.size === 1 ? [...updates][0] : undefined
  if (only !== undefined && only[1].length === 1) {
    const [shard, columns] = only
    const update = `{"data":${tupleText(columns, 0)},"time":${columns.time[0]},"diff":${columns.diff[0]}}`
    return `,"shard":${JSON.stringify(shard)},"update":${update}`
  }
  const shards: string[] = []
  for (const [shard, columns] of updates) {
    const triples: string[] = []
    for (let row = 0; row < columns.length; row++)
      triples.push(`[${tupleText(columns, row)},${columns.time[row]},${columns.diff[row]}]`)
    shards.push(`${JSON.stringify(shard)}:[${triples.join(',')}]`)
  }
  return shards.length === 0 ? '' : `,"updates":{${shards.join(',')}}`
}

/** The members that few commits have, as they stand in a line; empty for all others. */
export const rareMembers = (record: CommitRecord): string => {
  let json = ''
  if (record.id !== undefined) json += `,"id":${JSON.stringify(record.id)}`
  if (record.import !== undefined) {
    const { id, rows, complete } = record.import
    json += `,"import":${JSON.stringify({ id, rows, complete })}`
  }
  if (record.declare !== undefined && record.declare.size > 0) {
    const shards = [...record.declare].map(
      ([shard, schema]) =>
        `${JSON.stringify(shard)}:${JSON.stringify(schema.map(({ name, type }) => ({ name, type })))}`,
    )
    json += `,"declare":{${shards.join(',')}}`
  }
  if (record.drop !== undefined) json += `,"drop":${JSON.stringify(record.drop)}`
  return json
}

/**
 * The line of a commit.
 * @param durable the last LSN known to be on disk; only the first line of a write carries it
 */
export const encodeRecord = (record: CommitRecord, durable: number | undefined): Uint8Array => {
  const durably = durable === undefined ? '' : `,"durable":${durable}`
  const members = `${durably},"at":${record.at}${rareMembers(record)}${updatesText(record.updates)}`
  return encodeLine(`{"lsn":${record.lsn}${members}}`)
}

/** Why bytes are not a line: nothing can be said of their content. */
export class UnreadableLine extends Error {}

/** Why a line with a valid checksum cannot be what a Varve wrote. */
export class InvalidLine extends Error {}

/** A line whose checksum holds, as parsed JSON. */
export type LineJson = Readonly<Record<string, unknown>>

const PREFIX = /^[0-9a-f]{8}:$/

/**
 * The JSON object of a line, given without its `\n`.
 * @throws {UnreadableLine} if the prefix, the checksum or the JSON does not hold
 */
export const decodeLine = (line: Uint8Array): LineJson => {
  if (line.length < 11) throw new UnreadableLine('too short for a line')
  const prefix = String.fromCharCode(...line.subarray(0, 9))
  if (!PREFIX.test(prefix)) throw new UnreadableLine('no checksum')
  const json = line.subarray(9)
  if (checksum(json) !== prefix.slice(0, 8)) throw new UnreadableLine('the checksum does not match')
  try {
    const parsed: unknown = JSON.parse(decoder.decode(json))
    if (isObject(parsed)) return parsed
  } catch {
    // Falls through: with a valid checksum, text that is no JSON object was written by something else.
  }
  throw new InvalidLine('not a JSON object')
}

/**
 * Refuses a line in which a key is there twice. Only for lines that nobody vouches for: it costs as much as parsing.
 * @param line one that {@link decodeLine} took
 * @throws {InvalidLine}
 */
export const checkKeys = (line: Uint8Array): void => {
  const key = doubledKey(decoder.decode(line.subarray(9)))
  if (key !== undefined) throw new InvalidLine(`the key ${JSON.stringify(key)} is there twice`)
}

const isObject = (json: unknown): json is LineJson =>
  typeof json === 'object' && json !== null && !Array.isArray(json)

const naturalOf = (json: LineJson, key: string): number => {
  const value = json[key]
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw new InvalidLine(`"${key}" is not a whole number`)
  return value
}

const onlyKeys = (json: LineJson, known: ReadonlySet<string>): void => {
  for (const key of Object.keys(json))
    if (!known.has(key)) throw new InvalidLine(`"${key}" is a kind of record that this Varve does not know`)
}

/** Whether a line is a segment header. */
export const isHeader = (json: LineJson): boolean => Object.hasOwn(json, 'varve')

const HEADER_KEYS = new Set(['varve', 'store', 'epoch', 'generation', 'firstLsn', 'upper'])

/** @throws {InvalidLine} if it is not one, or of a newer format */
export const decodeHeader = (json: LineJson): SegmentHeader => {
  if (json.varve !== FORMAT) throw new InvalidLine(`log format ${String(json.varve)} is not ${FORMAT}`)
  onlyKeys(json, HEADER_KEYS)
  if (typeof json.store !== 'string') throw new InvalidLine('"store" is not an id')
  return {
    store: json.store,
    epoch: naturalOf(json, 'epoch'),
    generation: naturalOf(json, 'generation'),
    firstLsn: naturalOf(json, 'firstLsn'),
    upper: naturalOf(json, 'upper'),
  }
}

/** The LSN of a line, if it carries one. */
const lsnOf = (json: LineJson): number | undefined =>
  json.lsn === undefined ? undefined : naturalOf(json, 'lsn')

/** The last LSN that was durable when the line was written, if it says so. */
export const durableOf = (json: LineJson): number | undefined =>
  json.durable === undefined ? undefined : naturalOf(json, 'durable')

const shardName = (name: unknown): string => checkShardName(name, 'the shard')

class RowsByShard {
  readonly columns = new Map<string, GrowingColumns>()

  add(shard: string, data: unknown, time: unknown, diff: unknown): void {
    if (!Array.isArray(data) || data.length > COLUMNS_MAX)
      throw new InvalidLine(`a tuple is a list of at most ${COLUMNS_MAX} values`)
    let columns = this.columns.get(shard)
    if (columns === undefined) {
      columns = new GrowingColumns(data.length)
      this.columns.set(shard, columns)
    }
    if (columns.data.length !== data.length)
      throw new InvalidLine('the tuples of a shard have different arity')
    columns.append(data.map(valueFromJson), checkTime(time, 'time'), checkDiff(diff, 'diff'))
  }
}

const UPDATE_KEYS = new Set(['data', 'time', 'diff'])

const decodeUpdates = (json: LineJson): Map<string, Columns> => {
  const rows = new RowsByShard()
  if (json.update !== undefined) {
    if (!isObject(json.update)) throw new InvalidLine('"update" is not an object')
    onlyKeys(json.update, UPDATE_KEYS)
    rows.add(shardName(json.shard), json.update.data, json.update.time, json.update.diff)
  }
  if (json.updates !== undefined) {
    if (!isObject(json.updates)) throw new InvalidLine('"updates" is not an object')
    for (const [shard, triples] of Object.entries(json.updates)) {
      if (!Array.isArray(triples)) throw new InvalidLine('the updates of a shard are a list')
      for (const triple of triples) {
        if (!Array.isArray(triple) || triple.length !== 3)
          throw new InvalidLine('an update is [data,time,diff]')
        rows.add(shardName(shard), triple[0], triple[1], triple[2])
      }
    }
  }
  return rows.columns
}

const decodeDeclare = (json: unknown): Map<string, Schema> => {
  if (!isObject(json)) throw new InvalidLine('"declare" is not an object')
  return new Map(
    Object.entries(json).map(([shard, columns]) => [
      shardName(shard),
      declaredSchema(columns as readonly ColumnDeclaration[], 'declare'),
    ]),
  )
}

const decodeDrop = (json: unknown): string[] => {
  if (!Array.isArray(json) || json.length === 0 || new Set(json).size !== json.length)
    throw new InvalidLine('"drop" is not a list of different shards')
  return json.map(shardName)
}

const IMPORT_KEYS = new Set(['id', 'rows', 'complete'])

const decodeImport = (json: unknown): ImportProgress => {
  if (isObject(json)) onlyKeys(json, IMPORT_KEYS)
  if (!isObject(json) || typeof json.id !== 'string' || typeof json.complete !== 'boolean')
    throw new InvalidLine('"import" is not {id, rows, complete}')
  return { id: json.id, rows: naturalOf(json, 'rows'), complete: json.complete }
}

const COMMIT_KEYS = new Set([
  'lsn',
  'durable',
  'at',
  'id',
  'import',
  'declare',
  'drop',
  'shard',
  'update',
  'updates',
])

/**
 * The commit of a line.
 * @param lsn the LSN that follows in the log: a line may leave its own out
 * @throws {InvalidLine} if the content cannot be a commit, or its LSN does not follow
 */
export const decodeRecord = (json: LineJson, lsn: number): CommitRecord => {
  onlyKeys(json, COMMIT_KEYS)
  const own = lsnOf(json)
  if (own !== undefined && own !== lsn) throw new InvalidLine(`LSN ${own} does not follow, ${lsn} does`)
  let record: CommitRecord
  try {
    record = {
      lsn,
      at: json.at === undefined ? 0 : naturalOf(json, 'at'),
      ...(json.id === undefined ? {} : { id: checkCommitId(json.id, '"id"') }),
      ...(json.import === undefined ? {} : { import: decodeImport(json.import) }),
      ...(json.declare === undefined ? {} : { declare: decodeDeclare(json.declare) }),
      ...(json.drop === undefined ? {} : { drop: decodeDrop(json.drop) }),
      updates: decodeUpdates(json),
    }
  } catch (cause) {
    throw cause instanceof InvalidLine ? cause : new InvalidLine((cause as Error).message)
  }
  const changes = record.updates.size > 0 || record.declare !== undefined || record.import !== undefined
  if (record.drop !== undefined && changes) throw new InvalidLine('a commit that drops does nothing else')
  if (record.updates.size === 0 && record.declare === undefined && record.drop === undefined)
    throw new InvalidLine('a commit has updates, declares columns or drops shards')
  return record
}
