// Owns tables in boxes: `┌─┬┐ │ ├┼┤ └┴┘`. Rows come one by one; only the first ones are held, to find the widths.
import type { Value } from '../model/value.ts'
import { cellText, isNumber } from './cell.ts'

/** Rows that settle the widths. A longer cell behind them sticks out of its column. */
const WIDTH_ROWS = 10_000

const lengthOf = (text: string): number => {
  let length = 0
  for (const _ of text) length++
  return length
}

export class Box {
  readonly #titles: readonly string[]
  readonly #print: (line: string) => void
  readonly #widths: number[]
  /** Per column, whether it has held nothing but numbers. */
  readonly #numeric: boolean[]
  #held: string[][] | undefined = []

  constructor(titles: readonly string[], print: (line: string) => void) {
    this.#titles = titles
    this.#print = print
    this.#widths = titles.map(lengthOf)
    this.#numeric = titles.map(() => true)
  }

  #border(left: string, cross: string, right: string): void {
    this.#print(left + this.#widths.map(width => '─'.repeat(width + 2)).join(cross) + right)
  }

  #line(cells: readonly string[], toTheRight: readonly boolean[] = []): void {
    const padded = cells.map((cell, index) => {
      const blanks = ' '.repeat(Math.max(0, this.#widths[index]! - lengthOf(cell)))
      return toTheRight[index] ? ` ${blanks}${cell} ` : ` ${cell}${blanks} `
    })
    this.#print(`│${padded.join('│')}│`)
  }

  /** Prints what is held: from here on the widths are settled. */
  #settle(held: readonly (readonly string[])[]): void {
    this.#held = undefined
    this.#border('┌', '┬', '┐')
    this.#line(this.#titles)
    this.#border('├', '┼', '┤')
    for (const cells of held) this.#line(cells, this.#numeric)
  }

  /** Takes a row of as many values as there are titles. */
  row(values: readonly Value[]): void {
    const cells = values.map(cellText)
    const held = this.#held
    if (held === undefined) {
      this.#line(cells, this.#numeric)
      return
    }
    held.push(cells)
    for (const [index, cell] of cells.entries()) {
      this.#widths[index] = Math.max(this.#widths[index]!, lengthOf(cell))
      this.#numeric[index] &&= isNumber(values[index]!)
    }
    if (held.length === WIDTH_ROWS) this.#settle(held)
  }

  /** Prints what is left of the table. Requires that it has a row. */
  end(): void {
    if (this.#held !== undefined) this.#settle(this.#held)
    this.#border('└', '┴', '┘')
  }
}
