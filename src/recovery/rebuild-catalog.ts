// Owns making store.json anew from what the other files say: documents, batches and segments all carry the id of their
// store. Reads only. What store.json alone knew is gone with it: the ids of commits, and the progress of imports, that
// have left the log.
import { identifyBatch } from '../batch/identify.ts'
import type { Disk } from '../disk/disk.ts'
import { pathIn } from '../disk/path.ts'
import { readWhole } from '../disk/replace.ts'
import { CorruptionError } from '../errors.ts'
import { asText, field, MalformedJson } from '../model/json.ts'
import type { Catalog } from '../shard/catalog.ts'
import { readDocument } from '../shard/document.ts'
import { BATCHES_FOLDER, metadataPath, readMetadata, SHARDS_FOLDER } from '../shard/metadata.ts'
import { listSealed, SEGMENT_BYTES_MAX } from '../wal/reader.ts'
import type { SegmentHeader } from '../wal/record.ts'
import { CURRENT, headerOf } from '../wal/segment.ts'
import { QUARANTINE_FOLDER } from './quarantine.ts'

/** So far beyond every batch id that can be seen that no id which was used and has left no trace is used again. */
const BATCH_ID_LEAP = 2 ** 20

/** What was found of one shard. */
interface FoundShard {
  readonly store: string
  readonly name: string
  /** Of everything of it that is not in the log. */
  readonly fence: number
}

/** What a segment says of where it begins. */
interface SegmentStart {
  readonly header: SegmentHeader | undefined
  readonly firstLsn: number | undefined
}

const startOf = async (disk: Disk, path: string, named: number | undefined): Promise<SegmentStart> => {
  const header = headerOf(await readWhole(disk, path, SEGMENT_BYTES_MAX))
  return { header, firstLsn: header?.firstLsn ?? named }
}

const filesIn = async (disk: Disk, folder: string): Promise<string[]> =>
  (await disk.stat(folder))?.kind === 'directory'
    ? (await disk.list(folder)).flatMap(({ name, kind }) => (kind === 'file' ? [name] : []))
    : []

/** A document whose name and store are not known beforehand; undefined if it is damaged. */
const shardAt = async (disk: Disk, path: string): Promise<FoundShard | undefined> => {
  try {
    const fields = (await readDocument(disk, path, 'METADATA_CORRUPT')) ?? {}
    const name = asText(field(fields, 'name'), 'name')
    const store = asText(field(fields, 'store'), 'store')
    const metadata = metadataPath(name) === path ? await readMetadata(disk, name, store) : undefined
    if (metadata === undefined) return undefined
    return { store, name, fence: metadata.flushedLsn }
  } catch (cause) {
    if (cause instanceof CorruptionError || cause instanceof MalformedJson) return undefined
    throw cause
  }
}

const ofBatch = async (disk: Disk, name: string): Promise<FoundShard[]> => {
  const found = await identifyBatch(disk, pathIn(BATCHES_FOLDER, name))
  if (found === undefined) return []
  const { store, lsnUpper } = found.origin
  return [{ store, name: found.shard, fence: lsnUpper }]
}

/** Each shard once: what all its finds say together. */
const merged = (found: readonly FoundShard[]): FoundShard[] => {
  const byName = new Map<string, FoundShard>()
  for (const each of found) {
    const other = byName.get(each.name) ?? each
    byName.set(each.name, {
      ...each,
      fence: Math.max(other.fence, each.fence),
    })
  }
  return [...byName.values()]
}

/** The greatest number that begins a name: that of a batch, wherever it is now. */
const greatestId = (names: readonly string[]): number =>
  names.reduce(
    (most, name) => Math.max(most, Number(/(?:^|-)([0-9]{1,15})\.parquet/.exec(name)?.[1] ?? 0)),
    0,
  )

/**
 * The catalogue that fits what is there.
 *
 * @param created the wall clock in ISO 8601
 * @throws {CorruptionError} STORE_CORRUPT if nothing is there, or files of several stores
 */
export const rebuildCatalog = async (disk: Disk, created: string): Promise<Catalog> => {
  const found: FoundShard[] = []
  const batches = await filesIn(disk, BATCHES_FOLDER)
  for (const name of await filesIn(disk, SHARDS_FOLDER)) {
    const shard = await shardAt(disk, pathIn(SHARDS_FOLDER, name))
    if (shard !== undefined) found.push(shard)
  }
  for (const name of batches) if (/^[0-9]+\.parquet$/.test(name)) found.push(...(await ofBatch(disk, name)))
  const starts: SegmentStart[] = []
  for (const { path, firstLsn } of await listSealed(disk)) starts.push(await startOf(disk, path, firstLsn))
  if ((await disk.stat(CURRENT)) !== undefined) starts.push(await startOf(disk, CURRENT, undefined))
  const headers = starts.flatMap(({ header }) => header ?? [])
  const stores = [...new Set([...found, ...headers].map(({ store }) => store))]
  const [id] = stores
  if (id === undefined || stores.length > 1) {
    const why = id === undefined ? 'there is no store here' : 'the files are of several stores'
    throw new CorruptionError('STORE_CORRUPT', why, { file: 'store.json', stores })
  }
  const shards = merged(found)
  // The log ought to have everything that some shard may have in no batch; where it does not, that is lost.
  const first = starts.find(({ firstLsn }) => firstLsn !== undefined)
  const wanted = Math.min(...shards.map(({ fence }) => fence)) + 1
  const walStart = Math.min(first?.firstLsn ?? wanted, wanted)
  const ids = [...batches, ...(await filesIn(disk, QUARANTINE_FOLDER))]
  return {
    id,
    created,
    epoch: headers.reduce((most, { epoch }) => Math.max(most, epoch), 0) + 1,
    unsynced: true,
    requires: [],
    walStart,
    // Documents and headers say it.
    upper: 0,
    nextBatch: greatestId(ids) + BATCH_ID_LEAP,
    // Nobody knows which commit was the first to touch it.
    shards: shards.map(({ name }) => ({ name, firstLsn: 1, flushedLsn: 0 })),
    ids: [],
    imports: [],
    losses: [],
  }
}
