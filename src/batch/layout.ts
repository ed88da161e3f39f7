// Owns how the columns of a shard lie in a batch file: docs/format.md#batches.
// One column of Parquet for each column of data, except that `any` has one for every type a value can have, of which
// at most one holds a value in a row. The layout travels in the file's key-value metadata under the key `varve`.
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
import type { ParquetColumn, ValueType } from '../parquet/schema.ts'

/** A type with one physical form. */
export type PartType = Exclude<ColumnType, 'null' | 'any'> & ValueType

/** One column of a file. */
export interface Part {
  readonly name: string
  readonly type: PartType
}

/** One column of data and where it is in the file. */
export interface LaidOutColumn extends ColumnSchema {
  readonly parts: readonly Part[]
}

export type Layout = readonly LaidOutColumn[]

/** Which part of which store a batch is: with it a shard can be put together again when its document is lost. */
export interface BatchOrigin {
  /** The id of the store. */
  readonly store: string
  /** The first commit that touched the shard, since it was last dropped if it was. */
  readonly firstLsn: number
  /** The commits that it holds what the shard has of. */
  readonly lsnLower: number
  readonly lsnUpper: number
  /** `since` of the shard when the batch was written. */
  readonly since: number
}

/** What a file says of itself under {@link LAYOUT_KEY}. */
export interface BatchIdentity {
  readonly shard: string
  readonly layout: Layout
  /** Absent in a file that was exported. */
  readonly origin: BatchOrigin | undefined
}

/** The key of the file's metadata. */
export const LAYOUT_KEY = 'varve'

/** The version of what is under {@link LAYOUT_KEY}. */
const BATCH_FORMAT = 1

/** What a column of type `any` is split into. A writer that streams cannot know which will occur, so it has all. */
const ANY_PARTS: readonly PartType[] = [
  'boolean',
  'int64',
  'float64',
  'timestamp',
  'string',
  'bytes',
  'vector',
]

const partsOf = (name: string, type: ColumnType): readonly Part[] => {
  // A column's name never holds a colon, so a part never takes the name of another column.
  if (type === 'any') return ANY_PARTS.map(part => ({ name: `${name}:${part}`, type: part }))
  // Nothing but nulls: some type must be named, and int32 is the one that an inferred column starts with.
  return [{ name, type: type === 'null' ? 'int32' : type }]
}

/** The layout of a shard's columns. */
export const layoutOf = (schema: Schema): Layout =>
  schema.map(({ name, type, declared }) => ({ name, type, declared, parts: partsOf(name, type) }))

/** What is written under {@link LAYOUT_KEY}. */
export const layoutText = ({ shard, layout, origin }: BatchIdentity): string =>
  JSON.stringify({
    format: BATCH_FORMAT,
    shard,
    ...origin,
    columns: layout.map(({ name, type, declared, parts }) => ({
      name,
      type,
      declared,
      ...(type === 'any' ? { parts: parts.map(part => part.type) } : {}),
    })),
  })

const originFromJson = (object: JsonObject): BatchOrigin | undefined => {
  if (field(object, 'store') === undefined) return undefined
  const natural = (key: string): number => asNatural(field(object, key), `${LAYOUT_KEY}.${key}`)
  return {
    store: asText(field(object, 'store'), `${LAYOUT_KEY}.store`),
    firstLsn: natural('firstLsn'),
    lsnLower: natural('lsnLower'),
    lsnUpper: natural('lsnUpper'),
    since: natural('since'),
  }
}

const partsFromJson = (json: unknown, name: string, type: ColumnType, place: string): readonly Part[] => {
  if (type !== 'any') return partsOf(name, type)
  const seen = new Set<string>()
  return asList(json, place, ANY_PARTS.length).map((each, index) => {
    const part = ANY_PARTS.find(known => known === each)
    if (part === undefined || seen.has(part))
      throw new MalformedJson(`${place}[${index}]`, 'a type, used once')
    seen.add(part)
    return { name: `${name}:${part}`, type: part }
  })
}

const columnFromJson = (json: unknown, place: string): LaidOutColumn => {
  const object = asObject(json, place)
  const name = asText(field(object, 'name'), `${place}.name`)
  const type = asText(field(object, 'type'), `${place}.type`)
  if (!isColumnType(type)) throw new MalformedJson(`${place}.type`, 'a column type')
  const declared = asBoolean(field(object, 'declared'), `${place}.declared`)
  return { name, type, declared, parts: partsFromJson(field(object, 'parts'), name, type, `${place}.parts`) }
}

/**
 * What a file says of itself under {@link LAYOUT_KEY}.
 * @throws {MalformedJson} naming the place, if it is not what {@link layoutText} writes
 */
export const layoutFromText = (text: string): BatchIdentity => {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    throw new MalformedJson(LAYOUT_KEY, 'JSON')
  }
  const object = asObject(json, LAYOUT_KEY)
  if (field(object, 'format') !== BATCH_FORMAT)
    throw new MalformedJson(`${LAYOUT_KEY}.format`, `${BATCH_FORMAT}`)
  const layout = asList(field(object, 'columns'), `${LAYOUT_KEY}.columns`, 65_536).map((column, index) =>
    columnFromJson(column, `${LAYOUT_KEY}.columns[${index}]`),
  )
  const names = [...partNames(layout), 'time', 'diff']
  if (new Set(names).size !== names.length)
    throw new MalformedJson(`${LAYOUT_KEY}.columns`, 'a list in which every name is used once')
  const shard = asText(field(object, 'shard'), `${LAYOUT_KEY}.shard`)
  return { shard, layout, origin: originFromJson(object) }
}

/** The names of the data columns of the file, in order. `time` and `diff` follow them. */
export const partNames = (layout: Layout): string[] =>
  layout.flatMap(({ parts }) => parts.map(({ name }) => name))

/** The columns of the file, in order. */
export const parquetColumns = (layout: Layout): ParquetColumn[] => [
  ...layout.flatMap(({ parts }) => parts.map(part => ({ ...part, required: false }))),
  { name: 'time', type: 'uint64', required: true },
  { name: 'diff', type: 'int64', required: true },
]
