// A process with little memory for objects: node --max-old-space-size=M --max-semi-space-size=1 memory.js STEP DIR ROWS. Each step opens the
// store, does one thing and prints what it found as JSON. `objects` holds the rows as a program would, to be compared.
import { openStore } from '../../dist/index.js'

const [step, dataDir, count] = process.argv.slice(2)
const rows = Number(count)
const UPDATES = 5000
const update = number => ({ shard: 'a:b', data: [(number * 7919) % rows, number], diff: 1 })

const steps = {
  ingest: async store => {
    for (let from = 0; from < rows; from += UPDATES)
      await store.commit(Array.from({ length: Math.min(UPDATES, rows - from) }, (_, at) => update(from + at)))
    await store.flush()
    return { batches: store.status().shards[0].batches }
  },
  compact: async store => {
    const { shards } = await store.compact()
    return { batches: shards[0].batchesAfter, rows: shards[0].rowsAfter }
  },
  read: async store => {
    const { recovery } = store.status()
    const snapshot = await store.snapshot()
    const { total } = await snapshot.count('a:b')
    let found = 0
    let sum = 0
    let last = -1
    let inOrder = true
    for await (const { data } of snapshot.rows('a:b')) {
      found++
      sum += data[1]
      inOrder &&= data[0] > last
      last = data[0]
    }
    await snapshot.close()
    return { replayed: recovery.total, total, found, sum, inOrder }
  },
}

if (step === 'objects') {
  const held = []
  for (let number = 0; number < rows; number++) held.push(update(number))
  process.stdout.write(`${JSON.stringify({ held: held.length })}\n`)
} else {
  const store = await openStore({
    dataDir,
    durabilityMode: 'batched',
    // Up to eight times as many make a batch.
    bufferSize: 5_000,
    maxBufferBytes: 16 * 1024 * 1024,
    autoCompactThreshold: step === 'ingest' ? 0 : 10,
  })
  const found = await steps[step](store)
  await store.close()
  process.stdout.write(`${JSON.stringify(found)}\n`)
}
