import { describe, expect, test } from 'vitest'
import { float, type Value } from '../../src/model/value.ts'
import { Box } from '../../src/repl/box.ts'

const box = (titles: readonly string[], rows: Iterable<readonly Value[]>): string[] => {
  const lines: string[] = []
  const table = new Box(titles, line => lines.push(line))
  for (const row of rows) table.row(row)
  table.end()
  return lines
}

describe('a table', () => {
  test('stands its numbers to the right and everything else to the left', () => {
    expect(
      box(
        ['name', 'n', 'mixed'],
        [
          ['a', 1, 1],
          ['bc', float(10), null],
        ],
      ),
    ).toEqual([
      '┌──────┬──────┬───────┐',
      '│ name │ n    │ mixed │',
      '├──────┼──────┼───────┤',
      '│ "a"  │    1 │ 1     │',
      '│ "bc" │ 10.0 │ null  │',
      '└──────┴──────┴───────┘',
    ])
  })

  test('counts characters, not UTF-16 units', () => {
    expect(box(['x'], [['😀'], ['ab']])).toEqual([
      '┌──────┐',
      '│ x    │',
      '├──────┤',
      '│ "😀"  │',
      '│ "ab" │',
      '└──────┘',
    ])
  })

  test('prints from the 10,000th row on as rows come, with the widths found so far', () => {
    const lines: string[] = []
    const table = new Box(['n'], line => lines.push(line))
    for (let n = 0; n < 9_999; n++) table.row([n])
    expect(lines).toEqual([])
    table.row([9_999])
    expect(lines.length).toBe(10_003)
    table.row([1_000_000])
    expect(lines.slice(-2)).toEqual(['│ 9999 │', '│ 1000000 │'])
    table.end()
    expect(lines.at(-1)).toBe('└──────┘')
  })
})
