// `npm run prove -- [DIR]`: the main job on real data, with kill -9 on the way, checked against independent answers.
//
// DIR holds updates.parquet (path, line, time, diff) and, if known, head.parquet (path, line, count): what the contents
// must be in the end. Default: fixtures/line-history. Steps: import, killed at random moments and resumed; reopen;
// compact; reopen. After each, the contents and the counts at several times must be those that DuckDB finds in
// updates.parquet, and DuckDB must find the same in the batch files that the shard's document names. Needs python3,
// which checks the log and writes one.
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DuckDBInstance } from '@duckdb/node-api'
import { openStore } from '../dist/index.js'

const KILLS = 3
const SHARD = 'git:lines'
const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url))
const source = process.argv[2] ?? fileURLToPath(new URL('../fixtures/line-history', import.meta.url))
const updates = join(source, 'updates.parquet')
const head = join(source, 'head.parquet')
const work = mkdtempSync(join(tmpdir(), 'varve-prove-'))
const seed = Number(process.env.SEED ?? Date.now() % 1_000_000)

let state = seed
const random = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0
  return state / 2 ** 32
}

const duck = await (await DuckDBInstance.create()).connect()
const ask = async sql => (await duck.runAndReadAll(sql)).getRowObjectsJson()
const number = async sql => Number(Object.values((await ask(sql))[0])[0])

let failed = 0
const check = (name, found, expected) => {
  const same = JSON.stringify(found) === JSON.stringify(expected)
  if (!same) failed++
  console.log(
    `${same ? 'ok    ' : 'FAILED'} ${name}${same ? '' : `: found ${JSON.stringify(found)}, not ${JSON.stringify(expected)}`}`,
  )
}

/** Runs a command of varve; kills it after `killAfterMs` if that is given. */
const varve = (words, killAfterMs) =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [cli, ...words])
    let output = ''
    child.stdout.setEncoding('utf8').on('data', text => {
      output += text
    })
    child.stderr.setEncoding('utf8').on('data', text => {
      if (!/ of \d+ rows/.test(text)) process.stderr.write(text)
    })
    const timer = killAfterMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfterMs)
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      if (code !== 0 && signal !== 'SIGKILL') reject(new Error(`varve ${words[0]} ended with ${code}`))
      else resolve({ output, killed: signal === 'SIGKILL' })
    })
  })

const timed = async work => {
  const start = performance.now()
  const result = await work()
  return { result, seconds: (performance.now() - start) / 1000 }
}

const importInto = dir => [
  'import',
  updates,
  '--relation',
  SHARD,
  '--time',
  'time',
  '--diff',
  'diff',
  '--data-dir',
  dir,
  '--json',
]

const last = await number(`select max(time) from '${updates}'`)
const times = [
  ...new Set([1, 2, 3].map(quarter => (last > 1000 ? 250 * quarter : Math.floor((last * quarter) / 4)))),
  last,
]

/** What the whole line history is known to hold: counted when it was made, from git. */
const KNOWN = { 250: [31346, 64120], 500: [89261, 191426], 750: [133612, 283208], 1012: [217428, 441456] }
const WHOLE_HISTORY = 1_033_156

/** What DuckDB finds in the updates: tuples with a multiplicity, the sum of them, and those that are present. */
const expectedCount = async asOf => {
  const sql = `select sum(diff) as diff from '${updates}' where time <= ${asOf} group by path, line having sum(diff) <> 0`
  const columns =
    'count(*)::int as distinct, sum(diff)::int as total, (count(*) filter (diff > 0))::int as present'
  const [{ distinct, total, present }] = await ask(`select ${columns} from (${sql})`)
  return { distinct, total, present }
}

const contentsOf = table =>
  `select path, line, sum(diff) as count from ${table} group by all having sum(diff) <> 0`
const difference = (a, b) =>
  number(`select count(*) from ((${a}) except all (${b}) union all (${b}) except all (${a}))`)
const truth = existsSync(head) ? `select path, line, count from '${head}'` : contentsOf(`'${updates}'`)

