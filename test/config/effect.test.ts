// Every key has an effect that can be seen from outside, through a file and through the environment alike (IL-23 to
// IL-25, ND-01), or says that it has none (IL-26).
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { parquetMetadata } from 'hyparquet'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { Name } from '../../src/config/layers.ts'
import { KEYS, NAMES } from '../../src/config/settings.ts'
import { openStore } from '../../src/store/open.ts'
import type { Store } from '../../src/store/store.ts'
import { scratchFolder } from '../support/scratch.ts'

afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

/** One configuration, and a folder that it lies in. */
interface Setup {
  readonly folder: string
  /** Opens the store that is configured. */
  readonly open: () => Promise<Store>
}

/** How the effect of a key is seen. */
interface Proof {
  /** As it would be in the environment; a file has it in quotes where it is no number. */
  readonly value: string
  /** Other keys, in the same file, without which the effect would not show. */
  readonly with?: Readonly<Partial<Record<Name, string>>>
  readonly observe: (setup: Setup) => Promise<unknown>
  /** What is seen by default, and with `value`. */
  readonly before: unknown
  readonly after: unknown
}

const edge = (value: number) => ({ shard: 'default:edge', data: [value], diff: 1 })

const commit = async (store: Store, count: number): Promise<void> => {
  for (let value = 0; value < count; value++) await store.commit([edge(value)])
}

/** Works with the store that is configured, and closes it. */
const within = async <T>({ open }: Setup, work: (store: Store) => T | Promise<T>): Promise<T> => {
  const store = await open()
  try {
    return await work(store)
  } finally {
    await store.close()
  }
}

/** The store, or the code of why it does not open. */
const stateOrCode = (setup: Setup): Promise<unknown> =>
  within(setup, store => store.status().state).catch((cause: { code: string }) => cause.code)

/** Batches of the only shard after these many commits, and a flush. */
const batchesAfter =
  (commits: number) =>
  (setup: Setup): Promise<unknown> =>
    within(setup, async store => {
      await commit(store, commits)
      await store.flush()
      return store.status().shards[0]!.batches
    })

/** What a batch of one commit says of its first column, of which every compression makes less. */
const batchColumn = async (setup: Setup): Promise<{ codec: string; encodings: string[] }> => {
  await within(setup, store => store.commit([{ shard: 'a:text', data: ['again '.repeat(100)], diff: 1 }]))
  const bytes = await readFile(join(setup.folder, 'data/persist/batches/1.parquet'))
  const { row_groups } = parquetMetadata(new Uint8Array(bytes).buffer)
  const { codec, encodings } = row_groups[0]!.columns[0]!.meta_data!
  return { codec, encodings }
}

/** Three batches, each flushed by hand, and the compactions that start by themselves; then one by hand. */
const compactedByHand = (setup: Setup): Promise<{ batches: number[]; since: number }> =>
  within(setup, async store => {
    for (let value = 0; value < 3; value++) {
      await store.commit([edge(value)])
      await store.flush()
    }
    // Behind those that started by themselves.
    const { shards } = await store.compact()
    return {
      batches: shards.map(({ batchesBefore }) => batchesBefore),
      since: store.status().shards[0]!.since,
    }
  })

/** How a store is found whose process was killed after three commits, and whose log has a bit flipped since. */
const killedWith = async (setup: Setup, offset: (log: Buffer) => number): Promise<unknown> => {
  const data = join(setup.folder, 'data')
  const copy = join(setup.folder, 'copy')
  await within(setup, async store => {
    await commit(store, 3)
    await cp(data, copy, { recursive: true })
  })
  await rm(data, { recursive: true })
  await cp(copy, data, { recursive: true, filter: path => !path.endsWith('LOCK') })
  const log = join(data, 'persist/wal/current.wal')
  const bytes = await readFile(log)
  bytes[offset(bytes)]! ^= 1
  await writeFile(log, bytes)
  return stateOrCode(setup)
}

