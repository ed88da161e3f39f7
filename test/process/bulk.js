// A process with enough rows for threads. Usage: node bulk.js DIR STEP [POINT]. It commits 25 times 8,000 rows [n] to a:b, then does STEP: `close`,
// `compact` (and close), or `idle`, nothing. Each acknowledged commit is a line on standard output, and at the end how many threads there were.
// POINT is `.tmp` or `.parquet`: it is killed as soon as the file of a batch is seen under such a name; of the compaction, if there is one.
import { once } from 'node:events'
import { readdirSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { isMainThread, Worker, workerData } from 'node:worker_threads'
import { openStore } from '../../dist/index.js'

const COMMITS = 25
const ROWS = 8000

/** Kills the process when there is another file that ends in `point`. Sees a file that is there for a millisecond. */
const watch = ({ folder, point }) => {
  const known = new Set(readdirSync(folder))
  for (;;)
    for (const name of readdirSync(folder))
      if (name.endsWith(point) && !known.has(name)) process.kill(process.pid, 'SIGKILL')
}

const work = async () => {
  const [dataDir, step, point] = process.argv.slice(2)
  const watched = async () => {
    const folder = join(dataDir, 'persist/batches')
    await once(new Worker(new URL(import.meta.url), { workerData: { folder, point } }), 'online')
  }
  let threads = 0
  process.on('worker', () => threads++)
  const store = await openStore({
    dataDir,
    bufferSize: 40_000,
    autoCompactThreshold: step === 'compact' ? 0 : 10,
  })
  const first = store.status().upper * ROWS
  if (point !== undefined && step !== 'compact') await watched()
  for (let commit = 0; commit < COMMITS; commit++) {
    const from = first + commit * ROWS
    await store.commit(
      Array.from({ length: ROWS }, (_, index) => ({ shard: 'a:b', data: [from + index], diff: 1 })),
    )
    writeSync(1, 'committed\n')
  }
  if (step === 'compact') {
    await store.flush()
    if (point !== undefined) await watched()
    await store.compact()
  }
  if (step !== 'idle') await store.close()
  writeSync(1, `${threads}\n`)
  // Whoever watches goes on for ever.
  if (point !== undefined) process.exit()
}

if (isMainThread) await work()
else watch(workerData)
