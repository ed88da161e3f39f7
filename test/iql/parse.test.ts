import { describe, expect, test } from 'vitest'
import { parseStatement } from '../../src/iql/parse.ts'
import type { Statement } from '../../src/iql/statement.ts'
import { Float, type Value } from '../../src/model/value.ts'

const parse = (text: string): Statement => parseStatement({ text, line: 1 })

/** The first tuple of an insert. */
const tuple = (terms: string): readonly Value[] => {
  const statement = parse(`+r(${terms})`)
  return statement.kind === 'insert' ? statement.tuples[0]! : []
}

describe('statements', () => {
  test('an insert of one fact, and of a list', () => {
    expect(parse('+edge(1, 2)')).toEqual({
      kind: 'insert',
      relation: 'edge',
      tuples: [[1, 2]],
      form: 'one',
      offset: 1,
    })
    expect(parse('+ edge [(1, 2), (2, 3,),\n ("a", null)]')).toMatchObject({
      form: 'list',
      tuples: [
        [1, 2],
        [2, 3],
        ['a', null],
      ],
    })
    expect(parse('+name["a", (true)]')).toMatchObject({ tuples: [['a'], [true]] })
    expect(parse('+v[[1, 2]]')).toMatchObject({ tuples: [[Float32Array.of(1, 2)]] })
  })

  test('a delete', () => {
    expect(parse('-edge(1, -2)')).toMatchObject({ kind: 'delete', tuples: [[1, -2]], form: 'one' })
    expect(parse('-edge[(1, 2)]')).toMatchObject({ kind: 'delete', tuples: [[1, 2]], form: 'list' })
  })

  test('a query, as of a time', () => {
    expect(parse('?edge(1, X, _) @ 750')).toEqual({
      kind: 'query',
      goal: {
        relation: 'edge',
        offset: 1,
        terms: [
          { kind: 'constant', value: 1, offset: 6 },
          { kind: 'variable', name: 'X', offset: 9 },
          { kind: 'wildcard', offset: 12 },
        ],
      },
      asOf: 750,
    })
    expect(parse('?edge(_x)')).toMatchObject({ goal: { terms: [{ kind: 'variable', name: '_x' }] } })
  })

  test('a schema, with the types of the language and of the store', () => {
    expect(
      parse('+e(a: int, B: float, c: string, d: bool, e: timestamp, f: bytes, g: vector, h: any, i: int32)'),
    ).toEqual({
      kind: 'schema',
      relation: 'e',
      columns: [
        { name: 'a', type: 'int64' },
        { name: 'B', type: 'float64' },
        { name: 'c', type: 'string' },
        { name: 'd', type: 'boolean' },
        { name: 'e', type: 'timestamp' },
        { name: 'f', type: 'bytes' },
        { name: 'g', type: 'vector' },
        { name: 'h', type: 'any' },
        { name: 'i', type: 'int32' },
      ],
    })
  })

  test('a command and its words', () => {
    expect(parse('  .kg use "my graph" x\\y')).toEqual({
      kind: 'command',
      name: 'kg',
      words: [
        { text: 'use', offset: 6 },
        { text: 'my graph', offset: 10 },
        { text: 'x\\y', offset: 21 },
      ],
    })
    expect(parse('.load "a\\"b"')).toMatchObject({ words: [{ text: 'a"b' }] })
  })
})

test.each([
  ['0', 0],
  ['-7', -7],
  ['- 7', -7],
  ['007', 7],
  ['9007199254740992', 9007199254740992n],
  ['9223372036854775807', 9223372036854775807n],
  ['-9223372036854775808', -9223372036854775808n],
  ['1.0', new Float(1)],
  ['1.5', 1.5],
  ['-2e3', new Float(-2000)],
  ['2.5E-1', 0.25],
  ['-0.0', new Float(0)],
  ['true', true],
  ['false', false],
  ['null', null],
  ['"a b"', 'a b'],
  ['"// no (comment"', '// no (comment'],
  ['"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u{1F600}\\ud83d\\ude00"', '"\\/\b\f\n\r\té😀😀'],
  ['[]', new Float32Array()],
  ['[1, -2.5, 1e2]', Float32Array.of(1, -2.5, 100)],
  ['bytes("00fF")', Uint8Array.of(0, 255)],
  ['timestamp(-5)', { ms: -5 }],
  ['timestamp("1970-01-01T00:00:01Z")', { ms: 1000 }],
  ['timestamp("1970-01-01T01:00:00.5+01:00")', { ms: 500 }],
  ['timestamp("2024-02-29")', { ms: Date.UTC(2024, 1, 29) }],
] as const)('the term %s', (text, value) => {
  expect(tuple(text)).toEqual([value])
})

