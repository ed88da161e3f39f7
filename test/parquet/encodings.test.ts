// The encodings by themselves: what is written is read again, whatever it is.
import fc from 'fast-check'
import { compress as theirCompress, uncompress as theirUncompress } from 'snappyjs'
import { expect, test } from 'vitest'
import { Cursor } from '../../src/parquet/cursor.ts'
import {
  readDelta32,
  readDelta64,
  readDeltaWide,
  writeDelta,
  writeDeltaWide,
} from '../../src/parquet/delta.ts'
import { readHybrid, writeHybrid } from '../../src/parquet/hybrid.ts'
import { integerDictionary } from '../../src/parquet/integer-dictionary.ts'
import { MalformedParquet } from '../../src/parquet/malformed.ts'
import { Sink } from '../../src/parquet/sink.ts'
import { compress, uncompress } from '../../src/parquet/snappy.ts'
import { readStruct, ThriftWriter } from '../../src/parquet/thrift.ts'

/** As small as can be, so that it has to grow. */
const small = (): Sink => new Sink(1)

const int32s = fc.array(
  fc.oneof(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), fc.integer({ min: -9, max: 9 })),
  { minLength: 1, maxLength: 400 },
)

test('deltas of 32 bits, also where they wrap', () => {
  fc.assert(
    fc.property(int32s, values => {
      const sink = small()
      writeDelta(sink, 32, Float64Array.from(values), 0, values.length)
      const out = new Float64Array(values.length + 1)
      const cursor = new Cursor(sink.written())
      readDelta32(cursor, values.length, out, 1)
      expect(Array.from(out.subarray(1))).toEqual(values)
      expect(cursor.left).toBe(0)
    }),
  )
})

test('a zigzag integer of any size is itself, or too much to tell: it is never rounded', () => {
  for (let power = 50n; power < 64n; power++)
    for (let off = -3n; off <= 3n; off++)
      for (const sign of [1n, -1n]) {
        const value = BigInt.asIntN(64, sign * 2n ** power + off)
        const sink = small()
        sink.wideZigzag(value)
        const found = new Cursor(sink.written()).zigzag()
        const isTold = value >= -(2n ** 52n) && value < 2n ** 52n
        expect(found).toBe(isTold ? Number(value) : undefined)
      }
})

/** Integers no two of which are 2^51 apart, of every width up to there. */
const near = fc.tuple(fc.integer({ min: 0, max: 50 }), fc.maxSafeInteger()).chain(([bits, base]) =>
  fc.array(
    fc.nat(2 ** 31 - 1).map(step => base - Math.sign(base) * Math.floor((step / 2 ** 31) * 2 ** bits)),
    { minLength: 1, maxLength: 400 },
  ),
)

test('deltas of 64 bits as numbers, and the same bytes as BigInts', () => {
  fc.assert(
    fc.property(near, values => {
      const sink = small()
      writeDelta(sink, 64, Float64Array.from(values), 0, values.length)
      const out = new Float64Array(values.length)
      if (readDelta64(new Cursor(sink.written()), values.length, out, 0))
        expect(Array.from(out)).toEqual(values)
      // Only far out is it too much to tell.
      else expect(Math.max(...values.map(Math.abs))).toBeGreaterThan(2 ** 51)
      expect(Array.from(readDeltaWide(new Cursor(sink.written()), values.length), Number)).toEqual(values)
    }),
    { numRuns: 400 },
  )
})

test('deltas of any 64 bits are exact: as BigInts, and as numbers where they are said to be', () => {
  const int64s = fc.array(
    fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.bigInt({ min: -9n, max: 9n })),
    { minLength: 1, maxLength: 300 },
  )
  fc.assert(
    fc.property(int64s, values => {
      const sink = small()
      writeDeltaWide(sink, BigInt64Array.from(values))
      const cursor = new Cursor(sink.written())
      expect(Array.from(readDeltaWide(cursor, values.length))).toEqual(values)
      expect(cursor.left).toBe(0)
      const out = new Float64Array(values.length)
      if (readDelta64(new Cursor(sink.written()), values.length, out, 0))
        expect(Array.from(out, BigInt)).toEqual(values)
    }),
  )
})

