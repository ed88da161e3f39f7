// Owns how the outcome of a drill looks to people.
import type { DurabilityMode } from '../config/settings.ts'
import type { DrillReport } from '../drill/drill.ts'
import { millisecondsText } from '../text/figures.ts'

/** What each mode promises: docs/durability.md#modes. A drill tries the half of it that can be tried. */
const PROMISES: Readonly<Record<DurabilityMode, string>> = {
  immediate: 'neither a kill nor a power loss takes what was acknowledged',
  batched: 'no kill takes what was acknowledged; a power loss may take the last interval',
  async: 'a kill may take what was acknowledged last, and leaves everything before it',
  none: 'a kill may take what was acknowledged last, and leaves everything before it',
}

const FIGURES = ['acknowledged', 'recovered', 'lost', 'doubled', 'torn', 'disordered'] as const

const MEANINGS: Readonly<Record<(typeof FIGURES)[number], string>> = {
  acknowledged: 'commits that a writer was told are done',
  recovered: 'of these, found again, whole',
  lost: 'of these, gone',
  doubled: 'found more often than they were made',
  torn: 'found in one of their two shards, and not in the other',
  disordered: 'missing before a later one, or there at one opening and not at the next',
}

const count = (number: number): string => number.toLocaleString('en-US')

const commits = (number: number): string => `${count(number)} ${number === 1 ? 'commit' : 'commits'}`

const verdictText = ({ kept, lost, mode, seed }: DrillReport): string => {
  if (!kept)
    return `BROKEN: this should never happen. Please report it, with the store and the seed, ${seed}.`
  return lost === 0
    ? 'Kept: nothing lost, nothing doubled, nothing torn, nothing out of order.'
    : `Kept: what was lost is what mode ${mode} may lose; nothing doubled, nothing torn, nothing out of order.`
}

/** A report, a line each. */
export const drillLines = (report: DrillReport): string[] => {
  const { mode, seed, kills, killedWhile, replayed, unanswered, milliseconds } = report
  const width = Math.max(...FIGURES.map(figure => count(report[figure]).length))
  const { committing, flushing, compacting, opening } = killedWhile
  return [
    `${count(kills)} ${kills === 1 ? 'writer' : 'writers'} killed with SIGKILL in ${millisecondsText(milliseconds)}, mode ${mode}, seed ${seed}`,
    '',
    ...FIGURES.map(
      figure => `  ${figure.padEnd(14)}${count(report[figure]).padStart(width)}   ${MEANINGS[figure]}`,
    ),
    '',
    `Killed ${opening} times while opening the store, ${committing} committing, ${flushing} flushing, ${compacting} compacting.`,
    `${commits(replayed)} came back from the log alone; ${commits(unanswered)} came through whose answer did not.`,
    `The promise of mode ${mode}: ${PROMISES[mode]}.`,
    '',
    verdictText(report),
  ]
}
