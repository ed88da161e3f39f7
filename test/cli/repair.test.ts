// `varve repair` as a caller sees it: what it says, what it changes, its exit codes (IL-31, IL-47, ND-28, GB-33).
import { createHash } from 'node:crypto'
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { main } from '../../src/cli/main.ts'
import { openStore } from '../../src/store/open.ts'
import { scratchFolder } from '../support/scratch.ts'
import { read } from '../support/stores.ts'

let folder: string
let data: string
let printed: string[]
let noted: string[]

const varve = (...words: string[]): Promise<number> => {
  printed = []
  noted = []
  return main([...words, '--data-dir', data], {
    print: line => printed.push(line),
    note: line => noted.push(line),
  })
}

const EDGE = 'default:edge'

const update = (value: number) => ({ shard: EDGE, data: [value], diff: 1 })

/** Three commits, of which the first is in a batch; killed. */
beforeEach(async () => {
  folder = await scratchFolder()
  data = join(folder, 'data')
  const copy = join(folder, 'copy')
  const store = await openStore({ dataDir: data })
  await store.commit([update(1)])
  await store.flush()
  await store.commit([update(2)])
  await store.commit([update(3)])
  await cp(data, copy, { recursive: true })
  await store.close()
  await rm(data, { recursive: true })
  await cp(copy, data, { recursive: true, filter: path => !path.endsWith('LOCK') })
})

const at = (path: string): string => join(data, 'persist', path)

const flipAt = async (path: string, find: string): Promise<void> => {
  const bytes = await readFile(at(path))
  bytes[bytes.indexOf(find) + find.length]! ^= 1
  await writeFile(at(path), bytes)
}