test('sums that climb beyond the safe integers in steps that are none too large are not taken for numbers', () => {
  const steps = fc.array(fc.bigInt({ min: 0n, max: 2n ** 51n }), { minLength: 20, maxLength: 200 })
  fc.assert(
    fc.property(steps, fc.boolean(), (climb, down) => {
      let sum = 0n
      const values = climb.map(step => {
        sum += down ? -step : step
        return sum
      })
      const sink = small()
      writeDeltaWide(sink, BigInt64Array.from(values))
      const out = new Float64Array(values.length)
      const isNumbers = readDelta64(new Cursor(sink.written()), values.length, out, 0)
      expect(isNumbers).toBe(values.every(value => Number.isSafeInteger(Number(value))))
      if (isNumbers) expect(Array.from(out, BigInt)).toEqual(values)
    }),
  )
})

test('a count that is not that of the page is refused', () => {
  const sink = small()
  writeDelta(sink, 64, Float64Array.of(1, 2, 3), 0, 3)
  for (const count of [0, 2, 4])
    expect(() => readDelta64(new Cursor(sink.written()), count, new Float64Array(9), 0)).toThrow(
      MalformedParquet,
    )
})

test('runs and packed codes of every width', () => {
  const codes = fc.integer({ min: 0, max: 32 }).chain(width => {
    const value = fc.nat(2 ** 31 - 1).map(random => Math.floor((random / 2 ** 31) * 2 ** width))
    const run = fc.tuple(value, fc.nat(70)).map(([code, length]) => new Array<number>(length).fill(code))
    const mixed = fc.array(fc.oneof(run, fc.array(value, { maxLength: 40 })), { maxLength: 12 })
    return fc.record({ width: fc.constant(width), values: mixed.map(parts => parts.flat()) })
  })
  fc.assert(
    fc.property(codes, fc.nat(9), ({ width, values }, skipped) => {
      const from = Math.min(skipped, values.length)
      const sink = small()
      writeHybrid(sink, width, Uint32Array.from(values), from, values.length)
      const cursor = new Cursor(sink.written())
      expect(Array.from(readHybrid(cursor, width, values.length - from))).toEqual(values.slice(from))
      expect(cursor.left).toBe(0)
    }),
    { numRuns: 500 },
  )
})

test('a dictionary of integers is what they are, and none where they are many', () => {
  fc.assert(
    fc.property(
      fc
        .array(fc.maxSafeInteger(), { minLength: 1, maxLength: 9 })
        .chain(few => fc.array(fc.constantFrom(...few), { minLength: 80, maxLength: 300 })),
      values => {
        const { distinct, ordinals } = integerDictionary(Float64Array.from(values))!
        expect(Array.from(ordinals, ordinal => distinct[ordinal])).toEqual(values)
        expect(new Set(distinct).size).toBe(distinct.length)
      },
    ),
  )
  expect(integerDictionary(Float64Array.from({ length: 60_000 }, (_, row) => row))).toBeUndefined()
})

/** Bytes with repetitions near and far. */
const repetitive = fc
  .array(fc.tuple(fc.uint8Array({ maxLength: 90 }), fc.nat(5)), { maxLength: 30 })
  .map(parts => Buffer.concat(parts.flatMap(([bytes, times]) => Array.from({ length: times }, () => bytes))))

