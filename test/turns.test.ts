import { expect, test } from 'vitest'
import { Turns } from '../src/turns.ts'

test('work does not overlap, keeps its order, and goes on after a failure', async () => {
  const turns = new Turns()
  const seen: string[] = []
  const work = (name: string, fails = false) =>
    turns.take(async () => {
      seen.push(`${name} begins`)
      await new Promise(resolve => setImmediate(resolve))
      seen.push(`${name} ends`)
      if (fails) throw new Error(name)
      return name
    })
  const [a, b, c] = [work('a'), work('b', true), work('c')]
  await expect(b).rejects.toThrow('b')
  expect([await a, await c]).toEqual(['a', 'c'])
  expect(seen).toEqual(['a', 'b', 'c'].flatMap(name => [`${name} begins`, `${name} ends`]))
})

test('it is settled when everything that was handed in has ended, failed or not', async () => {
  const turns = new Turns()
  await turns.settled()
  let ended = 0
  for (let each = 0; each < 3; each++)
    turns
      .take(async () => {
        await new Promise(resolve => setImmediate(resolve))
        ended++
        throw new Error('no')
      })
      .catch(() => {})
  await turns.settled()
  expect(ended).toBe(3)
})
