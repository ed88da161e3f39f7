// Owns what a writer does and says: the commits that it makes, and the lines on its standard output.
import type { DurabilityMode } from '../config/settings.ts'
import type { Update } from '../model/update.ts'
import type { OpenOptions } from '../store/open.ts'

/** Every commit goes to both, so that half of one would show. */
export const SHARDS = ['drill:left', 'drill:right'] as const

/** The commit `number` of the run `run`. */
export const commitOf = (run: number, number: number): Update[] =>
  SHARDS.map(shard => ({ shard, data: [run, number], diff: 1 }))

/** Small bounds: a kill after a few commits finds flushes, compactions and new segments of the log under way. */
export const optionsOf = (dataDir: string, durabilityMode: DurabilityMode): OpenOptions => ({
  dataDir,
  durabilityMode,
  bufferSize: 16,
  walSegmentBytes: 4096,
  autoCompactThreshold: 3,
  syncIntervalMs: 5,
})

/** What a writer is at, apart from committing, which it does all the time once it is open. */
export type Activity = 'opening' | 'committing' | 'flushing' | 'compacting'

/** What a writer says, a line each: what it begins, or that a commit was acknowledged. */
export type Word = Activity | number

export const lineOf = (word: Word): string => `${word}\n`

export const wordOf = (line: string): Word => (/^[0-9]+$/.test(line) ? Number(line) : (line as Activity))

/** The words of the command line of a writer. */
export interface Assignment {
  readonly dataDir: string
  readonly mode: DurabilityMode
  /** Its number: the first is 0. */
  readonly run: number
  readonly seed: number
}

export const wordsOf = ({ dataDir, mode, run, seed }: Assignment): string[] => [
  dataDir,
  mode,
  String(run),
  String(seed),
]

export const assignmentOf = ([dataDir, mode, run, seed]: readonly string[]): Assignment => ({
  dataDir: dataDir!,
  mode: mode as DurabilityMode,
  run: Number(run),
  seed: Number(seed),
})
