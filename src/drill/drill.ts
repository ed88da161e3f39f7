// Owns the drill: writers that are killed one after the other in the same store, which is opened again and judged.
import { setTimeout as pass } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { DurabilityMode } from '../config/settings.ts'
import { openStore } from '../index.ts'
import { isKept, judge, type Run, type Trace, type Verdict } from './judge.ts'
import { type Random, randomFrom } from './random.ts'
import { type Activity, optionsOf, SHARDS } from './task.ts'
import { WriterProcess } from './writer-process.ts'

/** Acknowledgements that a kill waits for, at most. */
const ACKNOWLEDGED_MAX = 100
/** How long a kill waits after them, or after the writer began to open the store, at most, in ms. */
const DELAY_MAX_MS = 12
const OPENING_MAX_MS = 30
/** One kill in so many hits a writer that is opening the store. */
const OPENING_EVERY = 5
/** One kill in so many is followed by another writer at once, so that this one recovers the store, and may be killed at it. */
const UNSEEN_EVERY = 3
/** Writers that are loaded while another one works: most of a round would be spent on it. */
const STANDBY = 2

const WRITER = new URL('./writer.js', import.meta.url)

export interface DrillOptions {
  /** An empty folder. */
  readonly folder: string
  /** At least 1. */
  readonly kills: number
  readonly mode: DurabilityMode
  /** Chooses the moments of the kills and what the writers do. */
  readonly seed: number
  /** The script that writers run: see task.ts for what it is given and says. @default our own */
  readonly writer?: URL
  /** Ends the drill early: it rejects when its writers are gone. */
  readonly signal?: AbortSignal
  readonly progress?: (kills: number, total: number) => void
}

export interface DrillReport extends Omit<Verdict, 'found'> {
  readonly mode: DurabilityMode
  readonly seed: number
  /** As many as were asked for, or fewer if a promise was broken: then the store is as it was found. */
  readonly kills: number
  /** Whether every promise of the mode was kept. */
  readonly kept: boolean
  /** What the writers were at when they were killed; once it is open, each commits as well. */
  readonly killedWhile: Readonly<Record<Activity, number>>
  /** Commits that came back from the log. */
  readonly replayed: number
  readonly milliseconds: number
}

/** What one opening found. */
interface Opening {
  readonly shards: readonly (readonly Trace[])[]
  readonly replayed: number
}

/** Opens the store as any program would, reads all of it, and closes it. */
const inspect = async (folder: string, mode: DurabilityMode): Promise<Opening> => {
  const store = await openStore(optionsOf(folder, mode))
  try {
    const { applied } = store.status().recovery
    const snapshot = await store.snapshot()
    const shards: Trace[][] = []
    for (const shard of SHARDS) {
      const traces: Trace[] = []
      for await (const { data, diff } of snapshot.rows(shard))
        traces.push([Number(data[0]), Number(data[1]), diff])
      shards.push(traces)
    }
    await snapshot.close()
    return { shards, replayed: applied }
  } finally {
    await store.close()
  }
}

/** Lets a writer work for a while, then kills it. Resolves to what it was at. */
const killSomewhere = async (writer: WriterProcess, random: Random): Promise<Activity> => {
  const opening = random(OPENING_EVERY) === 0
  const count = 1 + random(ACKNOWLEDGED_MAX)
  const delay = random(opening ? OPENING_MAX_MS : DELAY_MAX_MS)
  writer.start()
  await writer.until(() => (opening ? writer.activity !== undefined : writer.acknowledged.size >= count))
  await pass(delay)
  await writer.kill()
  return writer.activity!
}

/** Runs the drill; throws what opening throws if a store cannot be opened after a kill. */
export const drill = async (options: DrillOptions): Promise<DrillReport> => {
  const { folder, kills, mode, seed, writer = WRITER, signal, progress = () => {} } = options
  const start = performance.now()
  const random = randomFrom(seed)
  const script = fileURLToPath(writer)
  const standby: WriterProcess[] = []
  const load = (run: number): void => {
    if (run < kills) standby.push(new WriterProcess(script, { dataDir: folder, mode, run, seed: seed + run }))
  }
  const runs: Run[] = []
  const killedWhile = { opening: 0, committing: 0, flushing: 0, compacting: 0 }
  let verdict: Verdict = judge([], [])
  let replayed = 0
  const abort = (): void => {
    for (const each of standby) void each.discard()
  }
  signal?.addEventListener('abort', abort)
  try {
    for (let run = 0; run < STANDBY; run++) load(run)
    for (let run = 0; run < kills && isKept(mode, verdict); run++) {
      signal?.throwIfAborted()
      const killed = standby[0]!
      killedWhile[await killSomewhere(killed, random)]++
      standby.shift()
      load(run + STANDBY)
      runs.push({ acknowledged: killed.acknowledged, settled: undefined })
      progress(runs.length, kills)
      if (random(UNSEEN_EVERY) === 0 && runs.length < kills) continue
      const opening = await inspect(folder, mode)
      replayed += opening.replayed
      verdict = judge(runs, opening.shards)
      const { found } = verdict
      for (const [index, { acknowledged }] of runs.entries())
        runs[index] = { acknowledged, settled: found[index] }
    }
  } finally {
    signal?.removeEventListener('abort', abort)
    for (const each of standby) await each.discard()
  }
  const { found: _, ...counts } = verdict
  return {
    mode,
    seed,
    kills: runs.length,
    kept: isKept(mode, verdict),
    ...counts,
    killedWhile,
    replayed,
    milliseconds: Math.round(performance.now() - start),
  }
}
