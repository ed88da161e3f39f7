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
import { CURRENT, headerOf, readSegment } from '../wal/segment.ts'
import { QUARANTINE_FOLDER } from './quarantine.ts'

/** So far beyond every batch id that can be seen that no id which was used and has left no trace is used again. */
const BATCH_ID_LEAP = 2 ** 20

/** What was found of one shard. */
interface FoundShard {
  readonly store: string
  readonly name: string
  /** Of everything of it that is not in the log. */
  readonly fence: number
  /** The first LSN of its life, as a batch says it; 0 where nothing does. */
  readonly firstLsn: number
  readonly hasDocument: boolean
}

/** What a segment says of itself. */
interface FoundSegment {
  readonly header: SegmentHeader | undefined
  readonly firstLsn: number | undefined
  /** One more than the greatest time that it says in its header and in the lines that follow it. */
  readonly upper: number
}

const upperOf = (path: string, bytes: Uint8Array): number => {
  try {
    return readSegment(path, bytes, undefined).upper
  } catch (cause) {
    if (cause instanceof CorruptionError) return headerOf(bytes)?.upper ?? 0
    throw cause
  }
}

const segmentAt = async (disk: Disk, path: string, named: number | undefined): Promise<FoundSegment> => {
  const bytes = await readWhole(disk, path, SEGMENT_BYTES_MAX)
  const header = headerOf(bytes)
  return { header, firstLsn: header?.firstLsn ?? named, upper: upperOf(path, bytes) }
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
    return { store, name, fence: metadata.flushedLsn, firstLsn: 0, hasDocument: true }
  } catch (cause) {
    if (cause instanceof CorruptionError || cause instanceof MalformedJson) return undefined
    throw cause
  }
}

const ofBatch = async (disk: Disk, name: string): Promise<FoundShard[]> => {
  const found = await identifyBatch(disk, pathIn(BATCHES_FOLDER, name))
  if (found === undefined) return []
  const { store, lsnUpper, firstLsn } = found.origin
  return [{ store, name: found.shard, fence: lsnUpper, firstLsn, hasDocument: false }]
}

/** Each shard once: what all its finds say together. */
const merged = (found: readonly FoundShard[]): FoundShard[] => {
  const byName = new Map<string, FoundShard>()
  for (const each of found) {
    const other = byName.get(each.name) ?? each
    byName.set(each.name, {
      ...each,
      fence: Math.max(other.fence, each.fence),
      firstLsn: Math.max(other.firstLsn, each.firstLsn),
      hasDocument: other.hasDocument || each.hasDocument,
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
  const segments: FoundSegment[] = []
  for (const { path, firstLsn } of await listSealed(disk))
    segments.push(await segmentAt(disk, path, firstLsn))
  if ((await disk.stat(CURRENT)) !== undefined) segments.push(await segmentAt(disk, CURRENT, undefined))
  const headers = segments.flatMap(({ header }) => header ?? [])
  const stores = [...new Set([...found, ...headers].map(({ store }) => store))]
  const [id] = stores
  if (id === undefined || stores.length > 1) {
    const why = id === undefined ? 'there is no store here' : 'the files are of several stores'
    const advice = id === undefined ? 'name the folder of a store' : 'take out what belongs to another store'
    throw new CorruptionError('STORE_CORRUPT', why, { file: 'store.json', stores, advice })
  }
  const shards = merged(found)
  // The log ought to have everything that some shard may have in no batch; where it does not, that is lost.
  const first = segments.find(({ firstLsn }) => firstLsn !== undefined)
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
    // The documents say theirs themselves; a shard whose tombstone is gone has left its times here alone.
    upper: Math.max(0, ...segments.map(segment => segment.upper)),
    nextBatch: greatestId(ids) + BATCH_ID_LEAP,
    // Where there is a document its next batch has to be of the same life as those it names; where there is none, it
    // must not look like one that is still to be published.
    shards: shards.map(({ name, firstLsn, hasDocument }) => ({
      name,
      firstLsn: hasDocument ? Math.max(1, firstLsn) : 1,
      flushedLsn: 0,
    })),
    ids: [],
    imports: [],
    losses: [],
  }
}
