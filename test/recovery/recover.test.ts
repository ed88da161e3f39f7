import { beforeEach, describe, expect, test } from 'vitest'
import { settingsFrom } from '../../src/config/settings.ts'
import { MemoryDisk } from '../../src/disk/memory-disk.ts'
import { verify } from '../../src/recovery/verify.ts'
import { decodeDocument, encodeDocument } from '../../src/shard/document.ts'
import { encodeLine } from '../../src/wal/record.ts'
import { bytesOf, copyOnto, everything, flip, leftBy, put } from '../support/bytes.ts'
import { openOn, read } from '../support/stores.ts'

const edge = (value: number, shard = 'default:edge', diff = 1) => ({ shard, data: [value], diff })

/** Commits 1 to `commits`, of which the log still has everything after the first `flushed`. */
const unclosed = async (commits: number, flushed = 0): Promise<MemoryDisk> => {
  const disk = new MemoryDisk()
  const store = await openOn(disk)
  for (let value = 1; value <= commits; value++) {
    await store.commit([edge(value), edge(value, 'default:node')])
    if (value === flushed) await store.flush()
  }
  const files = await leftBy(disk)
  await store.close()
  const copy = new MemoryDisk()
  await copyOnto(files, copy)
  return copy
}

const upTo = (count: number): Record<string, number> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`[${index + 1}]`, 1]))

/** Opening is refused with `error`, twice, and no byte changes. */
const refuses = async (disk: MemoryDisk, error: Record<string, unknown>, settings = {}): Promise<void> => {
  const before = await everything(disk)
  for (let attempt = 0; attempt < 2; attempt++) {
    await expect(openOn(disk, settings)).rejects.toMatchObject(error)
    expect(await everything(disk)).toEqual(before)
  }
}

