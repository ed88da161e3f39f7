import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InputError } from '../../src/errors.ts'
import { type Column, type Columns, GrowingColumns } from '../../src/model/columns.ts'
import {
  type ColumnSchema,
  type ColumnType,
  declaredSchema,
  firstMismatch,
  floatIntegers,
  isColumnType,
  joinTypes,
  type Schema,
  typeOfColumn,
  untyped,
  widen,
} from '../../src/model/schema.ts'
import { Float, float, Kind, timestamp, type Value } from '../../src/model/value.ts'
import { anyValue } from '../support/values.ts'

const TYPES: readonly ColumnType[] = [
  'null',
  'boolean',
  'int32',
  'int64',
  'float64',
  'timestamp',
  'string',
  'bytes',
  'vector',
  'any',
]

/** One value of each type but `any`, which needs two. */
const SAMPLES: readonly (readonly [ColumnType, Value])[] = [
  ['boolean', true],
  ['int32', 7],
  ['int64', 2 ** 40],
  ['float64', 0.5],
  ['timestamp', timestamp(0)],
  ['string', 'x'],
  ['bytes', Uint8Array.of(1)],
  ['vector', Float32Array.of(1)],
]

const oneColumn = (...values: readonly Value[]): Columns => {
  const columns = new GrowingColumns(1)
  for (const value of values) columns.append([value], 0, 1)
  return columns.view()
}

const columnOf = (...values: readonly Value[]): Column => oneColumn(...values).data[0]!

const typeOfValues = (...values: readonly Value[]): ColumnType =>
  typeOfColumn(columnOf(...values), values.length)

describe('joining types', () => {
  test('is commutative, associative and idempotent, null is its zero and any its end', () => {
    for (const a of TYPES) {
      expect(joinTypes(a, a)).toBe(a)
      expect(joinTypes(a, 'null')).toBe(a)
      expect(joinTypes(a, 'any')).toBe('any')
      for (const b of TYPES) {
        expect(joinTypes(a, b)).toBe(joinTypes(b, a))
        for (const c of TYPES) expect(joinTypes(a, joinTypes(b, c))).toBe(joinTypes(joinTypes(a, b), c))
      }
    }
  })

  test('makes int64 of the integers and any of all other pairs', () => {
    for (const [a] of SAMPLES)
      for (const [b] of SAMPLES) {
        const integers = new Set([a, b, 'int32', 'int64']).size === 2
        expect(joinTypes(a, b)).toBe(a === b ? a : integers ? 'int64' : 'any')
      }
  })
})

describe('the type of a column', () => {
  test.each(SAMPLES)('%s', (type, value) => {
    expect(typeOfValues(value)).toBe(type)
    expect(typeOfValues(null, value, null, value)).toBe(type)
  })

  test('nothing, and nothing but nulls', () => {
    expect(typeOfValues()).toBe('null')
    expect(typeOfValues(null, null)).toBe('null')
  })

  test('int32 ends at its borders, wherever in the column that is', () => {
    expect(typeOfValues(2 ** 31 - 1, -(2 ** 31))).toBe('int32')
    expect(typeOfValues(1, 2, 2 ** 31)).toBe('int64')
    expect(typeOfValues(-(2 ** 31) - 1, 1)).toBe('int64')
    expect(typeOfValues(1, null, 2n ** 60n)).toBe('int64')
    expect(typeOfValues(2n ** 60n, 1)).toBe('int64')
  })

  test('an integral float makes no integer', () => {
    expect(typeOfValues(float(1), 0.5)).toBe('float64')
    expect(typeOfValues(float(1), 1)).toBe('any')
    expect(typeOfValues(1, 1, float(1))).toBe('any')
  })

  test('counts only the rows asked for', () => {
    expect(typeOfColumn(columnOf(1, 'x'), 1)).toBe('int32')
    expect(typeOfColumn(columnOf(1, 'x'), 2)).toBe('any')
  })

  test('is the join of the types of its values', () => {
    fc.assert(
      fc.property(fc.array(anyValue(), { maxLength: 6 }), values => {
        const joined = values.map(value => typeOfValues(value)).reduce(joinTypes, 'null')
        expect(typeOfValues(...values)).toBe(joined)
      }),
      { numRuns: 1000 },
    )
  })
})

