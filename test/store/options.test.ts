import { describe, expect, test } from 'vitest'
import { MemoryDisk } from '../../src/disk/memory-disk.ts'
import type { Store } from '../../src/store/store.ts'
import { openOn } from '../support/stores.ts'

/** Every call that takes options, with what it needs besides. */
const calls: [string, (store: Store, options: never) => Promise<unknown>, string, string][] = [
  [
    'commit',
    (store, options) => store.commit([{ shard: 'a:b', data: [1], diff: 1 }], options),
    'tiem',
    'time',
  ],
  ['insert', (store, options) => store.insert('a:b', [[1]], options), 'tim', 'time'],
  ['delete', (store, options) => store.delete('a:b', [[1]], options), 'TIME', 'time'],
  ['snapshot', (store, options) => store.snapshot(options), 'as_of', 'asOf'],
  ['compact', (store, options) => store.compact(options), 'sinc', 'since'],
  ['rows', async (store, options) => (await store.snapshot()).rows('a:b', options).next(), 'were', 'where'],
  ['count', async (store, options) => (await store.snapshot()).count('a:b', options), 'wher', 'where'],
  [
    'toArrow',
    async (store, options) => (await store.snapshot()).toArrow('a:b', options),
    'colums',
    'columns',
  ],
  [
    'changes',
    async (store, options) =>
      (await store.snapshot()).changes('a:b', { from: 0, ...(options as object) } as never).next(),
    'form',
    'from',
  ],
]

describe.each(calls)('the options of %s', (name, call, misspelt, nearest) => {
  test('have no names but the known ones, and nothing happened', async () => {
    const store = await openOn(new MemoryDisk())
    await store.insert('a:b', [[7]])
    await expect(call(store, { [misspelt]: 0 } as never)).rejects.toMatchObject({
      name: 'InputError',
      code: 'OPTION_INVALID',
      details: { place: `options.${misspelt}`, nearest },
    })
    if (name !== 'changes')
      for (const wrong of [null, 7, 'options'])
        await expect(call(store, wrong as never)).rejects.toMatchObject({
          code: 'OPTION_INVALID',
          details: { place: 'options' },
        })
    expect(store.status().lsn).toBe(1)
    await store.close()
  })
})
