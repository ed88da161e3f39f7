// S1: a crash after every call to the disk. Each acceptance row below says that what was acknowledged is there, whole
// commits and a prefix of them, that the store goes on, and that a clean end leaves nothing to replay:
// IL-06 IL-07 IL-08 IL-11 IL-21 IL-30, GB-16 GB-20 GB-21 GB-37, ND-10 ND-11 ND-16 ND-20 ND-21 ND-22, LD-13 LD-14 LD-16 LD-17,
// OX-14.
import { describe, expect, test } from 'vitest'
import { LONG } from '../support/long.ts'
import { crashLife, liveOnce, moments } from './crash.ts'
import { Recoveries } from './recoveries.ts'
import { WORKLOADS } from './workloads.ts'

/** Orders in which calls complete that are under way at the same time. */
const ORDERS = LONG ? [{}, { schedule: 1 }, { schedule: 2 }, { schedule: 3 }] : [{}]

describe('a crash after every call to the disk, under every model of what it leaves (S1)', () => {
  test.each(WORKLOADS)(
    '$name',
    async workload => {
      for (const options of ORDERS) {
        const lived = await liveOnce(workload, options)
        const calls = lived.disk.trace.length
        expect(calls).toBeGreaterThan(400)
        const recoveries = new Recoveries(workload.settings)
        await crashLife(lived, moments(calls), recoveries)
        expect(recoveries.judged).toBe(8 * (calls + 1))
        expect(recoveries.distinct).toBeGreaterThan(250)
      }
    },
    LONG ? 3_600_000 : 600_000,
  )
})
