// What the disk cannot read is damage of the one thing that it is of: the others serve, and repair does without its bytes
// (GB-23, IL-31). What is about who asks (permissions, too many open files) is damage of nothing.
import { describe, expect, test } from 'vitest'
import { settingsFrom } from '../../src/config/settings.ts'
import type { Disk } from '../../src/disk/disk.ts'
import { verify } from '../../src/recovery/verify.ts'
import { type RepairReport, repairStore } from '../../src/store/repair.ts'
import { SimulatedDisk } from '../simulation/disk.ts'
import { bytesOf, everything, leftBy } from '../support/bytes.ts'
import { openOn, read } from '../support/stores.ts'

const EDGE = 'default:edge'
const NODE = 'default:node'
const DOCUMENT = 'shards/default_edge.json'
const ALL = { '[1]': 1, '[2]': 1, '[3]': 1 }

/** Two batches of each shard, and commit 3 in the log alone; killed. */
const store = async (): Promise<SimulatedDisk> => {
  const disk = new SimulatedDisk()
  const open = await openOn(disk)
  for (let value = 1; value <= 3; value++) {
    await open.commit([EDGE, NODE].map(shard => ({ shard, data: [value], diff: 1 })))
    if (value < 3) await open.flush()
  }
  const killed = disk.crash('all')
  await open.close()
  return killed
}

/** The file at `path` cannot be read any more, whatever it is called later; what replaces it can. */
const spoil = (disk: SimulatedDisk, path: string): { heal: () => void } => {
  let bad: string | undefined = path
  const isRead = (label: string): boolean => {
    const [operation, first, second] = label.split(' ')
    if (operation === 'rename' && first === bad) bad = second
    else if ((operation === 'rename' && second === bad) || (operation === 'remove' && first === bad))
      bad = undefined
    return operation === 'read' && first === bad
  }
  disk.inject(isRead, { kind: 'fail', errno: 'EIO' }, 'always')
  return {
    heal: () => {
      bad = undefined
    },
  }
}

const repairOn = (disk: Disk, dryRun = false): Promise<RepairReport> =>
  repairStore({ path: undefined, disk, release: async () => {} }, settingsFrom({}), dryRun, () => 0)

const problemsOf = async (disk: Disk): Promise<readonly { code: string }[]> =>
  (await verify(disk, settingsFrom({}), () => 0)).problems

describe('a bad sector', () => {
  test('in a document damages its shard alone', async () => {
    const disk = await store()
    spoil(disk, DOCUMENT)
    const damage = { code: 'METADATA_CORRUPT', details: { file: DOCUMENT, errno: 'EIO' } }
    expect(await problemsOf(disk)).toMatchObject([damage])
    await expect(openOn(disk, { damagedShard: 'refuse' })).rejects.toMatchObject(damage)
    const open = await openOn(disk)
    expect(open.status().state).toBe('degraded')
    expect(await read(open, NODE)).toEqual(ALL)
    await expect(read(open, EDGE)).rejects.toMatchObject({
      code: 'SHARD_DAMAGED',
      cause: { ...damage, cause: { code: 'DISK_FAILED' } },
    })
    await open.close()
  })

  test('in a document: repair moves the file without reading it, and makes it anew', async () => {
    const disk = await store()
    const before = await everything(disk)
    const { heal } = spoil(disk, DOCUMENT)
    expect(await repairOn(disk, true)).toMatchObject({ loses: false, shards: [{ shard: EDGE, lost: [] }] })
    const kept = 'quarantine/shards-default_edge.json'
    expect(await repairOn(disk)).toMatchObject({ loses: false, quarantined: [kept] })
    expect(await problemsOf(disk)).toEqual([])
    const open = await openOn(disk, { damagedShard: 'refuse' })
    expect(await read(open, EDGE)).toEqual(ALL)
    expect(await read(open, NODE)).toEqual(ALL)
    await open.close()
    heal()
    expect((await bytesOf(disk, kept)).toString('latin1')).toBe(before[DOCUMENT])
    expect(JSON.parse((await bytesOf(disk, `${kept}.json`)).toString())).toMatchObject({
      from: DOCUMENT,
      shard: EDGE,
    })
  })

  test('where the disk keeps the size of a batch damages its shard alone', async () => {
    const disk = await store()
    disk.inject(/^stat batches\/1\.parquet/, { kind: 'fail', errno: 'EIO' }, 'always')
    const damage = {
      code: 'BATCH_CORRUPT',
      details: { file: 'batches/1.parquet', shard: EDGE, errno: 'EIO' },
    }
    await expect(openOn(disk, { damagedShard: 'refuse' })).rejects.toMatchObject(damage)
    const open = await openOn(disk)
    await expect(read(open, EDGE)).rejects.toMatchObject({ code: 'SHARD_DAMAGED', cause: damage })
    expect(await read(open, NODE)).toEqual(ALL)
    await open.close()
  })

  test('in store.json refuses, and repair makes it anew', async () => {
    const disk = await store()
    const before = await everything(disk)
    const { heal } = spoil(disk, 'store.json')
    const refusal = { code: 'STORE_CORRUPT', details: { file: 'store.json', errno: 'EIO' } }
    await expect(openOn(disk)).rejects.toMatchObject(refusal)
    await expect(openOn(disk, { recovery: 'salvage' })).rejects.toMatchObject(refusal)
    expect(await repairOn(disk)).toMatchObject({ loses: true, catalog: expect.stringContaining('read') })
    const open = await openOn(disk)
    expect(await read(open, EDGE)).toEqual(ALL)
    expect(await read(open, NODE)).toEqual(ALL)
    await open.close()
    heal()
    expect((await bytesOf(disk, 'quarantine/store-2.json')).toString('latin1')).toBe(before['store.json'])
  })

  test('in the log refuses everything, and says what to do', async () => {
    const disk = await store()
    const before = await everything(disk)
    const { heal } = spoil(disk, 'wal/current.wal')
    const refusal = {
      code: 'DISK_FAILED',
      details: { path: 'wal/current.wal', errno: 'EIO', advice: expect.stringContaining('copy') },
    }
    await expect(openOn(disk)).rejects.toMatchObject(refusal)
    await expect(openOn(disk, { recovery: 'salvage' })).rejects.toMatchObject(refusal)
    await expect(repairOn(disk)).rejects.toMatchObject(refusal)
    heal()
    expect(await everything(disk)).toEqual(before)
  })

  test('in the log, and store.json is gone: repair refuses before it makes one', async () => {
    const disk = await store()
    await disk.remove('store.json')
    spoil(disk, 'wal/current.wal')
    await expect(repairOn(disk)).rejects.toMatchObject({
      code: 'DISK_FAILED',
      details: { path: 'wal/current.wal', advice: expect.any(String) },
    })
    expect(await disk.stat('store.json')).toBeUndefined()
  })

  test.each(['store.json', DOCUMENT])(
    'in a batch, and %s is gone: the batch alone is lost',
    async document => {
      const disk = await store()
      await disk.remove(document)
      await disk.remove(DOCUMENT).catch(() => {})
      spoil(disk, 'batches/1.parquet')
      const { shards } = await repairOn(disk)
      expect(shards).toMatchObject([{ shard: EDGE, lost: [{ lsnLower: 1, lsnUpper: 1 }] }])
      const open = await openOn(disk)
      expect(await read(open, EDGE)).toEqual({ '[2]': 1, '[3]': 1 })
      expect(await read(open, NODE)).toEqual(ALL)
      await open.close()
    },
  )
})

