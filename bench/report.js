// Owns what a reader sees of the figures: lines of text, docs/benchmarks.md, one JSON object.
import { CONTESTANTS } from './contestants.js'
import { isMet, RATIO_KEYS, TARGETS } from './targets.js'

/** Whole from 100 on, else three digits. */
const shown = number =>
  number >= 100 ? Math.round(number).toLocaleString('en-US') : String(Number(number.toPrecision(3)))

/** @param {import('./compare.js').Table} table */
const linesOf = ({ lines, less }) => {
  const [ours] = lines
  return lines.map(line => ({
    ...line,
    // Beside others of ours a ratio says nothing.
    ratio:
      line === ours || line.name.startsWith('Varve')
        ? undefined
        : less
          ? line.value / ours.value
          : ours.value / line.value,
  }))
}

/** @param {import('./compare.js').Table} table */
export const text = table =>
  [
    table.title,
    ...linesOf(table).map(
      ({ name, value, ratio, peakMb, bytes }) =>
        `  ${name}: ${shown(value)} ${table.unit}${ratio === undefined ? '' : `, ratio ${shown(ratio)}`}${
          bytes === undefined ? '' : `, ${shown(bytes)} bytes/update`
        }${peakMb === undefined ? '' : `, ${shown(peakMb)} MB`}`,
    ),
  ].join('\n')

/**
 * All that a run has found.
 * @typedef {object} Report
 * @property {Record<string, number>} ratios
 * @property {import('./compare.js').Table[]} tables
 * @property {import('./plot.js').Curve[]} curves
 * @property {import('./extents.js').Extent} extent
 * @property {object} machine
 * @property {Record<string, string>} versions
 */

/**
 * One object: the ratio of each key of the targets, beside what it was measured on.
 * @param {Report} report
 * @throws if a ratio is missing, or no number
 */
export const json = ({ ratios, tables, curves, extent, machine, versions }) => {
  const missing = RATIO_KEYS.filter(key => !Number.isFinite(ratios[key]))
  if (missing.length > 0) throw new Error(`no figure for ${missing.join(', ')}`)
  const { runs, updates, firstReadUpdates, sizes } = extent
  return {
    machine,
    versions,
    extent: { runs, updates, firstReadUpdates, sizes },
    ratios: Object.fromEntries(RATIO_KEYS.map(key => [key, Number(ratios[key].toPrecision(4))])),
    tables,
    curves,
  }
}

const aimRow = (aim, number, title, value) => {
  const unit = aim.unit === undefined ? '' : ` ${aim.unit}`
  return `| ${number} | ${title} | ${aim.what} | ${shown(value)}${unit} | ${aim.than} ${aim.bound.toLocaleString('en-US')}${unit} | ${isMet(aim, value) ? 'met' : '**not met**'} |`
}

const targetRows = ratios =>
  TARGETS.flatMap(({ title, aims }, index) =>
    aims.map((aim, at) => aimRow(aim, at === 0 ? index + 1 : '', at === 0 ? title : '', ratios[aim.key])),
  )

const section = table => {
  const hasBytes = table.lines.some(({ bytes }) => bytes !== undefined)
  const hasPeak = table.lines.some(({ peakMb }) => peakMb !== undefined)
  const hasRatio = linesOf(table).some(({ ratio }) => ratio !== undefined)
  const row = cells => `| ${cells.filter(cell => cell !== undefined).join(' | ')} |`
  const head = [
    '',
    table.unit === '' ? 'figure' : table.unit,
    hasRatio ? 'ratio' : undefined,
    hasPeak ? 'peak MB' : undefined,
    hasBytes ? 'bytes/update' : undefined,
  ]
  const optional = (has, value) => (has ? (value === undefined ? '' : shown(value)) : undefined)
  return `### ${table.title}

${row(head)}
${row(head.map(cell => (cell === undefined ? undefined : cell === '' ? '---' : '---:')))}
${linesOf(table)
  .map(({ name, value, ratio, peakMb, bytes }) =>
    row([
      name,
      shown(value),
      optional(hasRatio, ratio),
      optional(hasPeak, peakMb),
      optional(hasBytes, bytes),
    ]),
  )
  .join('\n')}`
}

