// Owns the evidence: what cannot be explained is kept with a report, never deleted.
import type { Disk } from '../disk/disk.ts'
import { type ReplaceBarriers, replaceFile } from '../disk/replace.ts'

const QUARANTINE_FOLDER = 'quarantine'

const EVIDENCE: ReplaceBarriers = { content: 'B22', name: 'B22' }

/** Why something was put aside. */
export interface QuarantineReport {
  /** Where it was. */
  readonly from: string
  readonly reason: string
  /** Offset in that file, for bytes that were cut off. */
  readonly offset?: number
  readonly lsn?: number
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
): Promise<void> =>
  replaceFile(
    disk,
    `${path}.json`,
    new TextEncoder().encode(`${JSON.stringify({ ...report, bytes, at })}\n`),
    EVIDENCE,
  )

/** Keeps a copy of `bytes`, with its report, durably. Returns where. */
export const keepBytes = async (
  disk: Disk,
  name: string,
  bytes: Uint8Array,
  report: QuarantineReport,
  at: string,
): Promise<string> => {
  const path = `${QUARANTINE_FOLDER}/${await freeName(disk, name)}`
  await writeReport(disk, path, report, bytes.length, at)
  await replaceFile(disk, path, bytes, EVIDENCE)
  return path
}

/** Moves a file out of the way, with its report, durably. Returns where. */
export const moveAside = async (
  disk: Disk,
  from: string,
  report: QuarantineReport,
  at: string,
): Promise<string> => {
  const path = `${QUARANTINE_FOLDER}/${await freeName(disk, from.replaceAll('/', '-'))}`
  await writeReport(disk, path, report, (await disk.stat(from))?.size ?? 0, at)
  await disk.rename(from, path)
  await disk.syncDirectory(QUARANTINE_FOLDER, 'B22')
  await disk.syncDirectory(from.slice(0, Math.max(0, from.lastIndexOf('/'))), 'B22')
  return path
}
