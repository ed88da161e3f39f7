// A process that ends without closing its store, once the last of its commits is acknowledged.
// Usage: node leaver.js DIR MODE exit|throw|idle. Commit n puts [n] into two shards.
import { openStore } from '../../dist/index.js'

const [dataDir, durabilityMode, end] = process.argv.slice(2)
const store = await openStore({ dataDir, durabilityMode, bufferSize: 8, walSegmentBytes: 1024 })
const commit = number =>
  store.commit([
    { shard: 'a:left', data: [number], diff: 1 },
    { shard: 'a:right', data: [number], diff: 1 },
  ])
for (let number = 0; number < 100; number += 10)
  await Promise.all(Array.from({ length: 10 }, (_, index) => commit(number + index)))
if (end === 'exit') process.exit()
if (end === 'throw') throw new Error('on purpose')
