// Owns better-sqlite3 as a contestant. Variants: none, one table clustered by tuple and time, read by grouping; `json`,
// the same with rows handed over as JSON text; `log`, a log of updates, and a table with the state that each commit
// brings up to date.
//
// Its settings are the best we know for it: write-ahead log, a cache that holds all data, prepared statements. One row
// a statement: at these sizes that is faster through this API than statements of 64 rows.
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { Checksum } from './checksum.js'

const CACHE_KIB = 256 * 1024
/** Rows that are read with one statement, about: long results are slow through this API. */
const RANGE_ROWS = 20_000
const RANGE_NODES = 2_000
const TYPES = { int: 'integer', float: 'real', string: 'text' }

class Sqlite {
  #db
  #types
  #variant
  #insert
  /** Brings the state up to date, where it is kept. */
  #count
  #begin
  #commit
  #range
  #whole

  constructor(folder, { types, variant }) {
    this.#types = types
    this.#variant = variant
    const db = new Database(join(folder, 'edges.db'))
    this.#db = db
    db.pragma('journal_mode = WAL')
    db.pragma('synchronous = FULL')
    db.pragma(`cache_size = -${CACHE_KIB}`)
    const names = types.map((_, column) => `c${column}`).join()
    const columns = types.map((type, column) => `c${column} ${TYPES[type]} not null`).join()
    const values = types.map(() => '?').join()
    const inRange = 'c0 >= ? and c0 < ?'
    if (variant === 'log') {
      db.exec(`create table if not exists log (${columns}, time integer, diff integer)`)
      db.exec(
        `create table if not exists state (${columns}, n integer, primary key (${names})) without rowid`,
      )
      this.#insert = db.prepare(`insert into log values (${values}, ?, ?)`)
      this.#count = db.prepare(
        `insert into state values (${values}, ?) on conflict do update set n = n + excluded.n`,
      )
      this.#range = db.prepare(`select * from state where ${inRange} and n <> 0`).raw()
      this.#whole = db
        .prepare(`select ${names}, sum(diff) as n from log where time <= ? group by ${names} having n <> 0`)
        .raw()
    } else {
      db.exec(
        `create table if not exists edge (${columns}, time integer, diff integer,
         primary key (${names}, time)) without rowid`,
      )
      this.#insert = db.prepare(`insert into edge values (${values}, ?, ?)`)
      const range = `select ${names}, sum(diff) as n from edge where ${inRange} and time <= ?
                     group by ${names} having n <> 0`
      this.#range =
        variant === 'json'
          ? db.prepare(`select json_group_array(json_array(${names}, n)) from (${range})`).pluck()
          : db.prepare(range).raw()
    }
    this.#begin = db.prepare('begin immediate')
    this.#commit = db.prepare('commit')
  }

  #put({ columns, time, diff }, index) {
    const [a, b, c] = columns
    if (c === undefined) {
      this.#insert.run(a[index], b[index], time[index], diff[index])
      this.#count?.run(a[index], b[index], diff[index])
    } else {
      this.#insert.run(a[index], b[index], c[index], time[index], diff[index])
      this.#count?.run(a[index], b[index], c[index], diff[index])
    }
  }

  commit(updates, index) {
    // Outside of a transaction each statement is one.
    if (this.#count === undefined) this.#put(updates, index)
    else this.write(updates, index, index + 1)
  }

  write(updates, from, to) {
    this.#begin.run()
    for (let index = from; index < to; index++) this.#put(updates, index)
    this.#commit.run()
  }

  /** Bounds on the first column that part the table into what is read at a time. */
  *#ranges() {
    const table = this.#variant === 'log' ? 'state' : 'edge'
    if (this.#types[0] === 'int') {
      const last = this.#db.prepare(`select max(c0) from ${table}`).pluck().get()
      for (let from = 0; from <= last; from += RANGE_NODES) yield [from, from + RANGE_NODES]
      return
    }
    const next = this.#db
      .prepare(`select c0 from ${table} where c0 > ? order by c0 limit 1 offset ${RANGE_ROWS}`)
      .pluck()
    for (let from = ''; ; ) {
      const to = next.get(from)
      yield [from, to ?? '\u{10ffff}']
      if (to === undefined) return
      from = to
    }
  }

  #add(checksum, rows) {
    const arity = this.#types.length
    if (arity === 2 && this.#types[0] === 'int') for (const [a, b, n] of rows) checksum.addPair(a, b, n)
    else for (const row of rows) checksum.addTuple(row, arity, row[arity])
  }

  #read(from, to, asOf) {
    if (this.#variant === 'log') return this.#range.all(from, to)
    return this.#variant === 'json'
      ? JSON.parse(this.#range.get(from, to, asOf))
      : this.#range.all(from, to, asOf)
  }

  state(asOf) {
    const checksum = new Checksum()
    if (asOf !== undefined && this.#variant === 'log') this.#add(checksum, this.#whole.all(asOf))
    else
      for (const [from, to] of this.#ranges())
        this.#add(checksum, this.#read(from, to, asOf ?? Number.MAX_SAFE_INTEGER))
    return String(checksum)
  }

  lookup(node) {
    const checksum = new Checksum()
    this.#add(checksum, this.#read(node, node + 1, Number.MAX_SAFE_INTEGER))
    return String(checksum)
  }

  compact() {
    this.#db.exec('vacuum')
  }

  close() {
    this.#db.close()
  }
}

/** Its calls are synchronous: without a batcher, committers wait for each other, whatever their number. */
/** @type {import('./contestant.js').Contestant} */
export const sqlite = { open: (folder, job) => new Sqlite(folder, job) }
