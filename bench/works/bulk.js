// Owns the works that take in much, in commits of 10,000 updates, each durable, from opening an empty folder to closing
// it.
import { compare, perSecond } from '../compare.js'
import { COMMIT_LENGTH_MAX as COMMIT_LENGTH } from '../data.js'

/** Updates of a load before the one that counts. */
export const WARM_UP_LENGTH = 500_000

/** Fewer and larger flushes: a setting that a bulk load should make. */
export const BULK_SETTINGS = { bufferSize: 100_000 }

/** A load of so much of a shape. */
export const load = (shape, length) => ({ work: 'bulk', shape, length, commitLength: COMMIT_LENGTH })

/** What of a job is Varve's alone, by contestant. */
export const forVarve = settings => ({ varve: { settings }, varveRows: { settings } })

/** A load that counts is warmed up. */
export const warm = job => ({ ...job, warmUpLength: Math.min(WARM_UP_LENGTH, job.length) })

const millions = length => `${length / 1e6} M`

const ingest = (bench, who, shape, length, title) =>
  compare(bench, {
    title,
    unit: 'updates/s',
    who,
    job: warm(load(shape, length)),
    jobs: forVarve(BULK_SETTINGS),
    value: run => run.updates / run.seconds,
    bytes: run => run.bytes / run.updates,
  })

/** @returns {AsyncGenerator<import('../compare.js').Finding>} */
export async function* bulk(bench, { updates, manyUpdates, lines, who }) {
  const grow = await ingest(bench, who.bulk, 'grow', updates, `Bulk ingest, grow, ${millions(updates)}`)
  const { varve, sqlite, lmdb, duckdb } = grow.of
  yield {
    table: grow.table,
    ratios: { bulk_vs_sqlite: varve / sqlite, bulk_vs_lmdb: varve / lmdb, bulk_vs_duckdb: varve / duckdb },
  }
  if (lines === undefined) return
  for (const [everybody, shape, length, title] of [
    [who.bulk, 'churn', updates, `churn, ${millions(updates)}`],
    [who.bulkMany, 'grow', manyUpdates, `grow, ${millions(manyUpdates)}`],
    [who.bulkMany, 'churn', manyUpdates, `churn, ${millions(manyUpdates)}`],
    [who.bulk, 'strings', updates, `(string, string, float), ${millions(updates)}`],
    [who.bulk, 'lines', lines, 'the line history'],
  ])
    yield { table: (await ingest(bench, everybody, shape, length, `Bulk ingest, ${title}`)).table }

  const defaults = await compare(bench, {
    title: `Bulk ingest, grow, ${millions(updates)}, Varve with its default settings`,
    unit: 'updates/s',
    who: ['varve'],
    job: warm(load('grow', updates)),
    value: perSecond(updates),
  })
  yield { table: defaults.table }
  const facts = await compare(bench, {
    title: `Bulk insert of new facts, ${millions(updates)}`,
    unit: 'facts/s',
    who: ['varve'],
    job: { ...warm(load('fresh', updates)), work: 'insert' },
    jobs: forVarve(BULK_SETTINGS),
    value: perSecond(updates),
  })
  yield { table: facts.table }
}
