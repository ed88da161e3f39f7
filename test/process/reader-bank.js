// A process that moves money between shards without end, while everything is flushed and compacted: by itself, and on
// request. Usage: node reader-bank.js DIR MODE. Says `ready` once there is money.
import { writeSync } from 'node:fs'
import { openStore } from '../../dist/index.js'

const ACCOUNTS = ['bank:a', 'bank:b', 'bank:c', 'bank:d']
const [dataDir, durabilityMode] = process.argv.slice(2)
const store = await openStore({
  dataDir,
  durabilityMode,
  bufferSize: 40,
  walSegmentBytes: 4096,
  autoCompactThreshold: 3,
  syncIntervalMs: 2,
})

const change = (number, diff) => ({ shard: ACCOUNTS[number % ACCOUNTS.length], data: ['coin'], diff })

if (store.status().lsn === 0) await store.commit(ACCOUNTS.map((_, number) => change(number, 1000)))
await store.flush()
writeSync(1, 'ready\n')

const maintain = async () => {
  for (;;) {
    await store.flush()
    await store.compact({ since: Math.max(0, store.upper - 20) })
  }
}

maintain().catch(error => {
  writeSync(2, `${error.stack}\n`)
  process.exit(3)
})

for (let number = 1; ; number++)
  await Promise.all([1, 2, 3].map(step => store.commit([change(number, -step), change(number + step, step)])))
