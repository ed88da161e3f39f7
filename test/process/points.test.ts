// IL-02, IL-30, GB-16, GB-20, ND-16, ND-21, LD-13: a process kills itself behind, and in the middle of, every kind of call that making,
// committing, flushing, sealing, compacting, closing and recovering make on a disk; a real one.
import { spawnSync } from 'node:child_process'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { type DurabilityMode, settingsFrom } from '../../src/config/settings.ts'
import { openFolder } from '../../src/disk/folder.ts'
import { randomFrom } from '../../src/drill/random.ts'
import { verify } from '../../src/recovery/verify.ts'
import { openStore } from '../../src/store/open.ts'
import { scratchFolder } from '../support/scratch.ts'
import { read } from '../support/stores.ts'

const SELF_KILLER = fileURLToPath(new URL('./self-killer.js', import.meta.url))
const IS_LONG = process.env.VARVE_LONG === '1'

interface Work {
  readonly dataDir: string
  readonly mode: DurabilityMode
  readonly name: 'life' | 'short'
  /** Number of its first commit. */
  readonly first: number
}

/** Runs it to its end, or to the point where it kills itself. */
const run = ({ dataDir, mode, name, first }: Work, point?: string) => {
  const words = [SELF_KILLER, dataDir, mode, name, String(first), ...(point === undefined ? [] : [point])]
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' })
  return {
    status,
    signal,
    acknowledged: stdout.split('\n').length - 1,
    lines: stderr.split('\n').slice(0, -1),
  }
}

/** A point, and the others of its kind: what is done in the background may come in another step the next time. */
type Point = readonly string[]

/**
 * The points that a work passes in some steps. In the long run all; else each kind of call once, in a step that chance
 * picks, and none behind a sync, as a kill of the process leaves what it leaves before it.
 */
const pointsOf = (work: Work, steps: RegExp): Point[] => {
  const { status, lines: all } = run(work)
  expect(status, all.join('\n')).toBe(0)
  const lines = all.filter(line => steps.test(line))
  const byCall = new Map<string, string[]>()
  for (const line of lines) {
    const call = line.slice(line.indexOf(' ') + 1)
    byCall.set(call, [...(byCall.get(call) ?? []), line])
  }
  const random = randomFrom(20_261_121)
  const from = (points: readonly string[], first: number): Point => [
    ...points.slice(first),
    ...points.slice(0, first),
  ]
  if (IS_LONG) return [...byCall.values()].flatMap(points => points.map((_, first) => from(points, first)))
  return [...byCall]
    .filter(([call]) => !call.includes('sync'))
    .map(([, points]) => from(points, random(points.length)))
}

const upTo = (count: number): Record<string, number> =>
  Object.fromEntries(Array.from({ length: count }, (_, number) => [`[${number}]`, 1]))

/** Opens a store that was left by a kill; whatever is in it, it is `least` to `most` commits, in order, whole. */
const reopened = async (dataDir: string, least: number, most: number, place: string): Promise<number> => {
  const store = await openStore({ dataDir })
  try {
    const left = await read(store, 'a:left')
    const count = Object.keys(left).length
    expect(left, place).toEqual(upTo(count))
    expect(await read(store, 'a:right'), place).toEqual(upTo(count))
    expect(count, place).toBeGreaterThanOrEqual(least)
    expect(count, place).toBeLessThanOrEqual(most)
    // It goes on.
    await store.commit(['a:left', 'a:right'].map(shard => ({ shard, data: [count], diff: 1 })))
    return count + 1
  } finally {
    await store.close()
  }
}

/** Kills a work at a point, or at the first of its kind that it comes to, each time with a new folder. */
const killed = async (
  anew: () => Promise<Work>,
  point: Point,
): Promise<{ work: Work; ended: ReturnType<typeof run> }> => {
  for (const each of point) {
    const work = await anew()
    const ended = run(work, each)
    if (ended.signal === 'SIGKILL') return { work, ended }
    expect(ended.status, `${each}: ${ended.lines.join('\n')}`).toBe(0)
  }
  throw new Error(`never came to ${point.join(', ')}`)
}