const inferred = (type: ColumnType): Schema => [{ name: 'col0', type, declared: false }]
const declared = (type: ColumnType): Schema => [{ name: 'name', type, declared: true }]

describe('widening', () => {
  test('a schema that knows only the arity', () => {
    expect(untyped(0)).toEqual([])
    expect(untyped(2)).toEqual([
      { name: 'col0', type: 'null', declared: false },
      { name: 'col1', type: 'null', declared: false },
    ])
  })

  test('goes from null over one type to any, and never back', () => {
    const steps: readonly (readonly [Value, ColumnType])[] = [
      [null, 'null'],
      [1, 'int32'],
      [null, 'int32'],
      [2 ** 31, 'int64'],
      [1, 'int64'],
      ['x', 'any'],
      [1, 'any'],
    ]
    let schema = untyped(1)
    for (const [value, type] of steps) {
      schema = widen(schema, oneColumn(value))
      expect(schema).toEqual(inferred(type))
    }
  })

  test('a declared column never changes', () => {
    for (const type of TYPES)
      for (const [, value] of SAMPLES) {
        expect(widen(declared(type), oneColumn(value))).toEqual(declared(type))
      }
  })

  test('each column on its own', () => {
    const schema: Schema = [...declared('int64'), ...untyped(1)]
    const columns = new GrowingColumns(2)
    columns.append(['x', 'x'], 0, 1)
    expect(widen(schema, columns).map(({ type }: ColumnSchema) => type)).toEqual(['int64', 'string'])
  })

  test('in any order and by any parts gives the same', () => {
    fc.assert(
      fc.property(fc.array(anyValue(), { maxLength: 5 }), fc.array(anyValue(), { maxLength: 5 }), (a, b) => {
        const whole = widen(untyped(1), oneColumn(...a, ...b))
        expect(widen(widen(untyped(1), oneColumn(...b)), oneColumn(...a))).toEqual(whole)
      }),
      { numRuns: 500 },
    )
  })

  test('leaves the schema that it was given as it is', () => {
    const schema = untyped(1)
    widen(schema, oneColumn('x'))
    expect(schema).toEqual(untyped(1))
  })
})

describe('declaring a schema', () => {
  test('keeps names and types in order', () => {
    expect(
      declaredSchema(
        [
          { name: 'From', type: 'int64' },
          { name: '_to', type: 'any' },
          { name: `a${'b'.repeat(62)}`, type: 'vector' },
        ],
        'schema',
      ),
    ).toEqual([
      { name: 'From', type: 'int64', declared: true },
      { name: '_to', type: 'any', declared: true },
      { name: `a${'b'.repeat(62)}`, type: 'vector', declared: true },
    ])
    expect(declaredSchema([], 'schema')).toEqual([])
  })

  test.each(TYPES)('type %s', type => {
    const declare = (): Schema => declaredSchema([{ name: 'a', type: type as 'any' }], 'schema')
    if (type === 'null') expect(declare).toThrow(InputError)
    else expect(declare()).toEqual([{ name: 'a', type, declared: true }])
    expect(isColumnType(type)).toBe(true)
  })

  const refusedColumns: readonly (readonly [string, unknown])[] = [
    ['undefined', undefined],
    ['null', null],
    ['a string', 'a'],
    ['no name', { type: 'any' }],
    ['an empty name', { name: '', type: 'any' }],
    ['a name that is no string', { name: 1, type: 'any' }],
    ['a name that begins with a digit', { name: '1a', type: 'any' }],
    ['a name with a blank', { name: 'a b', type: 'any' }],
    ['a name with a quote', { name: 'a"', type: 'any' }],
    ['a name with a line break at its end', { name: 'a\n', type: 'any' }],
    ['a name beyond ASCII', { name: '\u00e9', type: 'any' }],
    ['a name of 64 characters', { name: 'a'.repeat(64), type: 'any' }],
    ['time', { name: 'time', type: 'any' }],
    ['diff', { name: 'diff', type: 'any' }],
    ['TIME, which DuckDB takes for time', { name: 'TIME', type: 'any' }],
    ['the name of another column', { name: 'first', type: 'any' }],
    ['the name of another column in capitals', { name: 'FIRST', type: 'any' }],
    ['no type', { name: 'a' }],
    ['an unknown type', { name: 'a', type: 'int16' }],
    ['the type null', { name: 'a', type: 'null' }],
    ['a type in capitals', { name: 'a', type: 'INT64' }],
    ['a type that is a property of every object', { name: 'a', type: 'constructor' }],
    ['a type that is a bigint', { name: 'a', type: 1n }],
    ['a type that is a symbol', { name: 'a', type: Symbol('int64') }],
  ]
  test.each(refusedColumns)('refuses %s with its place', (_, column) => {
    const declare = (): Schema =>
      declaredSchema([{ name: 'first', type: 'any' }, column as never], 'options.schema')
    expect(declare).toThrow(InputError)
    expect(declare).toThrow(
      expect.objectContaining({
        code: 'SCHEMA_INVALID',
        details: expect.objectContaining({ place: 'options.schema[1]' }),
      }),
    )
  })

  test('refuses a gap in the list with its place', () => {
    const gap = new Array(1)
    expect(() => declaredSchema(gap, 's')).toThrow(
      expect.objectContaining({ code: 'SCHEMA_INVALID', details: { place: 's[0]' } }),
    )
  })

  test.each([undefined, null, 'any', {}, 5])('refuses %j, which is no list', columns => {
    expect(() => declaredSchema(columns as never, 's')).toThrow(
      expect.objectContaining({ code: 'SCHEMA_INVALID', details: { place: 's' } }),
    )
  })

  test.each(['', 'INT32', 'toString', '__proto__', 'int16'])('%j is no type', text => {
    expect(isColumnType(text)).toBe(false)
  })
})