describe('the way back', () => {
  // LD-17: the four situations a start can find.
  test.each([
    ['nothing', 0, 0],
    ['the log alone', 3, 0],
    ['batches alone', 3, 3],
    ['batches and log', 5, 3],
  ])('%s', async (_, commits, flushed) => {
    const disk = await unclosed(commits, flushed)
    const store = await openOn(disk)
    const { recovery } = store.status()
    expect(recovery).toMatchObject({
      total: commits - flushed,
      applied: commits - flushed,
      skipped: 0,
      corrupted: 0,
    })
    expect(await read(store, 'default:edge')).toEqual(upTo(commits))
    expect(await read(store, 'default:node')).toEqual(upTo(commits))
    expect(store.status()).toMatchObject({ lsn: commits, upper: commits })
    await store.close()
  })

  test('opening again replays nothing: what was replayed is in batches now (OX-14)', async () => {
    const disk = await unclosed(3)
    await (await openOn(disk)).close()
    const files = await leftBy(disk)
    const store = await openOn(disk)
    expect(store.status().recovery).toMatchObject({ total: 0, applied: 0, batches: 2 })
    await store.close()
    // Apart from the epoch nothing changed.
    const after = await everything(disk)
    expect(Object.keys(after)).toEqual(Object.keys(files))
  })

  test('the next commit has the next LSN and a later time (IL-11)', async () => {
    const store = await openOn(await unclosed(3))
    expect(await store.commit([edge(4)])).toMatchObject({ lsn: 4, time: 3 })
    await store.close()
  })

  test('what a batch holds already is skipped, for that shard alone', async () => {
    const disk = new MemoryDisk()
    const store = await openOn(disk, { bufferSize: 2 })
    await store.commit([edge(1, 'a:cold')])
    await store.commit([edge(1), edge(2)])
    // The full buffer is on its way into a batch; a snapshot of the folder is taken when its document is there.
    while ((await disk.stat('shards/default_edge.json')) === undefined) await Promise.resolve()
    const copy = new MemoryDisk()
    await copyOnto(await leftBy(disk), copy)
    await store.close()
    const again = await openOn(copy)
    expect(again.status().recovery).toMatchObject({ total: 2, applied: 1, skipped: 1 })
    expect(await read(again, 'default:edge')).toEqual(upTo(2))
    expect(await read(again, 'a:cold')).toEqual(upTo(1))
    await again.close()
  })

  test('a log that a script wrote is replayed, with LSNs from 1 (rules 2, IL-10)', async () => {
    const disk = new MemoryDisk()
    await disk.makeDirectory('wal')
    const line = (json: string): string => Buffer.from(encodeLine(json)).toString('utf8')
    await put(
      disk,
      'wal/current.wal',
      line('{"shard":"default:edge","update":{"data":[1],"time":1,"diff":1}}') +
        line('{"shard":"default:edge","update":{"data":[2],"time":2,"diff":-1}}'),
    )
    const store = await openOn(disk)
    expect(store.status()).toMatchObject({ lsn: 2, upper: 3, recovery: { total: 2, applied: 2 } })
    expect(await read(store, 'default:edge')).toEqual({ '[1]': 1, '[2]': -1 })
    await store.close()
    const again = await openOn(disk)
    expect(await read(again, 'default:edge')).toEqual({ '[1]': 1, '[2]': -1 })
    await again.close()
  })

  describe('a log that a script wrote wrongly is refused, and stays as it is', () => {
    const line = (json: string): string => Buffer.from(encodeLine(json)).toString('utf8')
    const update = (data: string, time = 1): string =>
      line(`{"shard":"a:b","update":{"data":${data},"time":${time},"diff":1}}`)
    const declare = (type: string): string => line(`{"declare":{"a:b":[{"name":"x","type":"${type}"}]}}`)

    test.each([
      ['a bad checksum in front', `00000000:{}\n${update('[1]')}`, 'WAL_CORRUPT', { offset: 0, lsn: 1 }],
      ['a byte order mark', `\ufeff${update('[1]')}`, 'WAL_CORRUPT', { offset: 0 }],
      ['no newline at the end', update('[1]').slice(0, -1), 'WAL_CORRUPT', { offset: 0 }],
      ['a torn second line', update('[1]') + update('[2]', 2).slice(0, -9), 'WAL_CORRUPT', { lsn: 2 }],
      ['a value of another type', declare('string') + update('[1]'), 'WAL_INVALID', { lsn: 2, shard: 'a:b' }],
      ['an integer for a float', declare('float64') + update('[1]'), 'WAL_INVALID', { lsn: 2 }],
      ['an integer beyond int32', declare('int32') + update('[4294967296]'), 'WAL_INVALID', { lsn: 2 }],
      ['a late declaration', update('["x"]') + declare('string'), 'WAL_INVALID', { lsn: 2 }],
      ['another arity', update('[1]') + update('[1,2]', 2), 'WAL_INVALID', { lsn: 2 }],
      ['a time that goes back', update('[1]', 5) + update('[1]', 5), 'WAL_INVALID', { lsn: 2 }],
    ])('%s', async (_, log, code, details) => {
      const disk = new MemoryDisk()
      await disk.makeDirectory('wal')
      await put(disk, 'wal/current.wal', log)
      await refuses(disk, { code, details: { file: 'wal/current.wal', ...details } })
      expect((await verify(disk, settingsFrom({}), () => 0)).problems.map(problem => problem.code)).toContain(
        code,
      )
    })
  })

  test('many restarts without a close do not change the answer', async () => {
    let disk = new MemoryDisk()
    for (let round = 1; round <= 20; round++) {
      const store = await openOn(disk)
      expect(await read(store, 'default:edge')).toEqual(upTo(round - 1))
      await store.commit([edge(round)])
      const copy = new MemoryDisk()
      await copyOnto(await leftBy(disk), copy)
      await store.close()
      disk = copy
    }
  })
})

