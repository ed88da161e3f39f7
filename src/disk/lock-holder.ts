// Owns who holds a lock: how a process describes itself in LOCK, and when such a description proves that its process
// is gone. In doubt it is alive: a lock is never taken for its age, nor from a process that is stopped or slow.
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { asNatural, asObject, asText, field, type JsonObject } from '../model/json.ts'

/** A process that opened the store for writing, as LOCK describes it. What the system does not tell is null. */
export interface LockHolder {
  readonly pid: number
  readonly host: string
  /** One start of the machine. Linux only. */
  readonly bootId: string | null
  /** When the process started, in clock ticks since then: tells it from a later one with the same pid. Linux only. */
  readonly startTicks: number | null
  /** Within which pids mean the same; the name of the platform where there is only one such space. */
  readonly pidNamespace: string | null
  /**
   * The kernel's lock that it has: network namespace, device and inode of the folder. Whoever has the same one on
   * the same boot knows that it was let go of, whatever became of the process namespace. Linux only.
   */
  readonly kernelLock: string | null
  /** Wall clock, ISO 8601, for people. */
  readonly since: string
}

interface ProcessState {
  readonly startTicks: number
  readonly exited: boolean
}

/** What /proc/<pid>/stat says: man 5 proc_pid_stat. */
export const parseProcessStat = (text: string): ProcessState | undefined => {
  // The command, in parentheses, may hold spaces and parentheses of its own. Field 3 follows the last one.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const [state, threads, startTicks] = [fields[0], Number(fields[20 - 3]), Number(fields[22 - 3])]
  if (state === undefined || !Number.isSafeInteger(startTicks)) return undefined
  // A zombie without other threads has let go of everything and waits for its parent only.
  return { startTicks, exited: (state === 'Z' || state === 'X') && threads <= 1 }
}

/** What `read` says; null if it cannot. What is read below is in no file: nobody has to wait for a disk. */
const orNull = (read: () => string): string | null => {
  try {
    return read()
  } catch {
    return null
  }
}

const readProcess = (pid: number): ProcessState | undefined =>
  parseProcessStat(orNull(() => readFileSync(`/proc/${pid}/stat`, 'latin1')) ?? '')

/**
 * This process.
 * @param folderId device and inode of the folder whose kernel lock it has, if it has one
 */
export const describeSelf = (since: string, folderId: string | undefined): LockHolder => {
  const linux = process.platform === 'linux'
  return {
    pid: process.pid,
    host: hostname(),
    bootId: linux ? orNull(() => readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()) : null,
    startTicks: linux ? (readProcess(process.pid)?.startTicks ?? null) : null,
    pidNamespace: linux ? orNull(() => readlinkSync('/proc/self/ns/pid')) : process.platform,
    kernelLock:
      linux && folderId !== undefined
        ? orNull(() => `${readlinkSync('/proc/self/ns/net')} ${folderId}`)
        : null,
    since,
  }
}

const fieldOrNull = <T>(
  holder: JsonObject,
  key: string,
  read: (json: unknown, place: string) => T,
): T | null => {
  const value = field(holder, key)
  return value === null ? null : read(value, key)
}

/**
 * Reads the text of LOCK.
 * @throws {SyntaxError | MalformedJson}
 */
export const parseHolder = (text: string): LockHolder => {
  const holder = asObject(JSON.parse(text), 'LOCK')
  return {
    pid: asNatural(field(holder, 'pid'), 'pid'),
    host: asText(field(holder, 'host'), 'host'),
    bootId: fieldOrNull(holder, 'bootId', asText),
    startTicks: fieldOrNull(holder, 'startTicks', asNatural),
    pidNamespace: fieldOrNull(holder, 'pidNamespace', asText),
    kernelLock: fieldOrNull(holder, 'kernelLock', asText),
    since: asText(field(holder, 'since'), 'since'),
  }
}

/** Whether `self` has the very kernel lock that `holder` had: then `holder` has ended, or was this process. */
export const hasLockOf = (self: LockHolder, holder: LockHolder): boolean =>
  self.kernelLock !== null &&
  self.kernelLock === holder.kernelLock &&
  self.bootId !== null &&
  self.bootId === holder.bootId

/**
 * Whether it is certain that `holder` no longer runs: this machine was started again since, or its pid can be looked
 * up from here and names no process, or one that started at another time.
 */
export const isProvablyDead = (holder: LockHolder, self: LockHolder): boolean => {
  if (holder.bootId !== self.bootId)
    return holder.bootId !== null && self.bootId !== null && holder.host === self.host
  if (holder.pidNamespace === null || holder.pidNamespace !== self.pidNamespace) return false
  // Signal 0 asks whether the process is there. /proc alone would not do: it can hide other users' processes.
  try {
    process.kill(holder.pid, 0)
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ESRCH') return true
  }
  const found = readProcess(holder.pid)
  if (found === undefined || holder.startTicks === null) return false
  return found.exited || found.startTicks !== holder.startTicks
}
