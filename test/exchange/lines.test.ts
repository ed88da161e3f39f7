import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type LineBlock, lineBlocks, MAX_LINE_BYTES } from '../../src/exchange/lines.ts'
import { sourceOf } from './source.ts'

const blocksOf = async (content: string | Uint8Array) => {
  const blocks: LineBlock[] = []
  for await (const block of lineBlocks(sourceOf(content))) blocks.push(block)
  return blocks
}

test('blocks are whole lines, together the file, each with the number of its first line', async () => {
  const long = fc.constantFrom(1, 1000, 100_000, 300_000, 600_000).map(size => 'x'.repeat(size))
  const line = fc.oneof(fc.constantFrom('', 'a', 'ä\u{1f600}'), long)
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 12 }), async lines => {
      const content = lines.join('\n')
      const blocks = await blocksOf(content)
      expect(blocks.map(({ text }) => text).join('')).toBe(content)
      let before = ''
      for (const { text, line } of blocks) {
        expect(line).toBe(before.split('\n').length)
        expect(before === '' || before.endsWith('\n')).toBe(true)
        before += text
      }
    }),
    { numRuns: 60 },
  )
})

test('a byte order mark is passed over, at the beginning and nowhere else', async () => {
  expect(await blocksOf('\ufeffa\n\ufeffb')).toEqual([{ text: 'a\n\ufeffb', line: 1 }])
  expect(await blocksOf('')).toEqual([])
})

test('what is not UTF-8 is refused with its line', async () => {
  const bad = Buffer.concat([Buffer.from('a\nä\n'), Buffer.from([0x62, 0xff, 10]), Buffer.from('c\n')])
  await expect(blocksOf(bad)).rejects.toMatchObject({ message: 'the line is not UTF-8', line: 3 })
  const late = Buffer.concat([Buffer.from('x'.repeat(99).concat('\n').repeat(10_000)), Buffer.from([0xc3])])
  await expect(blocksOf(late)).rejects.toMatchObject({ line: 10_001 })
  await expect(blocksOf(Buffer.from('\ufeffa', 'utf16le'))).rejects.toMatchObject({ line: 1 })
})

test('a line that would not fit memory is refused before it is read to its end', async () => {
  let readTo = 0
  const source = {
    size: async () => 2 ** 40,
    read: async (offset: number, length: number) => {
      readTo = offset + length
      return new Uint8Array(length).fill(120)
    },
  }
  const first = lineBlocks(source).next()
  await expect(first).rejects.toMatchObject({ message: expect.stringContaining('longer than'), line: 1 })
  expect(readTo).toBeLessThan(MAX_LINE_BYTES * 1.1)
})

test('progress counts the bytes', async () => {
  const seen: [number, number][] = []
  for await (const _ of lineBlocks(sourceOf('ab\n'.repeat(200_000)), (...at) => seen.push(at)));
  expect(seen).toEqual([
    [262_144, 600_000],
    [524_288, 600_000],
    [600_000, 600_000],
  ])
})

test('a file that becomes shorter is refused', async () => {
  const source = { size: async () => 10, read: async () => new Uint8Array(0) }
  await expect(lineBlocks(source).next()).rejects.toMatchObject({
    message: expect.stringContaining('shorter'),
    line: 1,
  })
})