const PROOFS: Partial<Record<Name, Proof>> = {
  dataDir: {
    value: 'elsewhere',
    observe: setup => within(setup, store => relative(setup.folder, store.status().path!)),
    before: 'data/persist',
    after: 'elsewhere/persist',
  },
  enabled: {
    value: 'false',
    observe: async setup => {
      await within(setup, store => commit(store, 1))
      return readdir(setup.folder)
    },
    before: ['config.toml', 'data'],
    after: ['config.toml'],
  },
  durabilityMode: {
    value: 'group',
    with: { syncIntervalMs: '1h' },
    observe: setup =>
      within(setup, async store => {
        await commit(store, 1)
        const { mode, lsn, durableLsn } = store.status()
        return { mode, lsn, durableLsn }
      }),
    before: { mode: 'immediate', lsn: 1, durableLsn: 1 },
    after: { mode: 'batched', lsn: 1, durableLsn: 0 },
  },
  syncIntervalMs: {
    value: '12345ms',
    with: { durabilityMode: 'batched' },
    observe: async setup => {
      const timers = vi.spyOn(globalThis, 'setTimeout')
      await within(setup, store => commit(store, 1))
      return timers.mock.calls.map(([, delay]) => delay).find(delay => delay === 100 || delay === 12_345)
    },
    before: 100,
    after: 12_345,
  },
  bufferSize: { value: '2', observe: batchesAfter(3), before: 1, after: 2 },
  maxBufferBytes: { value: '1B', observe: batchesAfter(3), before: 1, after: 3 },
  maxWalSizeBytes: {
    value: '2KB',
    observe: setup =>
      within(setup, async store => {
        await commit(store, 100)
        const { bytes, start } = store.status().wal
        return { within: bytes < 2300, retired: start > 1 }
      }),
    before: { within: false, retired: false },
    after: { within: true, retired: true },
  },
  walSegmentBytes: {
    value: '500',
    observe: setup =>
      within(setup, async store => {
        await commit(store, 20)
        return store.status().wal.segments > 3
      }),
    before: false,
    after: true,
  },
  autoCompactThreshold: {
    value: '2',
    observe: async setup => (await compactedByHand(setup)).batches,
    before: [3],
    after: [],
  },
  autoCompactIntervalSecs: {
    value: '77s',
    observe: async setup => {
      const timers = vi.spyOn(globalThis, 'setInterval')
      await within(setup, () => {})
      return timers.mock.calls.map(([, delay]) => delay)
    },
    before: [300_000],
    after: [77_000],
  },
  compactionWindow: {
    value: '1',
    with: { autoCompactThreshold: '1' },
    observe: async setup => (await compactedByHand(setup)).since,
    before: 0,
    after: 1,
  },
  parquetProfile: {
    value: 'compatible',
    observe: async setup => (await batchColumn(setup)).encodings.includes('PLAIN'),
    before: false,
    after: true,
  },
  parquetCompression: {
    value: 'gzip',
    observe: async setup => (await batchColumn(setup)).codec,
    before: 'SNAPPY',
    after: 'GZIP',
  },
  damagedShard: {
    value: 'refuse',
    observe: async setup => {
      await within(setup, store => commit(store, 1))
      await writeFile(join(setup.folder, 'data/persist/shards/default_edge.json'), '{}')
      return stateOrCode(setup)
    },
    before: 'degraded',
    after: 'METADATA_CORRUPT',
  },
  recovery: {
    value: 'salvage',
    observe: setup => killedWith(setup, log => log.indexOf('{"lsn":2,') + 12),
    before: 'WAL_CORRUPT',
    after: 'degraded',
  },
  ambiguousTail: {
    value: 'cut',
    observe: setup => killedWith(setup, log => log.lastIndexOf('\n') - 4),
    before: 'WAL_AMBIGUOUS_TAIL',
    after: 'serving',
  },
  openTimeoutMs: {
    value: '5ms',
    observe: async setup => {
      await within(setup, store => commit(store, 1))
      let now = 0
      vi.spyOn(Date, 'now').mockImplementation(() => (now += 10))
      const found = await stateOrCode(setup)
      vi.restoreAllMocks()
      return found
    },
    before: 'serving',
    after: 'OPEN_TIMED_OUT',
  },
}

/** A configuration file that says these values. */
const fileOf = (values: Readonly<Partial<Record<Name, string>>>): string =>
  Object.entries(values)
    .map(([name, value]) => {
      const bare = /^\d+$/.test(value) || KEYS[name as Name].kind.type === 'boolean'
      return `${KEYS[name as Name].path} = ${bare ? value : JSON.stringify(value)}\n`
    })
    .join('')

const setupOf = async (values: Readonly<Partial<Record<Name, string>>>): Promise<Setup> => {
  const folder = await scratchFolder()
  const config = join(folder, 'config.toml')
  await writeFile(config, fileOf({ dataDir: 'data', ...values }))
  return { folder, open: () => openStore({ config }) }
}

describe.each(Object.entries(PROOFS) as [Name, Proof][])(
  '%s',
  (name, { value, with: others = {}, ...proof }) => {
    test('has a default', async () => {
      expect(await proof.observe(await setupOf(others))).toEqual(proof.before)
    })

    test('has an effect from a file', async () => {
      expect(await proof.observe(await setupOf({ ...others, [name]: value }))).toEqual(proof.after)
    })

    test('has the same effect from the environment (ND-08)', async () => {
      const setup = await setupOf(others)
      const variable = `VARVE_${KEYS[name].path!.replaceAll('.', '__').toUpperCase()}`
      // A file's path is relative to the file, that of a variable to the working directory.
      vi.stubEnv(variable, name === 'dataDir' ? join(setup.folder, value) : value)
      expect(await proof.observe(setup)).toEqual(proof.after)
    })
  },
)

test('no key is without a proof, unless it says that it has no effect', () => {
  const proved = Object.keys(PROOFS)
  const inert = NAMES.filter(name => KEYS[name].effect === 'none')
  // breakLock is in no file: test/cli/config.test.ts proves it.
  expect([...proved, ...inert, 'breakLock'].sort()).toEqual([...NAMES].sort())
  for (const name of inert) expect(KEYS[name].summary).toMatch(/^no effect: /)
})
