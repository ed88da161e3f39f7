// rules 9: an import goes on behind what survived, whatever it died of and in whatever mode, and never doubles a row.
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { openForeign } from '../../src/batch/foreign.ts'
import { importRows, type RowSource } from '../../src/cli/import-rows.ts'
import { type Settings, settingsFrom } from '../../src/config/settings.ts'
import type { Disk } from '../../src/disk/disk.ts'
import { MemoryDisk } from '../../src/disk/memory-disk.ts'
import { openUserFile } from '../../src/disk/user-file.ts'
import { csvFormat } from '../../src/exchange/csv.ts'
import { JSON_LINES } from '../../src/exchange/json-lines.ts'
import { TextFile } from '../../src/exchange/text-file.ts'
import { GrowingColumns, slice } from '../../src/model/columns.ts'
import type { Engine } from '../../src/store/engine.ts'
import { openEngine } from '../../src/store/open-engine.ts'
import { sourceOf } from '../exchange/source.ts'
import { SimulatedDisk } from '../simulation/disk.ts'

const HISTORY = fileURLToPath(new URL('../../fixtures/line-history/updates.parquet', import.meta.url))
const SHARD = 'git:lines'
const ROWS = 18_249
const HEAD = { distinct: 8_134, total: 14_925 }

const open = (disk: Disk, settings: Partial<Settings> = {}): Promise<Engine> =>
  openEngine({ path: undefined, disk, release: async () => {} }, settingsFrom(settings))

const withHistory = async <T>(work: (file: RowSource) => Promise<T>): Promise<T> => {
  const source = await openUserFile(HISTORY)
  const file = await openForeign(source, HISTORY, { time: 'time', diff: 'diff' })
  try {
    return await work(file)
  } finally {
    file.close()
    await source.close()
  }
}

const bringIn = (engine: Engine, file: RowSource, retime = false) =>
  importRows(engine, file, { shard: SHARD, id: 'history', retime, wholeTimes: true }, () => {})

const count = async (engine: Engine): Promise<unknown> => {
  const snapshot = engine.snapshot(undefined)
  try {
    return await snapshot.count(SHARD)
  } finally {
    await snapshot.close()
  }
}

describe('an import that dies', () => {
  test.each(['immediate', 'batched', 'async'] as const)(
    'and is resumed, mode %s',
    async durabilityMode => {
      const settings = { durabilityMode, bufferSize: 3000, walSegmentBytes: 200_000 }
      const whole = new SimulatedDisk()
      await withHistory(async file => {
        const engine = await open(whole, settings)
        await bringIn(engine, file)
        await engine.close()
      })
      const calls = whole.trace.length
      const resumedAt = new Set<number>()
      for (let stopAfter = 30; stopAfter < calls; stopAfter += 5) {
        const disk = new SimulatedDisk({ stopAfter })
        await withHistory(async file => {
          const engine = await open(disk, settings).catch(() => undefined)
          if (engine === undefined) return
          await bringIn(engine, file).catch(() => {})
          await engine.close().catch(() => {})
        })
        disk.stop()
        for (const model of ['all', 'synced'] as const) {
          const place = `${durabilityMode}, dead after call ${stopAfter} of ${calls}, ${model}`
          await withHistory(async file => {
            const engine = await open(disk.crash(model))
            const report = await bringIn(engine, file)
            resumedAt.add(report.resumedAt)
            expect(report.rows, place).toBe(ROWS)
            expect(await count(engine), place).toMatchObject(HEAD)
            expect(engine.importProgress('history'), place).toEqual({
              id: 'history',
              rows: ROWS,
              complete: true,
            })
            await engine.close()
          })
        }
      }
      // It was caught before, between and behind its commits.
      expect([...resumedAt].sort((a, b) => a - b)).toEqual([0, 12_361, ROWS])
    },
    300_000,
  )
})

