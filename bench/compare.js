// Owns a comparison: the same work for several contestants, as a table.
import { CONTESTANTS } from './contestants.js'

/**
 * What one contestant made of it. `value` is in the unit of the table.
 * @typedef {{ readonly name: string, readonly value: number, readonly peakMb?: number, readonly bytes?: number }} Line
 */

/**
 * Contestants beside each other, ours first.
 * @typedef {object} Table
 * @property {string} title
 * @property {string} unit of the values
 * @property {boolean} less whether less is better
 * @property {Line[]} lines
 */

/**
 * What a work has found.
 * @typedef {{ readonly table?: Table, readonly ratios?: Record<string, number>, readonly curves?: import('./plot.js').Curve[] }} Finding
 */

/** Milliseconds that a run took. */
export const milliseconds = ({ seconds }) => seconds * 1000

/** @returns {(run: import('./measure.js').Run) => number} how many a second, of which a run did `count` */
export const perSecond =
  count =>
  ({ seconds }) =>
    count / seconds

/**
 * Takes the figures of everybody in `who`.
 * @param {import('./measure.js').Bench} bench
 * @param {object} comparison
 * @param {string} comparison.title
 * @param {string} comparison.unit
 * @param {boolean} [comparison.less] whether less is better
 * @param {string[]} comparison.who keys of contestants
 * @param {object} comparison.job without who does it
 * @param {Record<string, object>} [comparison.jobs] what else a contestant's job has, by its key
 * @param {(run: import('./measure.js').Run) => number} comparison.value of a run
 * @param {(run: import('./measure.js').Run) => number} [comparison.bytes] of a run, if they are of interest
 * @param {number} [comparison.runs] instead of as many as the bench makes
 * @returns {Promise<{ readonly table: Table, readonly of: Record<string, number> }>} `of` has the values by key
 */
export const compare = async (
  bench,
  { title, unit, less = false, who, job, jobs = {}, value, bytes, runs },
) => {
  const medians = await bench.inTurn(
    title,
    who.map(key => ({ ...CONTESTANTS[key].job, ...job, ...jobs[key] })),
    runs,
  )
  const lines = who.map((key, index) => ({
    name: CONTESTANTS[key].name,
    value: value(medians[index]),
    peakMb: medians[index].peakMb,
    ...(bytes === undefined ? {} : { bytes: bytes(medians[index]) }),
  }))
  return {
    table: { title, unit, less, lines },
    of: Object.fromEntries(who.map((key, index) => [key, lines[index].value])),
  }
}
