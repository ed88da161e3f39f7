// The benchmark without its figures: the data is what it says, answers agree, reports are whole.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { scratchFolder } from './support/scratch.ts'

interface Updates {
  readonly columns: readonly ArrayLike<number | string>[]
  readonly diff: ArrayLike<number>
  readonly time: ArrayLike<number>
  readonly length: number
}

interface Aim {
  readonly key: string
  readonly than: string
  readonly bound: number
}

/** bench/ is a package of its own, in JavaScript. */
const from = async <Module>(file: string): Promise<Module> =>
  import(/* @vite-ignore */ new URL(`../bench/${file}`, import.meta.url).href)

const data = await from<{
  updatesOf(shape: string, length: number, commitLength: number): Promise<Updates>
  commitsOf(updates: Updates, commitLength: number): Iterable<readonly [number, number]>
  typesOf(shape: string): string[]
}>('data.js')

const tupleAt = ({ columns }: Updates, index: number): (number | string)[] =>
  columns.map(column => column[index]!)

/** Multiplicities by tuple, of the updates up to a time. */
const contents = (updates: Updates, asOf = Number.POSITIVE_INFINITY): Map<string, number> => {
  const sums = new Map<string, number>()
  for (let index = 0; index < updates.length && updates.time[index]! <= asOf; index++) {
    const tuple = JSON.stringify(tupleAt(updates, index))
    sums.set(tuple, (sums.get(tuple) ?? 0) + updates.diff[index]!)
  }
  return new Map([...sums].filter(([, sum]) => sum !== 0))
}

describe.each(['grow', 'churn', 'fresh', 'strings', 'lines'])('the data of %s', shape => {
  let updates: Updates
  beforeAll(async () => {
    updates = await data.updatesOf(shape, 12_000, 5_000)
  })

  test('has no tuple twice at one time, no diff of 0, and times that never fall', () => {
    const seen = new Set<string>()
    for (let index = 0; index < updates.length; index++) {
      seen.add(JSON.stringify([tupleAt(updates, index), updates.time[index]]))
    }
    expect(seen.size).toBe(updates.length)
    expect(Array.from(updates.diff)).not.toContain(0)
    const times = Array.from(updates.time)
    expect(times).toEqual(times.toSorted((left, right) => left - right))
  })

  test('is the same again', async () => {
    expect(await data.updatesOf(shape, 12_000, 5_000)).toEqual(updates)
  })

  test('is committed whole, and a time in one commit', () => {
    let next = 0
    for (const [begin, end] of data.commitsOf(updates, 1_000)) {
      expect(begin).toBe(next)
      if (end < updates.length && shape === 'lines') expect(updates.time[end]).not.toBe(updates.time[end - 1])
      next = end
    }
    expect(next).toBe(updates.length)
  })
})

test('of grow 80 % of the updates are alive in the end, but for the first ten thousand, which only insert', async () => {
  const alive = contents(await data.updatesOf('grow', 110_000, 10_000))
  expect(alive.size).toBe(10_000 + 80_000)
})

describe('the checksum of an answer', () => {
  interface Checksum {
    addPair(a: number, b: number, diff: number): void
    addTuple(tuple: ArrayLike<number | string>, arity: number, diff: number): void
    addColumns(columns: readonly ArrayLike<number | string>[], diff: ArrayLike<number>, length: number): void
  }
  let sums: (add: (sum: Checksum) => void) => string
  beforeAll(async () => {
    const { Checksum: Sum } = await from<{ Checksum: new () => Checksum }>('checksum.js')
    sums = add => {
      const sum = new Sum()
      add(sum)
      return String(sum)
    }
  })

  test('is the same however rows come, and in whatever order', () => {
    const [a, b] = [Int32Array.of(7, 1, -3), Int32Array.of(2, 9, 2 ** 31 - 1)]
    const diff = [1, -4, 2]
    const expected = sums(sum => sum.addColumns([a, b], diff, 3))
    expect(expected).toMatch(/^3 rows, [0-9a-f]+$/)
    const rows = [2, 0, 1]
    expect(sums(sum => rows.map(row => sum.addPair(a[row]!, b[row]!, diff[row]!)))).toBe(expected)
    expect(sums(sum => rows.map(row => sum.addTuple([a[row]!, b[row]!], 2, diff[row]!)))).toBe(expected)
    expect(sums(sum => sum.addColumns([[...a], [...b]], diff, 3))).toBe(expected)
  })

  test.each([
    ['a value', ['x', 1.5], 1],
    ['a float', ['y', 1.25], 1],
    ['a multiplicity', ['y', 1.5], 2],
  ])('tells %s apart', (_, tuple, diff) => {
    expect(sums(sum => sum.addTuple(tuple, 2, diff))).not.toBe(sums(sum => sum.addTuple(['y', 1.5], 2, 1)))
  })
})

