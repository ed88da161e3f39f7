// S5: every sync fails once, and the system keeps what it was to make durable, or gives it up: then it can still be read,
// later syncs succeed, and only a power failure shows the lie. Nothing is acknowledged on such ground: GB-32, LD-25, IL-06.
import { describe, expect, test } from 'vitest'
import { LONG } from '../support/long.ts'
import { type Fault, judgeEnd, liveOnce } from './crash.ts'
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
