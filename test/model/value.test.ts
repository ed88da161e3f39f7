import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InputError } from '../../src/errors.ts'
import {
  canonical,
  compareKinded,
  compareStrings,
  compareValues,
  Float,
  float,
  Kind,
  kindOf,
  rankOfKind,
  Timestamp,
  timestamp,
  type Value,
} from '../../src/model/value.ts'
import { anyFloat, anyInteger, anyText, anyValue } from '../support/values.ts'

const RUNS = { numRuns: 2000 }

/** What a call throws. */
const thrownBy = (call: () => unknown): unknown => {
  try {
    call()
  } catch (error) {
    return error
  }
  return undefined
}

/** Says whether two canonical values are the same one, without the code under test. */
const identity = (value: Value): string => {
  if (value === null) return 'null'
  if (value instanceof Float) return `float ${value.value}`
  if (value instanceof Timestamp) return `timestamp ${value.ms}`
  if (value instanceof Uint8Array) return `bytes ${value.join()}`
  if (value instanceof Float32Array) return `vector ${value.length} ${value.join()}`
  if (typeof value === 'bigint') return `number ${value}`
  return `${typeof value} ${value}`
}

describe('the canonical form', () => {
  test('minus zero becomes zero as integer, float, timestamp and in a vector', () => {
    expect(canonical(-0, 'v')).toBe(0)
    expect((canonical(float(-0), 'v') as Float).value).toBe(0)
    expect((canonical(new Timestamp(-0), 'v') as Timestamp).ms).toBe(0)
    expect(timestamp(-0).ms).toBe(0)
    expect(Object.is((canonical(Float32Array.of(1, -0), 'v') as Float32Array)[1], 0)).toBe(true)
  })

  test('a bigint that is a safe integer becomes a number, any other stays (rules 11)', () => {
    expect(canonical(7n, 'v')).toBe(7)
    expect(canonical(2n ** 53n - 1n, 'v')).toBe(2 ** 53 - 1)
    expect(canonical(-(2n ** 53n) + 1n, 'v')).toBe(-(2 ** 53) + 1)
    expect(canonical(2n ** 53n, 'v')).toBe(2n ** 53n)
    expect(canonical(-(2n ** 53n), 'v')).toBe(-(2n ** 53n))
    expect(canonical(2n ** 63n - 1n, 'v')).toBe(2n ** 63n - 1n)
    expect(canonical(-(2n ** 63n), 'v')).toBe(-(2n ** 63n))
  })

  test('a float with a fraction is a number, an integral one stays a Float', () => {
    expect(canonical(float(1.5), 'v')).toBe(1.5)
    expect(canonical(float(Number.NaN), 'v')).toBeNaN()
    expect(canonical(float(Number.NEGATIVE_INFINITY), 'v')).toBe(Number.NEGATIVE_INFINITY)
    expect(canonical(float(1), 'v')).toEqual(new Float(1))
    expect(canonical(float(1e300), 'v')).toEqual(new Float(1e300))
    expect(canonical(0.1, 'v')).toBe(0.1)
  })

  test('a Date becomes a timestamp of its milliseconds, also before 1970', () => {
    expect(canonical(new Date(-5), 'v')).toEqual(new Timestamp(-5))
    expect(timestamp(new Date(1234))).toEqual(new Timestamp(1234))
  })

  test('what the caller does to its bytes and vectors afterwards changes nothing', () => {
    const bytes = Uint8Array.of(1, 2)
    const vector = Float32Array.of(1, 2)
    const keptBytes = canonical(bytes, 'v')
    const keptVector = canonical(vector, 'v')
    bytes.fill(9)
    vector.fill(9)
    expect(keptBytes).toEqual(Uint8Array.of(1, 2))
    expect(keptVector).toEqual(Float32Array.of(1, 2))
  })

  test('a Buffer, even a part of a larger one, becomes plain bytes of its own', () => {
    const kept = canonical(Buffer.from('abcdef').subarray(2, 4), 'v') as Uint8Array
    expect(Object.getPrototypeOf(kept)).toBe(Uint8Array.prototype)
    expect(kept).toEqual(Uint8Array.of(99, 100))
    expect(kept.buffer.byteLength).toBe(2)
  })

  test('every NaN of a vector becomes the one NaN, so that equal vectors have equal bytes', () => {
    const strange = new Float32Array(Uint32Array.of(0xffc00001, 0x7fc12345).buffer)
    const kept = canonical(strange, 'v') as Float32Array
    expect(new Uint32Array(kept.buffer)).toEqual(Uint32Array.of(0x7fc00000, 0x7fc00000))
  })

  test('strings are kept as they are: no normalisation, NUL and astral characters included', () => {
    for (const text of ['', '\0', 'e\u0301', '\u00e9', '\u{1f600}', '\ufeff', '\ud800\udc00\udbff\udfff'])
      expect(canonical(text, 'v')).toBe(text)
  })

  test('the canonical form of a canonical value is the same value', () => {
    fc.assert(
      fc.property(anyValue(), value => {
        const again = canonical(value, 'v')
        expect(kindOf(again)).toBe(kindOf(value))
        expect(identity(again)).toBe(identity(value))
      }),
      RUNS,
    )
  })
})

