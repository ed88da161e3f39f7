import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MemoryDisk } from '../../src/disk/memory-disk.ts'
import type { Range, Where } from '../../src/model/predicate.ts'
import type { Value } from '../../src/model/value.ts'
import type { Row } from '../../src/store/row.ts'
import type { Store } from '../../src/store/store.ts'
import { openOn, tupleText } from '../support/stores.ts'
import { anyFloat, anyInteger, anyText, anyValue } from '../support/values.ts'
import { type Answer, type Asked, Meaning } from './meaning.ts'

const SHARD = 'a:b'
const HISTORIES = process.env.VARVE_LONG === undefined ? 2_000 : 20_000

/** Two values of a tuple, as positions in the domain of a history. */
const anyPair = fc.tuple(fc.nat(7), fc.nat(3))

type Step =
  | {
      readonly kind: 'commit'
      readonly rows: readonly (readonly [readonly [number, number], number, number])[]
    }
  | { readonly kind: 'insert' | 'delete'; readonly rows: readonly (readonly [number, number])[] }
  | { readonly kind: 'compact'; readonly back: number | undefined }
  | { readonly kind: 'flush' | 'reopen' }

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .array(fc.tuple(anyPair, fc.constantFrom(-2, -1, 1, 2), fc.nat(2)), { minLength: 1, maxLength: 6 })
      .map(rows => ({ kind: 'commit' as const, rows })),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        fc.constantFrom('insert' as const, 'delete' as const),
        fc.array(anyPair, { minLength: 1, maxLength: 4 }),
      )
      .map(([kind, rows]) => ({ kind, rows })),
  },
  { weight: 3, arbitrary: fc.constantFrom('flush' as const, 'reopen' as const).map(kind => ({ kind })) },
  {
    weight: 1,
    arbitrary: fc.option(fc.nat(4), { nil: undefined }).map(back => ({ kind: 'compact' as const, back })),
  },
)

const anyAsked: fc.Arbitrary<Value | Range> = fc.oneof(
  anyValue(),
  fc
    .tuple(anyValue(), fc.constantFrom('gt' as const, 'gte' as const, 'lt' as const, 'lte' as const))
    .filter(([bound]) => bound !== null && !Number.isNaN(bound))
    .map(([bound, key]) => ({ [key]: bound }) as Range),
)

const anyQuestion: fc.Arbitrary<Question> = fc.record({
  after: fc.nat(8),
  back: fc.nat(8),
  columns: fc.constantFrom([0, 1], [0], [1], [1, 0], []),
  /** By column: anything, or a value that occurs. */
  where: fc.array(fc.tuple(fc.nat(1), fc.oneof(anyAsked, fc.record({ occurs: fc.nat(7) }))), {
    maxLength: 2,
  }),
})

interface Question {
  readonly after: number
  readonly back: number
  readonly columns: readonly number[]
  readonly where: readonly (readonly [number, Value | Range | { readonly occurs: number }])[]
}

const textOf = ({ data, diff }: Answer): string => `${tupleText(data)} ${diff}`

const textsOf = async (rows: AsyncIterable<Row>): Promise<string[]> => {
  const texts: string[] = []
  for await (const row of rows) texts.push(textOf(row))
  return texts
}

/** A store and the model that it has to agree with. */
class Life {
  readonly #disk = new MemoryDisk()
  readonly #meaning = new Meaning()
  readonly #domain: readonly Value[]
  #store: Store
  isThere = false

  private constructor(domain: readonly Value[], store: Store) {
    this.#domain = domain
    this.#store = store
  }

  static async begin(domain: readonly Value[]): Promise<Life> {
    const life = new Life(domain, undefined as unknown as Store)
    await life.#open()
    return life
  }

