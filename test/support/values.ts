// Canonical values of every kind for properties, mostly at the edges where an order or a format would break.
import fc from 'fast-check'
import { type Columns, GrowingColumns } from '../../src/model/columns.ts'
import { canonical, float, timestamp, type Value } from '../../src/model/value.ts'

const INT64_MIN = -(2n ** 63n)
const INT64_MAX = 2n ** 63n - 1n

/** Around the borders of int32, of the safe integers and of int64, and around the wide numbers that are floats. */
const EDGE_INTEGERS: readonly bigint[] = [0n, 2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 60n, 2n ** 63n]
  .flatMap(edge => [edge, -edge])
  .flatMap(edge => [edge - 2n, edge - 1n, edge, edge + 1n, edge + 2n])
  .filter(edge => edge >= INT64_MIN && edge <= INT64_MAX)

const EDGE_FLOATS: readonly number[] = [
  0,
  -0,
  1,
  -1,
  0.5,
  -0.5,
  5e-324,
  -5e-324,
  2.2250738585072014e-308,
  1.7976931348623157e308,
  -1.7976931348623157e308,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  2 ** 31,
  2 ** 53 - 1,
  2 ** 53,
  2 ** 53 + 2,
  -(2 ** 53),
  2 ** 60,
  2 ** 63,
  -(2 ** 63),
]

const PREFIX = 'the same beginning, long enough to matter '.repeat(4)

/** Characters whose order in UTF-8 differs from JavaScript's, and those that formats are tempted to change. */
const EDGE_CHARACTERS: readonly string[] = [
  '\0',
  '\n',
  '"',
  '\\',
  'a',
  'b',
  '\x7f',
  '\x80',
  'e\u0301',
  '\u00e9',
  '\u07ff',
  '\u0800',
  '\u2028',
  '\ud7ff',
  '\ue000',
  '\uff5e',
  '\ufeff',
  '\ufffd',
  '\uffff',
  '\u{10000}',
  '\u{1f600}',
  '\u{1f601}',
  '\u{10ffff}',
]

const anyBytes = (): fc.Arbitrary<Uint8Array> =>
  fc.oneof(
    fc.constantFrom(new Uint8Array(0), Uint8Array.of(0), Uint8Array.of(0, 0), Uint8Array.of(255)),
    fc.uint8Array({ maxLength: 6 }).map(bytes => new Uint8Array(bytes)),
  )

const anyVector = (): fc.Arbitrary<Float32Array> =>
  fc
    .array(
      fc.oneof(
        fc.constantFrom(...EDGE_FLOATS.map(Math.fround)),
        fc.float(),
        fc.constantFrom(1e-45, 3.4028234663852886e38),
      ),
      { maxLength: 4 },
    )
    .map(elements => Float32Array.from(elements))

/** Well-formed text, biased to where the order of UTF-8 is not that of UTF-16. */
export const anyText = (): fc.Arbitrary<string> =>
  fc.oneof(
    fc.constantFrom('', 'a', '\0', PREFIX, '__proto__', 'NaN', '1'),
    fc.array(fc.constantFrom(...EDGE_CHARACTERS), { maxLength: 4 }).map(parts => parts.join('')),
    fc.constantFrom(...EDGE_CHARACTERS).map(last => PREFIX + last),
    fc.string({ unit: 'binary', maxLength: 8 }),
  )

/** A 64-bit integer, canonical. */
export const anyInteger = (): fc.Arbitrary<Value> =>
  fc
    .oneof(
      fc.constantFrom(...EDGE_INTEGERS),
      fc.bigInt({ min: -4n, max: 4n }),
      fc.bigInt({ min: INT64_MIN, max: INT64_MAX }),
    )
    .map(value => canonical(value, 'value'))

/** A float, canonical: integral ones are `Float`. */
export const anyFloat = (): fc.Arbitrary<Value> =>
  fc
    .oneof(fc.constantFrom(...EDGE_FLOATS), fc.double(), fc.integer({ min: -4, max: 4 }))
    .map(value => canonical(float(value), 'value'))

/** A canonical value of any kind. */
export const anyValue = (): fc.Arbitrary<Value> =>
  fc.oneof(
    fc.constant(null),
    fc.boolean(),
    anyInteger(),
    anyFloat(),
    fc
      .oneof(
        fc.constantFrom(0, -1, 1, 2 ** 53 - 1, -(2 ** 53 - 1), 2 ** 32),
        fc.integer({ min: -3, max: 3 }),
        fc.maxSafeInteger(),
      )
      .map(timestamp),
    anyText(),
    anyBytes(),
    anyVector().map(vector => canonical(vector, 'value')),
  )

/** A tuple of `arity` canonical values of any kinds. */
export const anyTuple = (arity: number): fc.Arbitrary<Value[]> =>
  fc.array(anyValue(), { minLength: arity, maxLength: arity })

/** An update as a plain object, to compare columns with. */
export interface PlainUpdate {
  readonly data: readonly Value[]
  readonly time: number
  readonly diff: number
}

/** The updates as columns. */
export const columnsFrom = (arity: number, updates: readonly PlainUpdate[]): Columns => {
  const columns = new GrowingColumns(arity, 1)
  for (const { data, time, diff } of updates) columns.append(data, time, diff)
  return columns.view()
}
