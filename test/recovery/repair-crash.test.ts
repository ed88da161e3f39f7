// A crash at any call inside salvage or repair leaves a store that can be salvaged or repaired, with the same outcome
// (IL-31, IL-47, ND-28).
import { expect, test } from 'vitest'
import { settingsFrom } from '../../src/config/settings.ts'
import type { Disk } from '../../src/disk/disk.ts'
import { repairStore } from '../../src/store/repair.ts'
import type { CrashModel } from '../simulation/crash-model.ts'
import { SimulatedDisk } from '../simulation/disk.ts'
import { bytesOf, everything, flip } from '../support/bytes.ts'
import { openOn, read } from '../support/stores.ts'

const EDGE = 'default:edge'
const NODE = 'default:node'
const SALVAGE = { recovery: 'salvage' } as const

const MODELS: readonly CrashModel[] = [
  'synced',
  'all',
  'zeros',
  { prefix: 3 },
  { torn: 7 },
  { sectors: 1 },
  { entries: 1 },
  { entries: 2 },
]

/** Four commits, each of its number to both shards; two batches each of the first three; killed, all of it durable. */
const killed = async (damage: (disk: Disk) => Promise<void>): Promise<SimulatedDisk> => {
  const disk = new SimulatedDisk()
  const store = await openOn(disk)
  for (let value = 1; value <= 4; value++) {
    await store.commit([
      { shard: EDGE, data: [value], diff: 1 },
      { shard: NODE, data: [value], diff: 1 },
    ])
    if (value === 2) await store.flush()
  }
  const found = disk.crash('all')
  await store.close()
  await damage(found)
  return found.crash('all')
}

const damageLog = async (disk: Disk): Promise<void> =>
  flip(disk, 'wal/current.wal', (await bytesOf(disk, 'wal/current.wal')).indexOf('{"lsn":3,') + 12)

/** What a store holds, and what it says that it has lost. */
const outcome = async (disk: Disk): Promise<object> => {
  const store = await openOn(disk)
  const { losses, state, shards } = store.status()
  const contents = [await read(store, EDGE), await read(store, NODE)]
  await store.close()
  const reports: unknown[] = []
  for (const path of losses) {
    const { at: _, ...report } = JSON.parse((await bytesOf(disk, path)).toString())
    reports.push(report)
  }
  return { state, contents, reports, shards: shards.map(({ name }) => name) }
}

/** Crashes `work` at every call, works again, and compares with what it comes to without a crash. */
const crashEverywhere = async (
  damage: (disk: Disk) => Promise<void>,
  work: (disk: Disk) => Promise<unknown>,
): Promise<number> => {
  const start = await killed(damage)
  const kept = await everything(start)
  const disk = start.crash('all')
  const before = disk.trace.length
  await work(disk)
  const calls = disk.trace.length
  const expected = await outcome(disk.crash('all'))
  const seen = new Map<string, boolean>()
  let crashes = 0
  for (let moment = before; moment <= calls; moment++) {
    for (const model of MODELS) {
      const found = disk.crash(model, {}, moment)
      crashes++
      const digest = found.digest()
      if (seen.has(digest)) continue
      seen.set(digest, true)
      const place = `dead after call ${moment} (${disk.trace[moment - 1]}), ${JSON.stringify(model)}`
      try {
        await work(found)
        expect(await outcome(found), place).toEqual(expected)
      } catch (cause) {
        throw new Error(`${place}: ${(cause as Error).message}`, { cause })
      }
      const left = await everything(found)
      // Whatever was damaged is still there, to the byte.
      for (const [path, bytes] of Object.entries(kept)) {
        if (!path.startsWith('batches/') || left[path] === bytes) continue
        expect(Object.values(left).includes(bytes), `${place}: ${path}`).toBe(true)
      }
    }
  }
  return crashes
}

const salvage = async (disk: Disk): Promise<void> => (await openOn(disk, SALVAGE)).close()

