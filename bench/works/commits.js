// Owns the works that commit one update, or few, and wait for it to be durable.
import { compare, perSecond } from '../compare.js'
import { CONTESTANTS } from '../contestants.js'

const COMMITTERS = 64
/** Of a commit whose latency counts. */
const LATENCY_LENGTH = 100
/** Nothing else than flushes shall be in the way. */
const FLUSHING = { autoCompactThreshold: 0 }
const NOT_FLUSHING = { ...FLUSHING, bufferSize: 100_000_000 }

/** @returns {AsyncGenerator<import('../compare.js').Finding>} */
export async function* commits(
  bench,
  { commits, warmUpCommits, concurrentCommits, warmUpConcurrentCommits, latencyCommits, who },
) {
  const one = await compare(bench, {
    title: 'Durable commits of one update, one at a time',
    unit: 'commits/s',
    who: who.commits,
    job: { work: 'commits', shape: 'grow', length: commits + warmUpCommits, warmUp: warmUpCommits },
    value: perSecond(commits),
  })
  yield {
    table: one.table,
    ratios: {
      commit1_vs_sqlite: one.of.varve / one.of.sqlite,
      commit1_vs_raw: one.of.varve / one.of.raw,
    },
  }

  const many = await compare(bench, {
    title: `Durable commits of one update by ${COMMITTERS} committers`,
    unit: 'commits/s',
    who: who.concurrentCommits,
    job: {
      work: 'concurrentCommits',
      shape: 'grow',
      length: concurrentCommits + warmUpConcurrentCommits,
      warmUp: warmUpConcurrentCommits,
      committers: COMMITTERS,
    },
    value: perSecond(concurrentCommits),
  })
  yield {
    table: many.table,
    ratios: {
      commit64_vs_sqlite: many.of.varve / many.of.sqlite,
      commit64_vs_level: many.of.varve / many.of.level,
    },
  }

  const job = {
    ...CONTESTANTS.varve.job,
    work: 'latency',
    shape: 'grow',
    length: latencyCommits * LATENCY_LENGTH,
    warmUpLength: latencyCommits * LATENCY_LENGTH,
    commitLength: LATENCY_LENGTH,
  }
  const title = `Latency of a durable commit of ${LATENCY_LENGTH} updates`
  const [without, during] = await bench.inTurn(title, [
    { ...job, settings: NOT_FLUSHING },
    { ...job, settings: FLUSHING },
  ])
  yield {
    table: {
      title,
      unit: 'ms',
      less: true,
      lines: [
        { name: 'Varve, no flushes, median', value: without.medianMs },
        { name: 'Varve, no flushes, p99', value: without.p99Ms },
        { name: 'Varve, a flush each 10,000 updates, median', value: during.medianMs },
        { name: 'Varve, a flush each 10,000 updates, p99', value: during.p99Ms },
      ],
    },
    ratios: { flush_p99_over_median: during.p99Ms / without.medianMs },
  }
}
