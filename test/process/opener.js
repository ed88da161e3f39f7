// A process that opens and closes a store when it is told to, a word a line, and answers each with a line of JSON.
// Usage: node opener.js DIR. `open`, `break` (with breakLock), `commit N`, `close`, `block`: answers, then never again.
import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { openStore } from '../../dist/index.js'

const [dataDir] = process.argv.slice(2)
let store

const answer = value => writeSync(1, `${JSON.stringify(value)}\n`)

const open = async breakLock => {
  try {
    store = await openStore({ dataDir, breakLock })
    const { lsn, state, recovery } = store.status()
    return { won: true, lsn, state, corrupted: recovery.corrupted, quarantined: recovery.quarantined.length }
  } catch ({ code, message, details }) {
    return { won: false, code, message, holder: details?.holder?.pid }
  }
}

const carryOut = {
  open: () => open(false),
  break: () => open(true),
  commit: async number => {
    const updates = ['t:a', 't:b'].map(shard => ({ shard, data: [Number(number)], diff: 1 }))
    return { lsn: (await store.commit(updates)).lsn }
  },
  close: async () => {
    await store.close()
    return {}
  },
  block: async () => ({}),
}

for await (const line of createInterface({ input: process.stdin })) {
  const [word, ...rest] = line.split(' ')
  answer(await carryOut[word](...rest))
  if (word === 'block') for (;;);
}
