// Owns Varve as a contestant, as it is built: through its public interface, in the default mode `immediate`.
//
// Variants: none, columns in and out, the fastest way; `rows`, an object for each update and row.
import { readFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { openStore } from '../dist/index.js'
import { Checksum } from './checksum.js'
import { commitsOf } from './data.js'

const SHARD = 'default:edge'
const NS_PER_MS = 1e6

const updateAt = ({ columns, diff, time }, index) => ({
  shard: SHARD,
  data: columns.map(column => column[index]),
  diff: diff[index],
  time: time[index],
})

/** A commit of one time says it once. */
const columnsAt = ({ columns, diff, time }, from, to) => ({
  data: columns.map(column => (Array.isArray(column) ? column.slice(from, to) : column.subarray(from, to))),
  diff: diff.subarray(from, to),
  time: time[from] === time[to - 1] ? time[from] : time.subarray(from, to),
})

/** The event loop is asked every so many ms whether it can run. */
const LOOP_RESOLUTION_MS = 1

class Varve {
  #store
  #rows
  #snapshot

  constructor(store, rows) {
    this.#store = store
    this.#rows = rows
  }

  async commit(updates, index) {
    await this.#store.commit([updateAt(updates, index)])
  }

  async write(updates, from, to) {
    if (this.#rows)
      await this.#store.commit(Array.from({ length: to - from }, (_, at) => updateAt(updates, from + at)))
    else await this.#store.append(SHARD, columnsAt(updates, from, to))
  }

  async state(asOf) {
    const checksum = new Checksum()
    const snapshot = await this.#store.snapshot(asOf === undefined ? {} : { asOf })
    if (this.#rows)
      for await (const { data, diff } of snapshot.rows(SHARD)) checksum.addTuple(data, data.length, diff)
    else
      for await (const { data, diff, length } of snapshot.arrays(SHARD))
        checksum.addColumns(data, diff, length)
    await snapshot.close()
    return String(checksum)
  }

  async lookup(node) {
    this.#snapshot ??= await this.#store.snapshot()
    const checksum = new Checksum()
    for (const { data, diff } of await this.#snapshot.lookup(SHARD, [node]))
      checksum.addPair(data[0], data[1], diff)
    return String(checksum)
  }

  /** Tells how long the event loop was kept from running. */
  async compact() {
    const delay = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS })
    delay.enable()
    await this.#store.compact()
    delay.disable()
    return { loopP99Ms: delay.percentile(99) / NS_PER_MS, loopMaxMs: delay.max / NS_PER_MS }
  }

  async close() {
    await this.#snapshot?.close()
    await this.#store.close()
  }
}

/** Bytes that this process has had written to disks so far. Linux alone can say. */
const writtenBytes = () => Number(/^write_bytes: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'))[1])

const quantile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]

const open = async (folder, { settings, variant }) =>
  new Varve(await openStore({ dataDir: folder, ...settings }), variant === 'rows')

const works = {
  /** As `bulk`, of facts: all updates are inserts. */
  async insert({ folder, updates, commitLength, settings, clock }) {
    clock.start()
    const store = await openStore({ dataDir: folder, ...settings })
    for (const [from, to] of commitsOf(updates, commitLength)) {
      const tuples = []
      for (let index = from; index < to; index++) tuples.push(updates.columns.map(column => column[index]))
      await store.insert(SHARD, tuples)
    }
    await store.close()
    clock.stop()
    return {}
  },

  /** How long each of many commits takes, one after another. */
  async latency({ folder, updates, commitLength, settings, clock }) {
    const store = await open(folder, { settings })
    const tookMs = []
    clock.start()
    for (const [from, to] of commitsOf(updates, commitLength)) {
      const startMs = performance.now()
      await store.write(updates, from, to)
      tookMs.push(performance.now() - startMs)
    }
    clock.stop()
    await store.close()
    // The first are slow for other reasons.
    const sorted = tookMs.slice(Math.floor(tookMs.length / 10)).sort((left, right) => left - right)
    return { medianMs: quantile(sorted, 0.5), p99Ms: quantile(sorted, 0.99) }
  },

  /** What ingest, reopening with a read of all, and such a read alone take, in one process; nothing is kept decoded. */
  async curve(job) {
    const { folder, updates, commitLength, clock } = job
    const timed = async work => {
      const startMs = performance.now()
      await work()
      return (performance.now() - startMs) / 1000
    }
    clock.start()
    const ingest = await timed(async () => {
      const store = await open(folder, job)
      for (const [from, to] of commitsOf(updates, commitLength)) await store.write(updates, from, to)
      await store.close()
    })
    let store
    const reopen = await timed(async () => {
      store = await open(folder, {})
      await store.state()
    })
    await store.close()
    store = await open(folder, {})
    const scan = await timed(() => store.state())
    clock.stop()
    await store.close()
    return { ingest, reopen, scan }
  },

  /** What a compaction takes of what is there, or of `updates` in so many batches if there are some. */
  async curveCompact({ folder, updates, commitLength, batches, clock }) {
    const bufferSize = updates === undefined ? {} : { bufferSize: updates.length / batches }
    const store = await open(folder, { settings: { ...bufferSize, autoCompactThreshold: 0 } })
    if (updates !== undefined)
      for (const [from, to] of commitsOf(updates, commitLength)) await store.write(updates, from, to)
    clock.start()
    const told = await store.compact()
    clock.stop()
    await store.close()
    return told
  },

  async idle({ folder, idleMs, clock }) {
    const store = await openStore({ dataDir: folder, autoCompactIntervalSecs: 1 })
    const bytesBefore = writtenBytes()
    const syncsBefore = store.status().wal.syncs
    clock.start()
    await sleep(idleMs)
    clock.stop()
    const idle = {
      writtenBytes: writtenBytes() - bytesBefore,
      syncs: store.status().wal.syncs - syncsBefore,
    }
    await store.close()
    return idle
  },
}

/** @type {import('./contestant.js').Contestant} */
export const varve = { open, joins: true, works }
