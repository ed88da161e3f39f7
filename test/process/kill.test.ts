// IL-06, IL-07, IL-08, IL-30, GB-16, GB-37, ND-10, ND-11, ND-12, ND-16, ND-21, LD-13, OX-36: kill -9 in every mode, with flushes and
// compactions, by hand and by themselves, going on. The drill that users run does it, so its judge is shown to see lies.
import { describe, expect, test } from 'vitest'
import type { DurabilityMode } from '../../src/config/settings.ts'
import { type DrillReport, drill } from '../../src/drill/drill.ts'
import { scratchFolder } from '../support/scratch.ts'

const KILLS = process.env.VARVE_LONG === '1' ? 1000 : 50
const SEED = 20_261_121

/** A drill here runs from src/, its writers run from dist/. */
const WRITER = new URL('../../dist/drill/writer.js', import.meta.url)
const LIAR = new URL('./liar.js', import.meta.url)

const killed = async (mode: DurabilityMode, kills: number, seed: number, writer: URL): Promise<DrillReport> =>
  drill({ folder: await scratchFolder(), mode, kills, seed, writer })

describe('kill -9', () => {
  test.each([
    ['immediate', 0],
    ['batched', 0],
    // Order and wholeness, and no more.
    ['async', Number.POSITIVE_INFINITY],
    ['none', Number.POSITIVE_INFINITY],
  ] as const)(
    `mode %s: ${KILLS} times`,
    async (mode, lostMost) => {
      const report = await killed(mode, KILLS, SEED, WRITER)
      const place = JSON.stringify(report)
      expect(report, place).toMatchObject({ kept: true, kills: KILLS, doubled: 0, torn: 0, disordered: 0 })
      expect(report.lost, place).toBeLessThanOrEqual(lostMost)
      expect(report.recovered + report.lost, place).toBe(report.acknowledged)
      // The kills hit commits that were in no batch yet, and work of every kind, or this test would show little.
      expect(report.acknowledged, place).toBeGreaterThan(KILLS)
      expect(report.replayed, place).toBeGreaterThan(0)
      for (const [activity, times] of Object.entries(report.killedWhile))
        expect(times, `${activity} in ${place}`).toBeGreaterThan(0)
    },
    3_600_000,
  )
})

describe('the drill catches a writer', () => {
  test.each([
    ['that says too early that a commit is done', 0, ['lost']],
    ['that commits twice', 1, ['doubled']],
    ['that commits by halves', 2, ['torn']],
    ['that leaves a commit out', 3, ['disordered']],
  ] as const)('%s', async (_, lie, broken) => {
    const report = await killed('immediate', 5, lie, LIAR)
    const place = JSON.stringify(report)
    expect(report.kept, place).toBe(false)
    for (const figure of ['lost', 'doubled', 'torn', 'disordered'] as const)
      expect(report[figure] > 0, `${figure} in ${place}`).toBe(broken.some(each => each === figure))
    // It stops where it was broken.
    expect(report.kills, place).toBeLessThan(5)
  })

  test('that ends by itself', async () => {
    await expect(killed('immediate', 2, 4, LIAR)).rejects.toMatchObject({
      code: 'WRITER_FAILED',
      details: { run: 0, status: 1 },
      message: expect.stringContaining('this writer has enough'),
    })
  })
})