describe('what says nothing of a file', () => {
  test.each([
    ['EMFILE', 'DISK_FAILED'],
    ['EACCES', 'DISK_DENIED'],
  ])('%s: nothing is taken for damaged', async (errno, code) => {
    for (const path of [DOCUMENT, 'store.json', 'batches/1.parquet']) {
      const disk = await store()
      const before = await everything(disk)
      let isOn = true
      const isOpen = (label: string): boolean => isOn && label === `open read ${path}`
      disk.inject(isOpen, { kind: 'fail', errno }, 'always')
      await expect(repairOn(disk), path).rejects.toMatchObject({ code, details: { path } })
      // A batch is first opened when it is read.
      if (!path.startsWith('batches')) await expect(openOn(disk), path).rejects.toMatchObject({ code })
      isOn = false
      expect(await everything(disk), path).toEqual(before)
    }
  })
})

describe('a folder in the place of', () => {
  test('a batch: it stays, and the shard goes on without it', async () => {
    const disk = await store()
    await disk.remove('batches/1.parquet')
    await disk.makeDirectory('batches/1.parquet')
    expect(await problemsOf(disk)).toMatchObject([
      { code: 'BATCH_CORRUPT', details: { file: 'batches/1.parquet' } },
    ])
    const { shards } = await repairOn(disk)
    expect(shards).toMatchObject([{ shard: EDGE, lost: [{ file: 'batches/1.parquet', rows: 1 }] }])
    expect(await problemsOf(disk)).toEqual([])
    const open = await openOn(disk, { damagedShard: 'refuse' })
    expect(await read(open, EDGE)).toEqual({ '[2]': 1, '[3]': 1 })
    await open.close()
    expect(await disk.stat('batches/1.parquet')).toMatchObject({ kind: 'directory' })
  })

  test.each([DOCUMENT, 'store.json', 'shards/not_listed.json'])(
    '%s: repair says what to do, and does nothing',
    async path => {
      const disk = await store()
      if ((await disk.stat(path)) !== undefined) await disk.remove(path)
      await disk.makeDirectory(path)
      const before = await everything(disk)
      for (const dryRun of [true, false])
        await expect(repairOn(disk, dryRun)).rejects.toMatchObject({
          code: 'LAYOUT_INVALID',
          details: { file: path, advice: expect.stringContaining('move the folder') },
        })
      expect(await everything(disk)).toEqual(before)
    },
  )
})

test.each(['wal', 'shards', 'batches', 'quarantine'])(
  'a file in the place of %s: repair says what to do, and does nothing',
  async folder => {
    const whole = await leftBy(await store())
    const disk = new SimulatedDisk()
    for (const path of ['wal', 'shards', 'batches', 'quarantine', ...Object.keys(whole)]) {
      if (path.startsWith(`${folder}/`)) continue
      if (whole[path] === undefined && path !== folder) await disk.makeDirectory(path)
      else {
        const file = await disk.open(path, 'create')
        await file.write(0, Buffer.from(whole[path] ?? 'x', 'latin1'))
        await file.close()
      }
    }
    const before = await everything(disk)
    await expect(repairOn(disk)).rejects.toMatchObject({
      code: 'LAYOUT_INVALID',
      details: { file: folder, advice: expect.any(String) },
    })
    expect(await everything(disk)).toEqual(before)
  },
)