describe('a torn tail', () => {
  test('is cut, kept in quarantine, and the next commit survives (LD-14, IL-32)', async () => {
    const disk = await unclosed(3)
    const whole = await bytesOf(disk, 'wal/current.wal')
    await put(disk, 'wal/current.wal', whole.subarray(0, -5))
    const store = await openOn(disk)
    const { recovery } = store.status()
    expect(recovery).toMatchObject({ total: 2, applied: 2, corrupted: 1 })
    expect(recovery.bytesCut).toBeGreaterThan(0)
    expect(recovery.quarantined).toEqual(['quarantine/torn-3.wal'])
    const cut = await bytesOf(disk, 'quarantine/torn-3.wal')
    expect(whole.subarray(0, -5).subarray(-cut.length)).toEqual(cut)
    expect(JSON.parse((await bytesOf(disk, 'quarantine/torn-3.wal.json')).toString())).toMatchObject({
      from: 'wal/current.wal',
      lsn: 3,
      bytes: cut.length,
    })
    expect(await read(store, 'default:edge')).toEqual(upTo(2))
    await store.commit([edge(3)])
    const files = await leftBy(disk)
    await store.close()
    const copy = new MemoryDisk()
    await copyOnto(files, copy)
    const again = await openOn(copy)
    expect(await read(again, 'default:edge')).toEqual(upTo(3))
    await again.close()
  })

  test('cut at every length gives a prefix of whole commits over both shards', async () => {
    const whole = await everything(await unclosed(3))
    const log = Buffer.from(whole['wal/current.wal']!, 'latin1')
    const header = log.indexOf(10) + 1
    for (let length = header; length < log.length; length++) {
      const disk = new MemoryDisk()
      await copyOnto({ ...whole, 'wal/current.wal': log.subarray(0, length).toString('latin1') }, disk)
      const store = await openOn(disk)
      const { lsn } = store.status()
      expect(await read(store, 'default:edge'), `cut at ${length}`).toEqual(upTo(lsn))
      expect(await read(store, 'default:node'), `cut at ${length}`).toEqual(upTo(lsn))
      await store.close()
    }
  })

  test('zeros behind the last line are padding', async () => {
    const disk = await unclosed(2)
    await put(
      disk,
      'wal/current.wal',
      Buffer.concat([await bytesOf(disk, 'wal/current.wal'), Buffer.alloc(4096)]),
    )
    const store = await openOn(disk)
    expect(store.status().recovery).toMatchObject({ total: 2, corrupted: 0, quarantined: [] })
    await store.close()
  })
})

describe('damage is refused, and nothing on disk changes (GB-25)', () => {
  test('a commit in the middle of the log (IL-47)', async () => {
    const disk = await unclosed(3)
    const log = await bytesOf(disk, 'wal/current.wal')
    const second = log.indexOf('{"lsn":2') - 9
    await flip(disk, 'wal/current.wal', second + 12)
    await refuses(disk, { code: 'WAL_CORRUPT', details: { file: 'wal/current.wal', offset: second, lsn: 2 } })
  })

  test('a complete last line with a bad checksum, unless it is given up', async () => {
    const disk = await unclosed(3)
    await flip(disk, 'wal/current.wal', -4)
    await refuses(disk, { code: 'WAL_AMBIGUOUS_TAIL', details: { file: 'wal/current.wal', lsn: 3 } })
    const store = await openOn(disk, { ambiguousTail: 'cut' })
    expect(await read(store, 'default:edge')).toEqual(upTo(2))
    await store.close()
  })

  test('the header of the log', async () => {
    const disk = await unclosed(2)
    await flip(disk, 'wal/current.wal', 20)
    await refuses(disk, { code: 'WAL_CORRUPT', details: { file: 'wal/current.wal', offset: 0 } })
  })

  test('a log that is gone (GB-22)', async () => {
    const disk = await unclosed(2)
    await disk.remove('wal/current.wal')
    await refuses(disk, { code: 'WAL_MISSING', details: { lsn: 1 } })
  })

  test('a log of another store', async () => {
    const disk = await unclosed(2)
    await put(disk, 'wal/current.wal', await bytesOf(await unclosed(2), 'wal/current.wal'))
    await refuses(disk, { code: 'WAL_FOREIGN', details: { file: 'wal/current.wal' } })
  })

  test('a line with a valid checksum that no Varve wrote (rules 5)', async () => {
    const disk = await unclosed(1)
    const log = await bytesOf(disk, 'wal/current.wal')
    const bad = encodeLine(
      '{"lsn":2,"at":0,"shard":"default:edge","update":{"data":[1,2],"time":9,"diff":1}}',
    )
    await put(disk, 'wal/current.wal', Buffer.concat([log, bad]))
    await refuses(disk, {
      code: 'WAL_INVALID',
      details: { offset: log.length, lsn: 2, shard: 'default:edge' },
    })
  })

  test('store.json', async () => {
    const disk = await unclosed(1)
    await flip(disk, 'store.json', 30)
    await refuses(disk, { code: 'STORE_CORRUPT', details: { file: 'store.json' } })
  })

  test('store.json that is gone', async () => {
    const disk = await unclosed(3, 3)
    await disk.remove('store.json')
    await refuses(disk, { code: 'STORE_CORRUPT', details: { found: 'shards/default_edge.json' } })
  })

  test('a newer format, and a feature that is not known (IL-44)', async () => {
    const disk = await unclosed(1)
    const fields = decodeDocument(await bytesOf(disk, 'store.json'), 'store.json', 'STORE_CORRUPT')
    await put(disk, 'store.json', encodeDocument({ ...fields, format: 2 }))
    await refuses(disk, { code: 'FORMAT_UNSUPPORTED', details: { format: 2, supported: 1 } })
    await put(disk, 'store.json', encodeDocument({ ...fields, requires: ['encryption'] }))
    await refuses(disk, { code: 'FEATURE_UNSUPPORTED', details: { feature: 'encryption' } })
  })

  test('a shard that store.json does not list', async () => {
    const disk = await unclosed(1)
    await put(disk, 'shards/other.json', 'x')
    await refuses(disk, { code: 'LAYOUT_INVALID', details: { file: 'shards/other.json' } })
  })

  test('reading that takes too long (OX-12)', async () => {
    const disk = await unclosed(2)
    let now = 0
    const { openEngine } = await import('../../src/store/open-engine.ts')
    const before = await everything(disk)
    await expect(
      openEngine(
        { path: undefined, disk, release: async () => {} },
        settingsFrom({ openTimeoutMs: 5 }),
        () => now++ * 4,
      ),
    ).rejects.toMatchObject({ code: 'OPEN_TIMED_OUT', details: { openTimeoutMs: 5 } })
    expect(await everything(disk)).toEqual(before)
  })
})

