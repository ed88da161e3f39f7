// Owns better-sqlite3 as a contestant: one clustered table that holds tuple, time and diff, read by grouping.
//
// Its settings are the best we know for it: write-ahead log, a cache that holds all data, prepared statements. One row
// a statement: at these sizes that is faster through this API than statements of 64 rows.
import { createRequire } from 'node:module'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { Checksum } from './data.js'

const CACHE_KIB = 256 * 1024
/** Nodes whose edges are read with one statement: long results are slow through this API. */
const RANGE_NODES = 2_000
const STATE =
  'select a, b, sum(diff) as n from edge where a >= ? and a < ? and time <= ? group by a, b having n <> 0'

class Sqlite {
  #db
  #insert
  #begin
  #commit
  #range

  constructor(folder) {
    this.#db = new Database(join(folder, 'edges.db'))
    this.#db.pragma('journal_mode = WAL')
    this.#db.pragma('synchronous = FULL')
    this.#db.pragma(`cache_size = -${CACHE_KIB}`)
    this.#db.exec(
      `create table if not exists edge (a integer, b integer, time integer, diff integer,
       primary key (a, b, time)) without rowid`,
    )
    this.#insert = this.#db.prepare(
      'insert into edge values (?, ?, ?, ?) on conflict do update set diff = diff + excluded.diff',
    )
    this.#begin = this.#db.prepare('begin immediate')
    this.#commit = this.#db.prepare('commit')
    this.#range = this.#db.prepare(STATE).raw()
  }

  /** Outside of `transaction` each is a transaction of its own. */
  insert(edges, index, time) {
    this.#insert.run(edges.a[index], edges.b[index], time, edges.diff[index])
  }

  transaction(work) {
    this.#begin.run()
    work()
    this.#commit.run()
  }

  state(asOf = Number.MAX_SAFE_INTEGER) {
    const checksum = new Checksum()
    const nodes = this.#db.prepare('select max(a) from edge').pluck().get()
    for (let from = 0; from <= nodes; from += RANGE_NODES)
      for (const [a, b, n] of this.#range.all(from, from + RANGE_NODES, asOf)) checksum.add(a, b, n)
    return String(checksum)
  }

  /** As {@link state}, with rows handed over as JSON text: faster, and only good for what JSON can say. */
  stateAsJson() {
    const checksum = new Checksum()
    const nodes = this.#db.prepare('select max(a) from edge').pluck().get()
    const range = this.#db.prepare(`select json_group_array(json_array(a, b, n)) from (${STATE})`).pluck()
    for (let from = 0; from <= nodes; from += RANGE_NODES)
      for (const [a, b, n] of JSON.parse(range.get(from, from + RANGE_NODES, Number.MAX_SAFE_INTEGER)))
        checksum.add(a, b, n)
    return String(checksum)
  }

  edgesFrom(node) {
    const checksum = new Checksum()
    for (const [a, b, n] of this.#range.all(node, node + 1, Number.MAX_SAFE_INTEGER)) checksum.add(a, b, n)
    return String(checksum)
  }

  vacuum() {
    this.#db.exec('vacuum')
  }

  close() {
    this.#db.close()
  }
}

/** Joins what is waiting into one transaction, as an application has to that wants many committers. */
class Batcher {
  #waiting = []
  #sqlite
  #edges

  constructor(sqlite, edges) {
    this.#sqlite = sqlite
    this.#edges = edges
  }

  commit(index) {
    return new Promise(resolve => {
      this.#waiting.push({ index, resolve })
      if (this.#waiting.length === 1) setImmediate(() => this.#write())
    })
  }

  #write() {
    const group = this.#waiting
    this.#waiting = []
    this.#sqlite.transaction(() => {
      for (const { index } of group) this.#sqlite.insert(this.#edges, index, index)
    })
    for (const { resolve } of group) resolve()
  }
}

/** Times opening the folder and one read. */
const openAndRead = ({ folder, clock }, read) => {
  clock.start()
  const store = new Sqlite(folder)
  const answer = read(store)
  clock.stop()
  store.close()
  return { answer }
}

/** @type {import('./child.js').Contestant} */
export const sqlite = {
  async versions() {
    const { version } = createRequire(import.meta.url)('better-sqlite3/package.json')
    const database = new Database(':memory:')
    return {
      versions: {
        'better-sqlite3': version,
        SQLite: database.prepare('select sqlite_version()').pluck().get(),
      },
    }
  },

  async commits({ folder, edges, warmUp, clock }) {
    const store = new Sqlite(folder)
    for (let index = 0; index < edges.length; index++) {
      if (index === warmUp) clock.start()
      store.insert(edges, index, index)
    }
    clock.stop()
    const answer = store.state()
    store.close()
    return { answer }
  },

  async concurrentCommits({ folder, edges, warmUp, committers, clock }) {
    const store = new Sqlite(folder)
    const batcher = new Batcher(store, edges)
    let next = 0
    const committer = async () => {
      while (next < edges.length) {
        if (next === warmUp) clock.start()
        await batcher.commit(next++)
      }
    }
    await Promise.all(Array.from({ length: committers }, committer))
    clock.stop()
    const answer = store.state()
    store.close()
    return { answer }
  },

  async bulk({ folder, edges, commitLength, clock }) {
    clock.start()
    const store = new Sqlite(folder)
    for (let from = 0; from < edges.length; from += commitLength)
      store.transaction(() => {
        const to = Math.min(from + commitLength, edges.length)
        for (let index = from; index < to; index++) store.insert(edges, index, from / commitLength)
      })
    store.close()
    clock.stop()
    return {}
  },

  async state(job) {
    return openAndRead(job, store => store.state())
  },

  async stateAsJson(job) {
    return openAndRead(job, store => store.stateAsJson())
  },

  async firstRead(job) {
    return openAndRead(job, store => store.edgesFrom(job.node))
  },

  async asOf({ folder, time, clock }) {
    const store = new Sqlite(folder)
    store.state(time)
    clock.start()
    const answer = store.state(time)
    clock.stop()
    store.close()
    return { answer }
  },

  async lookups({ folder, nodes, forMs, clock }) {
    const store = new Sqlite(folder)
    const answers = nodes.map(node => store.edgesFrom(node))
    clock.start()
    let done = 0
    while (clock.elapsedMs < forMs) store.edgesFrom(nodes[done++ % nodes.length])
    clock.stop(done)
    store.close()
    return { answer: answers.join() }
  },

  async compact({ folder, clock }) {
    const store = new Sqlite(folder)
    clock.start()
    store.vacuum()
    clock.stop()
    const answer = store.state()
    store.close()
    return { answer }
  },
}