describe.each(['grow', 'churn', 'strings', 'lines'])('with the data of %s', shape => {
  test('Varve and a Map of JSON lines answer what the updates add up to', async () => {
    const folder = await scratchFolder()
    const { perform } = await from<{
      perform(contestant: unknown, job: object): Promise<{ answer?: string }>
    }>('contestant.js')
    const { Checksum: Sum } = await from<{
      Checksum: new () => { addTuple(tuple: unknown[], arity: number, diff: number): void }
    }>('checksum.js')
    const updates = await data.updatesOf(shape, 12_000, 5_000)
    const clock = { start() {}, stop() {}, elapsedMs: 0 }
    const time = updates.time[updates.length >> 1]!
    const expected = (asOf?: number): string => {
      const sum = new Sum()
      for (const [tuple, diff] of contents(updates, asOf)) {
        const values = JSON.parse(tuple)
        sum.addTuple(values, values.length, diff)
      }
      return String(sum)
    }
    for (const [name, variant] of [['varve'], ['varve', 'rows'], ['jsonl']] as const) {
      const contestant = (await from<Record<string, unknown>>(`${name}.js`))[name]
      const job = {
        folder: join(folder, `${name}${variant ?? ''}`),
        variant,
        types: data.typesOf(shape),
        updates,
        commitLength: 5_000,
        clock,
        time,
      }
      mkdirSync(job.folder)
      await perform(contestant, { ...job, work: 'bulk' })
      expect((await perform(contestant, { ...job, work: 'state' })).answer, name).toBe(expected())
      expect((await perform(contestant, { ...job, work: 'asOf' })).answer, name).toBe(expected(time))
    }
  })
})