describe('mistakes have line and column', () => {
  test.each([
    ['', 1, 1, 'a statement begins with + - ? or a dot'],
    ['edge', 1, 1, 'a statement begins with'],
    ['+', 1, 2, 'expected the name of a relation, found the end of the statement'],
    ['+Edge(1)', 1, 2, 'a relation begins with a lower-case letter, and Edge does not'],
    ['-Edge[1]', 1, 2, 'a relation begins with a lower-case letter, and Edge does not'],
    ['?Edge(X)', 1, 2, 'a relation begins with a lower-case letter, and Edge does not'],
    ['+Edge', 1, 2, 'expected the name of a relation, found Edge'],
    ['+edge', 1, 6, 'expected ( or [ behind edge, found the end'],
    ['+edge(1 2)', 1, 9, 'expected , or ) after a term, found 2'],
    ['+edge()', 1, 7, 'expected a term, found )'],
    ['+edge(1,)', 1, 9, 'expected a term, found )'],
    ['+edge(1', 1, 6, 'the bracket is not closed'],
    ['+edge[(1, 2), (")"', 1, 6, 'the bracket is not closed'],
    ['+a((2)\n+a(3)\n?a(X)', 1, 3, 'the bracket is not closed'],
    ["?a(X, 'b'\n  ;", 1, 3, 'the bracket is not closed'],
    ['+a)(', 1, 3, 'expected ( or [ behind a, found )'],
    ['+edge(1, 2))', 1, 12, 'expected the end of the statement, found )'],
    ['+edge(1, 2).', 1, 12, 'unexpected .; a statement ends with its line'],
    ['+edge(1,\n  x)', 2, 3, 'x is no term: write "x" for a string, or X for a variable'],
    ["+edge('a')", 1, 7, "unexpected '; strings are in double quotes"],
    ['+edge("a)', 1, 7, 'the string is not closed on its line'],
    ['+edge("\\x")', 1, 7, '\\x is no escape'],
    ['+edge("\\ud800")', 1, 7, 'lone surrogate'],
    ['+edge("\\u{110000}")', 1, 7, 'is no escape'],
    ['+edge(1, X)', 1, 10, 'an insert takes constants, and X is none'],
    ['-edge[(1, _)]', 1, 11, 'a delete takes constants, and _ is none'],
    ['+edge[(1, 2), (3)]', 1, 15, 'a tuple of 1 terms in a list of tuples of 2'],
    ['+edge[(1, 2) (3, 4)]', 1, 14, 'expected , or ] after a tuple'],
    ['+edge[]', 1, 7, 'expected a term, found ]'],
    ['+edge[()]', 1, 8, 'expected a term'],
    ['+edge(9223372036854775808)', 1, 7, 'an integer must fit 64 bits'],
    [`+edge(${'9'.repeat(5000)})`, 1, 7, 'an integer must fit 64 bits'],
    ['+edge(1e999)', 1, 7, 'too large for a float'],
    ['+edge([1e39])', 1, 8, 'a 32-bit float'],
    ['+edge([1, "a"])', 1, 11, 'expected a number, found "a"'],
    ['+edge([1 2])', 1, 10, 'expected , or ] after an element'],
    ['+edge(- x)', 1, 9, 'expected a number, found x'],
    ['+edge(timestamp("x"))', 1, 17, 'a timestamp is made of'],
    ['+edge(timestamp("2026-01-31T12:00:00"))', 1, 17, 'a timestamp is made of'],
    ['+edge(timestamp("2026-02-29"))', 1, 17, 'a timestamp is made of'],
    ['+edge(timestamp("2026-01-01T25:00Z"))', 1, 17, 'a timestamp is made of'],
    ['+edge(timestamp(9223372036854775807))', 1, 17, 'a timestamp is made of'],
    ['+edge(timestamp(1.5))', 1, 17, 'a timestamp is made of'],
    ['+edge(bytes("0"))', 1, 13, 'pairs of hexadecimal digits'],
    ['+edge(bytes("00", 1))', 1, 17, 'expected ) behind the argument of bytes'],
    ['+edge(a: int, b)', 1, 16, 'expected : and a type behind b'],
    ['+edge(a: integer)', 1, 10, 'expected a type, one of int, float, string, bool'],
    ['+edge(a: int b: int)', 1, 14, 'expected , or ) after a column'],
    ['+edge(a: int, 1)', 1, 15, 'expected the name of a column'],
    ['?', 1, 2, 'expected the name of a relation'],
    ['?edge', 1, 6, 'expected ( behind edge'],
    ['?edge(X) @', 1, 11, 'a time is a whole number'],
    ['?edge(X) @ -1', 1, 12, 'a time is a whole number'],
    ['?edge(X) @ 9007199254740991', 1, 12, 'a time is a whole number'],
    ['?edge(X) @ 5 6', 1, 14, 'expected the end of the statement'],
    ['.', 1, 1, 'a command is a dot and a name'],
    ['.Kg', 1, 1, 'a command is a dot and a name'],
    ['.load "x', 1, 7, 'the word is not closed'],
    ['+é(1)', 1, 2, 'unexpected é'],
  ])('%s', (text, line, column, message) => {
    expect(() => parse(text)).toThrowError(
      expect.objectContaining({
        code: 'STATEMENT_INVALID',
        message: expect.stringContaining(message),
        details: { line, column, file: undefined },
      }),
    )
  })

  test('counted from where the statement stands, in its file', () => {
    expect(() => parseStatement({ text: '+edge(1,\n2 3)', line: 41, file: 'a.iql' })).toThrowError(
      expect.objectContaining({ details: { line: 42, column: 3, file: 'a.iql' } }),
    )
  })
})

