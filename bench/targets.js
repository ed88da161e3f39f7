// Owns what we want to reach: the ten targets, and the figures that say whether we do.

/**
 * One figure of a target. Speeds are ours over theirs, so that more is better; sizes, times and memory are less the better.
 * @typedef {object} Aim
 * @property {string} key its name among the ratios
 * @property {string} what it compares, or measures
 * @property {'>=' | '<=' | '<'} than
 * @property {number} bound
 * @property {string} [unit] of the figure, unless it is a ratio
 */

/** @type {{ readonly title: string, readonly aims: readonly Aim[] }[]} in their order: the first is target 1 */
export const TARGETS = [
  {
    title: 'durable commits of one update, one at a time',
    aims: [
      { key: 'commit1_vs_sqlite', what: 'better-sqlite3', than: '>=', bound: 1.1 },
      { key: 'commit1_vs_raw', what: 'append + fdatasync', than: '>=', bound: 0.85 },
    ],
  },
  {
    title: 'durable commits of one update by 64 committers',
    aims: [
      { key: 'commit64_vs_sqlite', what: 'better-sqlite3 with a batcher', than: '>=', bound: 2.5 },
      { key: 'commit64_vs_level', what: 'classic-level', than: '>=', bound: 5 },
    ],
  },
  {
    title: 'bulk ingest, grow, open to close',
    aims: [
      { key: 'bulk_vs_sqlite', what: 'better-sqlite3', than: '>=', bound: 8 },
      { key: 'bulk_vs_lmdb', what: 'lmdb', than: '>=', bound: 4 },
      { key: 'bulk_vs_duckdb', what: "DuckDB's appender", than: '>=', bound: 1 },
    ],
  },
  {
    title: 'bytes after compaction, grow',
    aims: [
      { key: 'bytes_vs_best_row_store', what: 'the smallest row store', than: '<=', bound: 0.5 },
      { key: 'bytes_vs_duckdb_parquet', what: "DuckDB's own Parquet", than: '<=', bound: 1.2 },
    ],
  },
  {
    title: 'open and read',
    aims: [
      { key: 'reopen_vs_sqlite', what: 'all of it, better-sqlite3', than: '>=', bound: 3 },
      { key: 'reopen_vs_lmdb', what: 'all of it, lmdb', than: '>=', bound: 1.5 },
      { key: 'first_read_ms', what: 'the edges of one node', than: '<', bound: 50, unit: 'ms' },
    ],
  },
  {
    title: 'reads of an open store, warm',
    aims: [
      { key: 'lookup_vs_sqlite', what: 'the edges of one node, better-sqlite3', than: '>=', bound: 3 },
      { key: 'asof_vs_sqlite', what: 'as of the middle of churn, better-sqlite3', than: '>=', bound: 6 },
      { key: 'asof_vs_duckdb', what: 'the same, DuckDB', than: '>=', bound: 1 },
    ],
  },
  {
    title: 'compaction',
    aims: [
      { key: 'compact_updates_per_s', what: 'speed', than: '>=', bound: 2e6, unit: 'updates/s' },
      { key: 'compact_peak_mb', what: 'peak memory of its process', than: '<', bound: 256, unit: 'MB' },
      { key: 'loop_p99_ms', what: 'event loop delay meanwhile, p99', than: '<=', bound: 20, unit: 'ms' },
    ],
  },
  {
    title: 'commits while buffers are flushed',
    aims: [{ key: 'flush_p99_over_median', what: 'p99 over the median without', than: '<=', bound: 3 }],
  },
  {
    title: 'cost of an update, 10 M beside 100 k',
    aims: [{ key: 'growth_10m_vs_100k', what: 'the worst of the four', than: '<=', bound: 1.3 }],
  },
  {
    title: 'an open store without work',
    aims: [{ key: 'idle_bytes', what: 'written', than: '<=', bound: 0, unit: 'bytes' }],
  },
]

/** Names of the ratios, in the order of the targets. */
export const RATIO_KEYS = TARGETS.flatMap(({ aims }) => aims.map(({ key }) => key))

/** @param {Aim} aim */
export const isMet = ({ than, bound }, value) => {
  if (than === '>=') return value >= bound
  return than === '<=' ? value <= bound : value < bound
}
