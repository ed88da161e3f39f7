// S2: crashes inside the opens that follow a crash, and inside the opens that follow those. The first may be a kill: then
// what the next open reads is in the page cache alone, and nothing may be built on it before it is durable.
// IL-30, GB-16 GB-18 GB-20, ND-16 ND-22, LD-16, OX-14.
import { describe, expect, test } from 'vitest'
import { LONG } from '../support/long.ts'
import { crashCrashedOpens, crashKilledOpens, liveOnce, moments } from './crash.ts'
import { Recoveries } from './recoveries.ts'
import { WORKLOADS } from './workloads.ts'

describe('a crash inside recovery, and inside the recovery after it (S2)', () => {
  test.each(WORKLOADS)(
    '$name',
    async workload => {
      const lived = await liveOnce(workload)
      const recoveries = new Recoveries(workload.settings)
      const width = 8
      const first = moments(lived.disk.trace.length, LONG ? 5 : 80)
      await crashKilledOpens(lived, first, { width, depth: 2 }, recoveries)
      await crashCrashedOpens(lived, first, { width, depth: 2 }, recoveries)
      // Killed and crashed, each cut off so often, and each of those again.
      expect(recoveries.judged).toBe(2 * first.length * (width + 1) * (1 + (width + 1)))
      expect(recoveries.judged).toBeGreaterThan(1200)
    },
    LONG ? 3_600_000 : 600_000,
  )
})
