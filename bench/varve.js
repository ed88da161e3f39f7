// Owns Varve as a contestant, as it is built: through its public interface, in the default mode `immediate`.
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { openStore } from '../dist/index.js'
import { Checksum } from './data.js'

const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
const SHARD = 'default:edge'

const updateAt = (edges, index) => ({
  shard: SHARD,
  data: [edges.a[index], edges.b[index]],
  diff: edges.diff[index],
})

/** The contents as of a time, by default the last, as columns: the fastest way to get at all of them. */
const stateOf = async (store, options) => {
  const checksum = new Checksum()
  const snapshot = await store.snapshot(options)
  const table = await snapshot.toArrow(SHARD)
  for (const batch of table.batches) {
    const [a, b, diff] = batch.data.children.map(({ values }) => values)
    for (let row = 0; row < batch.numRows; row++) checksum.add(a[row], b[row], Number(diff[row]))
  }
  await snapshot.close()
  return String(checksum)
}

/** As {@link stateOf}, as rows: an object each. */
const stateAsRows = async store => {
  const checksum = new Checksum()
  const snapshot = await store.snapshot()
  for await (const { data, diff } of snapshot.rows(SHARD)) checksum.add(data[0], data[1], diff)
  await snapshot.close()
  return String(checksum)
}

const edgesFrom = async (snapshot, node) => {
  const checksum = new Checksum()
  for await (const { data, diff } of snapshot.rows(SHARD, { where: { col0: node } }))
    checksum.add(data[0], data[1], diff)
  return String(checksum)
}

/** Times opening the folder and one read. */
const openAndRead = async ({ folder, clock }, read) => {
  clock.start()
  const store = await openStore({ dataDir: folder })
  const answer = await read(store)
  clock.stop()
  await store.close()
  return { answer }
}

/** Bytes that this process has had written to disks so far. Linux alone can say. */
const writtenBytes = () => Number(/^write_bytes: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'))[1])

/** @type {import('./child.js').Contestant} */
export const varve = {
  async versions() {
    return { versions: { varve: manifest.version } }
  },

  async commits({ folder, edges, warmUp, clock }) {
    const store = await openStore({ dataDir: folder })
    for (let index = 0; index < edges.length; index++) {
      if (index === warmUp) clock.start()
      await store.commit([updateAt(edges, index)])
    }
    clock.stop()
    const answer = await stateOf(store)
    await store.close()
    return { answer }
  },

  async concurrentCommits({ folder, edges, warmUp, committers, clock }) {
    const store = await openStore({ dataDir: folder })
    let next = 0
    const committer = async () => {
      while (next < edges.length) {
        if (next === warmUp) clock.start()
        await store.commit([updateAt(edges, next++)])
      }
    }
    await Promise.all(Array.from({ length: committers }, committer))
    clock.stop()
    const answer = await stateOf(store)
    await store.close()
    return { answer }
  },

  async bulk({ folder, edges, commitLength, settings, clock }) {
    clock.start()
    const store = await openStore({ dataDir: folder, ...settings })
    for (let from = 0; from < edges.length; from += commitLength) {
      const updates = []
      const to = Math.min(from + commitLength, edges.length)
      for (let index = from; index < to; index++) updates.push(updateAt(edges, index))
      await store.commit(updates)
    }
    await store.close()
    clock.stop()
    return {}
  },

  /** As `bulk`, of facts: all updates are inserts. */
  async insert({ folder, edges, commitLength, settings, clock }) {
    clock.start()
    const store = await openStore({ dataDir: folder, ...settings })
    for (let from = 0; from < edges.length; from += commitLength) {
      const tuples = []
      const to = Math.min(from + commitLength, edges.length)
      for (let index = from; index < to; index++) tuples.push([edges.a[index], edges.b[index]])
      await store.insert(SHARD, tuples)
    }
    await store.close()
    clock.stop()
    return {}
  },

  async state(job) {
    return openAndRead(job, store => stateOf(store))
  },

  async stateAsRows(job) {
    return openAndRead(job, stateAsRows)
  },

  async firstRead(job) {
    return openAndRead(job, async store => edgesFrom(await store.snapshot(), job.node))
  },

  async lookups({ folder, nodes, forMs, clock }) {
    const store = await openStore({ dataDir: folder })
    const snapshot = await store.snapshot()
    const answers = []
    for (const node of nodes) answers.push(await edgesFrom(snapshot, node))
    clock.start()
    let done = 0
    while (clock.elapsedMs < forMs) await edgesFrom(snapshot, nodes[done++ % nodes.length])
    clock.stop(done)
    await store.close()
    return { answer: answers.join() }
  },

  async asOf({ folder, time, clock }) {
    const store = await openStore({ dataDir: folder })
    await stateOf(store, { asOf: time })
    clock.start()
    const answer = await stateOf(store, { asOf: time })
    clock.stop()
    await store.close()
    return { answer }
  },

  async compact({ folder, clock }) {
    const store = await openStore({ dataDir: folder })
    clock.start()
    await store.compact()
    clock.stop()
    const answer = await stateOf(store)
    await store.close()
    return { answer }
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
