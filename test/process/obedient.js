// A process that does with a store what it is told, a line of JSON on standard input each, and answers with one.
// Usage: node obedient.js DIR MODE. Commit n puts [n] into two shards.
import { createInterface } from 'node:readline'
import { openStore } from '../../dist/index.js'

const [dataDir, durabilityMode] = process.argv.slice(2)
let store

const contents = async shard => {
  const snapshot = await store.snapshot()
  const found = []
  for await (const { data, diff } of snapshot.rows(shard)) found.push([data[0], diff])
  await snapshot.close()
  return found
}

const commit = number =>
  store.commit([
    { shard: 'a:left', data: [number], diff: 1 },
    { shard: 'a:right', data: [number], diff: 1 },
  ])

const DEEDS = {
  open: async () => {
    store = await openStore({ dataDir, durabilityMode, autoCompactThreshold: 0 })
    return store.status().recovery
  },
  commit: async number => {
    const { time, lsn } = await commit(number)
    return { time, lsn }
  },
  // Looking at all of the result of a commit asks for its `durable`.
  'commit, and print all of the result': async number => {
    const { time, lsn, durable } = await commit(number)
    return { time, lsn, durable }
  },
  read: async () => ({ left: await contents('a:left'), right: await contents('a:right') }),
  flush: () => store.flush(),
  compact: () => store.compact(),
  sync: () => store.sync(),
  status: async () => store.status(),
  close: () => store.close(),
}

/** What a caller would look at: also whether the disk was full, which may be the cause of the cause. */
const described = error => {
  const chain = []
  for (let each = error; each instanceof Error; each = each.cause) chain.push(each.code)
  return {
    code: error.code,
    outcome: error.outcome,
    full: chain.includes('DISK_FULL'),
    message: error.message,
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const { deed, number } = JSON.parse(line)
  const answer = await DEEDS[deed](number).then(
    value => ({ value: value ?? null }),
    error => ({ error: described(error) }),
  )
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}
