// Every bit and every length of a log (IL-12, ND-17..20, LD-14, LD-15, OX-13, GB-25, GB-27).
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { encodeHeader } from '../../src/wal/record.ts'
import { sealedPath } from '../../src/wal/segment.ts'
import { leftBy } from '../support/bytes.ts'
import { LONG } from '../support/long.ts'
import { openOn } from '../support/stores.ts'
import {
  bitFlips,
  CURRENT,
  diskOf,
  expectAnswer,
  expectRefusal,
  type Files,
  lineStarts,
  openingOf,
  smallStore,
  withFile,
} from './store.ts'

const SECTOR_BYTES = 512

const withLog = (files: Files, log: string): Files => withFile(files, CURRENT, log)

describe('a log of one segment', () => {
  let files: Files
  let log: string
  /** Where the header and the lines of commits 3 to 5 start, and the end. */
  let starts: readonly number[]

  beforeAll(async () => {
    files = await smallStore({ commits: 5, flushed: 2 })
    log = files[CURRENT]!
    starts = lineStarts(log)
    expect(starts.length).toBe(5)
  })

  test('every bit flipped: a commit with a later one behind it is missed, the last is refused or cut', async () => {
    let refusals = 0
    let cuts = 0
    for (const { offset, text } of bitFlips(log)) {
      const line = starts.findLastIndex(start => start <= offset)
      const lsn = 2 + line
      const what = `bit of byte ${offset}`
      const outcome = await openingOf(withLog(files, text))
      if (line === 0)
        expectRefusal(outcome, ['WAL_CORRUPT', 'WAL_FOREIGN'], { file: CURRENT, offset: 0 }, what)
      else if (lsn < 5) {
        // A line that lost its end swallows the next one: where that was the last, nothing behind proves anything.
        const swallowsLast = lsn === 4 && offset === starts[line + 1]! - 1
        const code = swallowsLast ? 'WAL_AMBIGUOUS_TAIL' : 'WAL_CORRUPT'
        expectRefusal(outcome, code, { file: CURRENT, offset: starts[line], lsn }, what)
      } else if (outcome.refused === undefined) {
        expectAnswer(outcome, 4, what)
        expect(outcome.bytesCut, what).toBe(log.length - starts[3]!)
        expect(outcome.quarantined, what).toEqual(['quarantine/torn-5.wal'])
        cuts++
      } else {
        expectRefusal(outcome, 'WAL_AMBIGUOUS_TAIL', { file: CURRENT, offset: starts[3], lsn: 5 }, what)
        refusals++
      }
    }
    // Only what looks like a torn write is cut: here the eight that take the end of the line away.
    expect(cuts).toBe(8)
    expect(refusals).toBe((log.length - starts[3]! - 1) * 8)
  })

  test('every length: whole commits up to the cut, refused where it reaches the header or a batch', async () => {
    for (let length = 0; length <= log.length; length++) {
      const what = `length ${length}`
      const outcome = await openingOf(withLog(files, log.slice(0, length)))
      if (length < starts[1]!) expectRefusal(outcome, ['WAL_CORRUPT', 'WAL_FOREIGN'], { file: CURRENT }, what)
      else expectAnswer(outcome, starts.filter(start => start <= length).length, what)
    }
  })

  test('a log that ends before what was flushed from it misses its end', async () => {
    const old = await smallStore({ commits: 1, flushed: 0 })
    const store = JSON.parse(files['store.json']!).id
    const log = old[CURRENT]!.split('\n')[1]
    const header = encodeHeader({ store, epoch: 0, generation: 1, firstLsn: 1, upper: 0 })
    const outcome = await openingOf(withLog(files, `${Buffer.from(header).toString('latin1')}${log}\n`))
    expectRefusal(outcome, 'WAL_MISSING', { file: CURRENT, lsn: 2, fence: 2 }, 'an older log')
  })

  test.each([
    ['zeros', '\0'.repeat(700), 5, 0],
    ['a page of zeros, then a byte', `${'\0'.repeat(4096)}x`, 5, 4097],
    ['garbage without an end', '\xff\xfe{"lsn":6', 5, 10],
    ['garbage of several lines', 'abc\ndef\n', 5, 8],
    ['zeros, then the end of a line', `${'\0'.repeat(300)}\n`, 5, 301],
  ])('%s behind the last line: nothing is lost', async (what, tail, lsn, bytesCut) => {
    const outcome = await openingOf(withLog(files, log + tail))
    expectAnswer(outcome, lsn, what)
    expect(outcome.bytesCut).toBe(bytesCut)
  })

  test('one line of garbage without a zero byte is refused, and cut on request', async () => {
    const damaged = withLog(files, `${log}garbage\n`)
    expectRefusal(await openingOf(damaged), 'WAL_AMBIGUOUS_TAIL', { offset: log.length, lsn: 6 }, 'refuse')
    expectAnswer(await openingOf(damaged, { settings: { ambiguousTail: 'cut' } }), 5, 'cut')
  })

  test('old lines behind the last one, as a stale block leaves them, are no commits (ND-20)', async () => {
    const older = log.slice(starts[1], starts[3])
    for (let from = 0; from <= older.length; from++) {
      const what = `stale from ${from}`
      const outcome = await openingOf(withLog(files, log + older.slice(from)))
      const text = older.slice(from)
      const isLine = from === 0 || older[from - 1] === '\n'
      if (text === '') expectAnswer(outcome, 5, what)
      // To the byte a line of this log, in a place where no write could put it.
      else if (isLine)
        expectRefusal(outcome, 'WAL_INVALID', { file: CURRENT, offset: log.length, lsn: 6 }, what)
      else if (outcome.refused === undefined) expectAnswer(outcome, 5, what)
      else expectRefusal(outcome, 'WAL_AMBIGUOUS_TAIL', { offset: log.length, lsn: 6 }, what)
    }
  })
})