/** Kills a work, and looks at what that leaves. Between its commits and one more may be there. */
const killedAt = async (anew: () => Promise<Work>, point: Point): Promise<void> => {
  const { work, ended } = await killed(anew, point)
  const { dataDir, mode, first } = work
  const { acknowledged, lines } = ended
  const place = `${mode}: ${point[0]}: ${lines.join('\n')}`
  const isSure = mode === 'immediate' || mode === 'batched'
  const after = first + acknowledged
  const count = await reopened(dataDir, isSure ? after : first, after + 1, place)
  const { disk } = await openFolder(dataDir, { create: false })
  expect((await verify(disk, settingsFrom({}), Date.now)).problems, place).toEqual([])
  const again = await openStore({ dataDir })
  expect(again.status().recovery, place).toMatchObject({ applied: 0, corrupted: 0, quarantined: [] })
  expect(await read(again, 'a:right'), place).toEqual(upTo(count))
  await again.close()
}

test.each(IS_LONG ? (['immediate', 'batched', 'async', 'none'] as const) : (['immediate'] as const))(
  'mode %s: at every point of the life of a store',
  async mode => {
    const folder = await scratchFolder()
    const work = (name: string): Work => ({ dataDir: join(folder, name), mode, name: 'life', first: 0 })
    const points = pointsOf(work('trace'), /./)
    // Every kind of file, and every kind of call.
    for (const call of [
      'half-write wal/current.wal',
      'rename wal/current.wal wal/N.wal',
      'rename wal/current.wal.tmp wal/current.wal',
      'rename batches/N.parquet.tmp batches/N.parquet',
      'rename shards/a_left.json.tmp shards/a_left.json',
      'rename store.json.tmp store.json',
      'remove wal/N.wal',
      'remove batches/N.parquet',
    ])
      expect(
        points.some(([point]) => point!.endsWith(call)),
        call,
      ).toBe(true)
    let lives = 0
    for (const point of points) await killedAt(async () => work(`life-${lives++}`), point)
  },
  3_600_000,
)

/** A store that was left by a kill, and how many of its commits are sure to be there. */
interface Wounded {
  readonly dataDir: string
  readonly acknowledged: number
}

const wounded = (dataDir: string, mode: DurabilityMode, point: string): Wounded => {
  const { signal, acknowledged, lines } = run({ dataDir, mode, name: 'life', first: 0 }, point)
  expect(signal, lines.join('\n')).toBe('SIGKILL')
  return { dataDir, acknowledged: mode === 'none' ? 0 : acknowledged }
}

test('at every point of a recovery: from a torn log, a compaction that was cut off, a session without syncs', async () => {
  const folder = await scratchFolder()
  const TORN = 'tear half-write wal/current.wal'
  const stores = [
    wounded(join(folder, 'torn'), 'immediate', TORN),
    wounded(join(folder, 'orphan'), 'immediate', 'compact rename batches/N.parquet.tmp batches/N.parquet'),
    wounded(join(folder, 'unsynced'), 'none', TORN),
  ]
  const covered = new Set<string>()
  let copies = 0
  for (const { dataDir, acknowledged } of stores) {
    const copy = async (): Promise<string> => {
      const name = join(folder, `copy-${copies++}`)
      await cp(dataDir, name, { recursive: true })
      return name
    }
    const first = (await reopened(await copy(), acknowledged, Number.POSITIVE_INFINITY, dataDir)) - 1
    const work = async (): Promise<Work> => ({
      dataDir: await copy(),
      mode: 'immediate',
      name: 'short',
      first,
    })
    for (const point of pointsOf(await work(), /^(lock|open) /)) {
      if (covered.has(point[0]!) && !IS_LONG) continue
      covered.add(point[0]!)
      await killedAt(work, point)
    }
  }
  for (const call of [
    'half-write quarantine/torn-N.wal.tmp',
    'truncate wal/current.wal',
    'rename wal/current.wal wal/N.wal',
    'rename batches/N.parquet.tmp batches/N.parquet',
    'remove wal/N.wal',
  ])
    expect([...covered], call).toContain(`open ${call}`)
}, 3_600_000)
