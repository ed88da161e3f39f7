// Owns the process of one measurement: it gets one job, does it once, answers once. Run by measure.js.
//
// The clock takes the peak of memory where it stops, so that checking the answer does not count.
import { cpSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { perform } from './contestant.js'
import { typesOf, updatesOf } from './data.js'

class Clock {
  seconds = 0
  peakMb = 0
  #startedMs = 0

  start() {
    this.#startedMs = performance.now()
  }

  get elapsedMs() {
    return performance.now() - this.#startedMs
  }

  /** @param {number} [times] how often the same was done; `seconds` are for one of them */
  stop(times = 1) {
    this.seconds = this.elapsedMs / 1000 / times
    this.peakMb = process.resourceUsage().maxRSS / 1024
  }
}

const bytesBelow = folder =>
  readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
    const path = join(folder, entry.name)
    return sum + (entry.isDirectory() ? bytesBelow(path) : statSync(path).size)
  }, 0)

const run = async (contestant, job, folder, length) => {
  mkdirSync(folder, { recursive: true })
  const updates = length === undefined ? undefined : await updatesOf(job.shape, length, job.commitLength ?? 1)
  const types = job.shape === undefined ? undefined : typesOf(job.shape)
  const clock = new Clock()
  const found = await perform(contestant, { ...job, folder, types, updates, clock })
  return { seconds: clock.seconds, peakMb: clock.peakMb, bytes: bytesBelow(folder), ...found }
}

/**
 * Which contestant does what with how much. The data is that of `data`, which stays, or begins below `folder` as a copy
 * of `copyOf` or with nothing. What else the work needs stands beside it.
 * @typedef {object} Job
 * @property {'varve' | 'sqlite' | 'lmdb' | 'level' | 'duckdb' | 'jsonl' | 'raw'} contestant its file, and what that exports
 * @property {string} [variant] of the contestant, as its file says
 * @property {string} work one of contestant.js, or of its own
 * @property {string} folder
 * @property {Record<string, string>} [env] of its process
 * @property {string} [data]
 * @property {string} [copyOf]
 * @property {string} [shape] of the data: data.js
 * @property {number} [length] updates
 * @property {number} [commitLength] updates of a commit, 1 if it is not said
 * @property {number} [warmUpLength] updates of a run before, in the same process, that does not count
 */

// Nobody waits for the answer any more.
process.once('disconnect', () => process.exit())

process.once('message', async job => {
  // One contestant's libraries must not count in the memory of another.
  const { [job.contestant]: contestant } = await import(`./${job.contestant}.js`)
  if (job.warmUpLength !== undefined)
    await run(contestant, job, join(job.folder, 'warm-up'), job.warmUpLength)
  const folder = job.data ?? join(job.folder, 'data')
  if (job.copyOf !== undefined) cpSync(job.copyOf, folder, { recursive: true })
  const result = await run(contestant, job, folder, job.length)
  process.send(result, () => process.disconnect())
})
