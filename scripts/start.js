// `npm start`: the sample store, as a newcomer would enjoy it. Opening changes a store, so this works on a copy.
// What is shown as a statement, as code or as a command is what runs. On a terminal it ends with the prompt.
import { cpSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import { main } from '../dist/cli/main.js'
import { processOutput } from '../dist/cli/streams.js'
import { openStore } from '../dist/index.js'
import { bytesText } from '../dist/text/figures.js'

const SUPPORT = 'default:support'
const CHANGE_WIDTH = 32
const CHANGES_PER_LINE = 3

const folder = mkdtempSync(join(tmpdir(), 'varve-start-'))
process.once('exit', () => rmSync(folder, { recursive: true }))
const dataDir = join(folder, 'web')
cpSync(fileURLToPath(new URL('../shards', import.meta.url)), dataDir, { recursive: true, dereference: true })

// What is configured where this is called is meant for other stores.
const config = join(folder, 'config.toml')
writeFileSync(config, '')
for (const name of Object.keys(process.env)) if (name.startsWith('VARVE_')) delete process.env[name]

const output = processOutput()

/** Runs `varve` with these words on the copy. */
const varve = async words => {
  const code = await main([...words, '--config', config, '--data-dir', dataDir], output)
  if (code !== 0) throw new Error(`varve ${words[0]} ended with ${code}`)
}

/** Shows a statement and its answer. */
const ask = async statement => {
  console.log(`> ${statement}`)
  await varve(['-c', statement])
}

/** Shows the call for what changed in a feature after one time, up to another, and its answer. */
const showChanges = async (feature, from, asOf) => {
  const options = { from, where: { feature } }
  console.log(`const snapshot = await store.snapshot({ asOf: ${asOf} })`)
  console.log(
    `snapshot.changes('${SUPPORT}', ${inspect(options, { breakLength: Number.POSITIVE_INFINITY })})`,
  )
  const store = await openStore({ dataDir })
  const snapshot = await store.snapshot({ asOf })
  const changes = []
  for await (const { data, diff } of snapshot.changes(SUPPORT, options)) {
    const [, browser, version] = data
    changes.push(`${diff > 0 ? '+' : ''}${diff} ${browser} ${version}`.padEnd(CHANGE_WIDTH))
  }
  await store.close()
  while (changes.length > 0) console.log(`  ${changes.splice(0, CHANGES_PER_LINE).join('').trimEnd()}`)
}

/** Prints a folder as a tree, with the sizes of its files. */
const layout = (path, indent) => {
  const entries = readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))
  for (const entry of entries) {
    const below = join(path, entry.name)
    if (entry.isFile())
      console.log(`${`${indent}${entry.name}`.padEnd(32)}${bytesText(statSync(below).size).padStart(10)}`)
    else {
      console.log(`${indent}${entry.name}/`)
      layout(below, `${indent}  `)
    }
  }
}

console.log('Which browser supports which feature of CSS, HTML and JavaScript, on any day since 1995?')
console.log('A real history of updates (data, time, diff), where times are dates.')
console.log('\nWho supported CSS grid on 1 January 2017, and who three years later?')
await ask('?support("css.properties.grid", Browser, Version) @ 20170101')
await ask('?support("css.properties.grid", Browser, Version) @ 20200101')
console.log('\nThe difference between the two, from code:')
await showChanges('css.properties.grid', 20170101, 20200101)
console.log('\nFeatures leave, too. This is what 31 October 2023 changed:')
await showChanges('javascript.builtins.Iterator.map', 20231030, 20231031)
console.log('\nHow the store is doing:')
await ask('.status')
console.log('\nThe directory is the interface: a log of JSON lines, documents of JSON, batches of Parquet.')
console.log(join(dataDir, 'persist'))
layout(join(dataDir, 'persist'), '  ')

if (process.stdin.isTTY && process.stdout.isTTY) {
  console.log('\nNow you. Try these, the second for what Internet Explorer 7 brought:')
  console.log('  ?support("css.selectors.has", Browser, Version) @ 20230101')
  console.log('  .diff 20061017 20061018 support')
  console.log('  .help')
  await varve([])
}