describe('a write of several commits, torn', () => {
  let files: Files
  let log: string
  /** Where the last write starts, and the LSN before it. */
  let written: number
  let before: number
  let commits: number

  beforeAll(async () => {
    commits = 20
    files = await smallStore({ commits: 4, flushed: 0, together: 16 })
    log = files[CURRENT]!
    const lines = log.split('\n')
    const first = lines.findLastIndex(line => line.includes('"durable"'))
    written = lineStarts(log)[first]!
    before = first - 1
    expect(commits - before).toBeGreaterThan(5)
    expect(log.length - written).toBeGreaterThan(2 * SECTOR_BYTES)
  })

  test('cut off: whole commits, all that was durable before', async () => {
    const starts = lineStarts(log)
    // Around the ends of lines every byte, elsewhere some.
    const isTried = (length: number): boolean => LONG || starts.some(start => Math.abs(start - length) < 3)
    for (let length = written; length < log.length; length++) {
      if (!isTried(length) && length % 7 !== 0) continue
      const outcome = await openingOf(withLog(files, log.slice(0, length)))
      expectAnswer(outcome, starts.filter(start => start <= length).length - 2, `length ${length}`)
    }
  })

  /** The sectors that the write touched, and what a crash may leave in each. */
  const sectors = (): { readonly from: number; readonly to: number }[] => {
    const found: { from: number; to: number }[] = []
    for (let from = written; from < log.length; ) {
      const to = Math.min(log.length, (Math.floor(from / SECTOR_BYTES) + 1) * SECTOR_BYTES)
      found.push({ from, to })
      from = to
    }
    return found
  }

  test.each(['zeros', 'stale'] as const)('any of its sectors lost, %s in their place (ND-20)', async left => {
    const all = sectors()
    for (let lost = 1; lost < 2 ** all.length; lost++) {
      let torn = log
      all.forEach(({ from, to }, index) => {
        if ((lost & (1 << index)) === 0) return
        const length = to - from
        const filling = left === 'zeros' ? '\0'.repeat(length) : log.slice(7, 7 + length)
        torn = torn.slice(0, from) + filling + torn.slice(to)
      })
      const outcome = await openingOf(withLog(files, torn))
      const what = `sectors ${lost.toString(2)}`
      // Other bytes than zeros in a whole last line could also be bit rot.
      if (left === 'stale' && outcome.refused !== undefined) {
        expectRefusal(outcome, 'WAL_AMBIGUOUS_TAIL', { file: CURRENT, lsn: commits }, what)
        continue
      }
      expect(outcome.lsn, what).toBeGreaterThanOrEqual(before)
      expect(outcome.lsn, what).toBeLessThan(commits)
      expectAnswer(outcome, outcome.lsn!, what)
    }
  })

  test('garbage anywhere in it: whole commits from before it, or a refusal at the first bad line', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(log.length - written - 1),
        fc.uint8Array({ minLength: 1, maxLength: 80 }),
        async (at, garbage) => {
          const from = written + at
          const text = Buffer.from(garbage).toString('latin1')
          const torn = log.slice(0, from) + text + log.slice(from + text.length)
          if (torn.startsWith(log)) return
          const outcome = await openingOf(withLog(files, torn))
          if (outcome.refused !== undefined) {
            expectRefusal(outcome, ['WAL_CORRUPT', 'WAL_AMBIGUOUS_TAIL'], { file: CURRENT }, 'refused')
            return
          }
          expect(outcome.lsn).toBeGreaterThanOrEqual(before)
          expectAnswer(outcome, outcome.lsn!, 'cut')
        },
      ),
      { numRuns: LONG ? 20_000 : 600 },
    )
  })
})

