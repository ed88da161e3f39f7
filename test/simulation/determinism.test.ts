// S7: the same life makes the same calls and leaves the same bytes, also in the order that a schedule decides. What the
// other simulations find can therefore be had again, and equal disks need to be looked at once.
import { describe, expect, test } from 'vitest'
import { everything } from '../support/bytes.ts'
import { liveOnce } from './crash.ts'
import { WORKLOADS } from './workloads.ts'

describe('the same seed, the same trace, the same bytes (S7)', () => {
  test.each(WORKLOADS)('$name', async workload => {
    for (const schedule of [undefined, 1, 2]) {
      const options = schedule === undefined ? {} : { schedule }
      const one = await liveOnce(workload, options)
      const other = await liveOnce(workload, options)
      expect(one.disk.trace).toEqual(other.disk.trace)
      expect(await everything(one.disk.restart())).toEqual(await everything(other.disk.restart()))
      const found = [one, other].map(({ disk }) => disk.crash({ sectors: 3 }, {}, 200).digest())
      expect(found[0]).toBe(found[1])
    }
  })

  test('another seed is another order', async () => {
    const traces = await Promise.all(
      [1, 2, 3].map(async schedule => (await liveOnce(WORKLOADS[2]!, { schedule })).disk.trace.join('\n')),
    )
    expect(new Set(traces).size).toBe(3)
  })
})
