import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { locator } from '../../src/config/locate.ts'

/** A document, a path, and `line:column`, both from 1. */
const cases: readonly (readonly [string, string, string[], string])[] = [
  ['a key', 'a = 1\nb = 2', ['b'], '2:1'],
  ['a key that is indented', '\n  a = 1', ['a'], '2:3'],
  ['a key of a section', '# x\n[s]\n# y\na = 1 # a = 2\n\tb = 2', ['s', 'b'], '5:2'],
  ['a section', 'a = 1\n\n [ s . t ]\nb = 2', ['s', 't'], '3:4'],
  ['a section that is only passed', '[s.t]\nb = 2', ['s'], '1:2'],
  ['a list of tables', 'a = 1\n[[s]]\nb = 2', ['s'], '2:3'],
  ['a dotted key', '[s]\na . b = 1\nt."c d".e = 2', ['s', 't', 'c d', 'e'], '3:1'],
  ['a key of an inline table', '[s]\nt = { a = 1, b = { c = 2 } }', ['s', 't', 'b', 'c'], '2:20'],
  ['a key of an inline table over lines', 't = {\n  a = "}", # }\n  b = 2,\n}\nc = 3', ['t', 'b'], '3:3'],
  ['a key behind it', 't = {\n  a = "}", # }\n  b = 2,\n}\nc = 3', ['c'], '5:1'],
  ['a quoted key', '"a b" = 1\n\'c"\' = 2', ['c"'], '2:1'],
  ['a key with an escape', '"\\u0061\\"" = 1', ['a"'], '1:1'],
  ['a key behind a text', 'a = "b = 1 # \\" \\\\"\nb = 2', ['b'], '2:1'],
  ['a key behind a literal', "a = 'x\\'\nb = 2", ['b'], '2:1'],
  ['a key behind a long text', 'a = """\nb = 1\n\\""" "" """""\nb = 2', ['b'], '4:1'],
  ['a key behind a long literal', "a = '''\nb = 1\\''''\nb = 2", ['b'], '3:1'],
  ['a key behind an empty text', 'a = ""\nb = 2', ['b'], '2:1'],
  ['a key behind an empty long text', 'a = """"""\nb = 2', ['b'], '2:1'],
  ['a key behind a list', 'a = [\n  "]", # ]\n  [{ b = 1 }],\n]\nb = 2', ['b'], '5:1'],
  ['a key behind a date', 'a = 1979-05-27 07:32:00.5+01:00\nb = 2', ['b'], '2:1'],
  ['a key behind CRLF', 'a = 1\r\n\r\nb = 2\r\n', ['b'], '3:1'],
  [
    'a key that is a word of JavaScript',
    '__proto__ = 1\n[constructor]\nprototype = 2',
    ['constructor', 'prototype'],
    '3:1',
  ],
  ['what is not there: the nearest that is', '[s]\n[s.t]\na = 1', ['s', 't', 'b'], '2:2'],
  ['what is in nothing that is there: the beginning', 'a = 1', ['b'], '1:1'],
]

describe('finds', () => {
  test.each(cases)('%s', (_, text, path, expected) => {
    const { line, column } = locator(text)(path)
    expect(`${line}:${column}`).toBe(expected)
  })
})

test('every key of any document, on its line', () => {
  const name = fc.constantFrom('a', 'b-1', '"c.d"', "'e f'", '"#"')
  const value = fc.constantFrom(
    '1',
    '"x = 1"',
    "'''\ny = 2 # \n'''",
    '"""\n[z]\n\\""""',
    '[\n1, # ]\n"]",\n]',
    '{ q = "}", r = [ 1 ] }',
    'true # x = 2',
  )
  const item = fc.record({ name, value, before: fc.constantFrom('', '\n', '# [n]\n', ' \t') })
  const section = fc.record({ name, items: fc.array(item, { maxLength: 4 }) })
  fc.assert(
    fc.property(fc.array(section, { maxLength: 4 }), sections => {
      let text = ''
      const expected: [string[], number][] = []
      // Numbers keep names apart: a document says each key once.
      const plain = (quoted: string): string => (/^["']/.test(quoted) ? quoted.slice(1, -1) : quoted)
      for (const [s, { name: of, items }] of sections.entries()) {
        text += `[s${s}.${of}]\n`
        expected.push([[`s${s}`, plain(of)], text.split('\n').length - 1])
        for (const [i, each] of items.entries()) {
          text += `${each.before}k${i}.${each.name} = `
          expected.push([[`s${s}`, plain(of), `k${i}`, plain(each.name)], text.split('\n').length])
          text += `${each.value}\n`
        }
      }
      const placeOf = locator(text)
      for (const [path, line] of expected) expect([path, placeOf(path).line]).toEqual([path, line])
    }),
  )
})

test('ends with what is no TOML, whatever it is', () => {
  const part = fc.constantFrom(
    '[',
    ']',
    '{',
    '}',
    '"',
    "'",
    '"""',
    "'''",
    '=',
    '.',
    ',',
    '#',
    '\n',
    'a',
    ' ',
    '\\',
    '\0',
  )
  fc.assert(
    fc.property(fc.array(part, { maxLength: 40 }), parts => {
      expect(locator(parts.join(''))(['a']).line).toBeGreaterThan(0)
    }),
    { numRuns: 2000 },
  )
})