describe('a log of several segments', () => {
  let files: Files
  let sealed: string
  let starts: readonly number[]

  beforeAll(async () => {
    files = await smallStore({ commits: 7, flushed: 2, walSegmentBytes: 350 })
    sealed = sealedPath(3)
    starts = lineStarts(files[sealed]!)
    expect(starts.length).toBeGreaterThan(3)
    expect(files[CURRENT]).toBeDefined()
  })

  test('every bit of a sealed segment flipped is refused (LD-15)', async () => {
    for (const { offset, text } of bitFlips(files[sealed]!)) {
      const line = starts.findLastIndex(start => start <= offset)
      const outcome = await openingOf(withFile(files, sealed, text))
      expectRefusal(
        outcome,
        'WAL_CORRUPT',
        { file: sealed, offset: starts[line], lsn: line === 0 ? 3 : 2 + line },
        `bit of byte ${offset}`,
      )
    }
  })

  test('every length of a sealed segment is refused', async () => {
    for (let length = 0; length < files[sealed]!.length; length++) {
      const outcome = await openingOf(withFile(files, sealed, files[sealed]!.slice(0, length)))
      const isLine = length > 0 && starts.includes(length)
      const code = isLine ? 'WAL_MISSING' : 'WAL_CORRUPT'
      expectRefusal(outcome, code, isLine ? {} : { file: sealed }, `length ${length}`)
    }
  })

  test('every bit and every length of the header behind it is refused', async () => {
    const current = files[CURRENT]!
    const header = current.indexOf('\n') + 1
    for (const { offset, text } of bitFlips(current)) {
      if (offset >= header) break
      const outcome = await openingOf(withFile(files, CURRENT, text))
      expectRefusal(outcome, 'WAL_CORRUPT', { file: CURRENT, offset: 0 }, `bit of byte ${offset}`)
    }
    // It was durable before it got its name: no crash leaves it torn, and what was behind it may be gone.
    for (let length = 0; length < header; length++) {
      const outcome = await openingOf(withFile(files, CURRENT, current.slice(0, length)))
      expectRefusal(outcome, 'WAL_CORRUPT', { file: CURRENT, offset: 0 }, `cut to ${length} bytes`)
    }
  })
})

test('what a torn tail was cut to is on disk: the next commit survives a crash (LD-14)', async () => {
  const files = await smallStore({ commits: 3, flushed: 0 })
  const disk = await diskOf(withLog(files, files[CURRENT]!.slice(0, -5)))
  const store = await openOn(disk)
  await store.commit(['a:x', 'b:y'].map(shard => ({ shard, data: [3, 'c3'], diff: 1 })))
  const killed = await leftBy(disk)
  await store.close()
  expectAnswer(await openingOf(killed), 3, 'after the kill')
})