  async #open(): Promise<void> {
    this.#store = await openOn(this.#disk, { bufferSize: 5, autoCompactThreshold: 0 })
  }

  #tuple([first, second]: readonly [number, number]): Value[] {
    return [this.#domain[first]!, this.#domain[second]!]
  }

  async take(step: Step): Promise<void> {
    const { upper } = this.#meaning
    switch (step.kind) {
      case 'commit': {
        const updates = step.rows.map(([pair, diff, later]) => ({
          shard: SHARD,
          data: this.#tuple(pair),
          diff,
          time: upper + later,
        }))
        await this.#store.commit(updates)
        for (const { data, time, diff } of updates) this.#meaning.add(data, time, diff)
        this.isThere = true
        break
      }
      case 'insert':
      case 'delete': {
        const wanted = new Map(step.rows.map(pair => [tupleText(this.#tuple(pair)), this.#tuple(pair)]))
        const changed = [...wanted.values()]
          .map(data => ({ data, present: this.#meaning.multiplicity(data) }))
          .filter(({ present }) => present > 0 !== (step.kind === 'insert'))
        const { count } = await this.#store[step.kind](
          SHARD,
          step.rows.map(pair => this.#tuple(pair)),
        )
        expect(count).toBe(changed.length)
        for (const { data, present } of changed)
          this.#meaning.add(data, upper, step.kind === 'insert' ? 1 - present : -present)
        this.isThere ||= changed.length > 0
        break
      }
      case 'compact': {
        if (step.back === undefined || step.back >= upper || !this.isThere) await this.#store.compact()
        else {
          const since = upper - 1 - step.back
          await this.#store.compact({ since })
          this.#meaning.since = Math.max(this.#meaning.since, since)
        }
        break
      }
      case 'flush':
        await this.#store.flush()
        break
      case 'reopen':
        await this.#store.close()
        await this.#open()
        break
      default:
        step satisfies never
    }
    expect(this.#store.upper).toBe(this.#meaning.upper)
  }

  /** Compares an answer of the store with the model's; false if there is nothing to ask. */
  async ask({ after, back, columns, where }: Question): Promise<boolean> {
    const asOf = this.#meaning.upper - 1 - back
    if (asOf < 0 || !this.isThere) return false
    const asked: Asked = new Map(
      where.map(([column, what]) => [
        column,
        typeof what === 'object' && what !== null && 'occurs' in what ? this.#domain[what.occurs]! : what,
      ]),
    )
    const options = {
      columns: columns.map(column => `col${column}`),
      where: Object.fromEntries([...asked].map(([column, what]) => [`col${column}`, what])) as Where,
    }
    const snapshot = await this.#store.snapshot({ asOf })
    const tooEarly = { code: 'AS_OF_BEFORE_SINCE', details: { since: this.#meaning.since } }
    if (asOf < this.#meaning.since)
      await expect(textsOf(snapshot.rows(SHARD, options))).rejects.toMatchObject(tooEarly)
    else {
      const rows = this.#meaning.answer({ after: -1, asOf, columns, where: asked })
      expect(await textsOf(snapshot.rows(SHARD, options))).toEqual(rows.map(textOf))
      const whole = this.#meaning.answer({ after: -1, asOf, columns: [0, 1], where: asked })
      expect(await snapshot.count(SHARD, { where: options.where })).toEqual({
        distinct: whole.length,
        total: whole.reduce((sum, { diff }) => sum + diff, 0),
        present: whole.filter(({ diff }) => diff > 0).length,
      })
    }
    if (after <= asOf) {
      const changes = textsOf(snapshot.changes(SHARD, { ...options, from: after }))
      if (after < this.#meaning.since) await expect(changes).rejects.toMatchObject(tooEarly)
      else
        expect(await changes).toEqual(
          this.#meaning.answer({ after, asOf, columns, where: asked }).map(textOf),
        )
    }
    await snapshot.close()
    return true
  }

  close(): Promise<void> {
    return this.#store.close()
  }
}

// S9: IL-21, IL-35, IL-36: what is flushed, compacted, given up before `since` and read back changes no answer at or after `since`.
test(`any read of any of ${HISTORIES} histories is what a plain sum over it says`, async () => {
  let asked = 0
  await fc.assert(
    fc.asyncProperty(
      // Values of one kind have statistics in their row groups; mixed ones have none.
      fc.oneof(
        ...[anyValue(), anyFloat(), anyInteger(), anyText()].map(one =>
          fc.array(one, { minLength: 8, maxLength: 8 }),
        ),
      ),
      fc.array(anyStep, { minLength: 1, maxLength: 12 }),
      fc.array(anyQuestion, { minLength: 4, maxLength: 8 }),
      async (domain, steps, questions) => {
        const life = await Life.begin(domain)
        for (const step of steps) await life.take(step)
        for (const question of questions) if (await life.ask(question)) asked++
        await life.close()
      },
    ),
    { numRuns: HISTORIES },
  )
  expect(asked).toBeGreaterThan(HISTORIES * 3)
})