describe('what is not a value is refused with VALUE_INVALID and its place', () => {
  const refused: readonly (readonly [string, unknown])[] = [
    ['undefined', undefined],
    ['a symbol', Symbol('s')],
    ['a function', () => 1],
    ['a plain object', {}],
    ['an object without prototype', Object.create(null)],
    ['an array', [1]],
    ['a Map', new Map()],
    ['a boxed number', Object(1)],
    ['an ArrayBuffer', new ArrayBuffer(1)],
    ['a vector of doubles', Float64Array.of(1)],
    ['clamped bytes', Uint8ClampedArray.of(1)],
    ['a Date that is no time', new Date(Number.NaN)],
    ['a timestamp of NaN', new Timestamp(Number.NaN)],
    ['a timestamp with a fraction', new Timestamp(0.5)],
    ['a timestamp beyond 2^53-1', new Timestamp(2 ** 53)],
    ['a timestamp of a string', new Timestamp('1' as never)],
    ['a float of a string', new Float('1' as never)],
    ['a float of a bigint', new Float(1n as never)],
    ['2^53 as a number, which may have been rounded', 2 ** 53],
    ['-2^53 as a number', -(2 ** 53)],
    ['1e300 as a number', 1e300],
    ['int64 + 1', 2n ** 63n],
    ['int64 - 1', -(2n ** 63n) - 1n],
    ['a high surrogate alone', '\ud800'],
    ['a high surrogate at the start', '\ud83dabc'],
    ['a high surrogate in the middle', 'ab\udbffcd'],
    ['a high surrogate at the end', 'abc\ud83d'],
    ['a high surrogate before a pair', '\ud83d\ud83d\ude00'],
    ['a low surrogate alone', '\udfff'],
    ['a low surrogate at the start', '\ude00abc'],
    ['a low surrogate in the middle', 'ab\udc00cd'],
    ['a low surrogate at the end', 'abc\ude00'],
    ['a low surrogate after a pair', '\ud83d\ude00\ude00'],
    ['surrogates in the wrong order', '\ude00\ud83d'],
  ]
  test.each(refused)('%s', (_, value) => {
    const error = thrownBy(() => canonical(value, 'updates[3].data[1]'))
    expect(error).toBeInstanceOf(InputError)
    expect(error).toMatchObject({ code: 'VALUE_INVALID', details: { place: 'updates[3].data[1]' } })
  })

  test.each([Number.NaN, 0.5, 2 ** 53, new Date(Number.NaN), '1', undefined, null, {}, 1n])(
    'timestamp(%s)',
    at => {
      expect(thrownBy(() => timestamp(at as never))).toMatchObject({
        name: 'InputError',
        code: 'VALUE_INVALID',
        details: { place: 'at' },
      })
    },
  )

  test('a string is a value exactly if UTF-8 gives it back', () => {
    const unit = fc.constantFrom('a', '\ud83d', '\ude00', '\ud800', '\udfff', '\ue000', '\u{10000}')
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 6 }), units => {
        const text = units.join('')
        if (Buffer.from(text, 'utf8').toString('utf8') === text) expect(canonical(text, 'at')).toBe(text)
        else expect(thrownBy(() => canonical(text, 'at'))).toMatchObject({ code: 'VALUE_INVALID' })
      }),
      RUNS,
    )
  })
})

