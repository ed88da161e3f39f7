import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InputError } from '../../src/errors.ts'
import { parseStatement } from '../../src/iql/parse.ts'
import { StatementReader } from '../../src/iql/reader.ts'
import type { Source } from '../../src/iql/source.ts'

const readAll = (script: string): Source[] => {
  const reader = new StatementReader()
  return [...script.split('\n').flatMap(line => reader.push(line)), ...reader.end()]
}

const texts = (script: string): [number, string][] => readAll(script).map(({ line, text }) => [line, text])

describe('statements of a script', () => {
  test('one a line; blank lines and comments are skipped, and keep their place', () => {
    expect(texts('+a(1)\n\n// no\n  +b(2) // yes\n/* c */ ?b(X)\n.rel // all')).toEqual([
      [1, '+a(1)'],
      [4, '  +b(2) '],
      [5, '        ?b(X)'],
      [6, '.rel '],
    ])
  })

  test('go on until brackets balance', () => {
    expect(texts('+a[(1, 2),\n// two\n(3, 4)]\n?a(\n X)')).toEqual([
      [1, '+a[(1, 2),\n\n(3, 4)]'],
      [4, '?a(\n X)'],
    ])
  })

  test('brackets and comments within strings are none', () => {
    expect(texts('+a("([", "// \\" /*")\n+b(1)')).toEqual([
      [1, '+a("([", "// \\" /*")'],
      [2, '+b(1)'],
    ])
  })

  test('comments nest and reach over lines', () => {
    expect(texts('/* a /* b */\n+no(1) */ +a(1)\n+b(/* (\n*/2)')).toEqual([
      [2, '          +a(1)'],
      [3, '+b(    \n  2)'],
    ])
  })

  test('a line with balanced brackets is complete, whatever it ends in', () => {
    expect(texts('+a(X) <-\n+b(1),')).toEqual([
      [1, '+a(X) <-'],
      [2, '+b(1),'],
    ])
  })

  test('an unfinished statement ends before a command, at an open string, and at the end', () => {
    expect(texts('+a(1,\n.rel\n+b(2)')).toEqual([
      [1, '+a(1,'],
      [2, '.rel'],
      [3, '+b(2)'],
    ])
    expect(texts('+a("1, 2)\n+b(2)\n+c(')).toEqual([
      [1, '+a("1, 2)'],
      [2, '+b(2)'],
      [3, '+c('],
    ])
  })

  test('says whether it waits for more', () => {
    const reader = new StatementReader()
    const open = ['+a(', '// )', '1)', '/* (', '+b(1)', '*/'].map(line => {
      reader.push(line)
      return reader.isOpen
    })
    expect(open).toEqual([true, true, false, true, true, false])
  })

  test('an open comment is reported where it begins', () => {
    const reader = new StatementReader('a.iql')
    reader.push('+a(1)')
    reader.push('  /* b')
    reader.push('+c(1)')
    const [comment, ...rest] = reader.end()
    expect(rest).toEqual([])
    expect(() => parseStatement(comment!)).toThrowError(
      expect.objectContaining({
        message: expect.stringContaining('the comment is not closed'),
        details: { line: 2, column: 3, file: 'a.iql' },
      }),
    )
  })
})

// Pieces of the language, so that random text gets far into the grammar.
const pieces = [
  ...[
    '+',
    '-',
    '?',
    '.',
    '<-',
    '<',
    '!',
    '=',
    '@',
    ':',
    ',',
    '(',
    ')',
    '[',
    ']',
    '"',
    '\\',
    '/*',
    '*/',
    '//',
  ],
  ...[
    'edge',
    'r',
    'X',
    '_',
    '1',
    '-7',
    '1.5',
    '1e999',
    '99999999999999999999',
    '"a"',
    '"\\u0041"',
    'true',
    'null',
  ],
  ...[
    'int',
    'timestamp(',
    'bytes(',
    'kg',
    ' ',
    '\n',
    '\t',
    '\u2028',
    '\ud800',
    '😀',
    'é',
    '\0',
    'count<',
    'type',
  ],
]
const statements = [
  '+edge(1, "a")',
  '-edge[(1, 2), (X, [1.0, -2])]',
  '?edge(1, X, _) @ 750',
  '+edge(a: int, b: any)',
  '.kg use n',
]
/** A statement with a piece in it that may not belong there. */
const spoiled = fc
  .tuple(fc.constantFrom(...statements), fc.nat(40), fc.nat(3), fc.constantFrom(...pieces))
  .map(([text, at, length, piece]) => text.slice(0, at) + piece + text.slice(at + length))
const line = fc.oneof(
  fc.string({ unit: 'binary' }),
  spoiled,
  fc.array(fc.constantFrom(...pieces), { maxLength: 20 }).map(parts => parts.join('')),
)

test('random lines: always a statement, or an error with a place inside the text', () => {
  let parsed = 0
  let errors = 0
  fc.assert(
    fc.property(line, script => {
      const lines = script.split('\n')
      const inside = (error: unknown): void => {
        expect(error).toBeInstanceOf(InputError)
        const { code, details } = error as InputError
        expect(code).toBe('STATEMENT_INVALID')
        const { line: row, column } = details as { line: number; column: number }
        expect(lines[row - 1]).toBeDefined()
        expect(column).toBeGreaterThanOrEqual(1)
        expect(column).toBeLessThanOrEqual(lines[row - 1]!.length + 1)
        errors++
      }
      for (const source of readAll(script)) {
        try {
          parseStatement(source)
          parsed++
        } catch (error) {
          inside(error)
        }
      }
    }),
    { numRuns: 10_000 },
  )
  expect(errors).toBeGreaterThan(1000)
  expect(parsed).toBeGreaterThan(500)
})
