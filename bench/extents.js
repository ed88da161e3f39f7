// Owns how much is done: enough for a figure that holds, or for one within two minutes.

/** Everybody who keeps data, and everybody who finds it again by its key. */
const ALL = ['varve', 'varveRows', 'sqlite', 'sqliteLog', 'lmdb', 'level', 'duckdb', 'jsonl']
const KEYED = ['varve', 'sqlite', 'sqliteLog', 'lmdb', 'level', 'duckdb']

/**
 * @typedef {object} Extent
 * @property {number} runs of each job
 * @property {boolean} [areFewer] than it should be
 * @property {number} updates of the shapes
 * @property {number} [manyUpdates] of the same once more, by those who can do it in time
 * @property {number} commits one after another
 * @property {number} warmUpCommits as many before, in the same process
 * @property {number} concurrentCommits
 * @property {number} warmUpConcurrentCommits as for `commits`
 * @property {number} latencyCommits
 * @property {number} firstReadUpdates in the store of which the first read is timed
 * @property {number} lookupMs
 * @property {number} idleMs
 * @property {number[]} sizes for the curves of cost, from the least
 * @property {number} runsOfLargest of the last of them, which takes long
 * @property {number} [lines] of the line history at most; without it only edges take part
 * @property {Record<string, string[]>} who takes part in which work
 */

/** @type {{ readonly full: Extent, readonly short: Extent, readonly tiny: Extent }} */
export const EXTENTS = {
  full: {
    runs: 5,
    updates: 1_000_000,
    manyUpdates: 5_000_000,
    commits: 3_000,
    warmUpCommits: 3_000,
    concurrentCommits: 64_000,
    warmUpConcurrentCommits: 64_000,
    latencyCommits: 3_000,
    firstReadUpdates: 5_000_000,
    lookupMs: 1_000,
    idleMs: 5_000,
    sizes: [100_000, 1_000_000, 10_000_000],
    runsOfLargest: 5,
    lines: 10_000_000,
    who: {
      commits: ['varve', 'sqlite', 'sqliteLog', 'lmdb', 'level', 'duckdb', 'jsonl', 'raw'],
      concurrentCommits: ['varve', 'sqlite', 'sqliteLog', 'lmdb', 'level', 'levelBatcher', 'duckdb', 'jsonl'],
      bulk: ALL,
      bulkMany: ['varve', 'sqlite', 'lmdb', 'duckdb'],
      state: [...ALL, 'sqliteJson'],
      stateMany: ['varve', 'sqlite', 'lmdb', 'duckdb'],
      firstRead: ['varve', 'sqlite', 'lmdb', 'duckdb'],
      lookups: KEYED,
      asOf: ALL,
      compact: ['varve', 'sqlite', 'lmdb', 'level'],
    },
  },
  short: {
    runs: 3,
    updates: 500_000,
    commits: 1_000,
    warmUpCommits: 3_000,
    concurrentCommits: 32_000,
    warmUpConcurrentCommits: 64_000,
    latencyCommits: 2_000,
    firstReadUpdates: 1_000_000,
    lookupMs: 400,
    idleMs: 2_500,
    sizes: [100_000, 10_000_000],
    runsOfLargest: 1,
    who: {
      commits: ['varve', 'sqlite', 'raw'],
      concurrentCommits: ['varve', 'sqlite', 'level'],
      bulk: ['varve', 'sqlite', 'lmdb', 'duckdb'],
      state: ['varve', 'sqlite', 'lmdb'],
      firstRead: ['varve'],
      lookups: ['varve', 'sqlite'],
      asOf: ['varve', 'sqlite', 'duckdb'],
      compact: ['varve', 'sqlite', 'lmdb', 'level'],
    },
  },
}

/** Everything once, by everybody, with figures that mean nothing: whether it works, and the answers agree. */
EXTENTS.tiny = {
  ...EXTENTS.full,
  runs: 1,
  updates: 40_000,
  manyUpdates: 50_000,
  lines: 20_000,
  commits: 100,
  warmUpCommits: 100,
  concurrentCommits: 640,
  warmUpConcurrentCommits: 640,
  latencyCommits: 200,
  firstReadUpdates: 40_000,
  lookupMs: 50,
  idleMs: 1_500,
  sizes: [20_000, 40_000],
  runsOfLargest: 1,
}

/**
 * @param {Extent} extent
 * @param {number} [runs] of each job, where they are not to be as many as it says
 */
export const withRuns = (extent, runs) =>
  runs === undefined
    ? extent
    : { ...extent, runs, runsOfLargest: Math.min(runs, extent.runsOfLargest), areFewer: runs < extent.runs }
