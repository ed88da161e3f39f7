import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Columns, tupleAt } from '../../src/model/columns.ts'
import { consolidate } from '../../src/model/consolidate.ts'
import { conditionsOf, matching, narrowed, type Range } from '../../src/model/predicate.ts'
import { untyped } from '../../src/model/schema.ts'
import { compareValues, type Value } from '../../src/model/value.ts'
import { tupleText } from '../support/stores.ts'
import { anyValue, columnsFrom } from '../support/values.ts'

const anyRange = (): fc.Arbitrary<Range> =>
  fc
    .tuple(anyValue(), fc.constantFrom('gt' as const, 'gte' as const, 'lt' as const, 'lte' as const))
    .filter(([bound]) => bound !== null && !Number.isNaN(bound))
    .map(([bound, key]) => ({ [key]: bound }) as Range)

// Law: mayHold is false only where no value within the bounds meets the condition. What a condition holds for is
// checked against plain comparisons in test/store/reads.test.ts.
test('no bounds of values exclude what one of the values meets', () => {
  fc.assert(
    fc.property(
      fc.array(anyValue(), { minLength: 1, maxLength: 8 }),
      fc.oneof(anyValue(), anyRange(), fc.nat(7)),
      fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
      (values, asked, [knowsMin, knowsMax, leavesNaNOut]) => {
        const where = {
          col0:
            typeof asked === 'number' && [0, 1, 2, 3, 4, 5, 6, 7].includes(asked)
              ? (values[asked % values.length] as Value)
              : asked,
        }
        const [condition] = conditionsOf(where, untyped(1))
        const columns = columnsFrom(
          1,
          values.map(value => ({ data: [value], time: 0, diff: 1 })),
        )
        const holds = matching(columns, [condition!]).length > 0
        const bounded = values
          .filter(value => value !== null && !(leavesNaNOut && Number.isNaN(value)))
          .sort(compareValues)
        const may = condition!.mayHold({
          min: knowsMin ? bounded[0] : undefined,
          max: knowsMax ? bounded.at(-1) : undefined,
          someNull: values.includes(null),
          someValue: values.some(value => value !== null),
        })
        if (holds) expect(may).toBe(true)
      },
    ),
    { numRuns: 5000 },
  )
})

test.each<[string, Value | Range, Value, Value, boolean]>([
  ['a value below', 1, 2, 9, false],
  ['a value above', 10, 2, 9, false],
  ['a value within', 5, 2, 9, true],
  ['a bound that all are below', { gte: 10 }, 2, 9, false],
  ['a bound that the greatest just meets', { gte: 9 }, 2, 9, true],
  ['a bound that the greatest just misses', { gt: 9 }, 2, 9, false],
  ['a bound that the least just meets', { lte: 2 }, 2, 9, true],
  ['a bound that the least just misses', { lt: 2 }, 2, 9, false],
  ['a bound of a kind above', { gte: 'a' }, 2, 9, false],
  ['a bound of a kind below', { lte: true }, 2, 9, false],
  ['null where there is none', null, 2, 9, false],
])('bounds exclude %s', (_, asked, min, max, expected) => {
  const [condition] = conditionsOf({ col0: asked }, untyped(1))
  expect(condition!.mayHold({ min, max, someNull: false, someValue: true })).toBe(expected)
})

// Law: what is narrowed away holds no row that meets the conditions.
test('narrowing sorted rows leaves out nothing that meets the conditions', () => {
  fc.assert(
    fc.property(
      fc.array(anyValue(), { minLength: 1, maxLength: 5 }),
      fc.array(fc.tuple(fc.nat(4), fc.nat(4), fc.nat(4)), { maxLength: 40 }),
      fc.dictionary(fc.constantFrom('col0', 'col1', 'col2'), fc.oneof(fc.nat(4), anyRange()), { maxKeys: 3 }),
      (values, rows, asked) => {
        const value = (choice: number) => values[choice % values.length]!
        const columns = consolidate(
          columnsFrom(
            3,
            rows.map(row => ({ data: row.map(value), time: 0, diff: 1 })),
          ),
        )
        const where = Object.fromEntries(
          Object.entries(asked).map(([name, one]) => [name, typeof one === 'number' ? value(one) : one]),
        )
        const conditions = conditionsOf(where, untyped(3))
        const texts = (of: Columns) =>
          Array.from({ length: of.length }, (_, row) => tupleText(tupleAt(of, row)))
        const narrow = narrowed(columns, conditions)
        expect(texts(matching(narrow, conditions))).toEqual(texts(matching(columns, conditions)))
        if (conditions.length === 3 && conditions.every(({ point }) => point !== undefined))
          expect(narrow.length).toBeLessThanOrEqual(1)
      },
    ),
    { numRuns: 1000 },
  )
})
