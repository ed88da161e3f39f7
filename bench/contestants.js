// Owns who takes part: their names for people, what their jobs are, and their settings in words.

/**
 * @typedef {object} Entry
 * @property {string} name
 * @property {string} about its API and settings, in words
 * @property {object} job the part of a job that says who does it
 */

/** Kept for what is due at each commit: a thread for each committer. */
const THREADS = { UV_THREADPOOL_SIZE: '64' }

/** @type {Record<string, Entry>} */
export const CONTESTANTS = {
  varve: {
    name: 'Varve',
    about:
      'mode `immediate`. Commits of one update by `commit`, larger ones as columns by `append`, all of a relation as columns by `arrays`, the edges of a node by `lookup`',
    job: { contestant: 'varve' },
  },
  varveRows: {
    name: 'Varve, objects',
    about: 'the same with an object for each update, by `commit` and `rows`',
    job: { contestant: 'varve', variant: 'rows' },
  },
  sqlite: {
    name: 'better-sqlite3',
    about:
      '`journal_mode = WAL, synchronous = FULL`, a cache of 256 MiB, prepared statements of one row, one table clustered by tuple and time. All of it is read in ranges of the first column, with `raw().all()`, which is twice as fast as one long result',
    job: { contestant: 'sqlite' },
  },
  sqliteJson: {
    name: 'better-sqlite3, JSON text',
    about:
      'as before; each range is one value that SQLite writes and `JSON.parse` reads: only for what JSON can say',
    job: { contestant: 'sqlite', variant: 'json' },
  },
  sqliteLog: {
    name: 'better-sqlite3, state + log',
    about: 'the same settings; a log without index, and a table of the current state, clustered by tuple',
    job: { contestant: 'sqlite', variant: 'log' },
  },
  lmdb: {
    name: 'lmdb',
    about:
      'asynchronous puts, then `flushed`: it joins them into transactions itself and is synced at each commit. Integer keys are packed into twelve bytes, diffs into one. Compaction is `backup` with `compact`',
    job: { contestant: 'lmdb' },
  },
  level: {
    name: 'classic-level',
    about:
      '`put` or `batch` with `sync: true`, binary keys and values, 64 threads, so that it can join commits itself; read by `nextv`. Compaction is `compactRange`',
    job: { contestant: 'level', env: THREADS },
  },
  levelBatcher: {
    name: 'classic-level, batcher',
    about: 'the same, with the batcher that those have who do not join commits themselves',
    job: { contestant: 'level', env: THREADS, batcher: true },
  },
  duckdb: {
    name: 'DuckDB',
    about:
      'one table without index; the appender with typed chunks and a transaction for each commit, a prepared insert for one update; results as chunks of columns; a checkpoint at the close',
    job: { contestant: 'duckdb' },
  },
  jsonl: {
    name: 'JSON lines + Map',
    about: 'one line an update, one append and one `fdatasync` a commit, contents in a Map',
    job: { contestant: 'jsonl' },
  },
  raw: {
    name: 'append + fdatasync',
    about: 'a bare loop of 100 bytes each on a growing file',
    job: { contestant: 'raw' },
  },
}
