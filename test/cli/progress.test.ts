import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { type Progress, surfaceBeside, withProgress } from '../../src/cli/progress.ts'

/** What a terminal, or something else, is shown of work during which a clock moves by itself. */
const shown = async (
  work: (progress: Progress) => void,
  { isTTY = true, stepMs = 600, taken = false }: { isTTY?: boolean; stepMs?: number; taken?: boolean } = {},
): Promise<string> => {
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 120 })
  let now = 5000
  const surface = { stream, now: () => (now += stepMs), taken }
  await withProgress('importing', async progress => work(progress), surface).catch(() => {})
  return stream.read()?.toString() ?? ''
}

const CLEARED = '\x1b[2K'

test('work of more than a second has a bar, which is gone in the end', async () => {
  const text = await shown(progress => {
    progress(1, 4)
    progress(2, 4)
    progress(3, 4)
  })
  expect(text).toContain('importing [')
  expect(text).toContain('50% | 2 of 4')
  expect(text).toContain('75% | 3 of 4')
  expect(text).not.toContain('1 of 4')
  expect(text.endsWith(CLEARED)).toBe(true)
})

test('a total that changes is shown', async () => {
  const text = await shown(progress => {
    progress(1, 4)
    progress(2, 4)
    progress(3, 30)
  })
  expect(text).toContain('10% | 3 of 30')
})

test('short work has none', async () => {
  const short = (progress: Progress): void => {
    for (let done = 0; done < 9; done++) progress(done, 9)
  }
  expect(await shown(short, { stepMs: 100 })).toBe('')
  expect(await shown(short, { stepMs: 200 })).toContain('55% | 5 of 9')
})

test('nothing is shown where there is no terminal', async () => {
  expect(await shown(progress => progress(1, 2), { isTTY: false, stepMs: 5000 })).toBe('')
})

test('nothing is drawn where rows are on the terminal', async () => {
  expect(surfaceBeside({ isTTY: true }).taken).toBe(true)
  expect(surfaceBeside({ isTTY: false }).taken).toBe(false)
  expect(surfaceBeside({}).taken).toBe(false)
  expect(await shown(progress => progress(1, 2), { stepMs: 5000, taken: true })).toBe('')
  expect(await shown(progress => progress(1, 2), { stepMs: 5000, taken: false })).toContain('1 of 2')
})

test('work that fails leaves no bar, and its error is what it was', async () => {
  const text = await shown(
    progress => {
      progress(1, 2)
      throw new Error('no')
    },
    { stepMs: 2000 },
  )
  expect(text).toContain('1 of 2')
  expect(text.endsWith(CLEARED)).toBe(true)
  const stream = Object.assign(new PassThrough(), { isTTY: true })
  const failing = withProgress('x', () => Promise.reject(new Error('no')), { stream, now: () => 0 })
  await expect(failing).rejects.toThrow('no')
})

test('the result of the work is passed on', async () => {
  expect(await withProgress('x', async () => 7)).toBe(7)
})
