// Owns the works, the same for every contestant: what is done, and when the clock runs. What a contestant has to bring
// is a store to do it with.
import { commitsOf } from './data.js'

/**
 * A store of one relation that is open. What it does may be done when it returns, or when its promise resolves.
 * @typedef {object} Store
 * @property {(updates: import('./data.js').Updates, index: number) => unknown} commit one update, durable when it is done
 * @property {(updates: import('./data.js').Updates, from: number, to: number) => unknown} write the updates from `from` to
 * before `to` as one commit, durable when it is done
 * @property {(asOf?: number) => string | Promise<string>} state the checksum of all rows, by default at the end
 * @property {(node: number) => string | Promise<string>} [lookup] the checksum of the edges of a node
 * @property {() => unknown} [compact] makes its files as small as it can, and keeps all times
 * @property {() => unknown} close
 */

/**
 * @typedef {object} Contestant
 * @property {(folder: string, job: import('./child.js').Job & { types: import('./data.js').Type[] }) => Store | Promise<Store>} open
 * @property {boolean} [joins] whether it makes one group of commits that are made at the same time; else our batcher does
 * @property {Record<string, (job: object) => Promise<object>>} [works] what it alone can do
 */

/** Joins what is waiting into one commit, as an application has to that wants many committers. */
class Batcher {
  #waiting = []
  #first = 0
  #store
  #updates

  constructor(store, updates) {
    this.#store = store
    this.#updates = updates
  }

  /** Updates come in their order. */
  commit(index) {
    return new Promise(resolve => {
      this.#waiting.push(resolve)
      if (this.#waiting.length > 1) return
      this.#first = index
      setImmediate(() => this.#write())
    })
  }

  async #write() {
    const group = this.#waiting
    this.#waiting = []
    const done = this.#store.write(this.#updates, this.#first, this.#first + group.length)
    if (done instanceof Promise) await done
    for (const resolve of group) resolve()
  }
}

/** Times opening the folder and one read. */
const openAndRead = async (contestant, job, read) => {
  job.clock.start()
  const store = await contestant.open(job.folder, job)
  const answer = await read(store)
  job.clock.stop()
  await store.close()
  return { answer }
}

/** The same again, and again, until the time is over. */
const repeated = async ({ clock, forMs }, again) => {
  clock.start()
  let done = 0
  while (clock.elapsedMs < forMs) {
    const result = again(done++)
    if (result instanceof Promise) await result
  }
  clock.stop(done)
}

/** How often a read is done before the one that counts: until then code runs that is not compiled for it. */
const WARM_READS = 3
/** The same of a read that takes a few milliseconds: it has come to its pace at the ninth. */
const WARM_SHORT_READS = 9

const WORKS = {
  /** Commits of one update, one after another. */
  async commits(contestant, job) {
    const { folder, updates, warmUp, clock } = job
    const store = await contestant.open(folder, job)
    for (let index = 0; index < updates.length; index++) {
      if (index === warmUp) clock.start()
      const done = store.commit(updates, index)
      if (done instanceof Promise) await done
    }
    clock.stop()
    const answer = await store.state?.()
    await store.close()
    return { answer }
  },

  /** Commits of one update by `committers`, each of which waits for its own. */
  async concurrentCommits(contestant, job) {
    const { folder, updates, warmUp, committers, clock } = job
    const store = await contestant.open(folder, job)
    const batcher = contestant.joins && !job.batcher ? undefined : new Batcher(store, updates)
    const commit = batcher === undefined ? at => store.commit(updates, at) : at => batcher.commit(at)
    let next = 0
    const committer = async () => {
      while (next < updates.length) {
        if (next === warmUp) clock.start()
        await commit(next++)
      }
    }
    await Promise.all(Array.from({ length: committers }, committer))
    clock.stop()
    const answer = await store.state()
    await store.close()
    return { answer }
  },

  /** Everything, from opening an empty folder to closing it. */
  async bulk(contestant, job) {
    const { folder, updates, commitLength, clock } = job
    clock.start()
    const store = await contestant.open(folder, job)
    for (const [from, to] of commitsOf(updates, commitLength)) await store.write(updates, from, to)
    await store.close()
    clock.stop()
    return { updates: updates.length }
  },

  /** In a process that has done it before, and closed what it had open. */
  async state(contestant, job) {
    for (let times = 0; times < WARM_READS; times++)
      await openAndRead(contestant, job, store => store.state())
    return openAndRead(contestant, job, store => store.state())
  },

  async stateCold(contestant, job) {
    return openAndRead(contestant, job, store => store.state())
  },

  async firstRead(contestant, job) {
    return openAndRead(contestant, job, store => store.lookup(job.node))
  },

  async lookups(contestant, job) {
    const { folder, nodes } = job
    const store = await contestant.open(folder, job)
    const answers = []
    for (const node of nodes) answers.push(await store.lookup(node))
    await repeated(job, index => store.lookup(nodes[index % nodes.length]))
    await store.close()
    return { answer: answers.join() }
  },

  /** Again when everything was read before. */
  async asOf(contestant, job) {
    const { folder, time, clock } = job
    const store = await contestant.open(folder, job)
    for (let times = 0; times < WARM_SHORT_READS; times++) await store.state(time)
    clock.start()
    const answer = await store.state(time)
    clock.stop()
    await store.close()
    return { answer }
  },

  async compact(contestant, job) {
    const { folder, clock } = job
    const store = await contestant.open(folder, job)
    clock.start()
    const told = await store.compact()
    clock.stop()
    const answer = await store.state()
    await store.close()
    return { answer, ...told }
  },
}

/**
 * Does the work of a job.
 * @param {Contestant} contestant
 * @param {import('./child.js').Job} job with `clock`, and what its work needs
 * @returns {Promise<Partial<import('./measure.js').Run>>}
 */
export const perform = async (contestant, job) => {
  const own = contestant.works?.[job.work]
  return own === undefined ? WORKS[job.work](contestant, job) : own(job)
}
