// S4: an error at every call to the disk, once and from then on. Nothing acknowledged is lost, nothing refused is there,
// nothing is doubled, and the store opens again: IL-02 IL-11, GB-31 GB-32, LD-11 LD-13 LD-25 LD-27.
import { describe, expect, test } from 'vitest'
import { LONG } from '../support/long.ts'
import { type Fault, judgeEnd, liveOnce } from './crash.ts'
import { Recoveries } from './recoveries.ts'
import { WORKLOADS } from './workloads.ts'

const CODES = ['EIO', 'ENOSPC', 'EDQUOT', 'EMFILE', 'EACCES'] as const

/** Which calls fail in which way: all of them, or some of them, each in one of the ways in turn. */
const faultsOf = (calls: number): Fault[] => {
  const faults: Fault[] = []
  for (let number = 1; number <= calls; number++) {
    const from = (_: string, call: number): boolean => call >= number
    for (const errno of CODES) {
      faults.push({ where: number, effect: { kind: 'fail', errno }, times: 'once' })
      faults.push({ where: from, effect: { kind: 'fail', errno }, times: 'always' })
    }
  }
  // 67 has no factor in common with the ten ways, so that each comes up as often as the others.
  return LONG ? faults : faults.filter((_, index) => index % 67 === 0)
}

describe('an error at every call to the disk (S4)', () => {
  test.each(WORKLOADS)(
    '$name',
    async workload => {
      const { disk } = await liveOnce(workload)
      const recoveries = new Recoveries(workload.settings)
      const faults = faultsOf(disk.trace.length)
      for (const [seed, fault] of faults.entries())
        await judgeEnd(await liveOnce(workload, {}, fault), seed, recoveries)
      expect(faults.length).toBeGreaterThan(60)
      expect(recoveries.judged).toBe(6 * faults.length)
    },
    LONG ? 7_200_000 : 600_000,
  )
})
