import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { GrowingColumns } from '../../src/model/columns.ts'
import { compareValues, Float, kindOf, Timestamp, type Value } from '../../src/model/value.ts'
import { columnText, MalformedValue, valueFromJson, valueText } from '../../src/model/value-json.ts'
import { anyValue } from '../support/values.ts'

const RUNS = { numRuns: 5000 }

const readBack = (text: string): Value => valueFromJson(JSON.parse(text))

test('every value comes back exactly from its JSON text (IL-17)', () => {
  fc.assert(
    fc.property(anyValue(), value => {
      const back = readBack(valueText(value))
      expect(kindOf(back)).toBe(kindOf(value))
      expect(compareValues(back, value)).toBe(0)
      expect(valueText(back)).toBe(valueText(value))
    }),
    RUNS,
  )
})

test('different values have different texts', () => {
  fc.assert(
    fc.property(anyValue(), anyValue(), (a, b) => {
      expect(valueText(a) === valueText(b)).toBe(compareValues(a, b) === 0)
    }),
    RUNS,
  )
})

test('a row of a column has the text of its value, to the byte', () => {
  fc.assert(
    fc.property(fc.array(anyValue(), { minLength: 1, maxLength: 8 }), values => {
      const columns = new GrowingColumns(1)
      for (const value of values) columns.append([value], 0, 1)
      expect(values.map((_, row) => columnText(columns.data[0]!, row))).toEqual(values.map(valueText))
    }),
    RUNS,
  )
})

test('the text never spans lines, so that a line of the log stays one line', () => {
  fc.assert(
    fc.property(anyValue(), value => {
      expect(valueText(value)).not.toMatch(/[\n\r\0]/)
    }),
    RUNS,
  )
})

test.each<readonly [Value, string]>([
  [null, 'null'],
  [true, 'true'],
  [false, 'false'],
  [0, '0'],
  [-(2 ** 53 - 1), '-9007199254740991'],
  [2n ** 63n - 1n, '{"i":"9223372036854775807"}'],
  [-(2n ** 63n), '{"i":"-9223372036854775808"}'],
  [0.1, '0.1'],
  [5e-324, '5e-324'],
  [new Float(1), '{"f":1}'],
  [new Float(1e300), '{"f":1e+300}'],
  [Number.NaN, '{"f":"NaN"}'],
  [Number.POSITIVE_INFINITY, '{"f":"Infinity"}'],
  [Number.NEGATIVE_INFINITY, '{"f":"-Infinity"}'],
  [new Timestamp(-1), '{"t":-1}'],
  ['a"\n\u{1f600}', '"a\\"\\n\u{1f600}"'],
  [Uint8Array.of(0, 255), '{"b":"AP8="}'],
  [new Uint8Array(0), '{"b":""}'],
  [Float32Array.of(0.5, Number.NaN, Number.NEGATIVE_INFINITY), '{"v":[0.5,"NaN","-Infinity"]}'],
])('%s is written as %s', (value, text) => {
  expect(valueText(value)).toBe(text)
  expect(compareValues(readBack(text), value)).toBe(0)
})

describe('a form that Varve does not write but a hand may becomes canonical', () => {
  test.each<readonly [string, Value]>([
    ['-0', 0],
    ['1.0', 1],
    ['1e2', 100],
    ['{"i":"0"}', 0],
    ['{"i":"5"}', 5],
    ['{"i":"-9007199254740991"}', -(2 ** 53 - 1)],
    ['{"f":1.5}', 1.5],
    ['{"f":-0}', new Float(0)],
    ['{"t":-0}', new Timestamp(0)],
    ['{"v":[-0,0.1]}', Float32Array.of(0, 0.1)],
  ])('%s', (text, value) => {
    const back = readBack(text)
    expect(back).toEqual(value)
    expect(valueText(back)).toBe(valueText(value))
  })
})

