// Owns what is known of a batch without opening it: sizes, the range of its times, checksums, what its columns span.
// Invariant: together with the magic bytes at the start, the checksums cover every byte of the file.
import { asList, asNatural, asObject, asText, field, type JsonObject, MalformedJson } from '../model/json.ts'
import { type ColumnType, isColumnType } from '../model/schema.ts'
import { compareValues, type Value } from '../model/value.ts'
import { MalformedValue, valueFromJson, valueText } from '../model/value-json.ts'

/** One row group of a batch file. */
export interface RowGroupDescription {
  readonly len: number
  /** Where its first column chunk begins; its chunks follow one another. */
  readonly offset: number
  /** A checksum for each column chunk, in file order. */
  readonly chunks: readonly string[]
}

/** What a data column holds. */
export interface ColumnDescription {
  readonly type: ColumnType
  /** Least and greatest value but null; undefined if there is none or it is longer than 64 bytes. */
  readonly min: Value | undefined
  readonly max: Value | undefined
  readonly nulls: number
}

/** What a batch file holds, and how to know that it still does. */
export interface BatchDescription {
  readonly bytes: number
  readonly len: number
  /** Its times lie in `[lower, upper)`, and there is an update at `lower` and one at `upper - 1`. */
  readonly lower: number
  readonly upper: number
  /** From `offset`, the end of the last column chunk, to the end of the file. */
  readonly footer: { readonly offset: number; readonly crc32: string }
  readonly rowGroups: readonly RowGroupDescription[]
  readonly columns: readonly ColumnDescription[]
}

const boundFields = (key: 'min' | 'max', value: Value | undefined): JsonObject =>
  value === undefined ? {} : { [key]: JSON.parse(valueText(value)) }

/** The description as fields of a JSON document. */
export const descriptionFields = (batch: BatchDescription): JsonObject => ({
  lower: batch.lower,
  upper: batch.upper,
  len: batch.len,
  bytes: batch.bytes,
  footer: { offset: batch.footer.offset, crc32: batch.footer.crc32 },
  rowGroups: batch.rowGroups.map(({ len, offset, chunks }) => ({ len, offset, chunks })),
  columns: batch.columns.map(({ type, min, max, nulls }) => ({
    type,
    ...boundFields('min', min),
    ...boundFields('max', max),
    nulls,
  })),
})

const CHECKSUM = /^[0-9a-f]{8}$/

const asChecksum = (json: unknown, place: string): string => {
  const text = asText(json, place)
  if (!CHECKSUM.test(text)) throw new MalformedJson(place, 'a checksum of 8 hex digits')
  return text
}

const asBound = (json: unknown, place: string): Value | undefined => {
  if (json === undefined) return undefined
  try {
    return valueFromJson(json)
  } catch (cause) {
    if (cause instanceof MalformedValue) throw new MalformedJson(place, 'a value')
    throw cause
  }
}

const rowGroupFromJson = (json: unknown, place: string): RowGroupDescription => {
  const object = asObject(json, place)
  return {
    len: asNatural(field(object, 'len'), `${place}.len`),
    offset: asNatural(field(object, 'offset'), `${place}.offset`),
    chunks: asList(field(object, 'chunks'), `${place}.chunks`).map((chunk, index) =>
      asChecksum(chunk, `${place}.chunks[${index}]`),
    ),
  }
}

const columnFromJson = (json: unknown, place: string): ColumnDescription => {
  const object = asObject(json, place)
  const type = asText(field(object, 'type'), `${place}.type`)
  if (!isColumnType(type)) throw new MalformedJson(`${place}.type`, 'a column type')
  const min = asBound(field(object, 'min'), `${place}.min`)
  const max = asBound(field(object, 'max'), `${place}.max`)
  if (min === null) throw new MalformedJson(`${place}.min`, 'a value other than null')
  if (max === null) throw new MalformedJson(`${place}.max`, 'a value other than null')
  if (min !== undefined && max !== undefined && compareValues(min, max) > 0)
    throw new MalformedJson(`${place}.max`, 'at least min')
  return { type, min, max, nulls: asNatural(field(object, 'nulls'), `${place}.nulls`) }
}

/** What must hold between the fields. */
const checkWhole = (batch: BatchDescription, place: string): void => {
  if (batch.len === 0) throw new MalformedJson(`${place}.len`, 'at least 1')
  if (batch.upper <= batch.lower) throw new MalformedJson(`${place}.upper`, 'greater than lower')
  if (batch.footer.offset >= batch.bytes) throw new MalformedJson(`${place}.footer.offset`, 'inside the file')
  let rows = 0
  let end = 0
  batch.rowGroups.forEach(({ len, offset, chunks }, index) => {
    const at = `${place}.rowGroups[${index}]`
    if (len === 0) throw new MalformedJson(`${at}.len`, 'at least 1')
    if (offset <= end || offset >= batch.footer.offset)
      throw new MalformedJson(`${at}.offset`, 'after the row group before it, and before the footer')
    if (chunks.length < batch.columns.length + 2)
      throw new MalformedJson(`${at}.chunks`, 'one for each column, time and diff')
    rows += len
    end = offset
  })
  if (rows !== batch.len) throw new MalformedJson(`${place}.len`, 'the sum of the row groups')
  batch.columns.forEach(({ nulls }, index) => {
    if (nulls > rows) throw new MalformedJson(`${place}.columns[${index}].nulls`, 'at most len')
  })
}

/**
 * The description that a document holds at `place`.
 * @throws {MalformedJson} naming the place of what cannot be
 */
export const descriptionFromJson = (json: unknown, place: string): BatchDescription => {
  const object = asObject(json, place)
  const natural = (key: string): number => asNatural(field(object, key), `${place}.${key}`)
  const footer = asObject(field(object, 'footer'), `${place}.footer`)
  const batch: BatchDescription = {
    bytes: natural('bytes'),
    len: natural('len'),
    lower: natural('lower'),
    upper: natural('upper'),
    footer: {
      offset: asNatural(field(footer, 'offset'), `${place}.footer.offset`),
      crc32: asChecksum(field(footer, 'crc32'), `${place}.footer.crc32`),
    },
    rowGroups: asList(field(object, 'rowGroups'), `${place}.rowGroups`).map((each, index) =>
      rowGroupFromJson(each, `${place}.rowGroups[${index}]`),
    ),
    columns: asList(field(object, 'columns'), `${place}.columns`, 65_536).map((each, index) =>
      columnFromJson(each, `${place}.columns[${index}]`),
    ),
  }
  checkWhole(batch, place)
  return batch
}
