import {
  IntervalDayTime,
  makeData,
  Table,
  tableFromArrays,
  Utf8,
  Vector,
  vectorFromArray,
} from 'apache-arrow'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MemoryDisk } from '../../src/disk/memory-disk.ts'
import type { Value } from '../../src/index.ts'
import { Float, float } from '../../src/model/value.ts'
import type { Store } from '../../src/store/store.ts'
import { openOn, read, tupleText } from '../support/stores.ts'
import { anyTuple } from '../support/values.ts'

const SHARD = 'default:edge'

/** A column of a type that has no equivalent. */
const intervals = (): Vector =>
  new Vector([makeData({ type: new IntervalDayTime(), length: 1, nullCount: 0, data: new Int32Array(2) })])

/** What the call is refused with, and that nothing happened. */
const refusal = async (store: Store, columns: unknown, options: object = {}): Promise<unknown> => {
  const before = store.status().lsn
  const error: unknown = await store.append(SHARD, columns as never, options).catch(cause => cause)
  expect(store.status().lsn).toBe(before)
  const { name, code, details } = error as { name: string; code: string; details: { place: string } }
  return [name, code, details.place]
}

describe('append of an Arrow table', () => {
  const people = (): Table =>
    tableFromArrays({
      name: ['ann', 'bob', 'ann'],
      age: new Int32Array([31, 27, 31]),
      diff: new Int8Array([1, 1, 2]),
    })

  test('by place into a shard whose columns have no names; diff and time by name', async () => {
    const store = await openOn(new MemoryDisk())
    expect(await store.append(SHARD, people())).toMatchObject({ lsn: 1, time: 0 })
    const later = tableFromArrays({
      time: new Int32Array([5, 7]),
      a: ['cy', 'ann'],
      b: new Uint8Array([1, 31]),
    })
    await store.append(SHARD, later, { id: 'later' })
    expect(await read(store, SHARD, 6)).toEqual({ '["ann",31]': 3, '["bob",27]': 1, '["cy",1]': 1 })
    expect(await read(store, SHARD)).toEqual({ '["ann",31]': 4, '["bob",27]': 1, '["cy",1]': 1 })
    await store.close()
  })

  test('by name into a shard whose columns are declared', async () => {
    const store = await openOn(new MemoryDisk())
    await store.declare(SHARD, [
      { name: 'age', type: 'float64' },
      { name: 'name', type: 'string' },
    ])
    await store.append(SHARD, people())
    expect(await read(store, SHARD)).toEqual({ '[31,"ann"]': 3, '[27,"bob"]': 1 })
    await store.close()
  })

  test('what a snapshot gives as a table can be appended elsewhere', async () => {
    const from = await openOn(new MemoryDisk())
    await from.append(SHARD, {
      data: [
        [1, null, -3],
        ['a', 'b', null],
      ],
      diff: [1, -2, 3],
    })
    const snapshot = await from.snapshot()
    const to = await openOn(new MemoryDisk())
    await to.append(SHARD, await snapshot.toArrow(SHARD))
    expect(await read(to, SHARD)).toEqual({ '[null,"b"]': -2, '[-3,null]': 3, '[1,"a"]': 1 })
    await snapshot.close()
    await from.close()
    await to.close()
  })

  test('also a part of one, or several together', async () => {
    const store = await openOn(new MemoryDisk())
    await store.append(SHARD, people().slice(1, 2))
    await store.append(SHARD, people().slice(0, 1).concat(people().slice(2)))
    expect(await read(store, SHARD)).toEqual({ '["ann",31]': 3, '["bob",27]': 1 })
    await store.close()
  })

  test('names what is wrong by column and row, and then nothing happened', async () => {
    const store = await openOn(new MemoryDisk())
    await store.append('default:other', { data: [[1]] }, { time: 4 })
    const invalid = (place: string) => ['InputError', 'UPDATE_INVALID', place]
    const table = (columns: object): Table => tableFromArrays(columns as Record<string, unknown[]>)
    expect(await refusal(store, table({ a: [1, 2], diff: new Int8Array([1, 0]) }))).toEqual(
      invalid('columns.diff[1]'),
    )
    expect(await refusal(store, table({ a: [1, 2], time: [5, null] }))).toEqual(invalid('columns.time[0]'))
    expect(await refusal(store, table({ a: [1, 2], time: new Int32Array([5, -1]) }))).toEqual(
      invalid('columns.time[1]'),
    )
    expect(await refusal(store, table({ diff: new Int8Array([1]) }))).toEqual(invalid('columns.data'))
    expect(await refusal(store, table({ a: new Int8Array(0) }))).toEqual(invalid('columns.data'))
    expect(await refusal(store, people().concat(people()), { tim: 1 })).toEqual([
      'InputError',
      'OPTION_INVALID',
      'options.tim',
    ])
    const [vector] = [vectorFromArray(['x'], new Utf8())]
    expect(await refusal(store, new Table({ a: vector!, b: intervals() }))).toEqual(invalid('columns.b'))
    expect(await refusal(store, table({ a: new Int8Array(2), time: new Int32Array([5, 3]) }))).toEqual([
      'FrontierError',
      'TIME_BEFORE_UPPER',
      'columns.time[1]',
    ])
    await store.declare(SHARD, [{ name: 'a', type: 'string' }])
    expect(await refusal(store, table({ b: ['x'] }))).toEqual(invalid('columns.a'))
    expect(await refusal(store, table({ a: ['x'], b: ['x'] }))).toEqual(invalid('columns.b'))
    expect(await refusal(store, table({ a: new Int32Array([1]) }))).toEqual([
      'InputError',
      'TYPE_MISMATCH',
      'columns.a[0]',
    ])
    await store.close()
  })
})