const repair = (disk: Disk): Promise<unknown> =>
  repairStore({ path: undefined, disk, release: async () => {} }, settingsFrom({}), false, () => 0)

test('salvage of the log', async () => {
  expect(await crashEverywhere(damageLog, salvage)).toBeGreaterThan(300)
}, 120_000)

test('repair of a batch, and of the log behind it', async () => {
  const damage = async (disk: Disk): Promise<void> => {
    await flip(disk, 'batches/1.parquet', 10)
    await damageLog(disk)
  }
  expect(await crashEverywhere(damage, repair)).toBeGreaterThan(300)
}, 120_000)

test('repair of documents', async () => {
  const damage = async (disk: Disk): Promise<void> => {
    await disk.remove('shards/default_edge.json')
    await flip(disk, 'shards/default_node.json', 40)
  }
  expect(await crashEverywhere(damage, repair)).toBeGreaterThan(300)
}, 120_000)

test('repair of store.json', async () => {
  const damage = async (disk: Disk): Promise<void> => {
    await disk.remove('store.json')
    await disk.remove('shards/default_edge.json')
  }
  expect(await crashEverywhere(damage, repair)).toBeGreaterThan(300)
}, 120_000)

/** Repairs a disk on which files of the content of `spoilt` cannot be read, wherever they are. None of it is gone then. */
const repairUnreadable = (spoilt: ReadonlySet<string>) => async (disk: Disk) => {
  const bad = new Set(
    Object.entries(await everything(disk)).flatMap(([path, bytes]) => (spoilt.has(bytes) ? [path] : [])),
  )
  const isRead = (label: string): boolean => {
    const [operation, first = '', second = ''] = label.split(' ')
    if (operation === 'rename') {
      bad.delete(second)
      if (bad.delete(first)) bad.add(second)
    }
    return operation === 'read' && bad.has(first)
  }
  ;(disk as SimulatedDisk).inject(isRead, { kind: 'fail', errno: 'EIO' }, 'always')
  await repair(disk)
  bad.clear()
  expect(Object.values(await everything(disk))).toEqual(expect.arrayContaining([...spoilt]))
}

test('repair of a document, and of store.json, that the disk cannot read', async () => {
  const spoilt = new Set<string>()
  const damage = async (disk: Disk): Promise<void> => {
    for (const path of ['shards/default_edge.json', 'store.json'])
      spoilt.add((await bytesOf(disk, path)).toString('latin1'))
  }
  expect(await crashEverywhere(damage, repairUnreadable(spoilt))).toBeGreaterThan(300)
}, 120_000)

// B10: the process was killed before it synced, so what salvage reads may be in the page cache alone.
test('no commit is torn between shards by a power failure while a log in the page cache is salvaged', async () => {
  const disk = new SimulatedDisk()
  const store = await openOn(disk, { durabilityMode: 'batched', syncIntervalMs: 3_600_000 })
  for (let value = 1; value <= 5; value++) {
    await store.commit([
      { shard: EDGE, data: [value], diff: 1 },
      { shard: NODE, data: [value], diff: 1 },
    ])
    if (value === 3) await store.sync()
  }
  const bytes = await bytesOf(disk, 'wal/current.wal')
  disk.stop()
  const next = disk.restart()
  const offset = bytes.indexOf('{"lsn":2,') + 12
  const log = await next.open('wal/current.wal', 'write')
  await log.write(offset, Buffer.from([bytes[offset]! ^ 1]))
  await log.close()
  const before = next.trace.length
  await salvage(next)
  for (let moment = before; moment <= next.trace.length; moment++) {
    const place = `dead after call ${moment} (${next.trace[moment - 1]})`
    const found = next.crash('synced', {}, moment)
    const again = await openOn(found, SALVAGE)
    const edges = await read(again, EDGE)
    expect(await read(again, NODE), place).toEqual(edges)
    expect(Object.keys(edges), place).toEqual(expect.arrayContaining(['[1]', '[3]']))
    await again.close()
  }
}, 60_000)
