// Law: every value but NaN and the infinities can be written, and is read as itself.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseStatement } from '../../src/iql/parse.ts'
import { compareValues, Float, Timestamp, type Value } from '../../src/model/value.ts'
import { anyValue } from '../support/values.ts'

const decimal = (value: number): string => (/[.e]/.test(String(value)) ? String(value) : `${value}.0`)

/** A value as a statement has it; undefined if there is no such text. */
const literal = (value: Value): string | undefined => {
  if (value instanceof Float || (typeof value === 'number' && !Number.isInteger(value))) {
    const number = Number(value instanceof Float ? value.value : value)
    return Number.isFinite(number) ? decimal(number) : undefined
  }
  if (value instanceof Timestamp) return `timestamp(${value.ms})`
  if (value instanceof Uint8Array) return `bytes("${Buffer.from(value).toString('hex')}")`
  if (value instanceof Float32Array)
    return value.every(Number.isFinite) ? `[${Array.from(value, decimal).join(', ')}]` : undefined
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}

test('what is written is read', () => {
  let read = 0
  fc.assert(
    fc.property(anyValue(), value => {
      const text = literal(value)
      if (text === undefined) return
      const statement = parseStatement({ text: `+r(${text})`, line: 1 })
      if (statement.kind !== 'insert') throw new Error('no insert')
      expect(compareValues(statement.tuples[0]![0]!, value)).toBe(0)
      read++
    }),
    { numRuns: 5_000 },
  )
  expect(read).toBeGreaterThan(3_000)
})
