// Owns knowing a batch again without the document that described it: from what the file says of itself, and from
// reading all of it. Its checksums are taken anew, so damage that leaves it readable is not noticed; all else is.
import type { Disk, DiskFile } from '../disk/disk.ts'
import { isUnreadable } from '../disk/system-error.ts'
import { DiskError } from '../errors.ts'
import type { Columns } from '../model/columns.ts'
import type { Schema } from '../model/schema.ts'
import { MAGIC, type ParquetFooter } from '../parquet/footer.ts'
import { ColumnChunks, decodeGroup, isGroupDecodable } from './decode-group.ts'
import type { BatchDescription } from './description.ts'
import { type BatchOrigin, LAYOUT_KEY, type Layout, layoutFromText, partNames } from './layout.ts'
import { OrderCheck } from './order.ts'
import { Span } from './span.ts'
import { openTail, readExactly } from './tail.ts'
import { describe } from './writer.ts'

/** A batch file, as it says itself. */
export interface IdentifiedBatch {
  readonly shard: string
  readonly origin: BatchOrigin
  readonly schema: Schema
  /** Undefined if not all of it can be read, or it is not as a batch is. */
  readonly description: BatchDescription | undefined
}

/** Runs `work`; undefined if the bytes are not what it needs, or cannot be read. What else the disk says is not about bytes. */
const unlessDamaged = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
  try {
    return await work()
  } catch (cause) {
    if ((cause instanceof DiskError && !isUnreadable(cause)) || !(cause instanceof Error)) throw cause
    return undefined
  }
}

const withFile = async <T>(disk: Disk, path: string, work: (file: DiskFile) => Promise<T>): Promise<T> => {
  const file = await disk.open(path, 'read')
  try {
    return await work(file)
  } finally {
    await file.close()
  }
}

/** A row group by the library's codec, which is loaded for it. Nobody has a checksum: so the codec sees the whole file. */
const readForeign = async (file: DiskFile, layout: Layout, index: number): Promise<Columns> => {
  const [{ openForeignSource }, { decodeColumns }] = await Promise.all([
    import('./foreign-source.ts'),
    import('./decode.ts'),
  ])
  const source = await openForeignSource(file)
  try {
    return await decodeColumns(layout, source.read(index, [...partNames(layout), 'time', 'diff']))
  } finally {
    source.free()
  }
}

const readGroup = async (
  file: DiskFile,
  footer: ParquetFooter,
  layout: Layout,
  index: number,
): Promise<Columns> => {
  const group = footer.rowGroups[index]!
  if (!isGroupDecodable(layout, group)) return readForeign(file, layout, index)
  const bytesOf = new Map<string, Uint8Array>()
  for (const { column, offset, length } of group.chunks)
    bytesOf.set(column, await readExactly(file, offset, length))
  return decodeGroup(layout, new ColumnChunks(footer, index, bytesOf))
}

/** Reads all of a file that nobody has a checksum of. */
const describeWhole = async (
  file: DiskFile,
  footer: ParquetFooter,
  layout: Layout,
): Promise<BatchDescription> => {
  if (Buffer.from(await file.read(0, MAGIC.length)).toString('latin1') !== MAGIC)
    throw new Error('the file does not begin in PAR1')
  const { rows, ...found } = await describe(file, await file.size())
  const order = new OrderCheck()
  const span = new Span(layout.length)
  for (const [index, group] of footer.rowGroups.entries()) {
    const columns = await readGroup(file, footer, layout, index)
    if (columns.length !== group.rows) throw new Error('a row group has another number of rows')
    if (order.firstWrong(columns) !== -1) throw new Error('the rows are not sorted and consolidated')
    span.add(columns)
  }
  if (span.len !== rows || rows === 0) throw new Error('the number of rows differs')
  return { ...found, ...span.describe(layout.map(({ type }) => type)) }
}

const identify = async (file: DiskFile): Promise<IdentifiedBatch | undefined> => {
  const tail = await unlessDamaged(() => openTail(file))
  if (tail === undefined) return undefined
  const { footer } = tail
  const own = await unlessDamaged(async () => layoutFromText(footer.metadata.get(LAYOUT_KEY) ?? ''))
  if (own?.origin === undefined) return undefined
  const { shard, layout, origin } = own
  const description = await unlessDamaged(() => describeWhole(file, footer, layout))
  const schema = layout.map(({ name, type, declared }) => ({ name, type, declared }))
  return { shard, origin, schema, description }
}

/**
 * What the file at `path` says that it is; undefined if that cannot be read, or it belongs to no store.
 * @throws {DiskError} if the disk cannot say
 */
export const identifyBatch = (disk: Disk, path: string): Promise<IdentifiedBatch | undefined> =>
  unlessDamaged(() => withFile(disk, path, identify))