describe('the first row that a declared type does not allow', () => {
  test('is found for every type and value', () => {
    for (const [type] of SAMPLES)
      for (const [valueType, value] of SAMPLES) {
        const allowed = type === valueType || (type === 'int64' && valueType === 'int32')
        expect([type, valueType, firstMismatch(type, columnOf(null, value, value), 3)]).toEqual([
          type,
          valueType,
          allowed ? -1 : 1,
        ])
      }
  })

  test('is none in a column of any, and none among nulls', () => {
    expect(firstMismatch('any', columnOf(1, 'x', null), 3)).toBe(-1)
    for (const type of TYPES) expect(firstMismatch(type, columnOf(null, null), 2)).toBe(-1)
  })

  test('is an integer too large for int32, and a wide one among floats', () => {
    expect(firstMismatch('int32', columnOf(1, 2 ** 31 - 1, 2 ** 31), 3)).toBe(2)
    expect(firstMismatch('int32', columnOf(1, -(2 ** 31), -(2 ** 31) - 1), 3)).toBe(2)
    expect(firstMismatch('int64', columnOf(1, 2n ** 62n), 2)).toBe(-1)
    expect(firstMismatch('float64', columnOf(0.5, 2n ** 62n), 2)).toBe(1)
  })

  test('is sought only in the rows asked for', () => {
    expect(firstMismatch('string', columnOf('x', 1), 1)).toBe(-1)
    expect(firstMismatch('string', columnOf('x', 1), 2)).toBe(1)
  })
})

describe('a column declared float64 makes floats of integers (rules 11)', () => {
  test('and leaves everything else', () => {
    const columns = oneColumn(1, 2 ** 53 - 1, 0.5, null, true, 'x', 2n ** 60n, timestamp(1))
    floatIntegers(columns.data[0]!, columns.length)
    expect([...columns.data[0]!.kinds.subarray(0, columns.length)]).toEqual([
      Kind.float,
      Kind.float,
      Kind.float,
      Kind.null,
      Kind.boolean,
      Kind.string,
      Kind.wide,
      Kind.timestamp,
    ])
    expect(columns.data[0]!.payload[1]).toBe(2 ** 53 - 1)
  })

  test('after which integers are no mismatch, unless they are wide', () => {
    const column = columnOf(1, new Float(2), 0.5, 2n ** 60n)
    expect(firstMismatch('float64', column, 4)).toBe(0)
    floatIntegers(column, 4)
    expect(firstMismatch('float64', column, 4)).toBe(3)
  })

  test('in the rows asked for only', () => {
    const column = columnOf(1, 2)
    floatIntegers(column, 1)
    expect([...column.kinds.subarray(0, 2)]).toEqual([Kind.float, Kind.int])
  })
})
