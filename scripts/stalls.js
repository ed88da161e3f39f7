// Measures how long flushes and a compaction keep the main thread to themselves: node scripts/stalls.js [numbers|texts] [rows of a flush]
// It is CPU time of that thread alone, per turn of the event loop, as Linux counts it: what else the machine does is not in it.
import { mkdtempSync, openSync, readSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore } from '../dist/index.js'

const [shape = 'numbers', count = '100000'] = process.argv.slice(2)
const rows = Number(count)
const FLUSHES = 6
/** The first ones start the thread, and are compiled. */
const WARM_UP_FLUSHES = 2
const COMMIT_ROWS = 10_000

const scattered = number => Math.imul(number, 2_654_435_761) >>> 0
const TUPLES = {
  numbers: number => [scattered(number) % 125_000, scattered(7 * number + 1) % 125_000],
  texts: number => [`node-${scattered(number) % 1_000_000}`, `target ${number}`, number / 3],
}

const schedule = openSync(`/proc/self/task/${process.pid}/schedstat`, 'r')
const text = Buffer.alloc(64)
const cpuMs = () => {
  const bytes = readSync(schedule, text, 0, text.length, 0)
  return Number(text.toString('latin1', 0, bytes).split(' ')[0]) / 1e6
}

/** The longest turn of the event loop while `work` goes on, and the sum of them; in the whole process, with its threads, as well. */
const watch = async work => {
  const start = cpuMs()
  const before = process.cpuUsage()
  let last = start
  let longestMs = 0
  const turn = () => {
    const now = cpuMs()
    longestMs = Math.max(longestMs, now - last)
    last = now
  }
  const timer = setInterval(turn, 1)
  await work()
  clearInterval(timer)
  turn()
  const { user, system } = process.cpuUsage(before)
  return { longestMs, mainMs: last - start, processMs: (user + system) / 1000 }
}

const median = numbers => numbers.sort((a, b) => a - b)[numbers.length >> 1]

const folder = mkdtempSync(join(tmpdir(), 'varve-stalls-'))
try {
  const store = await openStore({
    dataDir: folder,
    durabilityMode: 'batched',
    bufferSize: Number.MAX_SAFE_INTEGER,
    maxWalSizeBytes: 2 ** 33,
    autoCompactThreshold: 0,
  })
  const flushes = []
  for (let flush = 0; flush < FLUSHES; flush++) {
    for (let from = 0; from < rows; from += COMMIT_ROWS) {
      const data = index => TUPLES[shape](flush * rows + from + index)
      const length = Math.min(COMMIT_ROWS, rows - from)
      await store.commit(Array.from({ length }, (_, index) => ({ shard: 'a:b', data: data(index), diff: 1 })))
    }
    flushes.push(await watch(() => store.flush()))
  }
  const counted = flushes.slice(WARM_UP_FLUSHES)
  const flush = Object.fromEntries(
    Object.keys(counted[0]).map(key => [key, median(counted.map(each => each[key]))]),
  )
  const compaction = await watch(() => store.compact())
  console.table({ flush, compaction })
  await store.close()
} finally {
  rmSync(folder, { recursive: true, force: true })
}