describe('damage to one shard leaves the others serving (IL-18, IL-31, rules 14)', () => {
  let disk: MemoryDisk
  beforeEach(async () => {
    disk = await unclosed(4, 2)
  })

  const isolates = async (code: string): Promise<void> => {
    await refuses(disk, { code }, { damagedShard: 'refuse' })
    const store = await openOn(disk)
    expect(store.status()).toMatchObject({ state: 'degraded', reason: `default:edge: ${code}` })
    await expect(read(store, 'default:edge')).rejects.toMatchObject({
      code: 'SHARD_DAMAGED',
      details: { shard: 'default:edge' },
      cause: { code },
    })
    await expect(store.commit([edge(9), edge(9, 'default:node')])).rejects.toMatchObject({
      code: 'SHARD_DAMAGED',
    })
    await store.commit([edge(5, 'default:node')])
    expect(await read(store, 'default:node')).toEqual(upTo(5))
    await store.flush()
    await store.compact()
    // The log keeps what the damaged shard may still need.
    expect(store.status().wal.start).toBe(3)
    await store.close()
  }

  test('its document is damaged', async () => {
    const intact = await bytesOf(disk, 'shards/default_edge.json')
    await flip(disk, 'shards/default_edge.json', 40)
    await isolates('METADATA_CORRUPT')
    // Mended by hand: nothing was lost, because neither batches nor log were given up.
    await put(disk, 'shards/default_edge.json', intact)
    const store = await openOn(disk)
    expect(await read(store, 'default:edge')).toEqual(upTo(4))
    expect(await read(store, 'default:node')).toEqual(upTo(5))
    await store.close()
  })

  test('its document is gone', async () => {
    await disk.remove('shards/default_edge.json')
    await isolates('METADATA_MISSING')
  })

  test('its document is that of another shard', async () => {
    await put(disk, 'shards/default_edge.json', await bytesOf(disk, 'shards/default_node.json'))
    await isolates('METADATA_CORRUPT')
  })

  test('a batch is gone, and the log still skips what is behind the fence', async () => {
    await disk.remove('batches/1.parquet')
    await isolates('BATCH_MISSING')
  })

  test('a batch is shorter', async () => {
    await put(disk, 'batches/1.parquet', (await bytesOf(disk, 'batches/1.parquet')).subarray(0, -1))
    await isolates('BATCH_CORRUPT')
  })

  test('damage inside a batch is found when it is read, by its checksum', async () => {
    await flip(disk, 'batches/1.parquet', 10)
    const store = await openOn(disk)
    await expect(read(store, 'default:edge')).rejects.toMatchObject({
      code: 'BATCH_CORRUPT',
      details: { file: 'batches/1.parquet' },
    })
    expect(await read(store, 'default:node')).toEqual(upTo(4))
    await store.close()
  })
})

