// Owns DuckDB as a contestant: one table of updates without index, read by grouping.
//
// Many updates go in by the appender, as chunks of typed columns; one by a prepared insert. Results come back as chunks
// of columns, too. All of it is checkpointed at the close.
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { DOUBLE, DuckDBDataChunk, DuckDBInstance, INTEGER, VARCHAR } from '@duckdb/node-api'
import { Checksum } from './checksum.js'

/** Rows of a chunk: DuckDB's own. */
const CHUNK_ROWS = 2_048
const TYPES = { int: INTEGER, float: DOUBLE, string: VARCHAR }

/** Values of a column of a result. */
const valuesOf = vector => {
  if (vector.items !== undefined) return vector.items
  return Array.from({ length: vector.itemCount }, (_, row) => vector.getItem(row))
}

const setColumn = (chunk, at, column, from, to) => {
  const vector = chunk.getColumnVector(at)
  if (Array.isArray(column))
    for (let index = from; index < to; index++) vector.setItem(index - from, column[index])
  else vector.items.set(column.subarray(from, to))
  vector.flush()
}

class Duckdb {
  #instance
  #connection
  #types
  #names
  #appender
  #insert

  constructor(instance, connection, types) {
    this.#instance = instance
    this.#connection = connection
    this.#types = [...types.map(type => TYPES[type]), INTEGER, INTEGER]
    this.#names = types.map((_, column) => `c${column}`).join()
  }

  async prepare() {
    const columns = this.#types.slice(0, -2).map((type, column) => `c${column} ${type}`)
    await this.#connection.run(
      `create table if not exists edge (${columns.join()}, time integer, diff integer)`,
    )
    this.#insert = await this.#connection.prepare(
      `insert into edge values (${this.#types.map((_, at) => `$${at + 1}`).join()})`,
    )
  }

  async commit({ columns, time, diff }, index) {
    this.#insert.bind([...columns.map(column => column[index]), time[index], diff[index]], this.#types)
    await this.#insert.run()
  }

  async write({ columns, time, diff }, from, to) {
    await this.#connection.run('begin')
    this.#appender ??= await this.#connection.createAppender('edge')
    for (let start = from; start < to; start += CHUNK_ROWS) {
      const end = Math.min(start + CHUNK_ROWS, to)
      const chunk = DuckDBDataChunk.create(this.#types, end - start)
      for (const [at, column] of [...columns, time, diff].entries()) setColumn(chunk, at, column, start, end)
      this.#appender.appendDataChunk(chunk)
    }
    this.#appender.flushSync()
    await this.#connection.run('commit')
  }

  async #sum(where) {
    const checksum = new Checksum()
    const result = await this.#connection.run(
      `select ${this.#names}, sum(diff)::integer as n from edge ${where} group by all having n <> 0`,
    )
    for (;;) {
      const chunk = await result.fetchChunk()
      if (chunk === null || chunk.rowCount === 0) return String(checksum)
      const columns = Array.from({ length: chunk.columnCount }, (_, at) =>
        valuesOf(chunk.getColumnVector(at)),
      )
      const diff = columns.pop()
      checksum.addColumns(columns, diff, chunk.rowCount)
    }
  }

  state(asOf) {
    return this.#sum(asOf === undefined ? '' : `where time <= ${asOf}`)
  }

  lookup(node) {
    return this.#sum(`where c0 = ${node}`)
  }

  async compact() {
    await this.#connection.run('checkpoint')
  }

  /** Sizes of DuckDB's own Parquet files of all updates, sorted by tuple and time. */
  async parquet(folder) {
    const bytes = async options => {
      const path = join(folder, 'edges.parquet')
      await this.#connection.run(
        `copy (from edge order by ${this.#names}, time) to '${path}' (format parquet${options})`,
      )
      return statSync(path).size
    }
    return { parquetBytes: await bytes(''), zstdBytes: await bytes(', compression zstd') }
  }

  async close() {
    this.#appender?.closeSync()
    await this.#connection.run('checkpoint')
    this.#connection.closeSync()
    this.#instance.closeSync()
  }
}

const open = async (folder, { types }) => {
  const instance = await DuckDBInstance.create(join(folder, 'edges.duckdb'))
  const store = new Duckdb(instance, await instance.connect(), types)
  await store.prepare()
  return store
}

const works = {
  async parquet({ folder, types, clock }) {
    const store = await open(folder, { types })
    clock.start()
    const sizes = await store.parquet(folder)
    clock.stop()
    await store.close()
    return sizes
  },
}

/** @type {import('./contestant.js').Contestant} */
export const duckdb = { open, works }
