// Owns knowing a batch again without the document that described it: from what the file says of itself, and from
// reading all of it. Its checksums are taken anew, so damage that leaves it readable is not noticed; all else is.
import type { Disk, DiskFile } from '../disk/disk.ts'
import { isUnreadable } from '../disk/system-error.ts'
import { DiskError } from '../errors.ts'
import type { Schema } from '../model/schema.ts'
import { decodeColumns } from './decode.ts'
import type { BatchDescription } from './description.ts'
import { type ForeignSource, openForeignSource } from './foreign-source.ts'
import { type BatchOrigin, LAYOUT_KEY, type Layout, layoutFromText, partNames } from './layout.ts'
import { OrderCheck } from './order.ts'
import { MAGIC } from './parquet.ts'
import { Span } from './span.ts'
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

/** Reads all of a file that nobody has a checksum of. */
const describeWhole = async (
  file: DiskFile,
  source: ForeignSource,
  layout: Layout,
): Promise<BatchDescription> => {
  if (Buffer.from(await file.read(0, MAGIC.length)).toString('latin1') !== MAGIC)
    throw new Error('the file does not begin in PAR1')
  const { rows, ...found } = await describe(file, await file.size())
  const names = [...partNames(layout), 'time', 'diff']
  const order = new OrderCheck()
  const span = new Span(layout.length)
  for (const [index, group] of source.footer.rowGroups.entries()) {
    const columns = await decodeColumns(layout, source.read(index, names))
    if (columns.length !== group.rows) throw new Error('a row group has another number of rows')
    if (order.firstWrong(columns) !== -1) throw new Error('the rows are not sorted and consolidated')
    span.add(columns)
  }
  if (span.len !== rows || rows === 0) throw new Error('the number of rows differs')
  return { ...found, ...span.describe(layout.map(({ type }) => type)) }
}

const identify = async (file: DiskFile): Promise<IdentifiedBatch | undefined> => {
  const source = await unlessDamaged(() => openForeignSource(file))
  if (source === undefined) return undefined
  try {
    const own = await unlessDamaged(async () => layoutFromText(source.footer.metadata.get(LAYOUT_KEY) ?? ''))
    if (own?.origin === undefined) return undefined
    const { shard, layout, origin } = own
    const description = await unlessDamaged(() => describeWhole(file, source, layout))
    const schema = layout.map(({ name, type, declared }) => ({ name, type, declared }))
    return { shard, origin, schema, description }
  } finally {
    source.free()
  }
}

/**
 * What the file at `path` says that it is; undefined if that cannot be read, or it belongs to no store.
 * @throws {DiskError} if the disk cannot say
 */
export const identifyBatch = (disk: Disk, path: string): Promise<IdentifiedBatch | undefined> =>
  unlessDamaged(() => withFile(disk, path, identify))
