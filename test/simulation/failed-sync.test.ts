// S5: every sync fails once, and the system keeps what it was to make durable, or gives it up: then it can still be read,
// later syncs succeed, and only a power failure shows the lie. Nothing is acknowledged on such ground: GB-32, LD-25, IL-06.
import { describe, expect, test } from 'vitest'
import { LONG } from '../support/long.ts'
import { openOn, read } from '../support/stores.ts'
import { type Fault, judgeEnd, liveOnce } from './crash.ts'
import { SimulatedDisk } from './disk.ts'
import { Recoveries } from './recoveries.ts'
import { WORKLOADS } from './workloads.ts'

describe('every sync fails once (S5)', () => {
  test.each(WORKLOADS)(
    '$name',
    async workload => {
      const { disk } = await liveOnce(workload)
      const syncs = disk.trace.flatMap((call, index) => (call.startsWith('sync') ? [index + 1] : []))
      const recoveries = new Recoveries(workload.settings)
      let failed = 0
      for (const [index, number] of syncs.entries()) {
        for (const kind of ['fail', 'drop'] as const) {
          // In turn, so that all syncs fail, each in one of the two ways.
          if (!LONG && (index % 2 === 0) !== (kind === 'drop')) continue
          const fault: Fault = { where: number, effect: { kind, errno: 'EIO' }, times: 'once' }
          await judgeEnd(await liveOnce(workload, {}, fault), number, recoveries)
          failed++
        }
      }
      expect(failed).toBeGreaterThan(50)
      expect(recoveries.judged).toBe(6 * failed)
    },
    LONG ? 3_600_000 : 600_000,
  )
})

// Found by S5: the next open read the commit, was told that it is durable, and published a batch with a fence behind it;
// then the power failed, and the log ended before the fence.
test('what a failed sync gave up is written again by the open that reads it', async () => {
  const commit = (time: number) => ({ shard: 'a:b', data: [time], diff: 1, time })
  const disk = new SimulatedDisk()
  const store = await openOn(disk)
  await store.commit([commit(1)])
  disk.inject(/^sync wal/, { kind: 'drop', errno: 'EIO' })
  await expect(store.commit([commit(2)])).rejects.toMatchObject({ outcome: 'indeterminate' })
  disk.stop()
  const next = disk.restart()
  const again = await openOn(next)
  const calls = next.trace.length
  expect(await read(again, 'a:b')).toEqual({ '[1]': 1, '[2]': 1 })
  for (let moment = 0; moment <= calls; moment++) {
    const last = await openOn(next.crash('synced', {}, moment))
    const found = await read(last, 'a:b')
    expect(found, next.trace[moment - 1]).toMatchObject(
      moment === calls ? { '[1]': 1, '[2]': 1 } : { '[1]': 1 },
    )
    await last.close()
  }
})
