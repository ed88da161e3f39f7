// A process that is going to be killed: commits, flushes and compacts without end, and says what was acknowledged.
// Usage: node writer.js DIR MODE FIRST. Commit n puts [n] into two shards, so that half a commit would show.
import { writeSync } from 'node:fs'
import { openStore } from '../../dist/index.js'

const [dataDir, durabilityMode, first] = process.argv.slice(2)
const store = await openStore({
  dataDir,
  durabilityMode,
  bufferSize: 40,
  walSegmentBytes: 4096,
  syncIntervalMs: 5,
})

const commit = async number => {
  await store.commit([
    { shard: 'bank:from', data: [number], diff: 1 },
    { shard: 'bank:to', data: [number], diff: 1 },
  ])
  writeSync(1, `${number}\n`)
}

const maintain = async () => {
  for (;;) {
    await store.flush()
    await store.compact({ since: Math.max(0, store.status().upper - 50) })
  }
}

maintain().catch(error => {
  writeSync(2, `${error.stack}\n`)
  process.exit(3)
})

for (let number = Number(first); ; number += 8)
  await Promise.all(Array.from({ length: 8 }, (_, index) => commit(number + index)))
