// What the drill's judge says of forged outcomes: each way to break a promise is seen, and counted.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isKept, judge, type Run, type Trace } from '../../src/drill/judge.ts'

/** One run, of which these commits were acknowledged. */
const run = (acknowledged: number[], settled?: number): Run => ({
  acknowledged: new Set(acknowledged),
  settled,
})

/** These commits of a run, once each. */
const traces = (commits: readonly number[], of = 0): Trace[] => commits.map(commit => [of, commit, 1])

const GOOD = { lost: 0, doubled: 0, torn: 0, disordered: 0 }

/** One run with three acknowledged commits, of which this is found. */
const found = (left: readonly Trace[], right: readonly Trace[] = left, settled?: number) =>
  judge([run([0, 1, 2], settled)], [left, right])

test('everything that was acknowledged is there', () => {
  expect(found(traces([0, 1, 2]))).toEqual({
    ...GOOD,
    acknowledged: 3,
    recovered: 3,
    unanswered: 0,
    found: [3],
  })
})

test('a commit whose answer the kill kept back may be there', () => {
  expect(found(traces([0, 1, 2, 3]))).toMatchObject({ ...GOOD, recovered: 3, unanswered: 1, found: [4] })
})

test('loss: the end is missing', () => {
  expect(found(traces([0, 1]))).toMatchObject({ ...GOOD, recovered: 2, lost: 1 })
  expect(found([])).toMatchObject({ ...GOOD, recovered: 0, lost: 3, found: [0] })
})

test('disorder: a commit is missing before a later one', () => {
  expect(found(traces([0, 2]))).toMatchObject({ recovered: 2, lost: 1, disordered: 1, torn: 0 })
  // Also where the missing one was never acknowledged.
  expect(found(traces([0, 1, 2, 4]))).toMatchObject({ lost: 0, disordered: 1 })
})

test('disorder: what one opening found, the next does not, or the reverse', () => {
  expect(found(traces([0, 1, 2]), undefined, 5)).toMatchObject({ lost: 0, disordered: 2 })
  expect(found(traces([0, 1, 2, 3]), undefined, 3)).toMatchObject({ lost: 0, disordered: 1 })
})

test('doubling: twice in a shard, by one row or by two', () => {
  expect(found([...traces([0, 1]), [0, 2, 2]], traces([0, 1, 2]))).toMatchObject({ ...GOOD, doubled: 1 })
  expect(found([...traces([0, 1, 2]), [0, 1, 1]])).toMatchObject({ ...GOOD, doubled: 1 })
  expect(found([...traces([0, 1]), [0, 2, -1]], traces([0, 1, 2]))).toMatchObject({ doubled: 1 })
})

test('doubling: what nobody made', () => {
  expect(found([...traces([0, 1, 2]), ...traces([7], 1)])).toMatchObject({ ...GOOD, doubled: 1 })
  expect(found([...traces([0, 1, 2]), [0, -1, 1]])).toMatchObject({ doubled: 1 })
  expect(judge([], [traces([0]), traces([0])])).toMatchObject({ doubled: 1, acknowledged: 0 })
})

test('tearing: half of a commit', () => {
  expect(found(traces([0, 1, 2]), traces([0, 1]))).toMatchObject({ torn: 1, lost: 1, recovered: 2 })
  // Also one that was never acknowledged.
  expect(found(traces([0, 1, 2]), traces([0, 1, 2, 3]))).toMatchObject({ torn: 1, lost: 0 })
})

test('runs are judged one by one: a loss in an earlier one is no order of a later one', () => {
  const runs = [run([0, 1], 1), run([0])]
  const shard = [...traces([0]), ...traces([0, 1], 1)]
  expect(judge(runs, [shard, shard])).toEqual({
    acknowledged: 3,
    recovered: 2,
    lost: 1,
    unanswered: 1,
    doubled: 0,
    torn: 0,
    disordered: 0,
    found: [1, 2],
  })
})

// Law: an outcome that keeps every promise is one, whatever the runs; every single change of it is seen.
const runs = fc.array(fc.record({ acknowledged: fc.nat(8), unanswered: fc.nat(3) }), {
  minLength: 1,
  maxLength: 4,
})
const forged = (made: readonly { acknowledged: number; unanswered: number }[]) => ({
  runs: made.map(({ acknowledged }) => run(Array.from({ length: acknowledged }, (_, number) => number))),
  shard: made.flatMap(({ acknowledged, unanswered }, of) =>
    traces(
      Array.from({ length: acknowledged + unanswered }, (_, number) => number),
      of,
    ),
  ),
})

test('a kept promise is seen as one', () => {
  fc.assert(
    fc.property(runs, made => {
      const { runs, shard } = forged(made)
      const verdict = judge(runs, [shard, shard])
      expect(verdict).toMatchObject(GOOD)
      expect(verdict.recovered).toBe(verdict.acknowledged)
      expect(isKept('immediate', verdict)).toBe(true)
    }),
  )
})

test.each([
  ['removed from both shards', (_: Trace): Trace[] => [], true],
  ['removed from one shard', (_: Trace): Trace[] => [], false],
  ['doubled in both shards', ([of, commit]: Trace): Trace[] => [[of, commit, 2]], true],
  ['doubled in one shard', ([of, commit]: Trace): Trace[] => [[of, commit, 2]], false],
  ['given another number', ([of, commit]: Trace): Trace[] => [[of, commit + 100, 1]], true],
])('an acknowledged commit that is %s is seen', (_, change, inBoth) => {
  fc.assert(
    fc.property(runs, fc.nat(), (made, at) => {
      const { runs, shard } = forged(made)
      const acknowledged = shard.filter(([of, commit]) => runs[of]!.acknowledged.has(commit))
      if (acknowledged.length === 0) return
      const victim = acknowledged[at % acknowledged.length]!
      const changed = shard.flatMap(trace => (trace === victim ? change(trace) : [trace]))
      expect(isKept('immediate', judge(runs, [changed, inBoth ? changed : shard]))).toBe(false)
    }),
  )
})

describe('what each mode promises of a process kill', () => {
  const lost = found(traces([0, 1]))
  const bad = [
    found(traces([0, 2])),
    found([...traces([0, 1, 2]), [0, 1, 1]]),
    found(traces([0, 1, 2]), traces([0, 1])),
  ]
  test.each([
    ['immediate', false],
    ['batched', false],
    ['async', true],
    ['none', true],
  ] as const)('%s may lose: %s', (mode, may) => {
    expect(isKept(mode, lost)).toBe(may)
    expect(bad.map(verdict => isKept(mode, verdict))).toEqual([false, false, false])
  })
})
