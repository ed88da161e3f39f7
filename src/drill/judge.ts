// Owns the judgement: what writers were told against what is found after they were killed. It knows nothing of stores,
// and counts from scratch each time, so that nothing it said before can hide anything.
import type { DurabilityMode } from '../config/settings.ts'

/** What is known of one writer, from its start until it was killed. Its commits are numbered from 0 in their order. */
export interface Run {
  /** Numbers of the commits that it was told are done. */
  readonly acknowledged: ReadonlySet<number>
  /** How many commits of it an earlier judgement found; undefined before the first. */
  readonly settled: number | undefined
}

/** What is found of one commit in one shard: the number of its run, its own, and how often it is there. */
export type Trace = readonly [run: number, commit: number, multiplicity: number]

/** Commits, counted over all runs. */
export interface Verdict {
  readonly acknowledged: number
  /** Acknowledged, and found in all shards. */
  readonly recovered: number
  /** Acknowledged, and not found in all shards. */
  readonly lost: number
  /** Found in all shards, though the kill came before the answer: allowed, as the writer could not know. */
  readonly unanswered: number
  /** Found more often than they were made: twice, or never made at all. */
  readonly doubled: number
  /** Found in some shards and not in the others. */
  readonly torn: number
  /** Missing while a later one of the run is there; or found at an earlier judgement and now gone, or the reverse. */
  readonly disordered: number
  /** How many commits of each run were found. */
  readonly found: readonly number[]
}

/** By run, then by commit: how often it is in each shard. */
const tally = (shards: readonly (readonly Trace[])[]): Map<number, Map<number, number[]>> => {
  const runs = new Map<number, Map<number, number[]>>()
  for (const [index, traces] of shards.entries()) {
    for (const [run, commit, multiplicity] of traces) {
      const commits = runs.get(run) ?? new Map<number, number[]>()
      runs.set(run, commits)
      const counts = commits.get(commit) ?? shards.map(() => 0)
      commits.set(commit, counts)
      counts[index]! += multiplicity
    }
  }
  return runs
}

const judgeRun = (
  { acknowledged, settled }: Run,
  commits: ReadonlyMap<number, readonly number[]>,
): Omit<Verdict, 'found'> & { readonly found: number } => {
  let recovered = 0
  let doubled = 0
  let torn = 0
  let found = 0
  let disordered = 0
  const last = Math.max(-1, ...commits.keys())
  for (const [commit, counts] of commits) {
    const present = counts.filter(count => count !== 0).length
    if (commit < 0 || counts.some(count => count !== 0 && count !== 1)) doubled++
    if (present < counts.length) torn++
    else {
      found++
      if (acknowledged.has(commit)) recovered++
    }
    if (settled !== undefined && commit >= settled) disordered++
  }
  for (let commit = 0; commit < Math.max(last, settled ?? 0); commit++) if (!commits.has(commit)) disordered++
  const lost = acknowledged.size - recovered
  const unanswered = found - recovered
  return { acknowledged: acknowledged.size, recovered, lost, unanswered, doubled, torn, disordered, found }
}

/**
 * Judges what is in the shards. Every commit puts one thing into each of them.
 * @param shards what is found in each; the same commit may be there several times, which adds up
 */
export const judge = (runs: readonly Run[], shards: readonly (readonly Trace[])[]): Verdict => {
  const commits = tally(shards)
  const each = runs.map((run, index) => judgeRun(run, commits.get(index) ?? new Map()))
  const sum = (field: Exclude<keyof Verdict, 'found'>): number =>
    each.reduce((total, verdict) => total + verdict[field], 0)
  const foreign = [...commits]
    .filter(([run]) => runs[run] === undefined)
    .reduce((total, [, { size }]) => total + size, 0)
  return {
    acknowledged: sum('acknowledged'),
    recovered: sum('recovered'),
    lost: sum('lost'),
    unanswered: sum('unanswered'),
    doubled: sum('doubled') + foreign,
    torn: sum('torn'),
    disordered: sum('disordered'),
    found: each.map(({ found }) => found),
  }
}

/** Whether a mode allows that a process kill takes what was acknowledged: docs/durability.md#modes. */
const mayLose = (mode: DurabilityMode): boolean => mode === 'async' || mode === 'none'

/** Whether what a mode promises for a process kill was kept. */
export const isKept = (mode: DurabilityMode, { lost, doubled, torn, disordered }: Verdict): boolean =>
  doubled === 0 && torn === 0 && disordered === 0 && (lost === 0 || mayLose(mode))
