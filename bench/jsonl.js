// Owns the simplest thing as a contestant: a file of JSON lines, one an update, and a Map of what it adds up to.
//
// A commit is one append and one fdatasync. Opening reads all lines; so does a read as of an earlier time.
import { closeSync, fdatasyncSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { Checksum } from './checksum.js'

const NEWLINE = 10
const SEPARATOR = '\0'

class JsonLines {
  #path
  #file
  #contents

  constructor(folder) {
    this.#path = join(folder, 'edges.jsonl')
    this.#file = openSync(this.#path, 'a')
    this.#contents = this.#replayed(Number.MAX_SAFE_INTEGER)
  }

  #add(contents, tuple, diff) {
    const key = tuple.join(SEPARATOR)
    const found = contents.get(key)
    if (found === undefined) contents.set(key, { tuple, n: diff })
    else if (found.n + diff === 0) contents.delete(key)
    else found.n += diff
  }

  #replayed(asOf) {
    const contents = new Map()
    const bytes = readFileSync(this.#path)
    for (let from = 0; from < bytes.length; ) {
      const to = bytes.indexOf(NEWLINE, from)
      const [tuple, time, diff] = JSON.parse(bytes.toString('utf8', from, to))
      if (time <= asOf) this.#add(contents, tuple, diff)
      from = to + 1
    }
    return contents
  }

  commit(updates, index) {
    this.write(updates, index, index + 1)
  }

  write({ columns, time, diff }, from, to) {
    let text = ''
    for (let index = from; index < to; index++) {
      const tuple = columns.map(column => column[index])
      text += `${JSON.stringify([tuple, time[index], diff[index]])}\n`
      this.#add(this.#contents, tuple, diff[index])
    }
    writeSync(this.#file, text)
    fdatasyncSync(this.#file)
  }

  state(asOf) {
    const checksum = new Checksum()
    const contents = asOf === undefined ? this.#contents : this.#replayed(asOf)
    for (const { tuple, n } of contents.values()) checksum.addTuple(tuple, tuple.length, n)
    return String(checksum)
  }

  close() {
    closeSync(this.#file)
  }
}

/** @type {import('./contestant.js').Contestant} */
export const jsonl = { open: folder => new JsonLines(folder) }
