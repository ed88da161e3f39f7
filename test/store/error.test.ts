import { describe, expect, test } from 'vitest'
import { SimulatedDisk } from '../simulation/disk.ts'
import { openOn } from '../support/stores.ts'
import { callsOf, live, SETTINGS, start, survivors } from './workload.ts'

describe('an error at every call to the disk', () => {
  // GB-31, GB-32, IL-W6, IL-W8: nothing acknowledged is lost, nothing refused is there, nothing is doubled.
  test.each([
    ['once', 'EIO'],
    ['once', 'ENOSPC'],
    ['always', 'EIO'],
  ] as const)(
    '%s, %s',
    async (times, errno) => {
      const calls = await callsOf('immediate')
      for (let number = 1; number <= calls; number++) {
        const disk = new SimulatedDisk()
        disk.inject(
          times === 'once' ? number : () => disk.trace.length >= number,
          { kind: 'fail', errno },
          times,
        )
        const progress = start()
        await live(disk, progress, true).catch(() => {})
        const place = `${errno} ${times} at call ${number} (${disk.trace[number - 1]})`
        disk.stop()
        for (const model of ['all', 'synced'] as const) {
          const store = await openOn(disk.crash(model), SETTINGS).catch(error => {
            throw new Error(`${place}, ${model}: ${error.message}`, { cause: error })
          })
          const there = new Set(await survivors(store))
          expect(there.size, `${place}, ${model}`).toBeGreaterThanOrEqual(progress.acknowledged)
          for (const refused of progress.refused)
            expect(there.has(refused), `${place}, ${model}: ${refused}`).toBe(false)
          await store.close()
        }
      }
    },
    300_000,
  )
})