test('Snappy: what is compressed comes back, by us and by snappyjs, and so does what snappyjs compressed', () => {
  const back = (compressed: Uint8Array, size: number): Buffer => {
    const out = new Uint8Array(size)
    uncompress(compressed, out)
    return Buffer.from(out)
  }
  const check = (bytes: Uint8Array): void => {
    const compressed = compress(bytes)
    expect(Buffer.compare(back(compressed, bytes.length), bytes)).toBe(0)
    expect(Buffer.compare(Buffer.from(theirUncompress(compressed)), bytes)).toBe(0)
    expect(Buffer.compare(back(theirCompress(Uint8Array.from(bytes)), bytes.length), bytes)).toBe(0)
  }
  fc.assert(fc.property(repetitive, check), { numRuns: 300 })
  const large = Buffer.from(Array.from({ length: 200_000 }, (_, index) => (index * index) >> 9))
  check(large)
  check(new Uint8Array(300_000))
  expect(compress(new Uint8Array(300_000)).length).toBeLessThan(20_000)
})

test('Snappy that is damaged is refused, or gives other bytes of the same length', () => {
  const bytes = Buffer.from('a text, a text, a text and another text'.repeat(20))
  const compressed = compress(bytes)
  fc.assert(
    fc.property(fc.nat(compressed.length - 1), fc.nat(255), (at, value) => {
      const damaged = compressed.slice()
      damaged[at] = value
      try {
        uncompress(damaged, new Uint8Array(bytes.length))
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedParquet)
      }
    }),
    { numRuns: 3000 },
  )
  // A copy of what is not there yet: of itself, and of what is before the beginning.
  for (const distance of [0, 2])
    expect(() => uncompress(Uint8Array.of(4, 0x00, 0x61, 0x0a, distance, 0), new Uint8Array(4))).toThrow(
      MalformedParquet,
    )
  // A literal of nearly 2^32 bytes, and one that goes back.
  for (const head of [
    [0xfc, 0xff, 0xff, 0xff, 0xff],
    [0xfc, 0xfe, 0xff, 0xff, 0x7f],
    [0x01, 0x09],
  ])
    expect(() => uncompress(Uint8Array.of(3, ...head, 1, 2, 3), new Uint8Array(3))).toThrow(MalformedParquet)
})

test('Thrift: fields are read by their numbers, near and far, and unknown ones are passed over', () => {
  const sink = small()
  const writer = new ThriftWriter(sink)
  writer
    .i32(1, -5)
    .i64(2, 2 ** 52 - 1)
    .boolean(3, true)
    .boolean(4, false)
    .binary(20, 'é')
    .integers(200, [1, -1])
    .strings(
      201,
      Array.from({ length: 20 }, (_, index) => `${index}`),
    )
    .structs(202, [1, 2], (struct, value) => struct.i32(1, value))
    .struct(203, struct => struct.i8(1, 64))
    .end()
  const cursor = new Cursor(sink.written())
  const read = readStruct(cursor)
  expect(cursor.left).toBe(0)
  expect([read.integer(1), read.integer(2), read.boolean(3), read.boolean(4), read.string(20)]).toEqual([
    -5,
    2 ** 52 - 1,
    true,
    false,
    'é',
  ])
  expect(read.integers(200)).toEqual([1, -1])
  expect(read.strings(201).length).toBe(20)
  expect(read.structs(202).map(each => each.natural(1))).toEqual([1, 2])
  expect(read.struct(203)!.integer(1)).toBe(64)
  expect(read.integer(7)).toBeUndefined()
  expect(() => read.natural(1)).toThrow(MalformedParquet)
  expect(() => read.natural(7)).toThrow(MalformedParquet)
  expect(() => read.string(1)).toThrow(MalformedParquet)
})

test('Thrift that nests without end, or promises more than it has, is refused', () => {
  // A structure in field 1 of a structure, and so on; a list of 2^31 structures.
  expect(() => readStruct(new Cursor(new Uint8Array(10_000).fill(0x1c)))).toThrow('deeply')
  expect(() => readStruct(new Cursor(Uint8Array.of(0x19, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x07)))).toThrow(
    MalformedParquet,
  )
})
