// Owns what a reader sees of the figures: lines of text, docs/benchmarks.md, one JSON object.

/** Whole from 100 on, else three digits. */
const shown = number =>
  number >= 100 ? Math.round(number).toLocaleString('en-US') : String(Number(number.toPrecision(3)))

const isRatio = ({ theirs, value, ours }) => theirs !== undefined && value !== ours

/** @param {import('./works.js').Row} row */
const cells = row => [
  row.work,
  `${shown(row.ours)} ${row.unit}`,
  row.theirs === undefined ? '' : `${shown(row.theirs)} (${row.peer})`,
  isRatio(row) ? shown(row.value) : '',
  row.target,
]

/** @param {import('./works.js').Row} row */
export const line = row => {
  const [work, ours, theirs, ratio, target] = cells(row)
  const facts = [ours, theirs && `beside ${theirs}`, ratio && `ratio ${ratio}`, target && `aim ${target}`]
  return `${work}: ${facts.filter(fact => fact !== '').join(', ')}`
}

/**
 * The value of each row by its key, beside what it was measured on.
 * @param {import('./works.js').Row[]} rows
 */
export const json = (rows, machine, versions) => ({
  machine,
  versions,
  ratios: Object.fromEntries(rows.map(({ key, value }) => [key, Number(value.toPrecision(4))])),
})

/**
 * docs/benchmarks.md.
 * @param {import('./works.js').Row[]} rows
 * @param {typeof import('./works.js').EXTENTS.full} extent
 */
export const document = (rows, extent, machine, versions) => `# Benchmarks

Written by \`npm run bench\`: change the programs in \`bench/\`, not this page. A figure holds only beside the others of the same run; the ratios are what to look at.

| what was done | Varve | beside | ratio | aim |
|---|---|---|---|---|
${rows.map(row => `| ${cells(row).join(' | ')} |`).join('\n')}

The ratio is of speeds, ours to theirs: more is better. For bytes it is of sizes: less is better.

## How

- Updates are edges \`(int, int)\`, the same for all contestants. *grow*: ${shown(extent.updates)} updates, nine inserts of something new to one delete, so that 80 % of them are alive in the end. *churn*: as many updates that insert and delete 100,000 edges.
- Every run has a process of its own; contestants take turns; a figure is the median of ${extent.runs} runs, but for idleness, which is watched once. Commits and ingest are warmed up in the same process, reads marked *warm* by the same read before; opening is measured in a fresh process, with its files in the page cache.
- Every answer that is read is added up, and must be the same in all runs of all contestants.
- All commits are durable: Varve in mode \`immediate\`, SQLite with \`journal_mode = WAL, synchronous = FULL\`. In bulk one commit is 10,000 updates. Opening, log, flushes and closing count.
- Varve has its default settings, except for bulk ingest, with \`bufferSize\` 100,000 where it does not say *default settings*, and \`autoCompactThreshold\` 0 for the store that is read and compacted, so that it has a batch for each 100,000 updates. *As columns* it is read by \`toArrow\`, *as rows* by \`rows\`.
- SQLite has one table \`(a, b, time, diff)\` clustered by \`(a, b, time)\`, prepared statements, a cache of 256 MiB. State is read in ranges of 2,000 nodes, which is faster than one long result; *as JSON text* a range is one value that SQLite writes and JSON.parse reads. With 64 committers a batcher joins what is waiting into one transaction; without one, its synchronous calls are as fast as for one committer.
- *append + fdatasync* is a bare loop of 100 bytes each on a growing file.

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
| command | \`npm run bench\` |
| date | ${new Date().toISOString().slice(0, 10)} |
`