describe('an import', () => {
  test('that was overtaken goes on with --retime where it stopped, and does not start again', async () => {
    const disk = new SimulatedDisk()
    const first = await open(disk)
    disk.inject(
      call =>
        call.startsWith('write wal/current.wal ') &&
        disk.trace.filter(each => each.startsWith('write wal/current.wal ')).length > 1,
      { kind: 'fail', errno: 'EIO' },
      'once',
    )
    await withHistory(file =>
      expect(bringIn(first, file)).rejects.toMatchObject({ code: 'LOG_WRITE_FAILED' }),
    )
    const other = new GrowingColumns(1)
    other.append([1], 1000, 1)
    await first.commit({ updates: new Map([['other:shard', other]]) })
    await withHistory(file =>
      expect(bringIn(first, file)).rejects.toMatchObject({ code: 'TIME_BEFORE_UPPER' }),
    )
    const report = await withHistory(file => bringIn(first, file, true))
    expect(report).toMatchObject({ resumedAt: 12_361, commits: 1 })
    expect(await count(first)).toMatchObject(HEAD)
    await first.close()
  })

  /** A file of `rows` strings of `size` characters, each at its own time. */
  const wide = (rows: number, size: number, timeOf: (row: number) => number): RowSource => {
    const columns = new GrowingColumns(1)
    for (let row = 0; row < rows; row++) columns.append([`${row}`.padEnd(size, 'x')], timeOf(row), 1)
    return {
      columns: [{ name: 'text', type: 'string' }],
      rows,
      async *chunks(skip: number) {
        yield slice(columns, skip, rows)
      },
    }
  }

  test('of large rows makes commits that fit the log', async () => {
    const engine = await open(new MemoryDisk())
    const report = await bringIn(
      engine,
      wide(3000, 32_000, row => row),
    )
    expect(report.commits).toBeGreaterThan(5)
    expect(await count(engine)).toMatchObject({ distinct: 3000, total: 3000 })
    await engine.close()
  })

  test('without times makes a commit of every so many rows, each at a time of its own', async () => {
    const engine = await open(new MemoryDisk())
    const file = wide(25_000, 10, () => 0)
    const report = await importRows(
      engine,
      file,
      { shard: SHARD, id: 'x', retime: true, wholeTimes: false },
      () => {},
    )
    expect(report).toMatchObject({ commits: 3, lastTime: 2 })
    expect(await count(engine)).toMatchObject({ distinct: 25_000, total: 25_000 })
    await engine.close()
  })

  test('of rows that go back in time is refused', async () => {
    const engine = await open(new MemoryDisk())
    await expect(
      bringIn(
        engine,
        wide(10, 10, row => 10 - row),
      ),
    ).rejects.toMatchObject({
      code: 'FILE_INVALID',
      details: { time: 9, after: 10 },
    })
    await engine.close()
  })

  /** Rows with a time each, every thousand of them one. */
  const TIMED = Array.from({ length: 25_000 }, (_, row) => [Math.floor(row / 1000), `line ${row % 9000}`])

  const textFile = async (format: 'csv' | 'jsonl'): Promise<RowSource> => {
    const text =
      format === 'csv'
        ? `at,text\n${TIMED.map(([at, line]) => `${at},"${line}\n"\n`).join('')}`
        : TIMED.map(([at, line]) => `${JSON.stringify({ at, text: `${line}\n` })}\n`).join('')
    const mapping = { time: 'at' }
    return format === 'csv'
      ? TextFile.open(csvFormat({ delimiter: ',', header: true }), sourceOf(text), 'f', mapping)
      : TextFile.open(JSON_LINES, sourceOf(text), 'f', mapping)
  }

  test.each(['csv', 'jsonl'] as const)('of %s that dies is resumed like any other', async format => {
    const whole = new SimulatedDisk()
    const undisturbed = await open(whole)
    const opening = whole.trace.length
    await bringIn(undisturbed, await textFile(format))
    const expected = await count(undisturbed)
    expect(expected).toMatchObject({ distinct: 9000, total: 25_000 })
    const calls = whole.trace.length
    await undisturbed.close()
    const resumedAt = new Set<number>()
    for (let stopAfter = opening; stopAfter <= calls; stopAfter += 4) {
      const disk = new SimulatedDisk({ stopAfter })
      const dying = await open(disk).catch(() => undefined)
      if (dying === undefined) continue
      await bringIn(dying, await textFile(format)).catch(() => {})
      await dying.close().catch(() => {})
      const engine = await open(disk.crash('synced'))
      const report = await bringIn(engine, await textFile(format))
      resumedAt.add(report.resumedAt)
      expect(await count(engine), `dead after call ${stopAfter}`).toEqual(expected)
      await engine.close()
    }
    expect([...resumedAt].sort((a, b) => a - b)).toEqual([0, 10_000, 20_000, 25_000])
  })
})
