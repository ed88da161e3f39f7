// Owns how a value looks in a cell of a table, and that no stored text can break a table or a terminal.
import { Float, Kind, kindOf, Timestamp, type Value } from '../model/value.ts'
import { printable } from '../text/printable.ts'

/** A longer cell is cut. */
const CELL_MAX = 40

/** A string as the language writes it. */
const quoted = (text: string): string => printable(JSON.stringify(text))

/** The shortest text that reads back as the float, with a point or an exponent. */
const floatText = (value: number): string => {
  const text = String(value)
  return /^-?[0-9]+$/.test(text) ? `${text}.0` : text
}

/** As {@link floatText}, for 32 bits: 0.1, and not the 17 digits of the nearest float of 64. */
const singleText = (value: number): string => {
  if (!Number.isFinite(value)) return String(value)
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits))
    if (Math.fround(short) === value) return floatText(short)
  }
  return floatText(value)
}

const timeText = ({ ms }: Timestamp): string => {
  const date = new Date(ms)
  return Number.isNaN(date.getTime()) ? `timestamp(${ms})` : date.toISOString()
}

/** The whole text, or at least as much of it as a cell shows. */
const textOf = (value: Value): string => {
  if (value === null || typeof value === 'boolean' || typeof value === 'bigint') return String(value)
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : floatText(value)
  // Each character is at least one of the text: what is far behind the cut is not worked out.
  if (typeof value === 'string') return quoted(value.slice(0, 2 * CELL_MAX + 2))
  if (value instanceof Float) return floatText(value.value)
  if (value instanceof Timestamp) return timeText(value)
  const shown = value.subarray(0, CELL_MAX)
  if (value instanceof Uint8Array) return `0x${Buffer.from(shown).toString('hex')}`
  return `[${Array.from(shown as Float32Array, singleText).join(', ')}]`
}

/** The cell of a value: at most 40 characters, the last of them `…` if it was cut. */
export const cellText = (value: Value): string => {
  const text = textOf(value)
  if (text.length <= CELL_MAX) return text
  const characters = Array.from(text)
  return characters.length <= CELL_MAX ? text : `${characters.slice(0, CELL_MAX - 1).join('')}…`
}

/** Whether the value is a number, which stands to the right in its cell. */
export const isNumber = (value: Value): boolean => {
  const kind = kindOf(value)
  return kind === Kind.int || kind === Kind.wide || kind === Kind.float
}
