import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MemoryDisk } from '../../src/disk/memory-disk.ts'
import { float, type Value } from '../../src/model/value.ts'
import type { ColumnArrays } from '../../src/store/arrays.ts'
import type { ReadOptions } from '../../src/store/read-options.ts'
import type { Snapshot } from '../../src/store/snapshot.ts'
import { contentsOf, openOn, tupleText } from '../support/stores.ts'
import { anyTuple } from '../support/values.ts'

const SHARD = 'a:b'

const partsOf = async (snapshot: Snapshot, options?: ReadOptions): Promise<ColumnArrays[]> => {
  const parts: ColumnArrays[] = []
  for await (const part of snapshot.arrays(SHARD, options)) parts.push(part)
  return parts
}

/** What the parts hold, as rows in their order. */
const textsOf = (parts: readonly ColumnArrays[]): string[] =>
  parts.flatMap(({ length, data, diff }) =>
    Array.from(
      { length },
      (_, row) =>
        `${tupleText(data.map(column => (column instanceof Float64Array ? float(column[row]!) : column[row]!)))} ${diff[row]}`,
    ),
  )

test('hold what rows yields, and make the same store again', async () => {
  const tuple = fc.integer({ min: 1, max: 3 }).chain(arity => fc.array(anyTuple(arity), { maxLength: 12 }))
  await fc.assert(
    fc.asyncProperty(tuple, fc.nat({ max: 12 }), async (tuples, flushed) => {
      const store = await openOn(new MemoryDisk())
      const put = (some: readonly Value[][]) =>
        store.commit(some.map((data, index) => ({ shard: SHARD, data, diff: index + 1 })))
      if (flushed > 0 && tuples.length > 0) await put(tuples.slice(0, flushed))
      await store.flush()
      if (tuples.length > flushed) await put(tuples.slice(flushed))
      const snapshot = await store.snapshot()
      const parts = await partsOf(snapshot)
      const rows: string[] = []
      for await (const { data, diff } of snapshot.rows(SHARD)) rows.push(`${tupleText(data)} ${diff}`)
      expect(textsOf(parts)).toEqual(rows)
      const other = await openOn(new MemoryDisk())
      for (const { length, data, diff } of parts)
        await other.commit(
          Array.from({ length }, (_, row) => ({
            shard: SHARD,
            data: data.map(column => (column instanceof Float64Array ? float(column[row]!) : column[row]!)),
            diff: diff[row]!,
          })),
        )
      const copy = await other.snapshot()
      expect(await contentsOf(copy, SHARD)).toEqual(await contentsOf(snapshot, SHARD))
      await store.close()
      await other.close()
    }),
    { numRuns: 60 },
  )
})

describe('the arrays', () => {
  const rows: readonly (readonly [Value, Value, Value, Value])[] = [
    [1, 0.5, 2 ** 40, 'a'],
    [-5, float(2), 1, 'b'],
  ]
  const holding = async (tuples: readonly (readonly Value[])[], isFlushed: boolean): Promise<Snapshot> => {
    const store = await openOn(new MemoryDisk())
    await store.insert(SHARD, tuples)
    if (isFlushed) await store.flush()
    return store.snapshot()
  }

  test.each([
    ['in a batch', true],
    ['in a buffer', false],
  ])('are of numbers where the type is, %s', async (_, isFlushed) => {
    const [part] = await partsOf(await holding(rows, isFlushed))
    expect(part).toEqual({
      length: 2,
      data: [Int32Array.of(-5, 1), Float64Array.of(2, 0.5), [1, 2 ** 40], ['b', 'a']],
      diff: Float64Array.of(1, 1),
    })
  })

  test('are lists of values where there is a null, or a column holds several types', async () => {
    const [part] = await partsOf(await holding([...rows, [null, null, 1, 1]], true))
    expect(part!.data).toEqual([
      [null, -5, 1],
      [null, float(2), 0.5],
      [1, 1, 2 ** 40],
      [1, 'b', 'a'],
    ])
  })

  test('are of plain numbers in a column declared float64, also where there is a null', async () => {
    const store = await openOn(new MemoryDisk())
    await store.declare(SHARD, [{ name: 'score', type: 'float64' }])
    await store.insert(SHARD, [[1], [2.5], [null]])
    expect((await partsOf(await store.snapshot()))[0]!.data).toEqual([[null, 1, 2.5]])
    await store.delete(SHARD, [[null]])
    expect((await partsOf(await store.snapshot()))[0]!.data).toEqual([Float64Array.of(1, 2.5)])
    await store.close()
  })

  test('are of the columns and rows asked for', async () => {
    const snapshot = await holding(rows, true)
    const options = { columns: ['col3', 'col0'], where: { col0: { gt: 0 } } }
    expect((await partsOf(snapshot, options))[0]!.data).toEqual([['a'], Int32Array.of(1)])
    expect((await partsOf(snapshot, { columns: [] }))[0]).toEqual({
      length: 1,
      data: [],
      diff: Float64Array.of(2),
    })
    await expect(partsOf(snapshot, { columns: ['no'] })).rejects.toMatchObject({ code: 'COLUMN_UNKNOWN' })
  })

  test("are the caller's: changing them changes no later read", async () => {
    const snapshot = await holding(rows, true)
    const [first] = await partsOf(snapshot)
    ;(first!.data[0] as Int32Array).fill(7)
    ;(first!.data[1] as Float64Array).fill(7)
    first!.diff.fill(7)
    const [second] = await partsOf(snapshot)
    expect([second!.data[0], second!.data[1], second!.diff]).toEqual([
      Int32Array.of(-5, 1),
      Float64Array.of(2, 0.5),
      Float64Array.of(1, 1),
    ])
  })

  test('are none where there is nothing, and a sum beyond the safe integers is refused', async () => {
    const store = await openOn(new MemoryDisk())
    expect(await partsOf(await store.snapshot())).toEqual([])
    for (let commit = 0; commit < 2; commit++)
      await store.commit([{ shard: SHARD, data: [1], diff: 2 ** 53 - 1 }])
    await expect(partsOf(await store.snapshot())).rejects.toMatchObject({ code: 'DIFF_OVERFLOW' })
    await store.close()
  })
})