describe('leftovers', () => {
  test('a batch that nobody names goes to quarantine, our temporary files go (IL-46)', async () => {
    const disk = await unclosed(2, 2)
    await put(disk, 'batches/77.parquet', 'a flush that was cut off')
    await put(disk, 'batches/78.parquet.tmp', 'half')
    await put(disk, 'shards/default_edge.json.tmp', 'half')
    await put(disk, 'batches/notes.txt', 'not ours')
    const store = await openOn(disk)
    expect(store.status().recovery.quarantined).toEqual(['quarantine/batches-77.parquet'])
    const files = await leftBy(disk)
    expect(files['quarantine/batches-77.parquet']).toBe('a flush that was cut off')
    expect(files['batches/notes.txt']).toBe('not ours')
    expect(Object.keys(files).filter(name => name.endsWith('.tmp'))).toEqual([])
    expect(await read(store, 'default:edge')).toEqual(upTo(2))
    await store.close()
  })

  test('a listed shard without a document is new while the log has all of it (docs/decisions/0004)', async () => {
    const disk = await unclosed(2)
    const fields = decodeDocument(await bytesOf(disk, 'store.json'), 'store.json', 'STORE_CORRUPT')
    await put(
      disk,
      'store.json',
      encodeDocument({ ...fields, shards: [{ name: 'default:edge', firstLsn: 1, flushedLsn: 0 }] }),
    )
    const store = await openOn(disk)
    expect(store.status().state).toBe('serving')
    expect(await read(store, 'default:edge')).toEqual(upTo(2))
    await store.close()
  })
})

describe('commits of one update each are replayed together, and meet the ends that each would meet alone', () => {
  test('a fence between them', async () => {
    const disk = new MemoryDisk()
    const writer = await openOn(disk, { bufferSize: 5 })
    for (let value = 1; value <= 8; value++) await writer.commit([edge(value)])
    // The first five are in a batch, and the log still has all of them.
    while (writer.status().lastFlush === undefined) await new Promise(resolve => setImmediate(resolve))
    const left = new MemoryDisk()
    await copyOnto(await leftBy(disk), left)
    await writer.close()
    const store = await openOn(left)
    expect(store.status().recovery).toMatchObject({ total: 8, applied: 3, skipped: 5 })
    expect(store.status()).toMatchObject({ lsn: 8, upper: 8 })
    expect(await read(store, 'default:edge')).toEqual(upTo(8))
    await store.close()
  })

  test('one that is refused: by its LSN and its place', async () => {
    const disk = new MemoryDisk()
    const writer = await openOn(disk)
    await writer.declare('default:edge', [{ name: 'node', type: 'int64' }])
    for (let value = 1; value <= 3; value++) await writer.commit([edge(value)])
    const left = new MemoryDisk()
    await copyOnto(await leftBy(disk), left)
    await writer.close()
    const log = await bytesOf(left, 'wal/current.wal')
    const lines = ['5', '"a word"', '7'].map((value, index) =>
      encodeLine(
        `{"lsn":${5 + index},"at":0,"shard":"default:edge","update":{"data":[${value}],"time":${9 + index},"diff":1}}`,
      ),
    )
    await put(left, 'wal/current.wal', Buffer.concat([log, ...lines]))
    await refuses(left, {
      code: 'WAL_INVALID',
      details: {
        file: 'wal/current.wal',
        lsn: 6,
        offset: log.length + lines[0]!.length,
        shard: 'default:edge',
      },
    })
  })
})
