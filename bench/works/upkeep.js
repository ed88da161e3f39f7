// Owns what files come to: their size when everything is merged, and what an open store does without work.
import { compare } from '../compare.js'
import { CONTESTANTS } from '../contestants.js'
import { load } from './bulk.js'
import { loaded } from './reads.js'

/** Left for the compaction to merge. */
const UNMERGED = { bufferSize: 100_000, autoCompactThreshold: 0 }
const ROW_STORES = ['sqlite', 'lmdb', 'level']

/** @returns {AsyncGenerator<import('../compare.js').Finding>} */
export async function* upkeep(bench, { updates, idleMs, who }) {
  const stores = await loaded(bench, [...who.compact, 'duckdb'], load('grow', updates), UNMERGED)
  const { table, of } = await compare(bench, {
    title: `On disk when compacted, all times kept, grow, ${updates / 1e6} M`,
    unit: 'bytes/update',
    less: true,
    who: who.compact,
    job: { work: 'compact', shape: 'grow' },
    jobs: Object.fromEntries(who.compact.map(key => [key, { copyOf: stores[key].data }])),
    value: ({ bytes }) => bytes / updates,
    // The same each time.
    runs: 1,
  })
  const { parquetBytes, zstdBytes } = await bench.keep({
    ...CONTESTANTS.duckdb.job,
    work: 'parquet',
    shape: 'grow',
    copyOf: stores.duckdb.data,
  })
  table.lines.push(
    { name: "DuckDB's Parquet of the same rows", value: parquetBytes / updates },
    { name: "DuckDB's Parquet of the same rows, zstd", value: zstdBytes / updates },
  )
  yield {
    table,
    ratios: {
      bytes_vs_best_row_store: of.varve / Math.min(...ROW_STORES.map(key => of[key])),
      bytes_vs_duckdb_parquet: (of.varve * updates) / parquetBytes,
    },
  }

  const varve = CONTESTANTS.varve.job
  const { data } = await bench.keep({ ...varve, work: 'compact', shape: 'grow', copyOf: stores.varve.data })
  const idle = await bench.keep({ ...varve, work: 'idle', data, idleMs })
  yield {
    table: {
      title: `In ${idleMs / 1000} s of an open store without work`,
      unit: '',
      less: true,
      lines: [
        { name: 'Varve, bytes written', value: idle.writtenBytes },
        { name: 'Varve, syncs of the log', value: idle.syncs },
      ],
    },
    ratios: { idle_bytes: idle.writtenBytes },
  }
}
