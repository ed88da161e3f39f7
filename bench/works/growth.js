// Owns the curves of cost: what an update takes, the more of them there are.
import { CONTESTANTS } from '../contestants.js'
import { BULK_SETTINGS, load, WARM_UP_LENGTH } from './bulk.js'

/** Batches that are merged, whatever the size: what grows is them, not their number. */
const BATCHES = 10
const MICROSECONDS = 1e6
/** Updates that are merged before, where memory is looked at: few enough not to count in it. */
const LITTLE = 100_000

/** In a process of its own, which has not made the data, and has done the same with other data before. */
const compaction = async (bench, updates, runs) => {
  const { length, ...job } = { ...CONTESTANTS.varve.job, ...load('grow', updates) }
  const settings = { bufferSize: updates / BATCHES, autoCompactThreshold: 0 }
  const { data } = await bench.keep({ ...job, length, settings })
  const [medians] = await bench.inTurn(
    `Compaction, ${length / 1e6} M`,
    [{ ...job, work: 'curveCompact', batches: BATCHES, copyOf: data, warmUpLength: LITTLE }],
    runs,
  )
  bench.drop(data)
  return medians
}

const costsOf = async (bench, updates, runs) => {
  const job = {
    ...CONTESTANTS.varve.job,
    ...load('grow', updates),
    work: 'curve',
    // The same for all sizes: what is larger shall not look better for being warmer.
    warmUpLength: WARM_UP_LENGTH,
    settings: BULK_SETTINGS,
  }
  const [{ ingest, reopen, scan }] = await bench.inTurn(`Cost, ${updates / 1e6} M`, [job], runs)
  const merged = await compaction(bench, updates, runs)
  const costs = { ingest, reopen, compaction: merged.seconds, scan }
  return { updates, costs, merged }
}

/** @returns {AsyncGenerator<import('../compare.js').Finding>} */
export async function* growth(bench, { sizes, runs, runsOfLargest }) {
  const points = []
  for (const updates of sizes)
    points.push(await costsOf(bench, updates, updates === sizes.at(-1) ? runsOfLargest : runs))
  const curves = Object.keys(points[0].costs).map(name => ({
    name,
    points: points.map(({ updates, costs }) => ({ updates, us: (costs[name] / updates) * MICROSECONDS })),
  }))
  for (const { name, points } of curves)
    yield {
      table: {
        title: `Cost of an update, ${name}`,
        unit: 'us',
        less: true,
        lines: points.map(({ updates, us }) => ({
          name: `Varve, ${updates.toLocaleString('en-US')}`,
          value: us,
        })),
      },
    }

  const { updates, merged } = points.at(-1)
  yield {
    curves,
    ratios: { growth_10m_vs_100k: Math.max(...curves.map(({ points }) => points.at(-1).us / points[0].us)) },
  }
  yield {
    table: {
      title: `Compaction, grow, ${updates / 1e6} M, of ${BATCHES} batches`,
      unit: '',
      less: false,
      lines: [
        { name: 'Varve, updates/s', value: updates / merged.seconds },
        { name: 'Varve, peak memory of its process, MB', value: merged.peakMb },
        { name: 'Varve, event loop delay, p99, ms', value: merged.loopP99Ms },
        { name: 'Varve, event loop delay, longest, ms', value: merged.loopMaxMs },
      ],
    },
    ratios: {
      compact_updates_per_s: updates / merged.seconds,
      compact_peak_mb: merged.peakMb,
      loop_p99_ms: merged.loopP99Ms,
    },
  }
}
