// A process that kills itself at a labelled point of its work on the disk: behind a call, which is before the next one,
// or in the middle of a write. Usage: node self-killer.js DIR MODE WORK FIRST [POINT], where FIRST numbers the first
// commit, and POINT is a line of the trace that goes to standard error. Acknowledged commits go to standard output.
import { writeSync } from 'node:fs'
import { settingsFrom } from '../../dist/config/settings.js'
import { openFolder } from '../../dist/disk/folder.js'
import { acquireLock } from '../../dist/disk/lock.js'
import { openEngine } from '../../dist/store/open-engine.js'
import { Store } from '../../dist/store/store.js'

const [dataDir, durabilityMode, work, first, point] = process.argv.slice(2)
const [wantedStep, ...wanted] = point?.split(' ') ?? []

const STEPS = ['lock', 'open', 'commit', 'flush', 'compact', 'seal', 'tear', 'background', 'close']
let step = 'lock'
const seen = new Set()

/** The same for every file of a kind. */
const kindOf = path => path.replace(/[0-9a-f-]{36}|[0-9]+/g, 'N') || '.'

/** Dies if the point is here: or, as background work may come later than it did in the trace, in a later step. */
const reach = label => {
  const line = `${step} ${label}`
  if (point === undefined && !seen.has(line)) writeSync(2, `${line}\n`)
  seen.add(line)
  if (wanted.join(' ') === label && STEPS.indexOf(step) >= STEPS.indexOf(wantedStep))
    process.kill(process.pid, 'SIGKILL')
}

const then = async (label, call) => {
  const result = await call()
  reach(label)
  return result
}

/** Files that were opened; one that is renamed is known by its new name. */
const files = []

const killingFile = (file, path) => {
  const named = { path }
  files.push(named)
  return {
    read: (offset, length) => file.read(offset, length),
    // Two writes: what was killed between them is torn.
    write: (offset, bytes) =>
      then(`write ${kindOf(named.path)}`, async () => {
        const half = bytes.length >> 1
        await file.write(offset, bytes.subarray(0, half))
        reach(`half-write ${kindOf(named.path)}`)
        await file.write(offset + half, bytes.subarray(half))
      }),
    sync: barrier => then(`sync ${kindOf(named.path)}`, () => file.sync(barrier)),
    truncate: size => then(`truncate ${kindOf(named.path)}`, () => file.truncate(size)),
    size: () => file.size(),
    close: () => file.close(),
  }
}

const rename = async (disk, from, to) => {
  await disk.rename(from, to)
  for (const named of files) if (named.path === from) named.path = to
}

const killingDisk = disk => ({
  open: async (path, mode) => {
    if (mode !== 'create') return killingFile(await disk.open(path, mode), path)
    return killingFile(await then(`create ${kindOf(path)}`, () => disk.open(path, mode)), path)
  },
  list: path => disk.list(path),
  stat: path => disk.stat(path),
  makeDirectory: path => then(`makeDirectory ${kindOf(path)}`, () => disk.makeDirectory(path)),
  rename: (from, to) => then(`rename ${kindOf(from)} ${kindOf(to)}`, () => rename(disk, from, to)),
  remove: path => then(`remove ${kindOf(path)}`, () => disk.remove(path)),
  syncDirectory: (path, barrier) =>
    then(`syncDirectory ${kindOf(path)}`, () => disk.syncDirectory(path, barrier)),
})

const { disk: realDisk, path } = await openFolder(dataDir, { create: true })
const disk = killingDisk(realDisk)
const lock = await acquireLock(disk, path, { breakLock: false })
step = 'open'
// Small bounds, so that a few commits do all that a store ever does.
const settings = settingsFrom({
  durabilityMode,
  bufferSize: 10,
  walSegmentBytes: 700,
  autoCompactThreshold: 2,
  syncIntervalMs: 1_000_000,
})
const store = new Store(await openEngine({ path, disk, release: () => lock.release() }, settings))

let number = Number(first)
const commit = async () => {
  const each = number++
  await store.commit([
    { shard: 'a:left', data: [each], diff: 1 },
    { shard: 'a:right', data: [each], diff: 1 },
  ])
  writeSync(1, `${each}\n`)
}
const commits = async count => {
  for (let index = 0; index < count; index++) await commit()
}

const WORKS = {
  // A store from its making to its close; everything that a store does to a disk is in it.
  life: async () => {
    step = 'commit'
    await commits(6)
    step = 'flush'
    await store.flush()
    step = 'compact'
    await commits(2)
    await store.compact({ since: store.upper - 3 })
    // A segment that is sealed, and commits behind it, none of them in a batch.
    step = 'seal'
    await commits(7)
    step = 'tear'
    await commit()
    step = 'background'
    // Buffers that fill up, segments that are sealed, batches that become too many.
    await commits(40)
  },
  // A few commits.
  short: async () => {
    step = 'commit'
    await commits(6)
  },
}
await WORKS[work]()
step = 'close'
await store.close()
