// Owns lmdb as a contestant: (tuple, time) -> diff, in one database.
//
// Keys of two integers are packed into twelve bytes, others are the library's own ordered ones; a diff is one byte where
// that is enough. Its asynchronous puts are the fastest writes: it joins them into transactions itself, and `flushed`
// says when they are on disk.
import { mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { open as openEnvironment } from 'lmdb'
import { Checksum } from './checksum.js'

/** Read into again and again: whoever reads a key is done with it before the next. */
const key = [0, 0, 0]

const putInteger = (bytes, at, value) => {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
  return at + 4
}

const integerAt = (bytes, at) =>
  (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]

const PACKED = {
  writeKey(values, bytes, at) {
    return putInteger(bytes, putInteger(bytes, putInteger(bytes, at, values[0]), values[1]), values[2])
  },
  readKey(bytes, at) {
    key[0] = integerAt(bytes, at)
    key[1] = integerAt(bytes, at + 4)
    key[2] = integerAt(bytes, at + 8)
    return key
  },
}

/** A byte for each small diff: the library keeps a value until it is written. */
const BYTES = Array.from({ length: 256 }, (_, at) => Buffer.of(at - 128))

const DIFF = {
  encode(diff) {
    if (diff >= -128 && diff <= 127) return BYTES[diff + 128]
    const word = Buffer.allocUnsafe(4)
    word.writeInt32LE(diff)
    return word
  },
  decode: bytes => (bytes.length === 1 ? (bytes[0] << 24) >> 24 : bytes.readInt32LE(0)),
}

class Lmdb {
  #folder
  #types
  #packed
  #db

  constructor(folder, { types }) {
    this.#folder = folder
    this.#types = types
    this.#packed = types.every(type => type === 'int')
    this.#open()
  }

  #open() {
    this.#db = openEnvironment({
      path: join(this.#folder, 'lmdb'),
      encoder: DIFF,
      ...(this.#packed ? { keyEncoder: PACKED } : {}),
    })
  }

  #put({ columns, time, diff }, index) {
    const [a, b, c] = columns
    return this.#db.put(
      c === undefined ? [a[index], b[index], time[index]] : [a[index], b[index], c[index], time[index]],
      diff[index],
    )
  }

  async commit(updates, index) {
    await this.#put(updates, index)
    await this.#db.flushed
  }

  async write(updates, from, to) {
    let last
    for (let index = from; index < to; index++) last = this.#put(updates, index)
    await last
    await this.#db.flushed
  }

  /** Adds up entries, which come in the order of their keys. */
  #sum(entries, asOf) {
    const checksum = new Checksum()
    const arity = this.#types.length
    const tuple = []
    let n = 0
    const end = () => {
      if (n === 0) return
      if (this.#packed) checksum.addPair(tuple[0], tuple[1], n)
      else checksum.addTuple(tuple, arity, n)
      n = 0
    }
    for (const { key, value } of entries) {
      if (key[0] !== tuple[0] || key[1] !== tuple[1] || (arity === 3 && key[2] !== tuple[2])) {
        end()
        for (let column = 0; column < arity; column++) tuple[column] = key[column]
      }
      if (key[arity] <= asOf) n += value
    }
    end()
    return String(checksum)
  }

  state(asOf = Number.MAX_SAFE_INTEGER) {
    return this.#sum(this.#db.getRange(this.#packed ? { start: [0, 0, 0] } : {}), asOf)
  }

  lookup(node) {
    return this.#sum(
      this.#db.getRange({ start: [node, 0, 0], end: [node + 1, 0, 0] }),
      Number.MAX_SAFE_INTEGER,
    )
  }

  /** A copy without free pages, which takes the place of the original. */
  async compact() {
    const path = join(this.#folder, 'lmdb')
    const copy = join(this.#folder, 'copy')
    mkdirSync(copy)
    await this.#db.backup(copy, true)
    await this.#db.close()
    rmSync(path, { recursive: true })
    renameSync(copy, path)
    this.#open()
  }

  async close() {
    await this.#db.close()
  }
}

/** @type {import('./contestant.js').Contestant} */
export const lmdb = { open: (folder, job) => new Lmdb(folder, job), joins: true }