describe('append', () => {
  test('is one commit of all rows', async () => {
    const store = await openOn(new MemoryDisk())
    const columns = { data: [new Int32Array([1, 2, 1]), ['a', 'b', 'a']], diff: new Int8Array([1, 1, 2]) }
    expect(await store.append(SHARD, columns)).toMatchObject({ lsn: 1, time: 0 })
    expect(await read(store, SHARD)).toEqual({ '[1,"a"]': 3, '[2,"b"]': 1 })
    expect(store.status()).toMatchObject({ lsn: 1, durableLsn: 1, upper: 1, buffer: { updates: 3 } })
    await store.close()
  })

  test('takes times and diffs for all rows, or one a row', async () => {
    const store = await openOn(new MemoryDisk())
    await store.append(SHARD, { data: [[1, 2]], time: [5, 7], diff: -2 })
    await store.append(SHARD, { data: [[1, 2]], time: 9 }, { time: 100 })
    await store.append(SHARD, { data: [[3]] }, { time: 11, id: 'once' })
    expect(await store.append(SHARD, { data: [[3]] }, { time: 11, id: 'once' })).toMatchObject({ lsn: 3 })
    expect(await read(store, SHARD, 5)).toEqual({ '[1]': -2 })
    expect(await read(store, SHARD, 7)).toEqual({ '[1]': -2, '[2]': -2 })
    expect(await read(store, SHARD, 9)).toEqual({ '[1]': -1, '[2]': -1 })
    expect(await read(store, SHARD)).toEqual({ '[1]': -1, '[2]': -1, '[3]': 1 })
    await store.close()
  })

  test('typed arrays say what their numbers are: integers or floats', async () => {
    const store = await openOn(new MemoryDisk())
    await store.append(SHARD, {
      data: [
        new Uint8Array([1]),
        new BigInt64Array([2n ** 63n - 1n]),
        new Float64Array([1]),
        new Float32Array([-0]),
        [1],
      ],
    })
    const tuple = [1, 2n ** 63n - 1n, float(1), float(0), 1]
    expect(await read(store, SHARD)).toEqual({ [tupleText(tuple)]: 1 })
    await store.close()
  })

  test('there is one zero and one NaN', async () => {
    const bits = new BigUint64Array([0xfff8000000000001n, 1n << 63n])
    const store = await openOn(new MemoryDisk())
    await store.append(SHARD, { data: [new Float64Array(bits.buffer)] })
    const snapshot = await store.snapshot()
    const found: number[] = []
    for await (const { data } of snapshot.rows(SHARD))
      found.push(data[0] instanceof Float ? data[0].value : Number(data[0]))
    expect(new BigUint64Array(new Float64Array(found).buffer)).toEqual(
      new BigUint64Array([0n, 0x7ff8000000000000n]),
    )
    await snapshot.close()
    await store.close()
  })

  test('in a column declared float64 every number is a float', async () => {
    const store = await openOn(new MemoryDisk())
    await store.declare(SHARD, [{ name: 'weight', type: 'float64' }])
    await store.append(SHARD, { data: [new Int32Array([1])] })
    await store.append(SHARD, { data: [[1]] })
    await store.append(SHARD, { data: [new Float64Array([1])] })
    await store.append('default:untyped', { data: [new Float64Array([1])] })
    await store.append('default:untyped', { data: [new Int32Array([1])] })
    expect(await read(store, SHARD)).toEqual({ '[1]': 3 })
    expect(await read(store, 'default:untyped')).toEqual({ [tupleText([float(1)])]: 1, '[1]': 1 })
    await store.close()
  })

  test('copies: what the caller does with the arrays afterwards changes nothing', async () => {
    const store = await openOn(new MemoryDisk())
    const node = new Int32Array([1])
    const time = new Float64Array([3])
    const appended = store.append(SHARD, { data: [node], time })
    node[0] = 2
    time[0] = 1
    expect(await appended).toMatchObject({ time: 3 })
    expect(await read(store, SHARD)).toEqual({ '[1]': 1 })
    await store.close()
  })

  test('names what is wrong by array and row, and then nothing happened', async () => {
    const store = await openOn(new MemoryDisk())
    await store.append('default:other', { data: [[1]] }, { time: 4 })
    const invalid = (place: string, code = 'UPDATE_INVALID') => ['InputError', code, place]
    expect(await refusal(store, [])).toEqual(invalid('columns'))
    expect(await refusal(store, {})).toEqual(invalid('columns.data'))
    expect(await refusal(store, { data: [] })).toEqual(invalid('columns.data'))
    expect(await refusal(store, { data: [[]] })).toEqual(invalid('columns.data'))
    expect(await refusal(store, { data: Array(1001).fill([1]) })).toEqual(invalid('columns.data'))
    expect(await refusal(store, { data: ['text'] })).toEqual(invalid('columns.data[0]'))
    expect(await refusal(store, { data: [[1]], rows: 1 })).toEqual(invalid('columns.rows'))
    expect(await refusal(store, { data: [[1, 2], [1]] })).toEqual(invalid('columns.data[1]'))
    expect(await refusal(store, { data: [[1]], time: [5, 6] })).toEqual(invalid('columns.time'))
    expect(await refusal(store, { data: [[1]], time: 'now' })).toEqual(invalid('columns.time'))
    expect(await refusal(store, { data: [[1]], diff: new DataView(new ArrayBuffer(1)) })).toEqual(
      invalid('columns.diff'),
    )
    const value = invalid('columns.data[1][2]', 'VALUE_INVALID')
    expect(
      await refusal(store, {
        data: [
          [1, 2, 3],
          [1, 2, {}],
        ],
      }),
    ).toEqual(value)
    expect(await refusal(store, { data: [[1, 2]], time: [5, -1] })).toEqual(
      invalid('columns.time[1]', 'TIME_INVALID'),
    )
    expect(await refusal(store, { data: [[1]], time: -1 })).toEqual(invalid('columns.time', 'TIME_INVALID'))
    expect(await refusal(store, { data: [[1, 2]], diff: new Int8Array([1, 0]) })).toEqual(
      invalid('columns.diff[1]', 'DIFF_INVALID'),
    )
    expect(await refusal(store, { data: [[1]] }, { tim: 1 })).toEqual(
      invalid('options.tim', 'OPTION_INVALID'),
    )
    expect(await refusal(store, { data: [[1, 2]], time: [5, 4] })).toEqual([
      'FrontierError',
      'TIME_BEFORE_UPPER',
      'columns.time[1]',
    ])
    await store.declare(SHARD, [{ name: 'a', type: 'int32' }])
    expect(await refusal(store, { data: [[1], [2]] })).toEqual(invalid('columns.data', 'ARITY_MISMATCH'))
    expect(await refusal(store, { data: [[1, 'b']] })).toEqual(invalid('columns.data[0][1]', 'TYPE_MISMATCH'))
    await store.close()
  })

  test('is what a commit of the same rows is, whatever the values', async () => {
    const tuples = fc.array(anyTuple(2), { minLength: 1, maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(tuples, async rows => {
        const [appended, committed] = [new MemoryDisk(), new MemoryDisk()]
        const columns = [0, 1].map(index => rows.map(row => row[index]!) as readonly Value[])
        const diff = rows.map((_, index) => (index % 3) + 1)
        const one = await openOn(appended)
        await one.append(SHARD, { data: columns, diff })
        const other = await openOn(committed)
        await other.commit(rows.map((data, index) => ({ shard: SHARD, data, diff: diff[index]! })))
        expect(await read(one, SHARD)).toEqual(await read(other, SHARD))
        await one.close()
        await other.close()
        const again = await openOn(appended)
        const reference = await openOn(committed)
        expect(await read(again, SHARD)).toEqual(await read(reference, SHARD))
        await again.close()
        await reference.close()
      }),
      { numRuns: 50 },
    )
  })
})
