// Columns on their way to another thread: what arrives is what was sent, and nobody is kept waiting for long.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Piece, piecesOf, transfersOf, Unpacking } from '../../src/batch/parcel.ts'
import { type Columns, GrowingColumns } from '../../src/model/columns.ts'
import { anyValue, columnsOf, type Row, rowsOf } from './columns-of.ts'

/** As a message does it: what is transferred is gone here. */
const sent = (piece: Piece): Piece => structuredClone(piece, { transfer: transfersOf(piece) })

const arrived = async (columns: Columns): Promise<Columns> => {
  const unpacking = new Unpacking()
  for await (const piece of piecesOf(columns)) unpacking.add(sent(piece))
  return unpacking.columns
}

test('the same rows and codes arrive, and what was sent stays as it is', async () => {
  const row = fc.tuple(fc.tuple(anyValue, anyValue), fc.nat(9), fc.constantFrom(1, -1))
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 40 }), async rows => {
      const columns = columnsOf(rows)
      const before = rowsOf(columns)
      const there = await arrived(columns)
      expect(rowsOf(there)).toEqual(before)
      expect(rowsOf(columns)).toEqual(before)
      for (const [index, { kinds, payload, heap }] of there.data.entries()) {
        expect(kinds).toEqual(columns.data[index]!.kinds.slice(0, columns.length))
        expect(payload).toEqual(columns.data[index]!.payload.slice(0, columns.length))
        expect(heap.values).toEqual(columns.data[index]!.heap.values)
      }
    }),
  )
})

test('no rows arrive as no rows', async () => {
  expect(rowsOf(await arrived(columnsOf([], 2)))).toEqual([])
})

test('bytes take nothing along that lies beside them', async () => {
  const large = new Uint8Array(1_000_000).fill(7)
  const columns = new GrowingColumns(1)
  columns.append([large.subarray(10, 13)], 1, 1)
  let bytes = 0
  for await (const piece of piecesOf(columns))
    if (piece.kind === 'values')
      for (const value of piece.values) bytes += (value as Uint8Array).buffer.byteLength
  expect(bytes).toBe(3)
})

test('a large buffer goes in many turns of the event loop, each with little of it', async () => {
  const ROWS = 300_000
  const columns = columnsOf(
    Array.from({ length: ROWS }, (_, row): Row => [[`the text of row ${row}`, row], row, 1]),
  )
  let turns = 0
  let isDone = false
  const count = (): void => {
    turns++
    if (!isDone) setImmediate(count)
  }
  setImmediate(count)
  let values = 0
  let most = 0
  for await (const piece of piecesOf(columns)) {
    if (piece.kind !== 'values') continue
    values += piece.values.length
    most = Math.max(most, piece.values.length)
  }
  isDone = true
  expect(values).toBe(ROWS)
  expect(most).toBeLessThan(10_000)
  expect(turns).toBeGreaterThan(30)
})
