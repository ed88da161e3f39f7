// Owns classic-level as a contestant: (tuple, time) -> diff, with `sync: true` on all writes.
//
// Keys of two integers are twelve bytes, others are text; a diff is one byte where that is enough. It is read a thousand
// entries at a time. LevelDB joins what several threads write at the same time, so it has a thread for each committer.
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { Checksum } from './checksum.js'

const READ_LENGTH = 1_000
const SYNCED = { sync: true }
const SEPARATOR = '\0'

const packed = (a, b, time) => {
  const bytes = Buffer.allocUnsafe(12)
  bytes.writeUInt32BE(a, 0)
  bytes.writeUInt32BE(b, 4)
  bytes.writeUInt32BE(time, 8)
  return bytes
}

/** Text whose order is that of the tuples, and of the times of a tuple. */
const text = values => values.join(SEPARATOR)

const diffBytes = diff => {
  if (diff >= -128 && diff <= 127) return Buffer.of(diff)
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeInt32LE(diff)
  return bytes
}

const diffOf = bytes => (bytes.length === 1 ? (bytes[0] << 24) >> 24 : bytes.readInt32LE(0))

class Level {
  #db
  #types
  #packed

  constructor(db, types) {
    this.#db = db
    this.#types = types
    this.#packed = types.every(type => type === 'int')
  }

  #keyAt({ columns, time }, index) {
    if (this.#packed) return packed(columns[0][index], columns[1][index], time[index])
    return text([...columns.map(column => column[index]), time[index]])
  }

  async commit(updates, index) {
    await this.#db.put(this.#keyAt(updates, index), diffBytes(updates.diff[index]), SYNCED)
  }

  async write(updates, from, to) {
    const operations = []
    for (let index = from; index < to; index++)
      operations.push({
        type: 'put',
        key: this.#keyAt(updates, index),
        value: diffBytes(updates.diff[index]),
      })
    await this.#db.batch(operations, SYNCED)
  }

  async #sum(range, asOf) {
    const checksum = new Checksum()
    const iterator = this.#db.iterator(range)
    const add = this.#packed ? this.#pairs(checksum, asOf) : this.#tuples(checksum, asOf)
    for (;;) {
      const entries = await iterator.nextv(READ_LENGTH)
      if (entries.length === 0) break
      for (const [key, value] of entries) add.entry(key, diffOf(value))
    }
    add.end()
    await iterator.close()
    return String(checksum)
  }

  #pairs(checksum, asOf) {
    let a = -1
    let b = -1
    let n = 0
    const end = () => {
      if (n !== 0) checksum.addPair(a, b, n)
      n = 0
    }
    const entry = (key, diff) => {
      const [nextA, nextB] = [key.readUInt32BE(0), key.readUInt32BE(4)]
      if (nextA !== a || nextB !== b) {
        end()
        a = nextA
        b = nextB
      }
      if (key.readUInt32BE(8) <= asOf) n += diff
    }
    return { entry, end }
  }

  #tuples(checksum, asOf) {
    const arity = this.#types.length
    let tuple = ''
    let n = 0
    const end = () => {
      if (n === 0) return
      const values = tuple
        .split(SEPARATOR)
        .map((value, column) => (this.#types[column] === 'string' ? value : Number(value)))
      checksum.addTuple(values, arity, n)
      n = 0
    }
    const entry = (key, diff) => {
      const at = key.lastIndexOf(SEPARATOR)
      const next = key.slice(0, at)
      if (next !== tuple) {
        end()
        tuple = next
      }
      if (Number(key.slice(at + 1)) <= asOf) n += diff
    }
    return { entry, end }
  }

  state(asOf = Number.MAX_SAFE_INTEGER) {
    return this.#sum({}, asOf)
  }

  lookup(node) {
    return this.#sum({ gte: packed(node, 0, 0), lt: packed(node + 1, 0, 0) }, Number.MAX_SAFE_INTEGER)
  }

  async compact() {
    const range = { keyEncoding: 'buffer' }
    await this.#db.compactRange(Buffer.of(0), Buffer.alloc(16, 0xff), range)
  }

  async close() {
    await this.#db.close()
  }
}

const open = async (folder, { types }) => {
  const keyEncoding = types.every(type => type === 'int') ? 'buffer' : 'utf8'
  const db = new ClassicLevel(join(folder, 'level'), { keyEncoding, valueEncoding: 'buffer' })
  await db.open()
  return new Level(db, types)
}

/** @type {import('./contestant.js').Contestant} */
export const level = { open, joins: true }
