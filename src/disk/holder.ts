// Owns who a process is, and whether another one is provably gone. Linux says; elsewhere nothing can be proven.
import { readFile, readlink } from 'node:fs/promises'
import { hostname } from 'node:os'

/** A process, so that it can be told from a later one with the same number. */
export interface LockHolder {
  readonly pid: number
  readonly host: string
  /** Changes with every boot. '' where the system does not say. */
  readonly bootId: string
  /** When the process started, in clock ticks since boot. */
  readonly startTicks: string
  /** Numbers of processes mean something only within it. */
  readonly pidNamespace: string
  /** ISO 8601, for people. */
  readonly since: string
}

const orNothing = (reading: Promise<string>): Promise<string> => reading.catch(() => '')

/** Field 22 of /proc/<pid>/stat; the second field is a name that may hold spaces and parentheses. */
const startTicksOf = async (pid: number | 'self'): Promise<string> => {
  const text = await orNothing(readFile(`/proc/${pid}/stat`, 'utf8'))
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}

/** This process. */
export const thisHolder = async (since: string): Promise<LockHolder> => ({
  pid: process.pid,
  host: hostname(),
  bootId: (await orNothing(readFile('/proc/sys/kernel/random/boot_id', 'utf8'))).trim(),
  startTicks: await startTicksOf('self'),
  pidNamespace: await orNothing(readlink('/proc/self/ns/pid')),
  since,
})

/**
 * Whether `holder` can no longer be running, seen from `self`: another boot of the same host, or the same process
 * namespace and no such process with that start. Age proves nothing: a stopped process is alive.
 */
export const isProvablyDead = async (holder: LockHolder, self: LockHolder): Promise<boolean> => {
  if (holder.bootId === '' || self.bootId === '' || holder.host !== self.host) return false
  if (holder.bootId !== self.bootId) return true
  if (holder.pidNamespace === '' || holder.pidNamespace !== self.pidNamespace) return false
  return (await startTicksOf(holder.pid)) !== holder.startTicks
}

const TEXTS = ['host', 'bootId', 'startTicks', 'pidNamespace', 'since'] as const

/** The holder that a LOCK names, or undefined if it names none. */
export const holderFromText = (text: string): LockHolder | undefined => {
  try {
    const json: Record<string, unknown> = JSON.parse(text)
    if (!Number.isSafeInteger(json.pid) || !TEXTS.every(key => typeof json[key] === 'string'))
      return undefined
    return json as unknown as LockHolder
  } catch {
    return undefined
  }
}