/**
 * docs/benchmarks.md, with the picture beside it.
 * @param {Report} report
 */
export const document = ({ ratios, tables, extent, machine, versions }) => `# Benchmarks

Written by \`npm run bench\`: change the programs in \`bench/\`, not this page. A figure holds only beside the others of the same run; the ratios are what to look at.

## Targets

Ratios of speed are ours over theirs: more is better. Ratios of bytes are of sizes: less is better.

| | target | beside, or what | measured | aim | |
|---|---|---|---:|---:|---|
${targetRows(ratios).join('\n')}

Target 9 compares the cost of an update at ${shown(extent.sizes.at(-1))} updates with that at ${shown(extent.sizes[0])}, for ingest, reopening, compaction and scan; target 7 is measured at ${shown(extent.sizes.at(-1))} updates.

![Cost of an update by the number of updates: the tables of cost below as a picture](benchmarks.svg)

## Figures

A ratio is that of speeds, Varve's over theirs, here also where the figure is a time or a size: more is better for Varve. Peak memory is that of the whole process, with the data that it was given.

${tables.map(section).join('\n\n')}

## How

- The data is the same for all contestants. *grow*: edges \`(int, int)\`, nine inserts of something new to one delete, so that 80 % of the updates are alive in the end; ten edges to a node. *churn*: as many updates that insert and delete 100,000 edges. *(string, string, float)*: the shape of grow. *The line history*: paths and lines of a repository, with times of its own, added up per commit.
- Every run has a process of its own; contestants take turns; a figure is ${extent.runs === 1 ? 'taken once' : `the median of ${extent.runs} runs, but for sizes and idleness, which are taken once`}. What others have left to be written to the disk is written before each. Commits, also those whose latency counts, are warmed up by as many in the same process, ingest and the curves of cost by 500,000 updates, compaction by 100,000, opening with a read of all by three of the same before, reads as of the middle by nine; where it says *in a fresh process*, and for the first read of one node, nothing is warm but the files in the page cache.
- Every answer that is read is added up to a checksum, and must be the same in all runs of all contestants.
- All commits are durable when they are acknowledged, for everybody. In bulk one commit is 10,000 updates, or as many as the history has at one time. Opening, log, flushes, checkpoints and closing count.
- Varve has its default settings but for bulk ingest, where \`bufferSize\` is 100,000 if it does not say *default settings*. Nothing is merged before sizes are taken, and before the compaction that is timed: it merges ten batches, whatever the size. The process that compacts has made none of the data.
- The curves are of one process that takes in, opens and reads, and reads again, after it has done the same with ${shown(Math.min(100_000, extent.sizes[0]))} updates.
- Flushes: commits of 100 updates one after another, with \`bufferSize\` 10,000, and with one that is never reached; without automatic compaction.

${Object.values(CONTESTANTS)
  .map(({ name, about }) => `- **${name}**: ${about}.`)
  .join('\n')}

Those who do not join commits that are made at the same time (better-sqlite3, DuckDB, JSON lines) have a batcher of a few lines for 64 committers: what waits is one transaction. Without it their synchronous calls are as fast as for one committer.

## Where

| | |
|---|---|
| processor | ${machine.cpu}, ${machine.cores} cores |
| memory | ${machine.memoryGib} GiB |
| system | ${machine.system} |
| file system | ${machine.fileSystem} |
| Node.js | ${machine.node} |
| versions | ${Object.entries(versions)
  .map(([name, version]) => `${name} ${version}`)
  .join(', ')} |
| command | \`npm run bench${extent.areFewer ? ` -- --runs ${extent.runs}` : ''}\` |
| date | ${new Date().toISOString().slice(0, 10)} |
`
