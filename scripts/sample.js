// `npm run sample -- [DIR]`: makes the sample store anew in shards/, or in DIR where there is none: which browser supports
// which feature. From the compatibility data of MDN, every time the same rows in the same commits. A fact holds from
// the day of the release that brought the feature to the day of the release that took it away; what is left out, and
// why, is said in the README that is written beside the store.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import compatibility from '@mdn/browser-compat-data/forLegacyNode'
import { openStore } from '../dist/index.js'

const PARTS = ['css', 'html', 'javascript']
const SUPPORT = 'default:support'
const RELEASE = 'default:release'
const COLUMNS = {
  [RELEASE]: [
    { name: 'browser', type: 'string' },
    { name: 'version', type: 'string' },
    { name: 'date', type: 'int32' },
  ],
  [SUPPORT]: [
    { name: 'feature', type: 'string' },
    { name: 'browser', type: 'string' },
    { name: 'version', type: 'string' },
  ],
}
const shards = fileURLToPath(new URL('../shards', import.meta.url))
const { version: packageVersion, timestamp } = compatibility.__meta

/** `2017-03-14…` as the number 20170314: a time that reads as what it is. */
const dayOf = date => Number(date.slice(0, 10).replaceAll('-', ''))

/** What comes after it is a plan. */
const lastDay = dayOf(timestamp)

/** Release lines of servers run side by side, so there a version does not say when. */
const browsers = Object.entries(compatibility.browsers).filter(([, { type }]) => type !== 'server')

/** Day by browser and version. */
const releases = new Map(
  browsers.map(([browser, { releases }]) => [
    browser,
    new Map(
      Object.entries(releases)
        .filter(([, { release_date: date }]) => date !== undefined && dayOf(date) <= lastDay)
        .map(([version, { release_date: date }]) => [version, dayOf(date)]),
    ),
  ]),
)

/** The day of a version; undefined for `true`, `false`, `preview`, and what is not out or has no date. */
const released = (browser, version) =>
  typeof version === 'string' ? releases.get(browser).get(version.replace('≤', '')) : undefined

function* featuresOf(name, node) {
  if (node.__compat !== undefined) yield [name, node.__compat.support]
  for (const [key, child] of Object.entries(node))
    if (!key.startsWith('__')) yield* featuresOf(`${name}.${key}`, child)
}

/** Whether a statement tells of the feature itself: without a flag, under its own name, all of it. */
const isPlain = statement =>
  !statement.flags && !statement.prefix && !statement.alternative_name && !statement.partial_implementation

/** Updates by day. */
const days = new Map()
const add = (day, shard, data, diff) => {
  if (!days.has(day)) days.set(day, [])
  days.get(day).push({ shard, data, diff })
}

for (const [browser, versions] of releases)
  for (const [version, day] of versions) add(day, RELEASE, [browser, version, day], 1)

const features = new Set()
for (const part of PARTS)
  for (const [feature, support] of featuresOf(part, compatibility[part]))
    for (const [browser] of browsers)
      for (const statement of [support[browser] ?? []].flat()) {
        const from = released(browser, statement.version_added)
        if (from === undefined || !isPlain(statement)) continue
        const until = released(browser, statement.version_removed)
        if (until < from) throw new Error(`${feature} leaves ${browser} before it comes`)
        features.add(feature)
        add(from, SUPPORT, [feature, browser, statement.version_added], 1)
        if (until !== undefined) add(until, SUPPORT, [feature, browser, statement.version_added], -1)
      }

const folder = process.argv[2] ?? shards
if (folder === shards) rmSync(shards, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })
const store = await openStore({
  dataDir: folder,
  durabilityMode: 'async',
  // One flush at the end, so that the files do not depend on when a flush began.
  bufferSize: 1_000_000,
})
for (const [shard, columns] of Object.entries(COLUMNS)) await store.declare(shard, columns)
for (const [time, updates] of [...days].sort(([a], [b]) => a - b)) await store.commit(updates, { time })
await store.compact({ since: 0 })
await store.close()

const updates = [...days.values()].flat()
const number = count => count.toLocaleString('en')
const count = (shard, sign) =>
  number(updates.filter(update => update.shard === shard && update.diff === sign).length)

writeFileSync(
  join(folder, 'README.md'),
  `# The sample store

Which browser supports which feature of CSS, HTML and JavaScript, since ${String(Math.min(...days.keys())).slice(0, 4)}: a store as Varve keeps it on disk, of
real data with real dates and real removals. Times are dates: \`20170314\` is 14 March 2017. \`npm start\` shows you around in a copy.
Opening it changes it, so do that to a copy:

\`\`\`
cp -r shards /tmp/web && node dist/cli.js --data-dir /tmp/web
duckdb -c "select * from 'shards/persist/batches/2.parquet' where feature = 'css.properties.grid' order by time"
\`\`\`

| relation | fact | from | to | +1 | -1 |
|---|---|---|---|---|---|
| \`support(feature, browser, version)\` | the browser has the feature, since that version | release of \`version\` | release that took it away | ${count(SUPPORT, 1)} | ${count(SUPPORT, -1)} |
| \`release(browser, version, date)\` | the version is out, since that date | \`date\` | | ${count(RELEASE, 1)} | |

${number(features.size)} features in ${browsers.length} browsers; ${number(updates.length)} updates on ${number(days.size)} days, each day one commit.

## Source

[@mdn/browser-compat-data](https://github.com/mdn/browser-compat-data) ${packageVersion} of ${timestamp.slice(0, 10)}, by the contributors of MDN, in the public domain
([CC0 1.0](https://creativecommons.org/publicdomain/zero/1.0/)). So is this folder.

Made by \`npm run sample\`: the same rows in the same commits every time, and the same batch files; the id of the store, the
time of its making and the checksums that depend on them differ.

## What is in it

- The parts ${PARTS.map(part => `\`${part}\``).join(', ')} of the package, under its names: \`css.properties.grid\`, \`javascript.builtins.Array.at\`.
- Browsers: \`${browsers.map(([browser]) => browser).join('`, `')}\`. Not the servers (Node.js, Deno, Bun): their release lines run side by side,
  so that a version does not say when.
- Support without a flag, without a prefix, under its own name, and not marked as partial.
- Releases with a date, up to the day of the package. Later ones are plans, and previews have no date.
- \`≤37\` means that it came with 37 or before. It counts from the day of 37, and \`version\` says \`≤37\`; likewise for removals.
- A feature that was taken away and came back has one fact for each time: \`javascript.builtins.Iterator.map\` in Chrome.
`,
)
console.log(
  `${number(updates.length)} updates on ${number(days.size)} days of ${number(features.size)} features`,
)
