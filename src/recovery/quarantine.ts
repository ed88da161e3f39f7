// Owns the evidence: what cannot be explained is kept with a report, never deleted.
import type { Disk } from '../disk/disk.ts'
import { folderOf, type ReplaceBarriers, readWhole, replaceFile } from '../disk/replace.ts'
import { isUnreadable } from '../disk/system-error.ts'
import { DOCUMENT_BYTES_MAX } from '../shard/document.ts'

export const QUARANTINE_FOLDER = 'quarantine'

const EVIDENCE: ReplaceBarriers = { content: 'B22', name: 'B22' }

/** Why something was put aside, and whatever else is known of it. */
export interface QuarantineReport {
  /** Where it was. */
  readonly from: string
  readonly reason: string
  /** Offset in that file, for bytes that were cut off. */
  readonly offset?: number
  readonly lsn?: number
  readonly [detail: string]: unknown
}

const jsonBytes = (fields: object): Uint8Array => new TextEncoder().encode(`${JSON.stringify(fields)}\n`)

const isAt = async (disk: Disk, path: string, bytes: Uint8Array): Promise<boolean> => {
  const found = await disk.stat(path)
  if (found?.kind !== 'file' || found.size !== bytes.length) return false
  return Buffer.from(await readWhole(disk, path, bytes.length)).equals(bytes)
}

const freeName = async (disk: Disk, wanted: string): Promise<string> => {
  for (let attempt = 1; ; attempt++) {
    const name = attempt === 1 ? wanted : `${wanted}.${attempt}`
    if ((await disk.stat(`${QUARANTINE_FOLDER}/${name}`)) === undefined) return name
  }
}

const writeReport = (
  disk: Disk,
  path: string,
  report: QuarantineReport,
  bytes: number,
  at: string,
): Promise<void> => replaceFile(disk, `${path}.json`, jsonBytes({ ...report, bytes, at }), EVIDENCE)

/**
 * Keeps a copy of `bytes`, with its report, durably. Returns where. A copy that is there already, from an attempt that a
 * crash cut off, is enough.
 */
export const keepBytes = async (
  disk: Disk,
  name: string,
  bytes: Uint8Array,
  report: QuarantineReport,
  at: string,
): Promise<string> => {
  if (await isAt(disk, `${QUARANTINE_FOLDER}/${name}`, bytes)) return `${QUARANTINE_FOLDER}/${name}`
  const path = `${QUARANTINE_FOLDER}/${await freeName(disk, name)}`
  await writeReport(disk, path, report, bytes.length, at)
  await replaceFile(disk, path, bytes, EVIDENCE)
  return path
}

/**
 * Keeps a report of what is lost, durably, as `name`. Returns where. What is lost is lost once: a report of that name is
 * of an attempt that a crash cut off, and knew at least as much.
 */
export const keepReport = async (
  disk: Disk,
  name: string,
  report: QuarantineReport,
  at: string,
): Promise<string> => {
  const path = `${QUARANTINE_FOLDER}/${name}.json`
  if ((await disk.stat(path)) === undefined)
    await replaceFile(disk, path, jsonBytes({ ...report, at }), EVIDENCE)
  return path
}

/** What a file is called in quarantine. */
export const quarantineName = (path: string): string => path.replaceAll('/', '-')

/**
 * Moves a file, or a link, out of the way, durably, with its report unless one waits for it. Nothing of it is read. Returns
 * where.
 */
export const moveAside = async (
  disk: Disk,
  from: string,
  report: QuarantineReport,
  at: string,
  name: string = quarantineName(from),
): Promise<string> => {
  const path = `${QUARANTINE_FOLDER}/${await freeName(disk, name)}`
  if ((await disk.stat(`${path}.json`)) === undefined)
    await writeReport(disk, path, report, (await disk.stat(from))?.size ?? 0, at)
  await disk.rename(from, path)
  await disk.syncDirectory(QUARANTINE_FOLDER, 'B22')
  await disk.syncDirectory(folderOf(from), 'B22')
  return path
}

/**
 * Keeps the document at `report.from`, which is about to be replaced, as `name`: a copy of it, or, where it cannot be read,
 * whatever lies there. A crash behind that leaves a document that is missing, which is made anew as a damaged one is.
 * Returns where; undefined if nothing lies there.
 */
export const keepDocument = async (
  disk: Disk,
  name: string,
  report: QuarantineReport,
  at: string,
): Promise<string | undefined> => {
  const { from } = report
  if ((await disk.stat(from)) === undefined) return undefined
  let bytes: Uint8Array
  try {
    bytes = await readWhole(disk, from, DOCUMENT_BYTES_MAX)
  } catch (cause) {
    if (!isUnreadable(cause)) throw cause
    return moveAside(disk, from, report, at, name)
  }
  return keepBytes(disk, name, bytes, report, at)
}