/** Everything in the store's folder, by its content. */
const tree = async (): Promise<Record<string, string>> => {
  const files: Record<string, string> = {}
  for (const entry of await readdir(data, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    files[path] = createHash('sha256')
      .update(await readFile(path))
      .digest('hex')
  }
  return files
}

const contents = async (): Promise<Record<string, number>> => {
  const store = await openStore({ dataDir: data })
  const found = await read(store, EDGE)
  await store.close()
  return found
}

describe('varve repair', () => {
  test('has nothing to do where all is well', async () => {
    expect(await varve('repair')).toBe(0)
    expect(printed).toEqual(['Nothing to repair.'])
    expect(await contents()).toEqual({ '[1]': 1, '[2]': 1, '[3]': 1 })
  })

  test('--dry-run says what would be done, and changes no byte', async () => {
    await rm(at('batches/1.parquet'))
    await flipAt('wal/current.wal', '{"lsn":2,')
    const before = await tree()
    expect(await varve('repair', '--dry-run')).toBe(1)
    expect(await tree()).toEqual(before)
    expect(printed).toEqual([
      'default:edge:',
      '  batches/1.parquet: a batch is not there. file=batches/1.parquet; nothing of it is left',
      '    lost: commit 1, time 0, 1 rows',
      expect.stringMatching(/^the log: .*the checksum does not match/),
      expect.stringMatching(/^ {2}wal\/current\.wal: \d+ bytes at \d+: the checksum does not match$/),
      '    lost: commit 2, time 1',
      'Nothing was changed. Something is lost.',
    ])
    const said = printed.slice(0, -1)
    expect(await varve('repair')).toBe(1)
    expect(printed.slice(0, -1)).toEqual(said)
    expect(printed.at(-1)).toBe(
      'Repaired; what is lost is stated above. To be acknowledged (varve repair --acknowledge): quarantine/batches-1.parquet.json, quarantine/lost-commits-2-2.json.',
    )
    expect(await contents()).toEqual({ '[3]': 1 })
  })

  test('exits with 0 where everything is restored, and says so as JSON', async () => {
    await rm(at('shards/default_edge.json'))
    expect(await varve('repair', '--json')).toBe(0)
    expect(JSON.parse(printed.join('\n'))).toMatchObject({
      dryRun: false,
      shards: [{ shard: EDGE, batches: [{ file: 'batches/1.parquet', action: 'adopt' }], lost: [] }],
      loses: false,
      losses: [],
    })
    expect(await contents()).toEqual({ '[1]': 1, '[2]': 1, '[3]': 1 })
  })

  test('--acknowledge ends the degraded state', async () => {
    await flipAt('wal/current.wal', '{"lsn":2,')
    expect(await varve('repair')).toBe(1)
    expect(await varve('status')).toBe(0)
    expect(printed.join('\n')).toContain('quarantine/lost-commits-2-2.json')
    expect(await varve('repair', '--acknowledge')).toBe(0)
    expect(printed).toEqual(['Acknowledged: quarantine/lost-commits-2-2.json.'])
    expect(await varve('status', '--json')).toBe(0)
    expect(JSON.parse(printed.join('\n'))).toMatchObject({ state: 'serving', losses: [] })
    expect(await varve('repair', '--acknowledge', '--json')).toBe(0)
    expect(JSON.parse(printed.join('\n'))).toEqual({ acknowledged: [] })
  })

  test('--acknowledge and --dry-run do not go together', async () => {
    expect(await varve('repair', '--acknowledge', '--dry-run')).toBe(2)
  })

  test('needs the lock', async () => {
    const store = await openStore({ dataDir: data })
    expect(await varve('repair', '--dry-run', '--json')).toBe(1)
    expect(JSON.parse(printed.join('\n'))).toMatchObject({ error: { code: 'LOCKED' } })
    await store.close()
  })

  test('refuses what no repair may override, and changes nothing', async () => {
    const log = await readFile(at('wal/current.wal'), 'utf8')
    await writeFile(at('wal/current.wal'), log.slice(log.indexOf('\n') + 1))
    const before = await tree()
    expect(await varve('repair', '--json')).toBe(1)
    expect(JSON.parse(printed.join('\n'))).toMatchObject({ error: { code: 'WAL_FOREIGN' } })
    expect(await tree()).toEqual(before)
  })

  test('makes no store where there is none', async () => {
    data = join(folder, 'nowhere')
    expect(await varve('repair', '--json')).toBe(1)
    expect(JSON.parse(printed.join('\n'))).toMatchObject({ error: { code: 'DISK_MISSING' } })
  })
})

test('salvage on the command line counts what it lost (OX-29)', async () => {
  await flipAt('wal/current.wal', '{"lsn":2,')
  expect(await varve('flush')).toBe(1)
  expect(noted.join()).toContain('WAL_CORRUPT')
  expect(await varve('flush', '--recovery', 'salvage', '--json')).toBe(0)
  expect(await contents()).toEqual({ '[1]': 1, '[3]': 1 })
})

describe('what has to be done next is said', () => {
  const DEGRADED =
    'degraded: something was lost, and nobody has acknowledged it: quarantine/lost-commits-2-2.json; ' +
    'varve repair --acknowledge once you have taken note'

  test('by a statement on a log that was salvaged, and on a degraded store', async () => {
    await flipAt('wal/current.wal', '{"lsn":2,')
    expect(await varve('-c', '?edge(X)')).toBe(1)
    expect(noted.at(-1)).toMatch(/^ {2}what to do: varve repair --dry-run /)
    expect(await varve('-c', '?edge(X)', '--recovery', 'salvage')).toBe(0)
    expect(noted).toEqual(['warning: commits of the log that are lost: 1', `warning: ${DEGRADED}`])
    for (const words of [['-c', '?edge(X)'], ['--read-only', '-c', '?edge(X)'], ['flush']]) {
      expect(await varve(...words)).toBe(0)
      expect(noted).toEqual([`warning: ${DEGRADED}`])
    }
    expect(await varve('status')).toBe(0)
    expect(printed).toContain(`Health:          ${DEGRADED}`)
    expect(await varve('repair', '--acknowledge')).toBe(0)
    expect(noted).toEqual([])
    expect(await varve('-c', '?edge(X)')).toBe(0)
    expect(noted).toEqual([])
  })

  test('by a statement about a damaged shard, with its cause', async () => {
    await rm(at('batches/1.parquet'))
    expect(await varve('-c', '?edge(X)')).toBe(1)
    expect(noted).toEqual([
      `warning: degraded: ${EDGE}: BATCH_MISSING; varve repair --dry-run says what can be done`,
      expect.stringMatching(/^SHARD_DAMAGED: /),
      `  because of BATCH_MISSING: a batch of the shard is missing. file=batches/1.parquet, shard=${EDGE}`,
      '  what to do: varve repair --dry-run says what is left and what can be done, varve repair does it',
    ])
  })

  test('but a torn end, as a power failure leaves it, is no damage', async () => {
    const log = await readFile(at('wal/current.wal'))
    await writeFile(at('wal/current.wal'), log.subarray(0, log.lastIndexOf('\n') - 4))
    expect(await varve('verify')).toBe(0)
    expect(printed).toEqual([
      expect.stringMatching(
        /^wal\/current\.wal ends in a write that was torn at \d+, which opening cuts off: /,
      ),
      expect.stringMatching(/^Sound: /),
    ])
    expect(await varve('verify', '--json')).toBe(0)
    expect(JSON.parse(printed.join('\n'))).toMatchObject({ problems: [], notes: [expect.any(String)] })
    expect(await varve('repair', '--dry-run')).toBe(0)
    expect(printed).toEqual(['Nothing to repair.'])
  })

  test('by a log that was written by hand and has a bad line: there is no store to be repaired yet', async () => {
    const hand = join(folder, 'hand/persist/wal')
    await mkdir(hand, { recursive: true })
    await writeFile(join(hand, 'current.wal'), 'no line\n')
    data = join(folder, 'hand')
    expect(await varve('-c', '?edge(X)')).toBe(1)
    expect(noted).toEqual([expect.stringMatching(/^varve repl: WAL_CORRUPT: .*advice=mend this line/)])
    expect(await varve('repair')).toBe(1)
    expect(noted).toEqual([expect.stringMatching(/no store here.*advice=name the folder/)])
  })
})

test('compaction goes on past a damaged shard, says which, and exits with 1', async () => {
  const store = await openStore({ dataDir: data })
  for (const value of [4, 5]) {
    await store.commit([update(value), { shard: 'default:node', data: [value], diff: 1 }])
    await store.flush()
  }
  await store.close()
  const bytes = await readFile(at('batches/1.parquet'))
  bytes[10]! ^= 1
  await writeFile(at('batches/1.parquet'), bytes)
  expect(await varve('compact', '--json')).toBe(1)
  expect(JSON.parse(printed.join('\n'))).toMatchObject({
    shards: [{ shard: 'default:node', batchesBefore: 2, batchesAfter: 1 }],
    damaged: [{ shard: EDGE, code: 'BATCH_CORRUPT' }],
  })
  // Its document is gone as well: it is not even tried.
  await rm(at('shards/default_edge.json'))
  expect(await varve('compact')).toBe(1)
  expect(printed.join('\n')).toMatch(/default:edge: left as it is: the metadata of a shard is missing/)
})
