// Every bit, every length and every field of the documents (GB-17, GB-26, IL-18, rules 14, 15): store.json and what
// a shard has. Damage to a shard's document is damage to that shard; damage to store.json refuses the store.
import { beforeAll, describe, expect, test } from 'vitest'
import { decodeDocument, encodeDocument } from '../../src/shard/document.ts'
import { leftBy } from '../support/bytes.ts'
import { LONG } from '../support/long.ts'
import { openOn } from '../support/stores.ts'
import {
  bitFlips,
  contentsAt,
  diskOf,
  expectAnswer,
  expectRefusal,
  type Files,
  openingOf,
  smallStore,
  withFile,
} from './store.ts'

const STORE = 'store.json'
const DOCUMENT = 'shards/a_x.json'
const COMMITS = 4

let files: Files

beforeAll(async () => {
  files = await smallStore({ commits: COMMITS, flushed: COMMITS })
})

/** The shard a:x alone is damaged, with this code; b:y answers as ever. */
const expectIsolated = async (damaged: Files, codes: readonly string[], what: string): Promise<void> => {
  const outcome = await openingOf(damaged)
  expect(outcome.refused, what).toBeUndefined()
  expect(outcome.shards!.get('b:y'), what).toEqual(contentsAt(COMMITS))
  expect(outcome.shards!.get('a:x'), what).toMatchObject({
    code: 'SHARD_DAMAGED',
    details: { shard: 'a:x' },
    cause: { details: { file: expect.stringMatching(/^(shards|batches)\//) } },
  })
  const cause = (outcome.shards!.get('a:x') as Error).cause as {
    readonly code: string
    readonly message: string
  }
  expect(codes, `${what}: ${cause.message}`).toContain(cause.code)
}

describe('the bytes of a document', () => {
  test('store.json: every bit flipped is refused', async () => {
    for (const { offset, text } of bitFlips(files[STORE]!))
      expectRefusal(
        await openingOf(withFile(files, STORE, text)),
        'STORE_CORRUPT',
        { file: STORE },
        `bit of byte ${offset}`,
      )
  })

  test('store.json: every length, and anything behind it, is refused', async () => {
    const whole = files[STORE]!
    for (let length = 0; length < whole.length; length++)
      expectRefusal(
        await openingOf(withFile(files, STORE, whole.slice(0, length))),
        'STORE_CORRUPT',
        { file: STORE },
        `length ${length}`,
      )
    for (const tail of ['\0', '\n', ' ', whole, '\0'.repeat(4096)])
      expectRefusal(
        await openingOf(withFile(files, STORE, whole + tail)),
        'STORE_CORRUPT',
        { file: STORE },
        JSON.stringify(tail),
      )
  })

  test('of a shard: every bit flipped damages that shard alone', async () => {
    for (const { offset, text } of bitFlips(files[DOCUMENT]!)) {
      if (!LONG && offset % 16 !== 0) continue
      await expectIsolated(withFile(files, DOCUMENT, text), ['METADATA_CORRUPT'], `bit of byte ${offset}`)
    }
    for (const { offset, text } of bitFlips(files[DOCUMENT]!))
      expectRefusal(
        await openingOf(withFile(files, DOCUMENT, text), { settings: { damagedShard: 'refuse' } }),
        'METADATA_CORRUPT',
        { file: DOCUMENT },
        `bit of byte ${offset}`,
      )
  })

  test('of a shard: every length, and anything behind it, damages that shard alone', async () => {
    const whole = files[DOCUMENT]!
    for (let length = 0; length < whole.length; length++) {
      if (!LONG && length % 8 !== 0 && length < whole.length - 40) continue
      await expectIsolated(
        withFile(files, DOCUMENT, whole.slice(0, length)),
        ['METADATA_CORRUPT'],
        `length ${length}`,
      )
    }
    for (const tail of ['\0', '\n', ' ', whole])
      await expectIsolated(
        withFile(files, DOCUMENT, whole + tail),
        ['METADATA_CORRUPT'],
        JSON.stringify(tail),
      )
  })
})

describe('documents of others', () => {
  test('those of two shards swapped', async () => {
    const swapped = withFile(
      withFile(files, DOCUMENT, files['shards/b_y.json']),
      'shards/b_y.json',
      files[DOCUMENT],
    )
    const outcome = await openingOf(swapped)
    for (const shard of ['a:x', 'b:y'])
      expect(outcome.shards!.get(shard)).toMatchObject({
        code: 'SHARD_DAMAGED',
        cause: { code: 'METADATA_CORRUPT', details: { place: 'name' } },
      })
  })

  test('one of another store', async () => {
    const other = await smallStore({ commits: COMMITS, flushed: COMMITS })
    await expectIsolated(withFile(files, DOCUMENT, other[DOCUMENT]), ['METADATA_CORRUPT'], 'of another store')
  })

  test('store.json of another store: its log is not ours', async () => {
    const other = await smallStore({ commits: COMMITS, flushed: COMMITS })
    expectRefusal(
      await openingOf(withFile(files, STORE, other[STORE])),
      'WAL_FOREIGN',
      { file: 'wal/current.wal' },
      'store.json of another store',
    )
  })

  test('an older store.json: it does not know the newest batch', async () => {
    const disk = await diskOf(files)
    const store = await openOn(disk)
    await store.commit([{ shard: 'a:x', data: [5, 'c5'], diff: 1 }])
    await store.close()
    const later = await leftBy(disk)
    const outcome = await openingOf(withFile(later, STORE, files[STORE]))
    expectRefusal(outcome, 'STORE_CORRUPT', { file: STORE, place: 'nextBatch' }, 'an older store.json')
  })
})

/** Everything that a field may not be, and a little that it may. */
const HOSTILE: readonly unknown[] = [
  undefined,
  null,
  true,
  false,
  0,
  -1,
  1.5,
  2 ** 53,
  1e308,
  '',
  'x',
  '../../etc/passwd',
  '/etc/passwd',
  '__proto__',
  'a:\ud800',
  [],
  [null],
  [[]],
  {},
  JSON.parse('{"__proto__":{"name":"a:x"},"constructor":1,"length":-1}'),
]

/** Every place in a document: the keys that lead there. */
function* places(
  json: unknown,
  way: readonly (string | number)[] = [],
): Generator<readonly (string | number)[]> {
  if (way.length > 0) yield way
  if (typeof json !== 'object' || json === null) return
  for (const [key, value] of Object.entries(json))
    yield* places(value, [...way, Array.isArray(json) ? Number(key) : key])
}

/** `json` with another value at a place; without it if that is undefined. */
const replaced = (json: unknown, way: readonly (string | number)[], value: unknown): unknown => {
  const [key, ...rest] = way
  if (key === undefined) return value
  if (Array.isArray(json))
    return json.map((each, index) => (index === key ? replaced(each, rest, value) : each))
  const object = json as Record<string, unknown>
  return { ...object, [key]: replaced(object[key], rest, value) }
}

/** A document of these fields, with a checksum that holds. */
const documentOf = (fields: unknown): string =>
  Buffer.from(encodeDocument(fields as Record<string, unknown>)).toString('latin1')

const fieldsOf = (path: string): Record<string, unknown> =>
  decodeDocument(Buffer.from(files[path]!, 'latin1'), path, 'STORE_CORRUPT') as Record<string, unknown>

describe('every field of a document as everything it must not be, with a checksum that holds', () => {
  test('store.json: a typed error, or the same answer', async () => {
    const fields = fieldsOf(STORE)
    let refusals = 0
    for (const way of places(fields)) {
      for (const value of HOSTILE) {
        const what = `${way.join('.')} = ${JSON.stringify(value)}`
        const outcome = await openingOf(withFile(files, STORE, documentOf(replaced(fields, way, value))))
        if (outcome.refused === undefined) expectAnswer(outcome, COMMITS, what)
        else {
          refusals++
          expect(outcome.refused.details, what).toHaveProperty('file')
        }
      }
    }
    expect(refusals).toBeGreaterThan(150)
  })

  test('of a shard: that shard is damaged, or the same answer', async () => {
    const fields = fieldsOf(DOCUMENT)
    let refusals = 0
    for (const way of places(fields)) {
      for (const value of HOSTILE) {
        const what = `${way.join('.')} = ${JSON.stringify(value)}`
        // What a shard has of which everything cancelled out.
        if (what === 'batches = []') continue
        const outcome = await openingOf(withFile(files, DOCUMENT, documentOf(replaced(fields, way, value))))
        if (outcome.refused !== undefined) {
          expectRefusal(outcome, 'FORMAT_UNSUPPORTED', { file: DOCUMENT }, what)
          continue
        }
        expect(outcome.shards!.get('b:y'), what).toEqual(contentsAt(COMMITS))
        const found = outcome.shards!.get('a:x')
        if (!(found instanceof Error)) {
          expect(found, what).toEqual(contentsAt(COMMITS))
          continue
        }
        refusals++
        const { details } =
          (found as unknown as { code: string }).code === 'SHARD_DAMAGED'
            ? (found.cause as never)
            : (found as never)
        expect(details, what).toHaveProperty('file')
      }
    }
    expect(refusals).toBeGreaterThan(400)
  })
})
