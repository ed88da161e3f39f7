// `npm run bench [-- --short] [-- --json]`: Varve beside its peers, on the same data, with the same answers.
//
// Prints the figures of each work and writes docs/benchmarks.md and its picture. `--short` takes under two minutes, has
// only what the targets need, and writes no file; `--json` prints one object and nothing else to the standard output.
// `--runs N` takes each figure N times instead of five: the whole takes most of an hour otherwise.
// `--tiny` does everything once with next to nothing, and writes no file: it shows that it works.
import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { parseArgs } from 'node:util'
import { EXTENTS, withRuns } from './extents.js'
import { describeMachine, versions } from './machine.js'
import { Bench } from './measure.js'
import { plot } from './plot.js'
import { document, json, text } from './report.js'
import { bulk } from './works/bulk.js'
import { commits } from './works/commits.js'
import { growth } from './works/growth.js'
import { reads } from './works/reads.js'
import { upkeep } from './works/upkeep.js'

const { values: flags } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    tiny: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    runs: { type: 'string' },
  },
})

const extentName = flags.tiny ? 'tiny' : flags.short ? 'short' : 'full'
const asked = flags.runs === undefined ? undefined : Number(flags.runs)
if (asked !== undefined && !(Number.isSafeInteger(asked) && asked > 0))
  throw new Error(`--runs ${flags.runs} is no number of runs`)
const extent = withRuns(EXTENTS[extentName], asked)
const machine = describeMachine(tmpdir())
const note = line => {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`)
}

const bench = new Bench(tmpdir(), extent.runs, note)
// However the process ends, its data goes.
process.on('exit', () => bench.close())
process.on('SIGINT', () => process.exit(130))
process.on('SIGTERM', () => process.exit(143))

const report = { ratios: {}, tables: [], curves: [], extent, machine, versions: versions() }
for (const work of [commits, bulk, reads, upkeep, growth])
  for await (const { table, ratios, curves } of work(bench, extent)) {
    Object.assign(report.ratios, ratios)
    report.curves.push(...(curves ?? []))
    if (table === undefined) continue
    report.tables.push(table)
    note('')
    if (!flags.json) console.log(text(table))
  }
note('')
const figures = json(report)
if (flags.json) console.log(JSON.stringify(figures, undefined, 2))
else for (const [key, value] of Object.entries(figures.ratios)) console.log(`${key}: ${value}`)
if (extentName === 'full') {
  const docs = new URL('../docs/', import.meta.url)
  writeFileSync(new URL('benchmarks.md', docs), document(report))
  writeFileSync(new URL('benchmarks.svg', docs), plot(report.curves))
}