describe('what is not the JSON of a value is a MalformedValue', () => {
  const malformed: readonly string[] = [
    '{}',
    '{"x":1}',
    '{"I":"5"}',
    '{"__proto__":1}',
    '{"__proto__":{"f":1}}',
    '{"constructor":1}',
    '{"toString":"5"}',
    '{"f":1,"t":1}',
    '{"f":1,"__proto__":2}',
    '[]',
    '[1]',
    '[[[]]]',
    '{"f":{"f":1}}',
    '{"v":[[1]]}',
    '{"v":[{"f":1}]}',
    '1e300',
    '1e400',
    '-1e400',
    '{"f":1e400}',
    '{"f":-1e400}',
    '{"v":[1e400]}',
    '9007199254740992',
    '"\\ud800"',
    '"a\\udc00b"',
    '{"i":5}',
    '{"i":""}',
    '{"i":"-"}',
    '{"i":"-0"}',
    '{"i":"+5"}',
    '{"i":"05"}',
    '{"i":"0x10"}',
    '{"i":"1e3"}',
    '{"i":" 5"}',
    '{"i":"5\\n"}',
    '{"i":"9223372036854775808"}',
    '{"i":"-9223372036854775809"}',
    '{"i":"99999999999999999999"}',
    '{"i":null}',
    '{"i":["5"]}',
    '{"f":"nan"}',
    '{"f":"1"}',
    '{"f":null}',
    '{"f":true}',
    '{"f":"toString"}',
    '{"f":"__proto__"}',
    '{"f":"constructor"}',
    '{"t":"1"}',
    '{"t":1.5}',
    '{"t":9007199254740992}',
    '{"t":null}',
    '{"b":null}',
    '{"b":[1]}',
    '{"b":"A"}',
    '{"b":"AA"}',
    '{"b":"AAA"}',
    '{"b":"A==="}',
    '{"b":"AA=A"}',
    '{"b":"===="}',
    '{"b":"AA==AAAA"}',
    '{"b":"AA_-"}',
    '{"b":"AA A"}',
    '{"b":"AAAA\\n"}',
    '{"v":null}',
    '{"v":{"length":1}}',
    '{"v":"1"}',
    '{"v":["1"]}',
    '{"v":[null]}',
    '{"v":["toString"]}',
    '{"v":["__proto__"]}',
    '{"v":[1e40]}',
    '{"v":[1,-1e300]}',
  ]
  test.each(malformed)('%s', text => {
    expect(() => readBack(text)).toThrow(MalformedValue)
  })

  test.each([
    ['1e400', 'beyond the range of floats'],
    ['{"f":1e400}', 'beyond the range of floats'],
    ['9007199254740993', 'an integer beyond 2^53-1 is written {"i":"…"}, a float {"f":…}'],
    ['[1,2]', 'a list is no value; a vector is written {"v":[…]}'],
    ['{"x":1}', 'an object is a tagged value: {"i":"…"}, {"f":…}, {"t":…}, {"b":"…"} or {"v":[…]}'],
    ['{"i":"9223372036854775808"}', 'an integer does not fit 64 bits'],
    ['{"t":1.5}', 'a timestamp is {"t":…} with a whole number of ms'],
    ['"\\ud800"', 'a string has a lone surrogate'],
  ])('%s, and it says how it would be written', (text, why) => {
    const refused = (): Value => readBack(text)
    expect(refused).toThrow(why)
    expect(refused).not.toThrow(/place=|bigint|float\(/)
  })

  test('undefined, which no JSON is', () => {
    expect(() => valueFromJson(undefined)).toThrow(MalformedValue)
  })

  test('10,000 levels deep', () => {
    expect(() => readBack(`${'{"v":['.repeat(10_000)}${']}'.repeat(10_000)}`)).toThrow(MalformedValue)
  })
})

test('bytes of 24 MiB come back: their length is no reason to refuse them', () => {
  const bytes = new Uint8Array(24 * 2 ** 20).fill(7)
  expect(Buffer.compare(readBack(valueText(bytes)) as Uint8Array, bytes)).toBe(0)
})

test('any JSON gives a canonical value or a MalformedValue, never another error', () => {
  const leaf = fc.oneof(
    anyValue().map(value => JSON.parse(valueText(value)) as unknown),
    fc.constantFrom<unknown>('NaN', 'Infinity', 'toString', '__proto__', '5', 'AA==', 1e300, 2 ** 53, 1e40),
    fc.double(),
  )
  const tag = fc.constantFrom('i', 'f', 't', 'b', 'v', 'x', '__proto__', 'constructor')
  const json = fc.oneof(
    leaf,
    fc.array(leaf, { maxLength: 3 }),
    fc
      .array(fc.tuple(tag, fc.oneof(leaf, fc.array(leaf, { maxLength: 3 }))), { maxLength: 2 })
      .map(fields =>
        JSON.parse(
          `{${fields.map(([key, content]) => `${JSON.stringify(key)}:${JSON.stringify(content)}`).join(',')}}`,
        ),
      ),
    fc.json().map(text => JSON.parse(text) as unknown),
  )
  let accepted = 0
  fc.assert(
    fc.property(json, parsed => {
      try {
        const value = valueFromJson(parsed)
        accepted++
        expect(compareValues(readBack(valueText(value)), value)).toBe(0)
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedValue)
      }
    }),
    { numRuns: 10_000 },
  )
  expect(accepted).toBeGreaterThan(1000)
})
