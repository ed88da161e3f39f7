// `npm run bench [-- --short] [-- --json]`: Varve beside its peers, on the same data, with the same answers.
//
// Prints a line for each figure and writes docs/benchmarks.md. `--short` takes under two minutes and writes no file;
// `--json` prints one object and nothing else to the standard output.
import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { parseArgs } from 'node:util'
import { describeMachine } from './machine.js'
import { Bench } from './measure.js'
import { document, json, line } from './report.js'
import { EXTENTS, measureAll } from './works.js'

const { values: flags } = parseArgs({
  options: { short: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
})

const extent = flags.short ? EXTENTS.short : EXTENTS.full
const machine = describeMachine(tmpdir())
const note = text => {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`)
}

const bench = new Bench(tmpdir(), extent.runs, note)
// However the process ends, its data goes.
process.on('exit', () => bench.close())
process.on('SIGINT', () => process.exit(130))
process.on('SIGTERM', () => process.exit(143))

const rows = []
const versions = {}
for (const contestant of ['varve', 'sqlite'])
  Object.assign(versions, (await bench.keep({ contestant, work: 'versions' })).versions)
for await (const row of measureAll(bench, extent)) {
  rows.push(row)
  note('')
  if (!flags.json) console.log(line(row))
}
note('')
if (flags.json) console.log(JSON.stringify(json(rows, machine, versions), undefined, 2))
if (!flags.short)
  writeFileSync(new URL('../docs/benchmarks.md', import.meta.url), document(rows, extent, machine, versions))
