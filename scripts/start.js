// `npm start`: the main job in a few seconds. Imports 40 commits of a real history and asks about three of them.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { main } from '../dist/cli/main.js'
import { openStore } from '../dist/index.js'

const SHARD = 'git:lines'
const history = fileURLToPath(new URL('../fixtures/line-history/updates.parquet', import.meta.url))
const dataDir = mkdtempSync(join(tmpdir(), 'varve-start-'))
const output = { print: line => console.log(line), note: line => console.error(line) }

const run = async words => {
  console.log(
    `\n$ varve ${words.map(word => word.replace(dataDir, './data').replace(history, 'updates.parquet')).join(' ')}`,
  )
  const code = await main(words, output)
  if (code !== 0) throw new Error(`varve ${words[0]} ended with ${code}`)
}

const place = ['--data-dir', dataDir]
await run(['import', history, '--relation', SHARD, '--time', 'time', '--diff', 'diff', ...place])
await run(['status', ...place])

console.log('\nHow many lines did the repository have, as of its 10th, 25th and 40th commit?')
const store = await openStore({ dataDir })
for (const asOf of [10, 25, 40]) {
  const snapshot = await store.snapshot({ asOf })
  const { distinct, total } = await snapshot.count(SHARD)
  console.log(`  as of ${asOf}: ${total} lines, ${distinct} of them different`)
  await snapshot.close()
}
await store.close()

await run(['compact', ...place])
await run(['verify', ...place])
rmSync(dataDir, { recursive: true })
