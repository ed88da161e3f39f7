// Owns that one process at a time has a directory. Two means, because neither is enough: a socket name that the kernel
// gives to one process and takes back when it dies (Linux: abstract socket, one per network namespace; Windows: named
// pipe; elsewhere none), and the file LOCK, which names the holder and is seen from every namespace.
// Invariant: LOCK is removed before the name is let go; the other way round it could be a successor's.
import { stat } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { DiskError, LockedError } from '../errors.ts'
import type { Disk } from './disk.ts'
import { describeSelf, hasLockOf, isProvablyDead, type LockHolder, parseHolder } from './lock-holder.ts'
import { readWhole, TEMPORARY, writeNew } from './replace.ts'
import { diskError, errnoOf } from './system-error.ts'

const LOCK = 'LOCK'
const MAX_LOCK_BYTES = 4096
const SOCKET_NAME_BYTES = 108 // sizeof sun_path

/** A directory that this process has. */
export interface DirectoryLock {
  /** What LOCK says: this process. */
  readonly holder: LockHolder
  /** Lets go. Releasing twice is fine. */
  release(): Promise<void>
}

/** Device and inode: one folder, whatever path leads to it. */
const idOf = async (folder: string): Promise<string> => {
  const { dev, ino } = await stat(folder, { bigint: true })
  return `${dev}-${ino}`
}

/** The name the kernel gives to one process only; none where the system has no such thing. */
const kernelName = (folderId: string): string | undefined => {
  if (process.platform === 'win32') return `\\\\.\\pipe\\varve-${folderId}`
  if (process.platform !== 'linux') return undefined
  // Filled up with zeros: libuv before 1.48 does so itself, later ones do not, and the two names would be different.
  return `\0varve-${folderId}`.padEnd(SOCKET_NAME_BYTES, '\0')
}

/** Takes the name, or resolves to undefined if another process, or this one, has it. */
const listen = (path: string): Promise<Server | undefined> =>
  new Promise((resolve, reject) => {
    const server = createServer(connection => connection.destroy())
    server.once('error', cause => (errnoOf(cause) === 'EADDRINUSE' ? resolve(undefined) : reject(cause)))
    // Exclusive: the workers of a cluster would share one socket.
    server.listen({ path, exclusive: true }, () => resolve(server))
    server.unref()
  })

const close = (server: Server | undefined): Promise<void> =>
  new Promise(resolve => (server === undefined ? resolve() : server.close(() => resolve())))

/** Who LOCK names; undefined if there is no such file, `unreadable` if it does not say. */
const readHolder = async (disk: Disk): Promise<LockHolder | 'unreadable' | undefined> => {
  try {
    return parseHolder(new TextDecoder().decode(await readWhole(disk, LOCK, MAX_LOCK_BYTES)))
  } catch (cause) {
    if (!(cause instanceof DiskError)) return 'unreadable'
    if (cause.code === 'DISK_MISSING') return undefined
    if (cause.code === 'DISK_TOO_LARGE' || cause.code === 'DISK_NOT_A_FILE') return 'unreadable'
    throw cause
  }
}

const whoIs = ({ pid, host }: LockHolder): string => `process ${pid} on ${host}`

const locked = (
  folder: string,
  message: string,
  holder: LockHolder | 'unreadable' | undefined,
  advice: string,
): LockedError =>
  new LockedError('LOCKED', message, {
    path: folder,
    holder: holder === 'unreadable' ? undefined : holder,
    advice,
  })

/** Who has the name that the kernel gives; undefined until it has said so in LOCK, which may still name one that is gone. */
const successorOf = async (disk: Disk): Promise<LockHolder | undefined> => {
  const holder = await readHolder(disk).catch(() => undefined)
  if (typeof holder !== 'object') return undefined
  const self = describeSelf(new Date().toISOString(), undefined)
  return isProvablyDead(holder, self) ? undefined : holder
}

const removeIfThere = async (disk: Disk, path: string): Promise<void> => {
  if ((await disk.stat(path)) !== undefined) await disk.remove(path)
}

/** Refuses if somebody else may still have the directory. */
const judge = async (disk: Disk, folder: string, self: LockHolder): Promise<void> => {
  const holder = await readHolder(disk)
  if (holder === undefined) return
  if (holder === 'unreadable')
    throw locked(
      folder,
      'the file LOCK is unreadable, so it cannot be seen who has the directory',
      holder,
      'make sure that no process has the directory, then open it with --break-lock',
    )
  if (hasLockOf(self, holder)) return
  if (isProvablyDead(holder, self)) return
  throw locked(
    folder,
    `${whoIs(holder)} has had the directory since ${holder.since}, or it cannot be proved from here that it is gone`,
    holder,
    'close that process; if it surely no longer runs, open with --break-lock',
  )
}

/**
 * Takes the directory for this process, or refuses at once.
 *
 * @param folder the absolute path of the folder that is the root of `disk`
 * @param options.breakLock takes over from whoever LOCK names; never from a process the kernel knows to be alive
 * @throws {LockedError} LOCKED with `holder` (what LOCK says, where it says something) and `advice`
 * @throws {DiskError} if LOCK cannot be read or written; nothing stays behind
 */
export const acquireLock = async (
  disk: Disk,
  folder: string,
  options: { readonly breakLock?: boolean } = {},
): Promise<DirectoryLock> => {
  let server: Server | undefined
  let folderId: string
  try {
    folderId = await idOf(folder)
    const name = kernelName(folderId)
    server = name === undefined ? undefined : await listen(name)
    if (name !== undefined && server === undefined) {
      const holder = await successorOf(disk)
      const message =
        holder === undefined
          ? 'a process on this machine has the directory'
          : `${whoIs(holder)} has had the directory since ${holder.since}`
      throw locked(
        folder,
        message,
        holder,
        'close that process: a lock that the kernel keeps is never broken',
      )
    }
  } catch (cause) {
    throw cause instanceof LockedError ? cause : diskError(cause, folder, 'lock')
  }
  const holder = describeSelf(new Date().toISOString(), server === undefined ? undefined : folderId)
  const text = `${JSON.stringify(holder)}\n`
  try {
    if (!options.breakLock) await judge(disk, folder, holder)
  } catch (cause) {
    await close(server)
    throw cause
  }
  const letGo = async (): Promise<void> => {
    try {
      await removeIfThere(disk, LOCK + TEMPORARY)
      const found = await readHolder(disk)
      // Not if --break-lock took the directory from us meanwhile.
      if (typeof found === 'object' && JSON.stringify(found) === JSON.stringify(holder))
        await disk.remove(LOCK)
    } finally {
      await close(server)
    }
  }
  try {
    await writeNew(disk, LOCK + TEMPORARY, new TextEncoder().encode(text), 'B7')
    // The name need not be durable: after a power loss nobody has the directory, whether LOCK is there or not.
    await disk.rename(LOCK + TEMPORARY, LOCK)
  } catch (cause) {
    await letGo().catch(() => undefined) // the first failure says more
    throw cause
  }
  let released: Promise<void> | undefined
  return {
    holder,
    release: () => {
      released ??= letGo()
      return released
    },
  }
}
