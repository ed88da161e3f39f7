// Commits of every shape, for properties that compare the fast way of a line with the plain one.
import fc from 'fast-check'
import type { Columns } from '../../src/model/columns.ts'
import { TIME_MAX } from '../../src/model/update.ts'
import { float, timestamp, type Value } from '../../src/model/value.ts'
import type { CommitRecord } from '../../src/wal/record.ts'
import { anyTuple, columnsFrom } from '../support/values.ts'

const anyNatural = (max: number = Number.MAX_SAFE_INTEGER): fc.Arbitrary<number> =>
  fc.oneof(
    fc.nat({ max: 20 }),
    fc.constantFrom(9, 10, 99, 100, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 1e9, 1e10, 1e14, max),
    fc.maxSafeNat().map(value => Math.min(value, max)),
  )

const anyDiff = (): fc.Arbitrary<number> =>
  fc.oneof(fc.constantFrom(1, -1), fc.maxSafeInteger()).filter(diff => diff !== 0)

/** A tuple such as most are. */
const commonTuple = (arity: number): fc.Arbitrary<Value[]> =>
  fc.array(
    fc.oneof(
      fc.constantFrom(null, true, false, 'x', 'ümlaut', '', 0.5, -0.25, 1.5e-7),
      fc.maxSafeInteger(),
      fc.integer({ min: -5, max: 500 }),
      fc.integer().map(timestamp),
      fc.integer({ min: 1 }).map(float),
    ),
    { minLength: arity, maxLength: arity },
  )

const anyColumns = (rows: number): fc.Arbitrary<Columns> =>
  fc.integer({ min: 0, max: 4 }).chain(arity =>
    fc
      .array(
        fc.record({
          data: fc.oneof(anyTuple(arity), { weight: 3, arbitrary: commonTuple(arity) }),
          time: anyNatural(TIME_MAX),
          diff: anyDiff(),
        }),
        {
          minLength: 1,
          maxLength: rows,
        },
      )
      .map(updates => columnsFrom(arity, updates)),
  )

const anyShard = (): fc.Arbitrary<string> =>
  fc.oneof(
    fc.constantFrom('default:edge', 'a', 'kg:node', '__proto__', 'ü:"\\', 'x\ny', '1', 'shard'),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }),
  )

/** One update, updates of one shard, or of several. */
const anyUpdates = (): fc.Arbitrary<Map<string, Columns>> =>
  fc.oneof(
    fc.tuple(anyShard(), anyColumns(1)).map(entry => new Map([entry])),
    fc.tuple(anyShard(), anyColumns(6)).map(entry => new Map([entry])),
    fc.array(fc.tuple(anyShard(), anyColumns(3)), { minLength: 1, maxLength: 4 }).map(list => new Map(list)),
  )

/** What a commit may have besides; mostly nothing. */
const anyRest = (): fc.Arbitrary<Partial<CommitRecord>> =>
  fc.oneof(
    { weight: 4, arbitrary: fc.constant({}) },
    fc.record({ id: fc.constantFrom('retry-1', 'ü"\n') }),
    fc.record({ import: fc.record({ id: fc.constant('f'), rows: anyNatural(), complete: fc.boolean() }) }),
    fc.constant({ declare: new Map([['other', [{ name: 'a', type: 'any', declared: true } as const]]]) }),
  )

/** A commit that can be. */
export const anyRecord = (): fc.Arbitrary<CommitRecord> =>
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc
        .record({
          lsn: anyNatural().map(lsn => lsn || 1),
          at: anyNatural(),
          updates: anyUpdates(),
          rest: anyRest(),
        })
        .map(({ rest, ...record }) => ({ ...record, ...rest })),
    },
    anyShard().map(shard => ({ lsn: 3, at: 1, drop: [shard], updates: new Map() })),
  )