describe('what comes later is refused by name', () => {
  test.each([
    ['+path(X, Y) <- edge(X, Y)', 13, 'rules come'],
    ['path(X, Y) <- edge(X, Y)', 12, 'rules come'],
    ['+total(X, sum<Y>) <- a(X, Y)', 11, 'aggregates such as sum come'],
    ['-path', 1, 'rules, and dropping them, come'],
    ['-edge(X, Y) <- edge(X, Y)', 13, 'conditional deletes come'],
    ['-a(X), +b(X) <- a(X)', 6, 'updates come'],
    ['+a[(1, 2)], -b(1, 2)', 11, 'updates come'],
    ['edge(1, 2)', 1, 'session facts come'],
    ['edge(a: int)', 1, 'session schemas come'],
    ['type Name: string', 1, 'type declarations come'],
    ['+edge(a: Name)', 10, 'declared types come'],
    ['?edge(X, Y), X > 3', 12, 'queries of several conditions come'],
    ['?edge(X) limit(1)', 10, 'limits come'],
    ['?edge(X) @ 5 limit(1)', 14, 'limits come'],
    ['?edge(X:asc)', 8, 'orders such as :asc and :desc come'],
    ['?!edge(X)', 2, 'negated atoms come'],
    ['?X = 3', 2, 'comparisons come'],
    ['?edge(X + 1)', 9, 'expressions come'],
    ['?edge((X))', 7, 'expressions come'],
    ['+edge(1-2)', 8, 'expressions come'],
    ['+edge(abs(-1))', 7, 'functions such as abs come'],
  ])('%s', (text, column, message) => {
    expect(() => parse(text)).toThrowError(
      expect.objectContaining({
        code: 'STATEMENT_INVALID',
        message: expect.stringMatching(
          new RegExp(`^${message.replace(/[^a-z, ]/g, '.')}.* in a later version`),
        ),
        details: expect.objectContaining({ line: 1, column }),
      }),
    )
  })
})
