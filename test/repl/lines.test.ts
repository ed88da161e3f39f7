import fc from 'fast-check'
import { expect, test } from 'vitest'
import { linesOf } from '../../src/repl/lines.ts'

async function* pieces(bytes: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length)
}

const lines = async (bytes: Uint8Array, length: number): Promise<string[]> => {
  const found: string[] = []
  for await (const line of linesOf(pieces(bytes, length), 'x.iql')) found.push(line)
  return found
}

test('lines are the same however the bytes come', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: fc.constantFrom('a', 'é', '😀', '"') })),
      fc.integer({ min: 1, max: 9 }),
      async (texts, length) => {
        for (const end of ['\n', '\r\n']) {
          const text = texts.map(line => line + end).join('')
          expect(await lines(new TextEncoder().encode(text), length)).toEqual(texts)
        }
      },
    ),
  )
})

test('the last line needs no end, and a byte order mark is none of it', async () => {
  expect(await lines(new TextEncoder().encode('\ufeffa\nb'), 1)).toEqual(['a', 'b'])
})

test('the lines before one that is not UTF-8 come first, also in one piece', async () => {
  const found: string[] = []
  const bytes = Uint8Array.from([97, 10, 0xc3, 0xa9, 10, 0xc3, 10, 98, 10])
  const reading = async (): Promise<void> => {
    for await (const line of linesOf(pieces(bytes, 100), 'x.iql')) found.push(line)
  }
  await expect(reading()).rejects.toMatchObject({ details: { line: 3 } })
  expect(found).toEqual(['a', 'é'])
})

test('a byte order mark is one at the beginning only', async () => {
  expect(await lines(new TextEncoder().encode('\ufeffa\n\ufeffb\n'), 100)).toEqual(['a', '\ufeffb'])
})

test('what is not UTF-8 is refused with its line', async () => {
  for (const bytes of [
    [97, 10, 10, 0xff],
    [97, 10, 10, 0xc3],
  ])
    await expect(lines(Uint8Array.from(bytes), 1)).rejects.toMatchObject({
      code: 'FILE_INVALID',
      details: { file: 'x.iql', line: 3 },
    })
})