/** Everything that must hold whenever the whole history is in and times from `since` on are kept. */
const verify = async (dir, step) => {
  const opening = await timed(() => openStore({ dataDir: dir }))
  const store = opening.result
  const { batches } = store.status().shards.find(({ name }) => name === SHARD)
  for (const asOf of times) {
    const snapshot = await store.snapshot({ asOf })
    const counting = await timed(() => snapshot.count(SHARD))
    check(
      `${step}: counts as of ${asOf} (${batches} batches, ${Math.round(counting.seconds * 1000)} ms)`,
      counting.result,
      await expectedCount(asOf),
    )
    await snapshot.close()
  }
  await store.close()
  const out = join(work, `${step.replaceAll(/[^a-z]/g, '-')}.parquet`)
  await varve(['export', SHARD, out, '--data-dir', dir])
  check(
    `${step}: contents${existsSync(head) ? ' are those of git HEAD' : ''}`,
    await difference(contentsOf(`'${out}'`), truth),
    0,
  )
  const document = JSON.parse(readFileSync(join(dir, 'persist/shards/git_lines.json'), 'utf8'))
  const files = document.batches.map(({ path }) => `'${join(dir, 'persist', path)}'`).join(', ')
  check(
    `${step}: DuckDB over the batch files`,
    await difference(contentsOf(`read_parquet([${files}])`), truth),
    0,
  )
  const { output } = await varve(['verify', '--data-dir', dir, '--json'])
  const { problems, rows, bytes } = JSON.parse(output)
  check(`${step}: varve verify`, problems, [])
  return { openMs: opening.seconds * 1000, rows, bytes, batches }
}

console.log(`seed ${seed}`)
const rows = await number(`select count(*) from '${updates}'`)
if (rows === WHOLE_HISTORY)
  for (const asOf of times)
    check(`DuckDB counts as of ${asOf}`, Object.values(await expectedCount(asOf)).slice(0, 2), KNOWN[asOf])
const plain = await timed(() => varve(importInto(join(work, 'plain'))))

const startup = await timed(() => varve(['-c', '.status', '--data-dir', join(work, 'empty')]))

const dir = join(work, 'killed')
let kills = 0
for (let attempt = 0; attempt < KILLS; attempt++) {
  // Each within its share of the time that an undisturbed import takes, so that the next finds work left.
  const share = (plain.seconds - startup.seconds) / (KILLS + 1)
  const { killed } = await varve(importInto(dir), (startup.seconds + random() * share) * 1000)
  if (killed) kills++
}
check('import: kills', kills, KILLS)
const resumed = JSON.parse((await varve(importInto(dir))).output)
check(`import: resumed behind row ${resumed.resumedAt}, all there`, resumed.rows, rows)
const imported = await verify(dir, 'after import')
const again = JSON.parse((await varve(importInto(dir))).output)
check('import: once complete, again at once with success', [again.commits, again.resumedAt], [0, rows])
const compaction = JSON.parse((await varve(['compact', '--data-dir', dir, '--json'])).output)
const compacted = await verify(dir, 'after compact')
check('after compact: batches', compacted.batches, 1)
const reopened = await verify(dir, 'after reopen')

/** scripts/log.py knows nothing but docs/format.md. */
const python = words =>
  execFileSync('python3', [fileURLToPath(new URL('./log.py', import.meta.url)), ...words], {
    encoding: 'utf8',
  }).trim()

const open = await openStore({ dataDir: join(work, 'open') })
for (let commit = 0; commit < 100; commit++)
  await open.commit([{ shard: 'a:b', data: [commit, 'é'], diff: 1 }])
check(
  'log of an open store: lines that a Python script verifies',
  python(['check', join(work, 'open/persist/wal/current.wal')]),
  '101',
)
await open.close()
mkdirSync(join(work, 'written/persist/wal'), { recursive: true })
python(['write', join(work, 'written/persist/wal/current.wal'), '50'])
const written = await openStore({ dataDir: join(work, 'written') })
const everything = await written.snapshot()
check(
  'log that a Python script wrote: replayed',
  [written.status().recovery.applied, await everything.count('default:edge')],
  [50, { distinct: 50, total: 50, present: 50 }],
)
await everything.close()
await written.close()

const perUpdate = bytes => `${(bytes / rows).toFixed(2)} bytes per update`
console.log(`
updates            ${rows}
import             ${plain.seconds.toFixed(2)} s, ${Math.round(rows / plain.seconds)} updates/s (whole process)
reopen             ${reopened.openMs.toFixed(0)} ms
compaction         ${(compaction.milliseconds / 1000).toFixed(2)} s
size after import  ${imported.bytes} bytes in ${imported.batches} batches, ${perUpdate(imported.bytes)}
size compacted     ${compacted.bytes} bytes in ${compacted.batches} batch, ${perUpdate(compacted.bytes)}`)
rmSync(work, { recursive: true })
console.log(failed === 0 ? 'all checks passed' : `${failed} checks failed`)
process.exitCode = failed === 0 ? 0 : 1
