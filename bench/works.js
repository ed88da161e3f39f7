// Owns what is measured: the works, one after another, and the rows of the report that come of them.

/**
 * One comparison. `value` is the ratio of ours to theirs (theirs to ours, where less is better), or, where `target`
 * is no ratio, our figure.
 * @typedef {object} Row
 * @property {string} key name among the ratios
 * @property {string} work what was done, for people
 * @property {string} unit of `ours` and `theirs`
 * @property {number} ours
 * @property {string} [peer] who is beside us; nobody if there is only a bound
 * @property {number} [theirs]
 * @property {number} value
 * @property {string} target what we want `value` to be
 */

const SQLITE = 'better-sqlite3'
/** Updates of a commit in bulk. */
const COMMIT_LENGTH = 10_000
/** Updates of a load before the one that counts: enough for a flush. */
const WARM_UP_LENGTH = 100_000
const COMMITTERS = 64
/** Nodes that are looked up, again and again. */
const LOOKUP_NODES = 20
/** Fewer and larger flushes: a setting that a bulk load should make. */
const BULK_SETTINGS = { bufferSize: 100_000 }

/** How much is done: enough for a figure that holds, or for one within two minutes. */
export const EXTENTS = {
  full: {
    runs: 5,
    updates: 1_000_000,
    commits: 3_000,
    concurrentCommits: 64_000,
    lookupMs: 1_000,
    idleMs: 5_000,
  },
  short: {
    runs: 3,
    updates: 500_000,
    commits: 1_000,
    concurrentCommits: 16_000,
    lookupMs: 500,
    idleMs: 2_500,
  },
}

/** @returns {Row} more is better for both */
const faster = (key, work, unit, ours, peer, theirs, target) => ({
  key,
  work,
  unit,
  ours,
  peer,
  theirs,
  value: ours / theirs,
  target,
})

/** @returns {Row} milliseconds: less is better for both */
const sooner = (key, work, ours, peer, theirs, target) => ({
  key,
  work,
  unit: 'ms',
  ours: ours.seconds * 1000,
  peer,
  theirs: theirs.seconds * 1000,
  value: theirs.seconds / ours.seconds,
  target,
})

/** @returns {Row} our figure counts, not its ratio */
const bound = (key, work, unit, ours, target) => ({ key, work, unit, ours, value: ours, target })

async function* commits(bench, { commits, concurrentCommits }) {
  const warmUp = commits / 10
  const one = { work: 'commits', shape: 'grow', length: commits + warmUp, warmUp }
  const [varve, sqlite, raw] = (
    await bench.inTurn('single commits', [
      { ...one, contestant: 'varve' },
      { ...one, contestant: 'sqlite' },
      { ...one, contestant: 'raw' },
    ])
  ).map(({ seconds }) => commits / seconds)
  const title = 'durable commits of one update, one at a time'
  yield faster('commit1_vs_sqlite', title, 'commits/s', varve, SQLITE, sqlite, '>= 1.1')
  yield faster('commit1_vs_raw', title, 'commits/s', varve, 'append + fdatasync', raw, '>= 0.85')

  const extra = concurrentCommits / 10
  const many = {
    work: 'concurrentCommits',
    shape: 'grow',
    length: concurrentCommits + extra,
    warmUp: extra,
    committers: COMMITTERS,
  }
  const [varve64, sqlite64] = (
    await bench.inTurn('64 committers', [
      { ...many, contestant: 'varve' },
      { ...many, contestant: 'sqlite' },
    ])
  ).map(({ seconds }) => concurrentCommits / seconds)
  const work = `durable commits of one update, ${COMMITTERS} at a time`
  yield faster('commit64_vs_sqlite', work, 'commits/s', varve64, `${SQLITE}, batcher`, sqlite64, '>= 2.5')
  // Its calls are synchronous: without a batcher, committers wait for each other, whatever their number.
  yield faster('commit64_vs_sqlite_plain', work, 'commits/s', varve64, `${SQLITE}, plain`, sqlite, '')
}

async function* bulk(bench, { updates }) {
  const jobs = shape => {
    const job = {
      work: 'bulk',
      shape,
      length: updates,
      warmUpLength: WARM_UP_LENGTH,
      commitLength: COMMIT_LENGTH,
    }
    return {
      varve: { ...job, contestant: 'varve', settings: BULK_SETTINGS },
      sqlite: { ...job, contestant: 'sqlite' },
      defaults: { ...job, contestant: 'varve', settings: {} },
    }
  }
  const speeds = async (title, list) =>
    (await bench.inTurn(title, list)).map(({ seconds }) => updates / seconds)

  const grow = jobs('grow')
  const [varve, sqlite, defaults] = await speeds('bulk ingest, grow', [
    grow.varve,
    grow.sqlite,
    grow.defaults,
  ])
  const work = 'bulk ingest, grow, open to close'
  yield faster('bulk_vs_sqlite', work, 'updates/s', varve, SQLITE, sqlite, '>= 8')
  yield faster(
    'bulk_defaults_vs_sqlite',
    `${work}, default settings`,
    'updates/s',
    defaults,
    SQLITE,
    sqlite,
    '',
  )

  const churn = jobs('churn')
  const [ours, theirs] = await speeds('bulk ingest, churn', [churn.varve, churn.sqlite])
  yield faster(
    'bulk_churn_vs_sqlite',
    'bulk ingest, churn, open to close',
    'updates/s',
    ours,
    SQLITE,
    theirs,
    '>= 8',
  )

  const fresh = jobs('fresh').varve
  const [insert, commit] = await speeds('facts', [{ ...fresh, work: 'insert' }, fresh])
  yield faster(
    'insert_vs_commit',
    'bulk insert of new facts',
    'facts/s',
    insert,
    'store.commit',
    commit,
    '>= 0.5',
  )
}