describe('a report', () => {
  interface Report {
    json(report: object): { ratios: Record<string, number> }
    document(report: object): string
    text(table: object): string
  }
  let targets: { TARGETS: { aims: Aim[] }[]; RATIO_KEYS: string[]; isMet(aim: Aim, value: number): boolean }
  let report: Report
  let plot: (curves: readonly object[]) => string
  beforeAll(async () => {
    targets = await from('targets.js')
    report = await from('report.js')
    plot = (await from<{ plot: typeof plot }>('plot.js')).plot
  })

  const table = {
    title: 'Something measured',
    unit: 'updates/s',
    less: false,
    lines: [
      { name: 'Varve', value: 3_000_000, peakMb: 150, bytes: 4 },
      { name: 'better-sqlite3', value: 250_000, peakMb: 60, bytes: 15 },
    ],
  }
  const curves = [
    {
      name: 'ingest',
      points: [
        { updates: 100_000, us: 0.4 },
        { updates: 10_000_000, us: 0.5 },
      ],
    },
    {
      name: 'scan <all>',
      points: [
        { updates: 100_000, us: 0.41 },
        { updates: 10_000_000, us: 0.51 },
      ],
    },
  ]
  const whole = (value: number): object => ({
    ratios: Object.fromEntries(targets.RATIO_KEYS.map((key, index) => [key, value + index])),
    tables: [table],
    curves,
    extent: { runs: 5, updates: 1_000_000, firstReadUpdates: 5_000_000, sizes: [100_000, 10_000_000] },
    machine: {
      cpu: 'a processor',
      cores: 2,
      memoryGib: 8,
      system: 'a system',
      fileSystem: 'ext4',
      node: 'v20',
    },
    versions: { varve: '0.1.0' },
  })

  test('has a number for each key', () => {
    const { ratios } = report.json(whole(1.23456))
    expect(Object.keys(ratios)).toEqual([
      'commit1_vs_sqlite',
      'commit1_vs_raw',
      'commit64_vs_sqlite',
      'commit64_vs_level',
      'bulk_vs_sqlite',
      'bulk_vs_lmdb',
      'bulk_vs_duckdb',
      'bytes_vs_best_row_store',
      'bytes_vs_duckdb_parquet',
      'reopen_vs_sqlite',
      'reopen_vs_lmdb',
      'first_read_ms',
      'lookup_vs_sqlite',
      'asof_vs_sqlite',
      'asof_vs_duckdb',
      'compact_updates_per_s',
      'compact_peak_mb',
      'loop_p99_ms',
      'flush_p99_over_median',
      'growth_10m_vs_100k',
      'idle_bytes',
    ])
    expect(ratios.commit1_vs_sqlite).toBe(1.235)
    expect(JSON.parse(JSON.stringify(ratios))).toEqual(ratios)
  })

  test.each([Number.NaN, undefined])('is refused where a figure is %s', value => {
    const broken = { ...whole(1), ratios: { ...(whole(1) as { ratios: object }).ratios, loop_p99_ms: value } }
    expect(() => report.json(broken)).toThrow('no figure for loop_p99_ms')
  })

  test('has a row for each aim of the ten targets, with what was measured beside it', () => {
    expect(targets.TARGETS).toHaveLength(10)
    const rows = report
      .document(whole(1))
      .split('\n')
      .filter(row => /\| (\*\*not )?met(\*\*)? \|$/.test(row))
    expect(rows).toHaveLength(targets.RATIO_KEYS.length)
    expect(rows.map(row => row.split(' | ')[0]).filter(number => number !== '| ')).toHaveLength(10)
    expect(rows[0]).toBe(
      '| 1 | durable commits of one update, one at a time | better-sqlite3 | 1 | >= 1.1 | **not met** |',
    )
    expect(rows[1]).toBe('|  |  | append + fdatasync | 2 | >= 0.85 | met |')
  })

  test('shows contestants with their ratio, and links the picture', () => {
    const page = report.document(whole(1))
    expect(page).toContain('| Varve | 3,000,000 |  | 150 | 4 |\n| better-sqlite3 | 250,000 | 12 | 60 | 15 |')
    expect(page).toContain('](benchmarks.svg)')
    expect(page).not.toMatch(/undefined|NaN/)
    expect(report.text(table)).toBe(
      'Something measured\n  Varve: 3,000,000 updates/s, 4 bytes/update, 150 MB\n  better-sqlite3: 250,000 updates/s, ratio 12, 15 bytes/update, 60 MB',
    )
  })

  test.each([
    ['>=', 2, 2, true],
    ['>=', 2, 1.99, false],
    ['<=', 2, 2, true],
    ['<=', 2, 2.01, false],
    ['<', 2, 2, false],
    ['<', 2, 1.99, true],
  ])('an aim %s %d and %d: %s', (than, bound, value, met) => {
    expect(targets.isMet({ key: '', than, bound }, value)).toBe(met)
  })

  test('draws the curves: well-formed, with a title, each point where it belongs, labels apart', () => {
    const picture = plot(curves)
    const open: string[] = []
    for (const [, closes, name, empty] of picture.matchAll(
      /<(\/?)([a-z]+)(?:\s+[\w-]+="[^"<&]*")*\s*(\/?)>/g,
    )) {
      if (closes === '/') expect(open.pop()).toBe(name)
      else if (empty === '') open.push(name!)
    }
    expect(open).toEqual([])
    expect(picture.replaceAll(/<\/?[a-z]+(?:\s+[\w-]+="[^"<&]*")*\s*\/?>/g, '')).not.toMatch(/[<>]/)
    expect(picture).toMatch(/<svg [^>]*role="img" aria-labelledby="title description">\s*<title id="title">/)
    expect(picture).toContain('scan &lt;all&gt;: 0.41 at 100 k, 0.51 at 10 M')
    expect(picture).toContain('prefers-color-scheme: dark')
    const dots = [...picture.matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)"/g)].map(([, x, y]) => [+x!, +y!])
    expect(dots.map(([x]) => x)).toEqual([60, 590, 60, 590])
    // The axis ends at 0.6, of 306 units.
    expect(dots.map(([, y]) => y)).toEqual([146, 95, 140.9, 89.9])
    const labels = [...picture.matchAll(/<text x="600" y="([\d.]+)">/g)].map(([, y]) => +y!)
    expect(labels[1]! - labels[0]!).toBeGreaterThanOrEqual(16)
  })
})
