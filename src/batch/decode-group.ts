// Owns the way from the column chunks of a batch file back to our columns, the inverse of encode-groups.ts.
// Invariant: what cannot be its result is refused with the name of its column, never guessed at.
import { type Column, type Columns, onlyKind } from '../model/columns.ts'
import { extentOf } from '../model/extent.ts'
import { Heap } from '../model/heap.ts'
import { TIME_MAX } from '../model/update.ts'
import { Kind } from '../model/value.ts'
import { isDecodable, OpenChunk, type RowRange } from '../parquet/decode-chunk.ts'
import type { ParquetFooter, RowGroupFooter } from '../parquet/footer.ts'
import { MalformedParquet } from '../parquet/malformed.ts'
import type { ParquetColumn } from '../parquet/schema.ts'
import { type LaidOutColumn, type Layout, parquetColumns } from './layout.ts'
import { MalformedColumn } from './malformed-column.ts'

/** Whether {@link decodeGroup} knows how the columns of a layout are written; if not, batch/wasm-reader.ts does. */
export const isGroupDecodable = (layout: Layout, { chunks }: RowGroupFooter): boolean =>
  parquetColumns(layout).every(({ name, type }) => {
    const chunk = chunks.find(({ column }) => column === name)
    return chunk !== undefined && isDecodable(chunk, type)
  })

/** What `decode` gives; whatever is wrong with the bytes becomes an error of this column. */
const decoding = <T>(name: string, decode: () => T): T => {
  try {
    return decode()
  } catch (cause) {
    if (cause instanceof MalformedParquet) throw new MalformedColumn(name, cause.message, cause)
    throw cause
  }
}

/** The column chunks of one row group. */
export class ColumnChunks {
  readonly #footer: ParquetFooter
  readonly #group: RowGroupFooter
  readonly #bytesOf: ReadonlyMap<string, Uint8Array>

  /** @param bytesOf the chunks by name: those that are decoded must be there */
  constructor(footer: ParquetFooter, index: number, bytesOf: ReadonlyMap<string, Uint8Array>) {
    this.#footer = footer
    this.#group = footer.rowGroups[index]!
    this.#bytesOf = bytesOf
  }

  get rows(): number {
    return this.#group.rows
  }

  /** One column of the file; what does not fit the payload goes to `heap`. */
  open(wanted: ParquetColumn, heap: Heap): OpenChunk {
    const { name, type, required } = wanted
    const found = this.#footer.columns.find(column => column.name === name)
    const chunk = this.#group.chunks.find(({ column }) => column === name)
    const bytes = this.#bytesOf.get(name)
    if (found?.type !== type || found.required !== required || chunk === undefined || bytes === undefined)
      throw new MalformedColumn(name, `a column is not of type ${type} but ${found?.type ?? 'another'}`)
    return decoding(name, () => new OpenChunk(bytes, chunk, wanted, this.rows, heap))
  }
}

/** Puts the values of `part` where `whole` has none. */
const join = (name: string, whole: Column, part: Column): void => {
  for (let row = 0; row < whole.kinds.length; row++) {
    const kind = part.kinds[row]!
    if (kind === Kind.null) continue
    if (whole.kinds[row] !== Kind.null) throw new MalformedColumn(name, 'a row has values of two types')
    whole.kinds[row] = kind
    whole.payload[row] = part.payload[row]!
  }
}

/** One data column of a row group. Its methods throw {@link MalformedColumn} if its chunks do not hold what the layout says. */
export class OpenColumn {
  readonly #column: LaidOutColumn
  readonly #parts: readonly OpenChunk[]

  constructor(column: LaidOutColumn, chunks: ColumnChunks) {
    this.#column = column
    const heap = new Heap()
    this.#parts = column.parts.map(part => chunks.open({ ...part, required: false }, heap))
  }

  /** Rows of which each is decoded without those before it. */
  get starts(): readonly number[] {
    return this.#parts[0]?.starts ?? []
  }

  decode(range: RowRange): Column {
    const { name, type, parts } = this.#column
    const [first, ...others] = this.#parts.map((part, index) =>
      decoding(parts[index]!.name, () => part.decode(range)),
    )
    if (first === undefined) throw new MalformedColumn(name, 'a column has no parts')
    for (const part of others) join(name, first, part)
    if (type === 'null' && first.kinds.some(kind => kind !== Kind.null))
      throw new MalformedColumn(name, 'a column of nulls holds a value')
    return first
  }
}

const isInRange = (name: 'time' | 'diff', values: Float64Array): boolean => {
  if (name === 'diff') return !values.includes(0)
  const { lowest, highest } = extentOf(values, values.length)
  return lowest >= 0 && highest <= TIME_MAX
}

const decodeRequired = (name: 'time' | 'diff', chunks: ColumnChunks, range: RowRange): Float64Array => {
  const type = name === 'time' ? 'uint64' : 'int64'
  const chunk = chunks.open({ name, type, required: true }, new Heap())
  const column = decoding(name, () => chunk.decode(range))
  const { payload } = column
  if (payload.length > 0 && !(onlyKind(column, payload.length) === Kind.int && isInRange(name, payload)))
    throw new MalformedColumn(name, `a ${name} is out of range`)
  return payload
}

/**
 * Rows of a row group of which {@link isGroupDecodable} holds.
 *
 * @param layout of the columns that are wanted
 * @param range of the rows that are wanted. @default all
 * @param time of them, if it is not to be decoded
 * @throws {MalformedColumn} if the chunks do not hold what the layout says
 */
export const decodeGroup = (
  layout: Layout,
  chunks: ColumnChunks,
  range: RowRange = { from: 0, to: chunks.rows },
  time: Float64Array = decodeRequired('time', chunks, range),
): Columns => ({
  length: range.to - range.from,
  data: layout.map(column => new OpenColumn(column, chunks).decode(range)),
  time,
  diff: decodeRequired('diff', chunks, range),
})