async function* reads(bench, { updates, lookupMs, idleMs }) {
  const load = {
    work: 'bulk',
    length: updates,
    commitLength: COMMIT_LENGTH,
    // Left for the compaction to merge.
    settings: { ...BULK_SETTINGS, autoCompactThreshold: 0 },
  }
  const stores = {}
  for (const shape of ['grow', 'churn'])
    for (const contestant of ['varve', 'sqlite'])
      stores[`${contestant} ${shape}`] = (await bench.keep({ ...load, shape, contestant })).data
  const both = (work, shape, extra) =>
    ['varve', 'sqlite'].map(contestant => ({
      contestant,
      work,
      data: stores[`${contestant} ${shape}`],
      ...extra,
    }))

  const [varve, sqlite, rows, json] = await bench.inTurn('open and read all', [
    ...both('state', 'grow'),
    { contestant: 'varve', work: 'stateAsRows', data: stores['varve grow'] },
    { contestant: 'sqlite', work: 'stateAsJson', data: stores['sqlite grow'] },
  ])
  const title = 'open and read the current state, grow'
  yield sooner('reopen_vs_sqlite', `${title}, as columns`, varve, SQLITE, sqlite, '>= 3')
  yield sooner('reopen_vs_sqlite_json', `${title}, as columns`, varve, `${SQLITE}, as JSON text`, json, '')
  yield sooner('reopen_rows_vs_sqlite', `${title}, as rows`, rows, SQLITE, sqlite, '')

  const nodes = Math.floor((updates * 0.9) / 8)
  const [first, theirFirst] = await bench.inTurn(
    'first read',
    both('firstRead', 'grow', { node: nodes >> 1 }),
  )
  yield {
    ...sooner('first_read_ms', 'open and read the edges of one node', first, SQLITE, theirFirst, '< 50 ms'),
    value: first.seconds * 1000,
  }

  const wanted = Array.from({ length: LOOKUP_NODES }, (_, index) => (index * 7919) % nodes)
  const lookups = both('lookups', 'grow', { nodes: wanted, forMs: lookupMs })
  const [ours, theirs] = (await bench.inTurn('lookups', lookups)).map(({ seconds }) => 1 / seconds)
  yield faster('lookup_vs_sqlite', 'edges of one node, warm', 'lookups/s', ours, SQLITE, theirs, '>= 3')

  const time = updates / COMMIT_LENGTH / 2 - 1
  const [then, theirThen] = await bench.inTurn('as-of read', both('asOf', 'churn', { time }))
  yield sooner(
    'asof_vs_sqlite',
    'read all as of the middle, churn, warm, as columns',
    then,
    SQLITE,
    theirThen,
    '>= 6',
  )

  const [merged, vacuumed] = await bench.inTurn(
    'compaction',
    both('compact', 'grow').map(({ data, ...job }) => ({ ...job, copyOf: data })),
  )
  const speed = updates / merged.seconds
  yield bound('compact_updates_per_s', 'compaction, grow', 'updates/s', speed, '>= 2 M')
  yield bound('compact_peak_mb', 'peak memory of the process that compacts', 'MB', merged.peakMb, '< 256')
  yield {
    key: 'bytes_vs_best_row_store',
    work: 'on disk after compaction, grow',
    unit: 'bytes/update',
    ours: merged.bytes / updates,
    peer: `${SQLITE}, vacuumed`,
    theirs: vacuumed.bytes / updates,
    value: merged.bytes / vacuumed.bytes,
    target: '<= 0.5',
  }

  const { data } = await bench.keep({ contestant: 'varve', work: 'compact', copyOf: stores['varve grow'] })
  const idle = await bench.keep({ contestant: 'varve', work: 'idle', data, idleMs })
  const pause = `in ${idleMs / 1000} s of an open store without work`
  yield bound('idle_bytes', `written ${pause}`, 'bytes', idle.writtenBytes, '0')
  yield bound('idle_syncs', `syncs of the log ${pause}`, 'syncs', idle.syncs, '0')
}

/**
 * Does all works.
 * @param {import('./measure.js').Bench} bench
 * @param {typeof EXTENTS.full} extent
 * @returns {AsyncGenerator<Row>}
 */
export async function* measureAll(bench, extent) {
  yield* commits(bench, extent)
  yield* bulk(bench, extent)
  yield* reads(bench, extent)
}
