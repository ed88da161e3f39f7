// Makes columns and rows for the tests of batches.
import fc from 'fast-check'
import { type Columns, GrowingColumns, tupleAt } from '../../src/model/columns.ts'
import { type ColumnType, type Schema, untyped, widen } from '../../src/model/schema.ts'
import { canonical, float, timestamp, type Value } from '../../src/model/value.ts'

export type Row = readonly [data: readonly Value[], time: number, diff: number]

export const columnsOf = (rows: readonly Row[], arity: number = rows[0]?.[0].length ?? 0): Columns => {
  const columns = new GrowingColumns(arity)
  for (const [data, time, diff] of rows)
    columns.append(
      data.map(value => canonical(value, 'test')),
      time,
      diff,
    )
  return columns.view()
}

export const rowsOf = (columns: Columns): Row[] =>
  Array.from({ length: columns.length }, (_, row) => [
    tupleAt(columns, row),
    columns.time[row]!,
    columns.diff[row]!,
  ])

/** The schema that holds what the columns hold. */
export const schemaOf = (...all: readonly Columns[]): Schema =>
  all.reduce(widen, untyped(all[0]!.data.length))

export const typed = (...types: readonly ColumnType[]): Schema =>
  types.map((type, index) => ({ name: `col${index}`, type, declared: false }))

export async function* streamed<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items
}

export const collect = async (chunks: AsyncIterable<Columns>): Promise<Columns[]> => {
  const result: Columns[] = []
  for await (const chunk of chunks) result.push(chunk)
  return result
}

const float32 = fc.float({ noDefaultInfinity: false }).map(Math.fround)

/** Values of each type, with the edges of each. */
export const valuesOf: Readonly<Record<Exclude<ColumnType, 'any'>, fc.Arbitrary<Value>>> = {
  null: fc.constant(null),
  boolean: fc.boolean(),
  int32: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  int64: fc.oneof(
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.constantFrom(
      -(2n ** 63n),
      2n ** 63n - 1n,
      2n ** 53n,
      -(2n ** 53n),
      2n ** 53n - 1n,
      1n - 2n ** 53n,
      0n,
      -1n,
      2n ** 32n,
      -(2n ** 32n) - 1n,
    ),
  ),
  float64: fc.double().map(float),
  timestamp: fc.oneof(fc.integer(), fc.maxSafeInteger()).map(timestamp),
  string: fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('', '\0', '😀', '\uffff', 'a'.repeat(100))),
  bytes: fc.oneof(fc.uint8Array({ maxLength: 70 }), fc.constant(new Uint8Array())),
  vector: fc.oneof(
    fc.array(float32, { maxLength: 5 }).map(list => Float32Array.from(list)),
    fc.constantFrom(new Float32Array(), Float32Array.of(Number.NaN, Number.POSITIVE_INFINITY)),
  ),
}

/** Any value. */
export const anyValue: fc.Arbitrary<Value> = fc.oneof(...Object.values(valuesOf))