describe('the total order', () => {
  test('one value of each kind, in order', () => {
    const ordered: readonly Value[] = [
      null,
      false,
      true,
      Number.NEGATIVE_INFINITY,
      new Float(-(2 ** 63)),
      -(2n ** 53n),
      -1,
      new Float(-1),
      -0.5,
      -5e-324,
      0,
      new Float(0),
      5e-324,
      1,
      new Float(1),
      2 ** 53 - 1,
      2n ** 53n,
      new Float(2 ** 53),
      2n ** 53n + 1n,
      2n ** 63n - 1n,
      new Float(2 ** 63),
      Number.POSITIVE_INFINITY,
      Number.NaN,
      new Timestamp(-1),
      new Timestamp(0),
      '',
      '\0',
      '\0\0',
      'a',
      'ab',
      'b',
      '\u00e9',
      '\ue000',
      '\uff5e',
      '\uffff',
      '\u{10000}',
      '\u{10ffff}',
      new Uint8Array(0),
      Uint8Array.of(0),
      Uint8Array.of(0, 0),
      Uint8Array.of(1),
      Uint8Array.of(255),
      new Float32Array(0),
      Float32Array.of(Number.NEGATIVE_INFINITY),
      Float32Array.of(5),
      Float32Array.of(Number.NaN),
      Float32Array.of(1, 1),
      Float32Array.of(1, 2),
    ]
    for (const [i, a] of ordered.entries())
      for (const [j, b] of ordered.entries())
        expect([i, j, Math.sign(compareValues(a, b))]).toEqual([i, j, Math.sign(i - j)])
  })

  test('is antisymmetric, and zero only for the same value', () => {
    fc.assert(
      fc.property(anyValue(), anyValue(), (a, b) => {
        const order = compareValues(a, b)
        expect(Number.isNaN(order)).toBe(false)
        expect(Math.sign(order) + Math.sign(compareValues(b, a))).toBe(0)
        expect(order === 0).toBe(identity(a) === identity(b))
      }),
      { numRuns: 5000 },
    )
  })

  test('is zero for a value and its copy', () => {
    fc.assert(
      fc.property(anyValue(), value => {
        expect(compareValues(value, canonical(value, 'v'))).toBe(0)
      }),
      RUNS,
    )
  })

  const transitive = (values: readonly [Value, Value, Value]): void => {
    const [a, b, c] = [...values].sort(compareValues) as [Value, Value, Value]
    expect(compareValues(a, b)).toBeLessThanOrEqual(0)
    expect(compareValues(b, c)).toBeLessThanOrEqual(0)
    expect(compareValues(a, c)).toBeLessThanOrEqual(0)
    if (compareValues(a, b) < 0 || compareValues(b, c) < 0) expect(compareValues(a, c)).toBeLessThan(0)
  }

  test('is transitive over all kinds, over numbers and over strings', () => {
    const number = fc.oneof(anyInteger(), anyFloat())
    fc.assert(fc.property(fc.tuple(anyValue(), anyValue(), anyValue()), transitive), RUNS)
    fc.assert(fc.property(fc.tuple(number, number, number), transitive), RUNS)
    fc.assert(fc.property(fc.tuple(anyText(), anyText(), anyText()), transitive), RUNS)
  })

  test('strings compare as their UTF-8 bytes do', () => {
    fc.assert(
      fc.property(anyText(), anyText(), (a, b) => {
        expect(Math.sign(compareStrings(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)))
      }),
      { numRuns: 5000 },
    )
  })

  test('bytes compare as Buffer.compare does', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 4 }), fc.uint8Array({ maxLength: 4 }), (a, b) => {
        expect(Math.sign(compareValues(new Uint8Array(a), new Uint8Array(b)))).toBe(Buffer.compare(a, b))
      }),
      RUNS,
    )
  })

  test('integers and finite floats compare by exact value, the integer first where they are equal', () => {
    // Both times 2^1074 are integers, so that BigInt says the truth about any float.
    const exact = (value: number): bigint => {
      const [digits, exponent] = decomposed(value)
      return digits << BigInt(exponent + 1074)
    }
    const finite = anyFloat().filter(value => Number.isFinite(value instanceof Float ? value.value : value))
    fc.assert(
      fc.property(anyInteger(), finite, (integer, floating) => {
        const left = BigInt(integer as number | bigint) << 1074n
        const right = exact(floating instanceof Float ? floating.value : (floating as number))
        expect(Math.sign(compareValues(integer, floating))).toBe(left > right ? 1 : -1)
      }),
      { numRuns: 5000 },
    )
  })

  test.each([2n ** 53n, 2n ** 60n, 2n ** 62n])('neighbours of the float of %s', edge => {
    const at = new Float(Number(edge))
    expect(compareValues(canonical(edge - 1n, 'v'), at)).toBe(-1)
    expect(compareValues(canonical(edge, 'v'), at)).toBe(-1)
    expect(compareValues(at, canonical(edge, 'v'))).toBe(1)
    expect(compareValues(canonical(edge + 1n, 'v'), at)).toBe(1)
    expect(compareValues(canonical(-edge - 1n, 'v'), new Float(-Number(edge)))).toBe(-1)
    expect(compareValues(canonical(-edge + 1n, 'v'), new Float(-Number(edge)))).toBe(1)
  })

  test('kinds and payloads compare as the values do', () => {
    expect(compareKinded(Kind.null, 0, Kind.null, 99)).toBe(0)
    expect(compareKinded(Kind.int, 1, Kind.float, 1)).toBe(-1)
    expect(Object.values(Kind).map(rankOfKind)).toEqual([0, 1, 2, 2, 2, 3, 4, 5, 6])
  })
})

test('kindOf tells every kind', () => {
  expect(
    [
      null,
      true,
      1,
      2n ** 60n,
      1.5,
      new Float(1),
      new Timestamp(0),
      '',
      new Uint8Array(),
      new Float32Array(),
    ].map(kindOf),
  ).toEqual([
    Kind.null,
    Kind.boolean,
    Kind.int,
    Kind.wide,
    Kind.float,
    Kind.float,
    Kind.timestamp,
    Kind.string,
    Kind.bytes,
    Kind.vector,
  ])
})

/** A finite float as digits * 2^exponent. */
const decomposed = (value: number): readonly [bigint, number] => {
  const bits = new BigUint64Array(Float64Array.of(value).buffer)[0]!
  const exponent = Number((bits >> 52n) & 0x7ffn)
  const fraction = bits & (2n ** 52n - 1n)
  const digits = exponent === 0 ? fraction : fraction | (2n ** 52n)
  return [value < 0 ? -digits : digits, Math.max(exponent, 1) - 1075]
}
