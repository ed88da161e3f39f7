import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseStatement } from '../../src/iql/parse.ts'
import { float, timestamp, type Value } from '../../src/model/value.ts'
import { cellText, isNumber } from '../../src/repl/cell.ts'
import { printable } from '../../src/text/printable.ts'

test.each<[Value, string]>([
  [null, 'null'],
  [true, 'true'],
  [-7, '-7'],
  [2n ** 63n - 1n, '9223372036854775807'],
  [float(1), '1.0'],
  [float(-0), '0.0'],
  [2.5, '2.5'],
  [1e-7, '1e-7'],
  [float(1e21), '1e+21'],
  [Number.NaN, 'NaN'],
  [Number.NEGATIVE_INFINITY, '-Infinity'],
  ['a "b"\\', '"a \\"b\\"\\\\"'],
  ['Zoë 😀', '"Zoë 😀"'],
  ['\u001b[31m\n\u0085\u2028\u202e\ufeff', '"\\u001b[31m\\n\\u{85}\\u{2028}\\u{202e}\ufeff"'],
  [timestamp(0), '1970-01-01T00:00:00.000Z'],
  [timestamp(-(2 ** 53) + 1), 'timestamp(-9007199254740991)'],
  [Uint8Array.of(0, 255), '0x00ff'],
  [Float32Array.of(0.1, -2, 16777216), '[0.1, -2.0, 16777216.0]'],
  [
    Float32Array.of(3.4028234663852886e38, Number.NaN, 1.1754943508222875e-38),
    '[3.4028235e+38, NaN, 1.1754944e-38]',
  ],
  [new Float32Array(), '[]'],
])('the cell of %o', (value, text) => {
  expect(cellText(value)).toBe(text)
})

describe('a cell has at most 40 characters', () => {
  test.each<[Value, string]>([
    ['x'.repeat(38), `"${'x'.repeat(38)}"`],
    ['x'.repeat(39), `"${'x'.repeat(38)}…`],
    ['😀'.repeat(38), `"${'😀'.repeat(38)}"`],
    ['😀'.repeat(39), `"${'😀'.repeat(38)}…`],
    ['x'.repeat(10_000_000), `"${'x'.repeat(38)}…`],
    [new Uint8Array(1000), `0x${'0'.repeat(37)}…`],
    [new Float32Array(1000), `[${'0.0, '.repeat(7)}0.0…`],
  ])('%#', (value, text) => {
    expect(cellText(value)).toBe(text)
  })

  test('whatever the string', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), text => {
        const cell = cellText(text)
        expect(Array.from(cell).length).toBeLessThanOrEqual(40)
        expect(cell).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u)
      }),
    )
  })
})

test('a string that is not cut can be typed in again', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 5 }), text => {
      const statement = parseStatement({ text: `+r(${cellText(text)})`, line: 1 })
      expect(statement).toMatchObject({ tuples: [[text]] })
    }),
  )
})

test('numbers are integers and floats, nothing else', () => {
  expect([1, 2n ** 60n, 0.5, float(1), Number.NaN].every(isNumber)).toBe(true)
  expect([null, true, '1', timestamp(1), Uint8Array.of(1), Float32Array.of(1)].some(isNumber)).toBe(false)
})

test('a line keeps its tabs and loses its line breaks', () => {
  expect(printable('a\tb\nc\r\u009b')).toBe('a\tb\\u{a}c\\u{d}\\u{9b}')
})
