import { describe, expect, test } from 'vitest'
import type { CrashModel } from '../simulation/crash-model.ts'
import { SimulatedDisk } from '../simulation/disk.ts'
import { openOn } from '../support/stores.ts'
import { callsOf, commit, live, SETTINGS, start, survivors } from './workload.ts'

describe('a crash at every call to the disk', () => {
  const models = (disk: SimulatedDisk): CrashModel[] => [
    'synced',
    'all',
    'zeros',
    { torn: 7 },
    { prefix: Math.floor(disk.pending / 2) },
  ]

  // P1, P2, P3, P13: IL-06, IL-07, IL-08, IL-21, IL-30, GB-16, GB-20, GB-21, OX-14, ND-16, ND-21.
  test.each(['immediate', 'batched', 'async'] as const)(
    'mode %s',
    async durabilityMode => {
      const settings = { ...SETTINGS, durabilityMode }
      const calls = await callsOf(durabilityMode)
      let recoveries = 0
      for (let stopAfter = 1; stopAfter <= calls; stopAfter++) {
        const disk = new SimulatedDisk({ stopAfter })
        const progress = start()
        await live(disk, progress, false, settings).catch(() => {})
        disk.stop()
        for (const model of models(disk)) {
          const place = `mode ${durabilityMode}, dead after call ${stopAfter} of ${calls} (${disk.trace.at(-1)}), ${JSON.stringify(model)}`
          const found = disk.crash(model)
          const store = await openOn(found, settings).catch(error => {
            throw new Error(`${place}: ${error.message}`, { cause: error })
          })
          const there = await survivors(store)
          expect(there, place).toEqual(Array.from({ length: there.length }, (_, number) => number))
          expect(there.length, place).toBeLessThanOrEqual(progress.issued)
          const kept = durabilityMode === 'immediate' || (durabilityMode === 'batched' && model === 'all')
          if (kept) expect(there.length, place).toBeGreaterThanOrEqual(progress.acknowledged)
          // It goes on, and what it says then holds as well.
          await commit(store, { issued: there.length, acknowledged: 0, refused: [] })
          await store.close()
          const again = await openOn(found, settings)
          expect((await survivors(again)).length, place).toBe(there.length + 1)
          expect(again.status().recovery, place).toMatchObject({ total: 0, quarantined: [] })
          await again.close()
          recoveries++
        }
      }
      expect(recoveries).toBeGreaterThan(800)
    },
    300_000,
  )
})

// Everything is still in the page cache when the next process opens the store; then the power fails. What was read
// back must not have been built on sand: B8, B11.
describe('killed at every call, opened again, and then the power fails', () => {
  test('what the open found is still there', async () => {
    const calls = await callsOf('immediate')
    for (let stopAfter = 1; stopAfter <= calls; stopAfter++) {
      const disk = new SimulatedDisk({ stopAfter })
      const progress = start()
      await live(disk, progress, false).catch(() => {})
      disk.stop()
      const place = `dead after call ${stopAfter} of ${calls} (${disk.trace.at(-1)})`
      const next = disk.restart()
      const store = await openOn(next, SETTINGS)
      const there = await survivors(store)
      expect(there.length, place).toBeGreaterThanOrEqual(progress.acknowledged)
      next.stop()
      const last = await openOn(next.crash('synced'), SETTINGS)
      expect(await survivors(last), place).toEqual(there)
      await last.close()
    }
  }, 300_000)

  test('at any moment of that open', async () => {
    const calls = await callsOf('immediate')
    for (let stopAfter = 1; stopAfter <= calls; stopAfter += 3) {
      for (let step = 5; step < 120; step += 17) {
        const disk = new SimulatedDisk({ stopAfter })
        const again = start()
        await live(disk, again, false).catch(() => {})
        disk.stop()
        const next = disk.restart({ stopAfter: step })
        await openOn(next, SETTINGS).catch(() => {})
        next.stop()
        const place = `dead after call ${stopAfter} of ${calls}, then after call ${step} of the next open (${next.trace.at(-1)})`
        const last = await openOn(next.crash('synced'), SETTINGS).catch(error => {
          throw new Error(`${place}: ${error.message}`, { cause: error })
        })
        expect((await survivors(last)).length, place).toBeGreaterThanOrEqual(again.acknowledged)
        await last.close()
        if (!next.stopped) break
      }
    }
  }, 300_000)
})
