// Owns the way a figure is taken: each run in a process of its own, the contestants in turn, medians.
import { execFileSync, fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const CHILD = fileURLToPath(new URL('./child.js', import.meta.url))
const CHILD_LIMIT_MS = 600_000

/**
 * One run of a job, with the figures that its work gives besides.
 * `peakMb` is of the whole process, `bytes` is what lies in its folder afterwards.
 * @typedef {Record<string, number> & { readonly seconds: number, readonly peakMb: number, readonly bytes: number, readonly answer?: string }} Run
 */

/** Lets what is still to be written be written: nobody's syncs shall wait for what somebody else has done. */
const settleDisks = () => {
  try {
    execFileSync('sync')
  } catch {
    // Where there is no such command, there is none.
  }
}

const measureOnce = job => {
  settleDisks()
  return new Promise((resolve, reject) => {
    const child = fork(CHILD, { timeout: CHILD_LIMIT_MS, env: { ...process.env, ...job.env } })
    let run
    child.once('message', message => {
      run = message
    })
    child.once('error', reject)
    child.once('close', (code, signal) => {
      if (run === undefined || code !== 0)
        reject(new Error(`${job.contestant} ${job.work} ended with ${signal ?? code}`))
      else resolve(run)
    })
    child.send(job)
  })
}

/** @param {number[]} values at least one */
const median = values => {
  const sorted = values.toSorted((left, right) => left - right)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** The median of each figure. */
const mediansOf = runs =>
  Object.fromEntries(
    Object.keys(runs[0])
      .filter(figure => typeof runs[0][figure] === 'number')
      .map(figure => [figure, median(runs.map(run => run[figure]))]),
  )

/** Folders for runs below one temporary folder, and the runs themselves. */
export class Bench {
  #root
  #runs
  #note
  #folders = 0
  /** @type {Map<string, Promise<Run>>} */
  #kept = new Map()

  /**
   * @param {string} parent where the data goes; it is removed by `close`
   * @param {number} runs of each job
   * @param {(line: string) => void} note takes what is going on
   */
  constructor(parent, runs, note) {
    this.#root = mkdtempSync(join(parent, 'varve-bench-'))
    this.#runs = runs
    this.#note = note
  }

  #folder() {
    return join(this.#root, String(this.#folders++))
  }

  /**
   * Medians of each job, in the order of `jobs`.
   * @param {string} title
   * @param {Omit<import('./child.js').Job, 'folder'>[]} jobs the same work for each contestant
   * @param {number} [runs] of each job, instead of as many as of others
   * @throws if a run fails, or two give different answers
   */
  async inTurn(title, jobs, runs = this.#runs) {
    /** @type {Run[][]} */
    const taken = jobs.map(() => [])
    let answer
    for (let run = 0; run < runs; run++) {
      this.#note(`${title}, ${run + 1} of ${runs}`)
      for (const [index, job] of jobs.entries()) {
        const folder = this.#folder()
        const one = await measureOnce({ ...job, folder })
        rmSync(folder, { recursive: true, force: true })
        if (!(one.seconds > 0)) throw new Error(`${job.contestant} ${job.work} was not timed`)
        answer ??= one.answer
        if (one.answer !== undefined && one.answer !== answer)
          throw new Error(`${job.contestant} ${job.work} answers ${one.answer}, not ${answer}`)
        taken[index].push(one)
      }
    }
    return taken.map(mediansOf)
  }

  /** One run whose data stays, at `data`. */
  async keep(job) {
    const folder = this.#folder()
    this.#note(`${job.contestant} ${job.work}, to read from`)
    return { data: join(folder, 'data'), ...(await measureOnce({ ...job, folder })) }
  }

  /** As {@link keep}, the same again for the same job: whoever changes it copies it. */
  keepOnce(job) {
    const key = JSON.stringify(job)
    const kept = this.#kept.get(key) ?? this.keep(job)
    this.#kept.set(key, kept)
    return kept
  }

  /** Data that was kept, and is not needed any more. */
  drop(data) {
    rmSync(data, { recursive: true, force: true })
  }

  close() {
    rmSync(this.#root, { recursive: true, force: true })
  }
}
