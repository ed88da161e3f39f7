// Values at every edge, of every kind and mixed, come back from the buffer, from the log after a kill, from a batch and
// from a merged one (IL-17, R "values").
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MemoryDisk } from '../../src/disk/memory-disk.ts'
import type { Value } from '../../src/model/value.ts'
import { leftBy } from '../support/bytes.ts'
import { LONG } from '../support/long.ts'
import { Model } from '../support/model.ts'
import { openOn, read } from '../support/stores.ts'
import { anyTuple } from '../support/values.ts'
import { diskOf } from './store.ts'

const SHARD = 'a:values'

test('any values: buffer, log, batch, compaction', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(anyTuple(3), { minLength: 1, maxLength: 60 }), { minLength: 2, maxLength: 3 }),
      async commits => {
        const model = new Model()
        const disk = new MemoryDisk()
        const store = await openOn(disk)
        const expectSame = async (): Promise<void> =>
          expect(await read(store, SHARD)).toEqual(model.read(SHARD))
        for (const [time, tuples] of commits.entries()) {
          const updates = tuples.map((data: readonly Value[]) => ({ shard: SHARD, data, diff: 1 }))
          await store.commit(updates)
          model.commit(updates, time)
          await expectSame()
          const killed = await openOn(await diskOf(await leftBy(disk)))
          expect(await read(killed, SHARD)).toEqual(model.read(SHARD))
          await killed.close()
          await store.flush()
          await expectSame()
        }
        await store.compact()
        await expectSame()
        await store.close()
      },
    ),
    { numRuns: LONG ? 2_000 : 30 },
  )
})
