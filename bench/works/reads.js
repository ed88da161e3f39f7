// Owns the works that read: opening and reading all, a first read, lookups, as of an earlier time.
import { compare, milliseconds } from '../compare.js'
import { CONTESTANTS } from '../contestants.js'
import { COMMIT_LENGTH_MAX as COMMIT_LENGTH } from '../data.js'
import { BULK_SETTINGS, forVarve, load } from './bulk.js'

/** Nodes that are looked up, again and again. */
const LOOKUP_NODES = 500
const UPDATES_PER_NODE = 11

/**
 * Stores to read from, by contestant.
 * @param {object} settings of Varve
 * @returns {Promise<Record<string, { readonly data: string }>>}
 */
export const loaded = async (bench, who, job, settings = BULK_SETTINGS) => {
  const stores = {}
  for (const key of who) {
    const { data } = await bench.keepOnce({ ...CONTESTANTS[key].job, ...job, ...forVarve(settings)[key] })
    stores[key] = { data }
  }
  return stores
}

/** Those whose files another can read as well read them. */
const WRITTEN_BY = { varveRows: 'varve', sqliteJson: 'sqlite' }
const writers = who => [...new Set(who.map(key => WRITTEN_BY[key] ?? key))]
const withReaders = (stores, who) => Object.fromEntries(who.map(key => [key, stores[WRITTEN_BY[key] ?? key]]))

const openAndReadAll = async (bench, who, shape, length, title) => {
  const stores = await loaded(bench, writers(who), load(shape, length))
  return compare(bench, {
    title,
    unit: 'ms',
    less: true,
    who,
    job: { work: 'state', shape },
    jobs: withReaders(stores, who),
    value: milliseconds,
  })
}

/** @returns {AsyncGenerator<import('../compare.js').Finding>} */
export async function* reads(bench, { updates, manyUpdates, firstReadUpdates, lookupMs, lines, who }) {
  const nodes = Math.floor(updates / UPDATES_PER_NODE)
  const wanted = Array.from({ length: LOOKUP_NODES }, (_, index) => (index * 7919) % nodes)
  const everybody = [...new Set([...writers(who.state), ...writers(who.lookups)])]
  const grown = await loaded(bench, everybody, load('grow', updates))
  const state = await compare(bench, {
    title: `Open and read the current state, grow, ${updates / 1e6} M`,
    unit: 'ms',
    less: true,
    who: who.state,
    job: { work: 'state', shape: 'grow' },
    jobs: withReaders(grown, who.state),
    value: milliseconds,
  })
  yield {
    table: state.table,
    ratios: {
      reopen_vs_sqlite: state.of.sqlite / state.of.varve,
      reopen_vs_lmdb: state.of.lmdb / state.of.varve,
    },
  }

  const lookups = await compare(bench, {
    title: 'Edges of one node, about ten, warm',
    unit: 'lookups/s',
    who: who.lookups,
    job: { work: 'lookups', shape: 'grow', nodes: wanted, forMs: lookupMs },
    jobs: grown,
    value: ({ seconds }) => 1 / seconds,
  })
  yield { table: lookups.table, ratios: { lookup_vs_sqlite: lookups.of.varve / lookups.of.sqlite } }

  const first = await compare(bench, {
    title: `Open and read the edges of one node in a fresh process, grow, ${firstReadUpdates / 1e6} M, default settings`,
    unit: 'ms',
    less: true,
    who: who.firstRead,
    job: { work: 'firstRead', shape: 'grow', node: firstReadUpdates >> 5 },
    jobs: await loaded(bench, who.firstRead, load('grow', firstReadUpdates), {}),
    value: milliseconds,
  })
  yield { table: first.table, ratios: { first_read_ms: first.of.varve } }

  const churned = await loaded(bench, writers(who.asOf), load('churn', updates))
  const asOf = await compare(bench, {
    title: `Read all as of the middle, churn, ${updates / 1e6} M, warm`,
    unit: 'ms',
    less: true,
    who: who.asOf,
    job: { work: 'asOf', shape: 'churn', time: Math.floor(updates / COMMIT_LENGTH / 2) - 1 },
    jobs: withReaders(churned, who.asOf),
    value: milliseconds,
  })
  yield {
    table: asOf.table,
    ratios: {
      asof_vs_sqlite: asOf.of.sqlite / asOf.of.varve,
      asof_vs_duckdb: asOf.of.duckdb / asOf.of.varve,
    },
  }
  if (lines === undefined) return

  const cold = await compare(bench, {
    title: `Open and read the current state in a fresh process, grow, ${updates / 1e6} M`,
    unit: 'ms',
    less: true,
    who: who.state,
    job: { work: 'stateCold', shape: 'grow' },
    jobs: withReaders(grown, who.state),
    value: milliseconds,
  })
  yield { table: cold.table }
  const title = 'Open and read the current state'
  const all = who.state.filter(key => key !== 'sqliteJson')
  const many = `${title}, grow, ${manyUpdates / 1e6} M`
  yield { table: (await openAndReadAll(bench, who.stateMany, 'grow', manyUpdates, many)).table }
  const strings = `${title}, (string, string, float), ${updates / 1e6} M`
  yield { table: (await openAndReadAll(bench, all, 'strings', updates, strings)).table }
  yield { table: (await openAndReadAll(bench, all, 'lines', lines, `${title}, the line history`)).table }
}
