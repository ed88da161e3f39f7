// Looks at and damages the files of a disk, behind the store's back.
import type { Disk } from '../../src/disk/disk.ts'

export const bytesOf = async (disk: Disk, path: string): Promise<Buffer> => {
  const file = await disk.open(path, 'read')
  const bytes = Buffer.from(await file.read(0, await file.size()))
  await file.close()
  return bytes
}

/** Puts exactly these bytes at `path`. */
export const put = async (disk: Disk, path: string, bytes: Uint8Array | string): Promise<void> => {
  const exists = (await disk.stat(path)) !== undefined
  const file = await disk.open(path, exists ? 'write' : 'create')
  const content = Buffer.from(bytes)
  await file.truncate(0)
  await file.write(0, content)
  await file.truncate(content.length)
  await file.sync('B1')
  await file.close()
}

export const flip = async (disk: Disk, path: string, offset: number, bit = 0): Promise<void> => {
  const bytes = await bytesOf(disk, path)
  bytes[offset < 0 ? bytes.length + offset : offset]! ^= 1 << bit
  await put(disk, path, bytes)
}

/** Every file with its content. */
export const everything = async (disk: Disk, folder = ''): Promise<Record<string, string>> => {
  const files: Record<string, string> = {}
  for (const { name, kind } of await disk.list(folder)) {
    const path = folder === '' ? name : `${folder}/${name}`
    if (kind === 'directory') Object.assign(files, await everything(disk, path))
    else files[path] = (await bytesOf(disk, path)).toString('latin1')
  }
  return files
}

/** A copy of a disk's files on another. */
export const copyOnto = async (files: Record<string, string>, disk: Disk): Promise<void> => {
  for (const folder of ['shards', 'batches', 'wal', 'quarantine']) await disk.makeDirectory(folder)
  for (const [path, content] of Object.entries(files)) await put(disk, path, Buffer.from(content, 'latin1'))
}

/** What a process leaves that is killed here, without the space behind the lines of its log: so that they end the file. */
export const leftBy = async (disk: Disk): Promise<Record<string, string>> => {
  const files = await everything(disk)
  const log = files['wal/current.wal']
  if (log !== undefined) files['wal/current.wal'] = log.replace(/\0+$/, '')
  return files
}
